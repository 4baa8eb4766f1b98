"""A state that is not the newest: copied, restored or lost. It is found out before it doubles anything, and can be mended."""

from __future__ import annotations

import asyncio
import random
import shutil
import sqlite3
from collections import Counter
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from etl.core.changes import MarkRejected
from etl.core.errors import StateOutdated
from etl.core.keys import marker
from etl.core.outcomes import DECIDED_ABSENT, RecordState
from etl.core.ports import Fence
from etl.core.records import Document, RemoteRecord, TargetId
from etl.core.state_port import KnownRecord
from etl.load.freshness import NEWEST
from etl.load.markers import read_marker
from etl.load.ports import LoadPorts
from etl.load.rebuild import Rebuilder
from etl.mapping.model import EntityMapping
from etl.state import SqlStore, open_store
from etl.state.backups import copy_to
from etl.state.keeper import Guard
from tests.e2e.pictures import is_intact
from tests.load.world import (
    CASES,
    KEYS,
    MEMBERS,
    OPTIONS,
    PEOPLE,
    QUIET_S,
    FakeClock,
    MemoryFiles,
    Rows,
    SilentProgress,
    World,
    case,
    key_of,
    mapping_of,
    person,
)

NOTES = mapping_of("note", "subject", "body", "note_type", "target", refer_to=[CASES])
ADDRESSES = mapping_of("person_address", "person", "city", "zip_code")
SEED = 20260322


@dataclass
class Guarded(World):
    """A world whose state database has a witness."""

    witnesses: Path = field(default_factory=Path)
    ask_first: bool = False

    def open(self) -> SqlStore:
        guard = Guard(self.witnesses, self.ask_first)
        path = self.folder / "state.db"
        return open_store(
            path, project="p", target="t", key_check="c", run_command="run", clock=self.clock, guard=guard
        )


@pytest.fixture
def guarded(tmp_path: Path) -> Guarded:
    (tmp_path / "world").mkdir()
    return Guarded(tmp_path / "world", witnesses=tmp_path / "witnesses")


def rows(people: int = 16) -> list[tuple[EntityMapping, Rows]]:
    """Records with markers by filter and by sweep, children told by their content, twins among them."""
    ids = [str(number) for number in range(people)]
    one = key_of(CASES, "c0")
    members = [
        {"id": f"{each}{twin}", "case": one, "person": key_of(PEOPLE, each), "role": "Child"}
        for each in ids[: people // 2]
        for twin in "xy"
    ]
    note = {"body": "text", "note_type": "General", "target": one}
    addresses = [{"id": each, "person": key_of(PEOPLE, each), "city": "Dayton"} for each in ids]
    return [
        (PEOPLE, [person(each) for each in ids]),
        (CASES, [case(f"c{number}") for number in range(6)]),
        (MEMBERS, members),
        (ADDRESSES, addresses),
        (NOTES, [{"id": each, "subject": each, **note} for each in ids]),
    ]


EXPECTED = Counter(person=16, case=6, case_person=16, person_address=16, note=16)


@dataclass
class Moment:
    """What there was when a POST arrived: a copy of the state, and the records of the server."""

    state: Path
    records: dict[TargetId, RemoteRecord]


def loaded_with_moments(world: World, folder: Path) -> list[Moment]:
    """Loads everything and keeps what there was at each POST."""
    world.plan(*rows())
    moments: list[Moment] = []
    watched = type(world.target).create

    async def create(target: object, document: Document, fence: Fence | None = None) -> object:
        copy = folder / f"moment-{len(moments)}.db"
        copy_to(world.folder / "state.db", copy)
        moments.append(Moment(copy, dict(world.target.records)))
        return await watched(world.target, document, fence)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(world.target), "create", create)
        world.load()
    moments.append(Moment(world.folder / "state.db", dict(world.target.records)))
    return moments


def restored(world: Guarded, moment: Moment, folder: Path, records: dict[TargetId, RemoteRecord]) -> Guarded:
    """The project with the state of an earlier moment, at a server that has gone on."""
    folder.mkdir()
    shutil.copy(moment.state, folder / "state.db")
    twin = Guarded(folder, witnesses=world.witnesses, plans=world.plans, ask_first=True)
    twin.planned = world.planned
    twin.target.records |= records
    return twin


def counts(world: World) -> Counter[str]:
    return Counter(record.entity for record in world.target.records.values())


