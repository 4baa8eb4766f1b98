"""Records that were sent by somebody before and are found again: what they hold need not be what the source says now."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from etl.core.outcomes import Action, Bucket
from etl.core.records import RunId
from etl.load.notes import LoadNotes
from etl.load.outcomes import outcome_of, outcomes
from etl.load.planned import PlannedRecords
from etl.load.ports import LoadPorts
from etl.load.rebuild import Rebuilder
from etl.load.undo import Undoer
from etl.mapping.model import EntityMapping, SendNull
from etl.plan.steps import left_standing
from etl.state import SqlStore
from tests.load.world import KEYS, OPTIONS, PEOPLE, QUIET_S, SilentProgress, World, key_of, mapping_of, person

FIELDS = ("first_name", "last_name", "middle_name", "mother")
CLEARED = mapping_of("person", *FIELDS, on_missing="empty", send_null=SendNull.CLEAR)
MOTHER = person("b")
LINKED = {"mother": key_of(PEOPLE, "b"), "deferred": ["mother"]}
MOST_POINTS = 40
"""More fail-points than any of these loads has."""


def unclear(world: World, mapping: EntityMapping = PEOPLE, **more: object) -> None:
    """Ana ("a") is in Casebook, and a run could not find that out."""
    world.target.blind, world.target.faults = {"person"}, _loses_ana
    world.plan((mapping, [MOTHER, person("a", **more)]))
    world.load()
    world.target.blind, world.target.faults = set(), lambda _number, _document: None
    assert world.state_of(mapping, "a") == "uncertain"


def _loses_ana(_number: int, document: object) -> str | None:
    return "lost_after" if getattr(document, "attributes", {})["last_name"] == "a" else None


def load(world: World, mapping: EntityMapping = PEOPLE, **more: object) -> Sequence[str]:
    """Loads Ana as the source has her now; where each record ends."""
    world.plan((mapping, [MOTHER, person("a", **more)]))
    notes = world.load().notes
    with world.open() as store:
        return pa.Table.from_batches(list(outcomes(world.planned, store, notes, KEYS)))["bucket"].to_pylist()


def ana(world: World) -> dict[str, object]:
    """What Casebook shows of her."""
    (shown,) = (each for each in world.target.of("person") if each.attributes["last_name"] == "a")
    return {**shown.attributes, **shown.links}


def told(world: World) -> list[str]:
    """The fields of which the latest plan tells that Casebook keeps what the source has no more."""
    files = sorted((world.folder / f"planned-{world.plans}").glob("*.parquet"))
    return [name for file in files for each in pq.read_table(file).to_batches() for name, _ in left_standing(each)]


@pytest.mark.parametrize("mapping", [PEOPLE, CLEARED], ids=["left", "cleared"])
def test_what_one_held_that_was_outside_the_plan_when_it_was_found_is_told_or_cleared(
    world: World, mapping: EntityMapping
) -> None:
    unclear(world, mapping, middle_name="Sol", **LINKED)
    world.plan((mapping, [MOTHER]))
    world.load()
    assert (world.state_of(mapping, "a"), ana(world).get("mother")) == ("created", None)
    for _ in range(2):
        load(world, mapping, **LINKED)
        assert told(world) == (["middle_name"] if mapping is PEOPLE else [])
        assert ana(world).get("middle_name") == ("Sol" if mapping is PEOPLE else None)
    assert ana(world)["mother"] is not None, "everything is sent again, links too"
    assert world.verify().findings == []


@pytest.mark.parametrize("is_planned", [True, False])
@pytest.mark.parametrize("mapping", [PEOPLE, CLEARED], ids=["left", "cleared"])
def test_a_link_that_was_never_set_and_that_the_source_lost_is_not_told_as_left(
    world: World, mapping: EntityMapping, is_planned: bool
) -> None:
    unclear(world, mapping, middle_name="Sol", **LINKED)
    world.plan((mapping, [MOTHER, *([person("a")] if is_planned else [])]))
    world.load()
    for _ in range(2):
        load(world, mapping)
        assert told(world) == (["middle_name"] if mapping is PEOPLE else [])
    assert "mother" not in ana(world), "nothing was to be cleared there"
    load(world, mapping, **LINKED)
    assert ana(world)["mother"] is not None
    assert world.verify().findings == []


def test_a_link_that_was_sent_with_the_record_is_told_as_left(world: World) -> None:
    world.plan((PEOPLE, [MOTHER]))
    world.load()
    unclear(world, mother=LINKED["mother"])
    for _ in range(3):
        load(world)
    assert (told(world), ana(world)["mother"] is not None) == (["mother"], True)


def test_one_that_an_earlier_run_sent_counts_as_pending_until_it_holds_what_the_source_says(world: World) -> None:
    unclear(world, middle_name="Sol")
    assert load(world, middle_name="Mar") == [Bucket.UNCHANGED, Bucket.PENDING]
    assert ana(world)["middle_name"] == "Sol"
    assert load(world, middle_name="Mar") == [Bucket.UNCHANGED, Bucket.UPDATED]
    assert ana(world)["middle_name"] == "Mar"


@pytest.mark.parametrize("action", [Action.CREATE, Action.ADOPT, Action.BLOCKED])
def test_one_that_is_found_as_ours_is_created_whatever_the_plan_took_it_for(world: World, action: Action) -> None:
    load(world, middle_name="Sol")
    key = key_of(PEOPLE, "a")
    (record,) = world.planned.find([key]).values()
    with world.open() as store:
        known = store.known([key])[key]
    found = outcome_of(record._replace(action=action), known, LoadNotes(), KEYS)
    assert found.bucket is Bucket.CREATED


def test_one_that_holds_what_the_source_says_is_created_though_a_parent_was_left_out(world: World) -> None:
    absent = {"mother": key_of(PEOPLE, "nobody")}
    unclear(world, **absent)
    assert load(world, **absent) == [Bucket.UNCHANGED, Bucket.CREATED]


@pytest.mark.parametrize("way", ["dies", "killed"])
def test_in_a_doubted_state_one_is_compared_wherever_the_run_before_died(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    (tmp_path / "old").mkdir()
    old = World(tmp_path / "old")
    old.plan((PEOPLE, [MOTHER]))
    old.load()
    newest = old.copy(tmp_path / "newest")
    load(newest, middle_name="Sol")
    monkeypatch.setattr(SqlStore, "is_doubted", lambda _store: True)
    for at in range(1, MOST_POINTS):
        again = old.copy(tmp_path / f"dies-{at}")
        again.target.records |= newest.target.records
        again.plan((PEOPLE, [MOTHER, person("a", middle_name="Mar")]))
        ended = again.load_dying_at(at, way)
        again.load()
        load(again, middle_name="Mar")
        assert ana(again)["middle_name"] == "Mar"
        shutil.rmtree(again.folder)
        if not ended:
            return
    pytest.fail("the load has more fail-points than this test tries")


def test_one_that_a_rebuilding_could_not_see_is_brought_up_to_date_once_it_is_found(world: World) -> None:
    load(world, middle_name="Sol")
    for file in world.folder.glob("state.db*"):
        file.unlink()
    world.plan((PEOPLE, [MOTHER, person("a", middle_name="Mar")]))
    world.target.blind = {"person"}
    with world.open() as store:
        asyncio.run(Rebuilder(ports(world, store), world.planned, OPTIONS, QUIET_S).run())
    world.target.blind = set()
    assert world.state_of(PEOPLE, "a") == "uncertain"
    for _ in range(2):
        load(world, middle_name="Mar")
    assert (ana(world)["middle_name"], len(world.target.of("person"))) == ("Mar", 2)


@pytest.mark.parametrize("more", [{"middle_name": "Sol"}, LINKED], ids=["plain", "with a link to be set"])
def test_one_that_undoing_its_run_finds_is_removed_with_the_run(world: World, more: dict[str, object]) -> None:
    unclear(world, **more)
    undo(world)
    assert world.target.of("person") == []


@pytest.mark.parametrize("later", ["finds it", "finds it unplanned", "sees it no more than before"])
def test_one_that_a_later_run_asks_about_is_undone_with_the_run_that_sent_it(world: World, later: str) -> None:
    unclear(world)
    sent = world.planned
    world.target.blind = {"person"} if later.startswith("sees") else set()
    world.plan((PEOPLE, [MOTHER, *([] if later.endswith("unplanned") else [person("a")])]))
    world.load()
    world.target.blind = set()
    undo(world, "run-1", sent)
    assert world.target.of("person") == []


def test_an_attachment_that_undoing_its_run_finds_without_its_bytes_is_removed_with_the_run(world: World) -> None:
    scans = mapping_of("attachment", "target", "file_name", "file", refer_to=[PEOPLE])
    world.target.blind, world.target.faults = (
        {"attachment"},
        lambda _number, document: "lost_after" if document.entity == "attachment" else None,
    )
    world.plan(
        (PEOPLE, [MOTHER]), (scans, [{"id": "s", "target": LINKED["mother"], "file_name": "s.pdf", "file": "s"}])
    )
    world.load()
    world.target.blind = set()
    assert (world.state_of(scans, "s"), len(world.target.of("attachment"))) == ("uncertain", 1)
    undo(world)
    assert world.target.records == {}


def test_one_that_undoing_its_run_finds_and_spares_gets_its_links_from_the_next_run(world: World) -> None:
    world.plan((PEOPLE, [MOTHER]))
    world.load()
    unclear(world, **LINKED)
    (shown,) = (each for each in world.target.of("person") if each.attributes["last_name"] == "a")
    shown.attributes["middle_name"] = "somebody wrote this"
    undo(world)
    assert shown in world.target.of("person")
    load(world, **LINKED)
    assert ana(world)["mother"] is not None


def undo(world: World, name: str = "", planned: PlannedRecords | None = None) -> None:
    """Undoes a run with its records, the latest by default; it has ended."""
    run = RunId(name or f"run-{world.plans}")
    with world.open() as store:
        store.finish_run(run, "2026-07-01T00:00:00+00:00", 1)
    with world.open() as store:
        asyncio.run(Undoer(ports(world, store), planned or world.planned, OPTIONS, run, 4).run())


def ports(world: World, store: SqlStore) -> LoadPorts:
    return LoadPorts(world.catalog, KEYS, world.target, store, world.files, world.clock, SilentProgress())
