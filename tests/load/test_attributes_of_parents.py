"""Links that hold another attribute of the parent than its id: taken from the answer, or read as soon as it is shown."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from etl.core.ports import Created
from etl.core.records import RemoteRecord
from etl.load.notes import LoadNotes
from etl.load.outcomes import outcomes
from tests.load.world import CASES, KEYS, OPTIONS, QUIET_S, World, case, key_of, mapping_of

ASSIGNMENTS = mapping_of("assignment_user", "assignment", "user", refer_to=[CASES])
WORKER = next(iter(OPTIONS["user"]))


@pytest.fixture
def gets(world: World, monkeypatch) -> Counter[str]:
    """How often single records were read, by entity."""
    got, counted = type(world.target).get, Counter[str]()

    async def counting(self, entity, target_id):
        counted[entity] += 1
        return await got(self, entity, target_id)

    monkeypatch.setattr(type(world.target), "get", counting)
    return counted


def plan_assignments(world: World, *cases: str) -> None:
    rows = [{"id": name, "assignment": key_of(CASES, name), "user": WORKER} for name in cases]
    world.plan((CASES, [case(name) for name in cases]), (ASSIGNMENTS, rows))


def hide_in_answers(world: World, monkeypatch) -> None:
    create = type(world.target).create

    async def silent(self, document, fence=None):
        created = await create(self, document, fence)
        return Created(created.id, {})

    monkeypatch.setattr(type(world.target), "create", silent)


def show_only_after(world: World, monkeypatch, delay_s: float) -> None:
    got = type(world.target).get

    async def late(self, entity, target_id) -> RemoteRecord | None:
        shown = await got(self, entity, target_id)
        is_late = entity == "case" and self.clock.time < self._seen_at.get(target_id, 0.0) + delay_s
        return replace(shown, attributes={}) if shown is not None and is_late else shown

    monkeypatch.setattr(type(world.target), "get", late)


def assignments(world: World) -> list[object]:
    return sorted(record.links["assignment"].id for record in world.target.of("assignment_user"))


def of_cases(world: World) -> list[object]:
    return sorted(f"assignment-of-{record.id}" for record in world.target.of("case"))


def test_what_the_answer_to_the_create_shows_is_not_asked_for_again(world: World, gets: Counter[str]) -> None:
    plan_assignments(world, "1", "2", "3")
    world.load()
    assert assignments(world) == of_cases(world)
    assert gets["case"] == 0


@pytest.mark.parametrize("delay_s", [0.0, 5.0, QUIET_S - 1])
def test_what_is_shown_late_is_waited_for(world: World, monkeypatch, delay_s: float) -> None:
    hide_in_answers(world, monkeypatch)
    show_only_after(world, monkeypatch, delay_s)
    plan_assignments(world, "1", "2")
    world.load()
    assert set(world.states().values()) == {"created"}
    assert assignments(world) == of_cases(world)


def test_what_is_never_shown_blocks_the_child_and_is_looked_for_again_by_the_next_run(
    world: World, monkeypatch
) -> None:
    with monkeypatch.context() as patch:
        hide_in_answers(world, patch)
        show_only_after(world, patch, 10 * QUIET_S)
        plan_assignments(world, "1")
        loader = world.load()
    assert endings(world, loader.notes) == {"case": ("created", "", ""), "assignment_user": (
        "blocked", "parent_not_loadable", "case shows no assignment_id",
    )}  # fmt: skip
    plan_assignments(world, "1")
    world.load()
    assert assignments(world) == of_cases(world)


def endings(world: World, notes: LoadNotes) -> dict[str, tuple[str, str, str]]:
    with world.open() as store:
        rows = [row for batch in outcomes(world.planned, store, notes, KEYS) for row in batch.to_pylist()]
    return {row["entity"]: (row["bucket"], row["reason"], row["detail"]) for row in rows}