def settle_absent(world: World) -> int:
    """What a person does about held records of an entity of which nothing of ours is there."""
    there = counts(world)
    with world.open() as store:
        held = [each for each in store.in_state(RecordState.UNCERTAIN) if not there[each.entity]]
        for each in held:
            store.commit(MarkRejected(each.key, None, DECIDED_ABSENT)).result(timeout=10)
    return len(held)


def finish(world: World) -> int:
    """Loads until nothing more can be done, settling what only a person can; returns how much that was."""
    settled = 0
    for _ in range(8):
        world.plan(*rows())
        world.load()
        decided = settle_absent(world)
        settled += decided
        if not decided and counts(world) == EXPECTED:
            break
    return settled


def say(proof_line, test: str, worlds: list[World], held: int) -> None:
    """The proof's line; nothing in it may be wrong."""
    figures = {
        "dup": sum((counts(each) - EXPECTED).total() for each in worlds),
        "lost": sum((EXPECTED - counts(each)).total() for each in worlds),
        "wrong_id": sum(wrong_ids(each) for each in worlds),
        "corrupt": sum(not is_intact(each.folder / "state.db") for each in worlds),
    }
    proof_line(test, SEED, n=EXPECTED.total() * len(worlds), **figures, held=held)
    assert not any(figures.values())


def wrong_ids(world: World) -> int:
    """Ids of state that name no record, or one with another record's marker."""
    with world.open() as store:
        known = [each for each in store.in_state() if each.target_id is not None]
    shown = [(each, world.target.records.get(TargetId(str(each.target_id)))) for each in known]
    return sum(there is None or not is_own(world, each, there) for each, there in shown)


def is_own(world: World, known: KnownRecord, there: RemoteRecord) -> bool:
    text = read_marker(world.catalog.entity(known.entity), there.attributes)
    return there.entity == known.entity and text in (None, marker(known.key))


# ---------------------------------------------------------------- restored


def test_every_earlier_state_is_refused_where_a_witness_saw_a_newer_one(guarded: Guarded, tmp_path: Path) -> None:
    *moments, _ = loaded_with_moments(guarded, tmp_path)
    for number, moment in enumerate(moments):
        old = restored(guarded, moment, tmp_path / f"old-{number}", {})
        old.ask_first = False
        with pytest.raises(StateOutdated, match="older than the one last used") as caught:
            old.open()
        assert "state rebuild" in caught.value.hint


@pytest.mark.parametrize("restores", [6, pytest.param(50, marks=[pytest.mark.e2e, pytest.mark.timeout(900)])])
def test_restored_states_double_nothing_when_asking_first(
    guarded: Guarded, tmp_path: Path, proof_line, restores: int
) -> None:
    dice = random.Random(SEED)  # noqa: S311 - a repeatable choice, no secret
    moments = loaded_with_moments(guarded, tmp_path)
    worlds: list[World] = []
    held = 0
    for number in range(restores):
        first, later = sorted(dice.sample(range(len(moments)), 2))
        world = restored(guarded, moments[first], tmp_path / f"restored-{number}", moments[later].records)
        held += finish(world)
        worlds.append(world)
        assert counts(world) == EXPECTED
    say(proof_line, f"{restores} restored states", worlds, held)


def test_a_restored_state_without_a_witness_is_found_out_by_the_newest_records(
    guarded: Guarded, tmp_path: Path
) -> None:
    moments = loaded_with_moments(guarded, tmp_path)
    for number in (1, 8, 20, 30, 45, 60):
        old = restored(guarded, moments[number], tmp_path / f"old-{number}", moments[-1].records)
        old.witnesses, old.ask_first = tmp_path / f"none-{number}", False
        with pytest.raises(StateOutdated, match="does not know"):
            old.load()
        assert old.target.creates == []


def test_many_newer_records_of_other_people_do_not_hide_ours(guarded: Guarded, tmp_path: Path) -> None:
    """Weeks after the load people have made more than a page of records of each entity."""
    moments = loaded_with_moments(guarded, tmp_path)
    old = restored(guarded, moments[8], tmp_path / "old", moments[-1].records)
    old.witnesses, old.ask_first = tmp_path / "none", False
    for entity in {record.entity for record in moments[-1].records.values()}:
        for number in range(NEWEST + 10):
            made = TargetId(f"of-people-{entity}-{number}")
            old.target.records[made] = RemoteRecord(
                entity, made, {"created_by": "Somebody"}, {}, "2026-08-01T00:00:00Z"
            )
    with pytest.raises(StateOutdated, match="does not know"):
        old.load()
    assert old.target.creates == []


