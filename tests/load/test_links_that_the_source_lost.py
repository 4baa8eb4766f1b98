"""A link that is still to be set, and that the source does not have any more by then: it is not set, and not remembered."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from etl.core.errors import RecordRejected
from etl.core.images import BeforeImage
from etl.core.outcomes import Bucket
from etl.core.records import Document, Ref, RunId, TargetId
from etl.load.outcomes import outcomes
from etl.load.planned import PlannedRecords
from etl.load.ports import LoadPorts
from etl.load.undo import Undoer, UndoResult
from etl.mapping.model import EntityMapping, SendNull
from etl.plan.steps import left_standing
from tests.load.world import KEYS, OPTIONS, PEOPLE, Rows, SilentProgress, World, key_of, mapping_of, person

CLEARED = mapping_of("person", "first_name", "last_name", "mother", on_missing="empty", send_null=SendNull.CLEAR)
LEFT = mapping_of("person", "first_name", "last_name", "mother", on_missing="empty")
PROVIDERS = mapping_of("provider", "name", "visits", "license")
CLEARED_PROVIDERS = mapping_of("provider", "name", "visits", send_null=SendNull.CLEAR)
VISITS = mapping_of("visit", "provider")
MOTHERS = [person("b"), person("c")]
B, C = key_of(PEOPLE, "b"), key_of(PEOPLE, "c")
MOST_POINTS = 50
"""More fail-points than any of these loads has."""


@contextmanager
def refusing_updates(world: World):
    """Casebook takes no PATCH for the time being: what is deferred stays pending."""

    async def refused(_target_id: TargetId, _document: Document) -> None:
        raise RecordRejected("Refused.", status=422)

    kept, world.target.update = world.target.update, refused
    yield
    world.target.update = kept


def promised(world: World, mapping: EntityMapping = PEOPLE) -> None:
    """Ana ("a") is in Casebook, and her mother ("b") is a link that could not be set yet."""
    load(world, mapping, mother=B, deferred=["mother"], refused=True)
    assert pending(world) == ["mother"]


def load(world: World, mapping: EntityMapping, *, refused: bool = False, **more: object) -> None:
    """Loads Ana, who refers to these, and the two who may be her mother; ``refused`` where Casebook takes no PATCH."""
    world.plan((mapping, [person("a", **more), *MOTHERS]))
    if refused:
        with refusing_updates(world):
            world.load()
    else:
        world.load()


def pending(world: World) -> list[str]:
    with world.open() as store:
        return [link.field for _, link in store.pending_links()]


def mother(world: World) -> str | None:
    """The name of Ana's mother in Casebook."""
    people = {each.id: each for each in world.target.of("person")}
    (ana,) = (each for each in people.values() if each.attributes["last_name"] == "a")
    link = ana.links.get("mother")
    return str(people[TargetId(link.id)].attributes["last_name"]) if isinstance(link, Ref) else None


def told(world: World) -> list[str]:
    """The fields of which the latest plan tells that Casebook keeps what the source has no more."""
    files = sorted((world.folder / f"planned-{world.plans}").glob("*.parquet"))
    return [name for file in files for each in pq.read_table(file).to_batches() for name, _ in left_standing(each)]


def buckets(world: World) -> Sequence[str]:
    """Where each record of the latest plan ends, once it was loaded again."""
    notes = world.load().notes
    with world.open() as store:
        found = list(outcomes(world.planned, store, notes, KEYS))
        return pa.Table.from_batches(found)["bucket"].to_pylist()


def test_it_is_not_set_and_nothing_is_told_to_be_left(world: World) -> None:
    promised(world)
    for _ in range(2):
        load(world, PEOPLE)
        assert (told(world), mother(world), pending(world)) == ([], None, [])
        assert set(buckets(world)) == {Bucket.UNCHANGED}
    assert world.target.updates == []
    assert world.verify().findings == []


def test_an_update_of_another_field_is_complete_without_it(world: World) -> None:
    promised(world)
    load(world, PEOPLE, middle_name="X")
    assert [document for _, document in world.target.updates] == [Document("person", {"middle_name": "X"}, {})]
    assert (told(world), mother(world), pending(world)) == ([], None, [])
    assert buckets(world)[0] == Bucket.UPDATED
    assert world.verify().findings == []


