"""Records that were found to be uncertain together with the parent under which they are looked for, as a rebuild leaves them."""

from __future__ import annotations

import asyncio
from pathlib import Path

from etl.core.outcomes import Bucket, RecordState
from etl.core.records import RemoteRecord
from etl.load.notes import LoadNotes
from etl.load.outcomes import outcome_of
from etl.load.ports import LoadPorts
from etl.load.rebuild import Rebuilder
from tests.load.world import (
    KEYS,
    OPTIONS,
    PEOPLE,
    QUIET_S,
    MemoryFiles,
    SilentProgress,
    World,
    key_of,
    mapping_of,
    person,
)

PROVIDERS = mapping_of("provider", "name")
SERVICES = mapping_of("provider_service", "provider", "service_type", "name", "description")
HOME = {"provider": key_of(PROVIDERS, "p"), "service_type": next(iter(OPTIONS["service_type"])), "name": "Respite"}
PLAN = (
    (PEOPLE, [person("a")]),
    (PROVIDERS, [{"id": "p", "name": "P"}]),
    (SERVICES, [{"id": "less", **HOME}, {"id": "more", "description": "At night", **HOME}]),
)


def rebuilt(world: World, folder: Path) -> World:
    """The same server with a state made anew, in which provider and services are uncertain."""
    world.plan(*PLAN)
    world.load()
    folder.mkdir()
    again = World(folder)
    again.target.records |= world.target.records
    again.plan(*PLAN)

    async def work() -> None:
        with again.open() as store:
            ports = LoadPorts(again.catalog, KEYS, again.target, store, MemoryFiles(), again.clock, SilentProgress())
            await Rebuilder(ports, again.planned, OPTIONS, QUIET_S).run()

    asyncio.run(work())
    assert sorted(again.states().values()) == ["created", "uncertain", "uncertain", "uncertain"]
    again.plan(*PLAN)
    return again


def test_the_first_load_settles_the_parent_and_then_what_hangs_on_it(world: World, tmp_path: Path) -> None:
    again = rebuilt(world, tmp_path / "again")
    there = {each.id for each in again.target.of("provider_service")}
    notes = again.load().notes
    assert set(again.states().values()) == {"created"}
    assert (again.target.creates, notes.failures) == ([], {})
    with again.open() as store:
        found = {each.key: each.target_id for each in store.in_state()}
    assert {found[key_of(SERVICES, name)] for name in ("less", "more")} == there
    assert again.verify().findings == []


def test_one_that_alone_is_there_is_not_given_to_a_record_that_holds_less(world: World, tmp_path: Path) -> None:
    again = rebuilt(world, tmp_path / "again")
    (fuller,) = [each for each in again.target.of("provider_service") if "description" in each.attributes]
    (other,) = [each for each in again.target.of("provider_service") if each.id != fuller.id]
    again.target.records[other.id] = RemoteRecord("other", other.id, {}, {})
    again.load()
    with again.open() as store:
        assert store.known([key_of(SERVICES, "more")])[key_of(SERVICES, "more")].target_id == fuller.id


def test_what_may_be_there_is_neither_refused_nor_doubled(world: World, tmp_path: Path) -> None:
    again = rebuilt(world, tmp_path / "again")
    refused = {each.key: ("wrong_type", "") for batch in again.planned.batches() for each in batch}
    notes = LoadNotes(failures=refused)
    with again.open() as store:
        for batch in again.planned.batches():
            for record in batch:
                known = store.known([record.key])[record.key]
                is_unclear = known.state is RecordState.UNCERTAIN
                assert (outcome_of(record, known, notes, KEYS).bucket is Bucket.UNCERTAIN) == is_unclear


def test_the_only_copy_of_what_is_uncertain_is_no_double(world: World) -> None:
    world.plan(*PLAN[:2], (SERVICES, PLAN[2][1][:1]))
    world.load()
    world.plan(*PLAN)
    world.target.blind, world.target.faults = {"provider_service"}, lambda _number, _document: "lost_after"
    world.load()
    world.target.blind = set()
    assert world.state_of(SERVICES, "more") == "uncertain"
    assert len(world.target.of("provider_service")) == 2
    assert world.verify().findings == []