def test_an_empty_state_that_meets_markers_of_another_key_says_so(world: World, monkeypatch) -> None:
    taken = RemoteRecord(
        "person",
        TargetId("stranger"),
        {"custom_fields": {"migrationKey": "mg1-" + "a" * 16}},
        {},
        "2026-01-01T00:00:00Z",
    )
    world.target.records[taken.id] = taken
    told: list[str] = []
    monkeypatch.setattr(SilentProgress, "note", lambda _self, text: told.append(text))
    world.plan((PEOPLE, [person("1")]))
    world.load()
    assert [text for text in told if "person (1) of the newest" in text]
    world.plan((PEOPLE, [person("1"), person("2")]))
    told.clear()
    world.load()
    assert not told


def test_a_record_that_is_found_changed_is_brought_up_to_date_by_the_next_run(guarded: Guarded, tmp_path: Path) -> None:
    guarded.plan((PEOPLE, [person("1")]))
    copy = tmp_path / "early.db"
    copy_to(guarded.folder / "state.db", copy)
    guarded.load()
    world = restored(guarded, Moment(copy, {}), tmp_path / "restored", guarded.target.records)
    world.plan((PEOPLE, [person("1", middle_name="Sol")]))
    world.load()
    assert counts(world) == Counter(person=1)
    world.plan((PEOPLE, [person("1", middle_name="Sol")]))
    world.load()
    assert world.target.of("person")[0].attributes["middle_name"] == "Sol"


def test_doubt_stays_until_the_state_is_rebuilt(guarded: Guarded) -> None:
    guarded.ask_first = True
    with guarded.open() as store:
        assert store.is_doubted()
    guarded.ask_first = False
    with guarded.open() as store:
        assert store.is_doubted()


# ---------------------------------------------------------------- of an older version


def test_a_load_that_version_1_left_in_mid_flight_is_resumed(world: World) -> None:
    """One record was created, the answer to another was never written down; its record is at the server."""
    one, other = key_of(PEOPLE, "1"), key_of(PEOPLE, "2")
    frozen = Path(__file__).parents[1].joinpath("state", "state_v1.sql").read_text("utf-8")
    names = {"a" * 32: one, "b" * 32: other, "'intake'": "'p'", "'sandbox'": "'t'", "'0011'": "'c'", "'id-1'": "'1'"}
    for old, new in names.items():
        frozen = frozen.replace(old, new)
    with closing(sqlite3.connect(world.folder / "state.db")) as database:
        database.executescript(frozen)
    for number, key in (("1", one), ("2", other)):
        shown = {"first_name": "Ana", "last_name": number, "custom_fields": {"migrationKey": marker(key)}}
        world.target.records[TargetId(number)] = RemoteRecord("person", TargetId(number), shown, {}, number)
    for _ in range(2):
        world.plan((PEOPLE, [person("1"), person("2"), person("3")]))
        world.load()
    assert counts(world) == Counter(person=3)
    assert {world.state_of(PEOPLE, each) for each in "123"} == {"created"}
    assert len(world.target.creates) == 1


# ---------------------------------------------------------------- two writers


def test_a_second_copy_stops_before_its_first_post(guarded: Guarded, tmp_path: Path) -> None:
    guarded.plan(*rows())
    shutil.copytree(guarded.folder, tmp_path / "copy")
    copy = Guarded(tmp_path / "copy", witnesses=tmp_path / "another machine", plans=guarded.plans)
    copy.planned = guarded.planned
    copy.target = guarded.target
    guarded.load()
    sent = len(guarded.target.creates)
    with pytest.raises(StateOutdated):
        copy.load()
    assert len(guarded.target.creates) == sent


def test_another_writer_that_begins_during_a_run_stops_it(world: World) -> None:
    def intrude(number: int, document: Document) -> str | None:
        if number == 5:
            world.clock.time += 301  # the next look is due
            twin = TargetId("the other writer's")
            world.target.records[twin] = RemoteRecord("person", twin, {**made[0].attributes}, {}, 1 << 20)
        made.append(document)
        return None

    made: list[Document] = []
    world.concurrency = 1
    world.target.faults = intrude
    world.plan((PEOPLE, [person(str(number)) for number in range(12)]))
    with pytest.raises(StateOutdated):
        world.load()
    assert len(world.target.creates) < 12