def test_a_cleared_field_is_sent_empty_and_not_set_after_that(world: World) -> None:
    promised(world, CLEARED)
    load(world, CLEARED)
    assert [document for _, document in world.target.updates] == [Document("person", {}, {"mother": None})]
    assert (mother(world), pending(world)) == (None, [])
    assert world.verify().findings == []


@pytest.mark.parametrize("deferred", [[], ["mother"]])
@pytest.mark.parametrize("mapping", [PEOPLE, CLEARED], ids=["left", "cleared"])
@pytest.mark.parametrize("again", ["b", "c"])
def test_it_is_set_once_the_source_has_it_again(
    world: World, mapping: EntityMapping, again: str, deferred: list[str]
) -> None:
    promised(world, mapping)
    load(world, mapping)
    load(world, mapping, mother=key_of(PEOPLE, again), deferred=deferred)
    assert (mother(world), pending(world)) == (again, [])
    assert world.verify().findings == []


def test_a_parent_that_is_sent_with_an_update_stays(world: World) -> None:
    promised(world)
    load(world, PEOPLE, mother=C)
    assert (mother(world), pending(world)) == ("c", [])
    assert world.verify().findings == []


@pytest.mark.parametrize("mapping", [PEOPLE, CLEARED], ids=["other parent", "cleared"])
def test_where_the_update_that_says_otherwise_is_refused_neither_is_set(world: World, mapping: EntityMapping) -> None:
    promised(world, mapping)
    other = {"mother": C} if mapping is PEOPLE else {}
    load(world, mapping, refused=True, **other)
    assert (mother(world), pending(world)) == (None, ["mother"])
    load(world, mapping, **other)
    assert (mother(world), pending(world)) == ("c" if other else None, [])


def test_a_field_that_left_the_mapping_is_not_set(world: World) -> None:
    promised(world)
    load(world, mapping_of("person", "first_name", "last_name"))
    assert (mother(world), pending(world)) == (None, [])


def test_a_record_that_is_not_in_the_plan_gets_what_was_promised(world: World) -> None:
    promised(world)
    world.plan((PEOPLE, MOTHERS))
    world.load()
    assert (mother(world), pending(world)) == ("b", [])


def visited(world: World, mapping: EntityMapping, *names: str, empty: list[str] | None = None) -> None:
    provider = {"id": "p", "name": "P", "visits": [key_of(VISITS, name) for name in names] or empty}
    visits = [{"id": name, "provider": key_of(PROVIDERS, "p")} for name in "xyz"]
    world.plan((mapping, [provider]), (VISITS, visits), deferred={"provider": ["visits"]})


@pytest.mark.parametrize("mapping", [PROVIDERS, CLEARED_PROVIDERS], ids=["left", "cleared"])
@pytest.mark.parametrize("empty", [None, []], ids=["null", "no parents"])
def test_a_link_that_holds_many_is_not_set_where_it_is_empty_by_now(
    world: World, mapping: EntityMapping, empty: list[str] | None
) -> None:
    visited(world, mapping, *"xyz")
    with refusing_updates(world):
        world.load()
    visited(world, mapping, empty=empty)
    world.load()
    cleared = [Document("provider", {}, {"visits": ()})] if mapping is CLEARED_PROVIDERS else []
    assert [document for _, document in world.target.updates] == cleared
    assert (told(world), pending(world), world.verify().findings) == ([], [], [])


def test_a_link_that_holds_many_is_set_to_what_the_source_has_by_now(world: World) -> None:
    visited(world, PROVIDERS, *"xyz")
    with refusing_updates(world):
        world.load()
    visited(world, PROVIDERS, *"xy")
    world.load()
    linked = world.target.of("provider")[0].links["visits"]
    assert isinstance(linked, tuple)
    assert (len(linked), pending(world), world.verify().findings) == (2, [], [])


@pytest.mark.parametrize("way", ["dies", "killed"])
@pytest.mark.parametrize("mapping", [PEOPLE, CLEARED], ids=["left", "cleared"])
def test_dying_at_any_point_of_it_changes_nothing(
    world: World, tmp_path: Path, mapping: EntityMapping, way: str
) -> None:
    promised(world, mapping)
    rows: Rows = [person("a", last_name="A"), *MOTHERS]
    for at in range(1, MOST_POINTS):
        again = world.copy(tmp_path.with_name(f"{tmp_path.name}-{at}"))
        again.plan((mapping, rows))
        ended = again.load_dying_at(at, way)
        again.load()
        assert pending(again) == []
        assert all(each.links.get("mother") is None for each in again.target.of("person"))
        assert again.verify().findings == []
        again.plan((mapping, rows))
        sent = len(again.target.updates)
        again.load()
        assert (told(again), len(again.target.updates)) == ([], sent), "what state remembers is the truth"
        shutil.rmtree(again.folder)
        if not ended:
            return
    pytest.fail("the load has more fail-points than this test tries")


