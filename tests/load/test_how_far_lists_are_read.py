"""A tenant that cannot be asked for one record: lists are read newest first, no further back than a lost request can stand."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from etl.load.sweep import LOOKED_AT_ONCE
from tests.load.world import CATALOG, PEOPLE, World, person

HOUR_S = 3600.0


@pytest.fixture
def sweeping(tmp_path) -> World:
    """A tenant whose markers can be read and not be searched for."""
    entity = CATALOG.entity("person")
    marked = replace(entity, marker=replace(entity.marker, ask="sweep"))
    folder = tmp_path / "w"
    folder.mkdir()
    return World(folder, replace(CATALOG, entities={**CATALOG.entities, "person": marked}))


@pytest.fixture
def listed(monkeypatch, sweeping: World) -> list[int]:
    """How many records each list showed before its reader had enough."""
    shown, read = type(sweeping.target).list, list[int]()

    async def counting(self, entity: str, **how):
        read.append(0)
        number = len(read) - 1
        async for record in shown(self, entity, **how):
            read[number] += 1
            yield record

    monkeypatch.setattr(type(sweeping.target), "list", counting)
    return read


def people(*names: str) -> tuple:
    return (PEOPLE, [person(name) for name in names])


def pass_time(world: World, time_s: float) -> None:
    world.clock.time += time_s


OLD = [f"old {number}" for number in range(600)]


@pytest.mark.parametrize(("fault", "sent"), [("lost_after", 1), ("lost", 2)])
def test_what_was_there_before_the_request_ends_the_search(sweeping: World, listed: list[int], fault, sent) -> None:
    sweeping.plan(people(*OLD))
    sweeping.target.faults = lambda _number, _document: pass_time(sweeping, 0.01)
    sweeping.load()
    pass_time(sweeping, HOUR_S)
    sweeping.plan(people(*OLD, "new", "other"))
    once = iter([fault])
    sweeping.target.faults = lambda _number, document: (
        next(once, None) if document.attributes["last_name"] == "new" else None
    )
    sweeping.target.creates.clear()
    listed.clear()
    sweeping.load()
    assert [document.attributes["last_name"] for _, document in sweeping.target.creates].count("new") == sent
    assert Counter(sweeping.states().values()) == {"created": 602}
    assert len(sweeping.target.of("person")) == 602
    assert 0 < max(listed) <= 2 * LOOKED_AT_ONCE


def test_what_was_made_in_the_same_minutes_does_not_end_it(sweeping: World) -> None:
    """The clocks of the two sides may differ and ours may be set; so much is always read."""
    sweeping.plan(people("new", *OLD))
    once = iter(["lost_after"])
    sweeping.target.faults = lambda _number, document: (
        next(once, None) if document.attributes["last_name"] == "old 0" else None
    )
    sweeping.load()
    assert Counter(sweeping.states().values()) == {"created": 601}
    assert len(sweeping.target.of("person")) == 601