def test_a_finished_project_looks_at_nothing(world: World) -> None:
    world.plan(*rows())
    world.load()
    listed: list[str] = []
    original = type(world.target).list

    def watched(target: object, entity: str, **more: object) -> object:
        listed.append(entity)
        return original(world.target, entity, **more)  # type: ignore[arg-type] # handed on as it came

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(world.target), "list", watched)
        world.plan(*rows())
        world.load()
    assert listed == []


# ---------------------------------------------------------------- lost


def rebuild(world: World) -> Counter[tuple[str, str]]:
    """Rebuilds into the state of a world, which is empty."""
    world.plan(*rows())

    async def work() -> Counter[tuple[str, str]]:
        with world.open() as store:
            ports = LoadPorts(world.catalog, KEYS, world.target, store, MemoryFiles(), FakeClock(), SilentProgress())
            rebuilder = Rebuilder(ports, world.planned, OPTIONS, QUIET_S)
            await rebuilder.run()
            return rebuilder.verdicts

    return asyncio.run(work())


def lost(folder: Path, records: dict[TargetId, RemoteRecord]) -> World:
    folder.mkdir()
    world = World(folder)
    world.target.records |= records
    return world


@pytest.mark.parametrize("tenths", [(1, 4, 8, 10), pytest.param(tuple(range(1, 11)), marks=pytest.mark.e2e)])
def test_a_state_lost_after_a_tenth_is_rebuilt_and_the_load_finished(
    guarded: Guarded, tmp_path: Path, proof_line, tenths: tuple[int, ...]
) -> None:
    moments = loaded_with_moments(guarded, tmp_path)
    worlds: list[World] = []
    held = 0
    for tenth in tenths:
        world = lost(tmp_path / f"lost-{tenth}", moments[(len(moments) - 1) * tenth // 10].records)
        before = dict(world.target.records)
        verdicts = rebuild(world)
        assert sum(n for (_, verdict), n in verdicts.items() if verdict == "created") == len(before)
        held += finish(world)
        worlds.append(world)
        assert counts(world) == EXPECTED
        assert set(world.states().values()) == {"created"}
        assert before.items() <= world.target.records.items()
    say(proof_line, f"{len(tenths)} rebuilds", worlds, held)


def test_twins_are_matched_one_to_one(world: World, tmp_path: Path) -> None:
    world.plan(*rows())
    world.load()
    one = next(each for each in world.target.of("case_person"))
    world.target.records[one.id] = RemoteRecord("other", one.id, {}, {})
    again = lost(tmp_path / "again", world.target.records)
    assert rebuild(again)["case_person", "created"] == 15
    again.plan(*rows())
    again.load()
    assert [document.entity for _, document in again.target.creates] == ["case_person"]


def test_a_child_that_people_changed_is_held_and_not_sent_again(world: World, tmp_path: Path) -> None:
    world.plan(*rows())
    world.load()
    address = world.target.of("person_address")[0]
    changed = Document("person_address", {"city": "Columbus"}, {})
    asyncio.run(type(world.target).update(world.target, address.id, changed))
    again = lost(tmp_path / "again", world.target.records)
    verdicts = rebuild(again)
    assert (verdicts["person_address", "created"], verdicts["person_address", "uncertain"]) == (15, 1)
    again.plan(*rows())
    again.load()
    assert counts(again) == EXPECTED


def test_an_entity_of_which_nothing_is_seen_is_held(world: World, tmp_path: Path) -> None:
    world.plan(*rows())
    world.load()
    again = lost(tmp_path / "again", world.target.records)
    again.target.blind.add("note")
    assert rebuild(again)["note", "uncertain"] == 16
    again.plan(*rows())
    again.load()
    assert counts(again) == EXPECTED


def test_a_marker_found_twice_is_a_duplicate(world: World, tmp_path: Path) -> None:
    world.plan((PEOPLE, [person(str(number)) for number in range(16)]))
    world.load()
    first = world.target.of("person")[0]
    asyncio.run(type(world.target)._take(world.target, Document("person", first.attributes, {})))
    again = lost(tmp_path / "again", world.target.records)
    assert rebuild(again)["person", "duplicate"] == 1