@dataclass
class MemoryImages:
    """What records held before, unsealed."""

    kept: list[BeforeImage] = field(default_factory=list)

    async def keep(self, image: BeforeImage) -> None:
        self.kept.append(image)

    def read(self) -> Iterator[BeforeImage]:
        return iter(self.kept)

    def backwards(self) -> Iterator[BeforeImage]:
        return reversed(self.kept)


def undo(world: World, number: int, mapping: EntityMapping, images: MemoryImages) -> UndoResult:
    async def run() -> UndoResult:
        with world.open() as store:
            quiet = SilentProgress()
            ports = LoadPorts(world.catalog, KEYS, world.target, store, world.files, world.clock, quiet, images)
            planned = PlannedRecords(world.folder / f"planned-{number}", [mapping])
            return await Undoer(ports, planned, OPTIONS, RunId(f"run-{number}"), 4).run()

    return asyncio.run(run())


@pytest.mark.parametrize("mapping", [PEOPLE, CLEARED], ids=["left", "cleared"])
def test_undoing_the_run_that_ended_it_promises_it_again(world: World, mapping: EntityMapping) -> None:
    promised(world, mapping)
    world.images = images = MemoryImages()
    load(world, mapping)
    assert undo(world, 2, mapping, images).spared == []
    assert pending(world) == ["mother"]
    load(world, mapping, mother=B, deferred=["mother"])
    assert (mother(world), pending(world)) == ("b", [])


@pytest.mark.parametrize("mapping", [PEOPLE, CLEARED], ids=["left", "cleared"])
def test_undoing_that_run_and_the_one_before_leaves_nothing(world: World, mapping: EntityMapping) -> None:
    promised(world, mapping)
    world.images = images = MemoryImages()
    load(world, mapping)
    undo(world, 2, mapping, images)
    assert undo(world, 1, mapping, MemoryImages()).spared == []
    assert world.target.of("person") == []


def test_undoing_the_run_that_promised_it_finds_nothing_edited(world: World) -> None:
    promised(world)
    load(world, PEOPLE)
    result = undo(world, 1, PEOPLE, MemoryImages())
    assert (result.spared, world.names()) == ([], [])


@pytest.mark.parametrize("mapping", [CLEARED, LEFT], ids=["cleared", "left"])
def test_where_a_new_parent_could_not_be_loaded_the_earlier_one_is_remembered(
    world: World, mapping: EntityMapping
) -> None:
    world.plan((mapping, [MOTHERS[0], person("a", mother=B)]))
    world.load()
    world.target.faults = lambda _number, document: "rejected" if document.attributes["last_name"] == "c" else None
    world.plan((mapping, [*MOTHERS, person("a", mother=C)]))
    world.load()
    assert mother(world) == "b"
    load(world, mapping)
    assert (mother(world), told(world)) == ((None, []) if mapping is CLEARED else ("b", ["mother"]))


def test_of_a_link_that_holds_many_what_was_set_already_is_told(world: World) -> None:
    visited(world, PROVIDERS, "not loaded", *"xyz")
    world.load()
    assert (pending(world), len(world.target.of("provider")[0].links["visits"])) == (["visits"], 3)
    for _ in range(2):
        visited(world, PROVIDERS)
        world.load()
    assert (told(world), pending(world)) == (["visits"], [])


@pytest.mark.parametrize("more", [{}, {"first_name": "Bea"}], ids=["alone", "with another field"])
def test_a_link_that_was_set_by_a_run_which_died_before_it_knew_is_told(
    world: World, tmp_path: Path, more: dict[str, str]
) -> None:
    rows = [person("a", mother=B, deferred=["mother"]), *MOTHERS]
    load(world, LEFT)
    seen = set()
    for at in range(1, MOST_POINTS):
        again = world.copy(tmp_path.with_name(f"{tmp_path.name}-{at}"))
        again.plan((LEFT, rows))
        ended = again.load_dying_at(at, "killed")
        for _ in range(2):
            load(again, LEFT, **more)
        assert told(again) == (["mother"] if mother(again) else [])
        seen.add((mother(again), ended))
        shutil.rmtree(again.folder)
        if not ended:
            break
    assert seen == {(None, True), ("b", True), ("b", False)}


def promised_anew(world: World, mapping: EntityMapping) -> None:
    """Ana's mother is "b" in Casebook; that it is "c" could not be set yet."""
    load(world, mapping, mother=B, deferred=["mother"])
    load(world, mapping, mother=C, deferred=["mother"], refused=True)
    assert (mother(world), pending(world)) == ("b", ["mother"])


@pytest.mark.parametrize("mapping", [LEFT, CLEARED], ids=["left", "cleared"])
def test_what_stood_before_a_promise_that_was_not_kept_is_told_or_cleared(world: World, mapping: EntityMapping) -> None:
    promised_anew(world, mapping)
    load(world, mapping, mother=B, deferred=["mother"], refused=True)
    load(world, mapping, mother=C, deferred=["mother"], refused=True)
    for _ in range(2):
        load(world, mapping)
        assert (told(world), mother(world)) == ((["mother"], "b") if mapping is LEFT else ([], None))
        assert (pending(world), world.verify().findings) == ([], [])
    load(world, mapping, mother=B, deferred=["mother"])
    assert (told(world), mother(world), pending(world)) == ([], "b", [])
    load(world, mapping)
    assert (told(world), mother(world)) == ((["mother"], "b") if mapping is LEFT else ([], None))


def test_what_was_cleared_before_such_a_promise_is_not_told(world: World) -> None:
    promised_anew(world, CLEARED)
    load(world, CLEARED)
    load(world, CLEARED, mother=C, deferred=["mother"], refused=True)
    load(world, LEFT)
    assert (told(world), mother(world), pending(world)) == ([], None, [])


def test_a_promised_field_that_left_the_mapping_is_set_once_it_is_put_back(world: World) -> None:
    promised(world, LEFT)
    load(world, mapping_of("person", "first_name", "last_name"))
    load(world, LEFT, mother=B, deferred=["mother"])
    assert (mother(world), pending(world)) == ("b", [])


@contextmanager
def refusing_links(world: World) -> Iterator[None]:
    """Casebook takes a PATCH, but none that sets a link."""
    kept = world.target.update

    async def without_links(target_id: TargetId, document: Document) -> None:
        if document.links:
            raise RecordRejected("Refused.", status=422)
        await kept(target_id, document)

    world.target.update = without_links
    yield
    world.target.update = kept


def promised_and_undone(world: World, *, rounds: int = 1) -> None:
    """A run promised that Ana's mother is "c", which could not be set, and is undone."""
    world.images = images = MemoryImages()
    world.plan((LEFT, [person("a", first_name="Bea", mother=C, deferred=["mother"]), *MOTHERS]))
    with refusing_links(world):
        world.load()
    for _ in range(rounds):
        undo(world, world.plans, LEFT, images)
    world.images = None
    assert pending(world) == []


@pytest.mark.parametrize("rounds", [1, 2])
def test_what_stood_before_a_promise_that_was_undone_is_told(world: World, rounds: int) -> None:
    load(world, LEFT, mother=B, deferred=["mother"])
    promised_and_undone(world, rounds=rounds)
    load(world, LEFT)
    assert (told(world), mother(world)) == (["mother"], "b")


@pytest.mark.parametrize("rounds", [1, 2])
def test_a_promise_made_before_one_that_was_undone_is_kept(world: World, rounds: int) -> None:
    promised(world, LEFT)
    promised_and_undone(world, rounds=rounds)
    load(world, LEFT, mother=B, deferred=["mother"])
    assert (mother(world), pending(world)) == ("b", [])


def test_a_link_that_was_undone_is_not_set_again_while_its_record_is_in_no_plan(world: World) -> None:
    load(world, LEFT, mother=B, deferred=["mother"])
    world.images = images = MemoryImages()
    load(world, LEFT, mother=C, deferred=["mother"])
    undo(world, world.plans, LEFT, images)
    assert mother(world) == "b"
    world.plan((LEFT, MOTHERS))
    world.load()
    assert (mother(world), pending(world)) == ("b", [])
