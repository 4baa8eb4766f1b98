"""A load that dies anywhere and is started again ends as one that never died: every record exactly once."""

from __future__ import annotations

import random
import shutil
import tempfile
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from etl.core.records import Document, Ref
from etl.mapping.model import EntityMapping
from tests.load.figures import figures
from tests.load.world import CASES, MEMBERS, PEOPLE, Rows, World, case, key_of, mapping_of, person

FAULTS = ["lost", "lost_after", "late"]
ADDRESSES = mapping_of("person_address", "person", "city", "zip_code")
NOTES = mapping_of("note", "subject", "body", "note_type", "target", refer_to=[CASES])
FILES = mapping_of("attachment", "file_name", "target", "file", refer_to=[CASES])
WHOLE_LOAD = 200
"""More fail-points than any of these loads has."""


def rows(mark: str) -> list[tuple[EntityMapping, Rows]]:
    """Every kind of question: by marker, by sweep, by scope with twins; a deferred link and an upload."""
    mother, one = key_of(PEOPLE, f"{mark}a"), key_of(CASES, mark)
    parents = [person(f"{mark}a", mother=key_of(PEOPLE, f"{mark}b"), deferred=["mother"]),
               person(f"{mark}b", mother=mother)]  # fmt: skip
    addresses = [{"id": f"{mark}x", "person": mother, "city": "Dayton"},
                 {"id": f"{mark}y", "person": mother, "city": "Dayton", "zip_code": "45402"}]  # fmt: skip
    note = {"id": mark, "subject": "s", "body": "text", "note_type": "General", "target": one}
    return [
        (PEOPLE, parents),
        (CASES, [case(mark)]),
        (MEMBERS, [{"id": f"{mark}{at}", "case": one, "person": mother, "role": "Child"} for at in range(2)]),
        (ADDRESSES, addresses),
        (NOTES, [note]),
        (FILES, [{"id": mark, "file_name": "scan.pdf", "target": one, "file": f"{mark}.pdf"}]),
    ]


EXPECTED = Counter(person=2, case=1, case_person=2, person_address=2, note=1, attachment=1)
TWICE = Counter({name: 2 * count for name, count in EXPECTED.items()})


def load_witnesses(world: World) -> None:
    """One record of each kind is there already, so that absence can be proved of all others."""
    world.plan(*rows("w"))
    world.load()
    assert_complete(world, "w")


def assert_complete(world: World, *marks: str) -> None:
    """Each group of rows is there once, linked and uploaded, and state knows all of it."""
    counts = Counter(record.entity for record in world.target.records.values())
    assert counts == Counter({name: count * len(marks) for name, count in EXPECTED.items()})
    assert set(world.states().values()) == {"created"}
    people = {record.attributes["last_name"]: record for record in world.target.of("person")}
    for mark in marks:
        one, other = people[f"{mark}a"], people[f"{mark}b"]
        assert (one.links["mother"], other.links["mother"]) == (Ref("person", other.id), Ref("person", one.id))
    zips = Counter(each.attributes.get("zip_code") for each in world.target.of("person_address"))
    assert zips == {"45402": len(marks), None: len(marks)}
    assert sorted(world.target.uploads.values()) == sorted(f"{mark}.pdf".encode() for mark in marks)
    with world.open() as store:
        assert not list(store.pending_links())
        assert not list(store.pending_uploads())
        assert {known.target_id for known in store.in_state()} == world.target.records.keys()


def test_a_load_without_any_fault_is_complete(world: World) -> None:
    world.plan(*rows("1"))
    world.load()
    assert_complete(world, "1")


def test_children_may_stand_before_their_parents(world: World) -> None:
    world.plan(*rows("1"), backwards=True)
    world.load()
    assert_complete(world, "1")


def test_a_second_load_of_the_same_plan_sends_nothing(world: World) -> None:
    world.plan(*rows("1"))
    world.load()
    sent = len(world.target.creates), len(world.target.updates)
    world.load()
    assert (len(world.target.creates), len(world.target.updates)) == sent


@pytest.mark.parametrize("way", ["dies", "killed", "defect", "cancelled"])
def test_ending_at_any_point_in_any_way_is_harmless(world: World, tmp_path: Path, way: str, proof_line) -> None:
    load_witnesses(world)
    for at in range(1, WHOLE_LOAD):
        again = world.copy(tmp_path.with_name(f"{tmp_path.name}-{at}"))
        again.plan(*rows("1"))
        ended = again.load_dying_at(at, way)
        again.load()
        proof_line(f"fail-points: {way}", None, **figures(again, TWICE), points=ended)
        assert_complete(again, "w", "1")
        shutil.rmtree(again.folder)
        if not ended:
            return
    pytest.fail("the load has more fail-points than this test tries")


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    seed=st.integers(0, 10_000),
    dies_at=st.lists(st.integers(1, 90), max_size=4),
    concurrency=st.sampled_from([1, 2, 8]),
    lag_s=st.sampled_from([0.0, 10.0]),
    backwards=st.booleans(),
)
def test_faults_and_deaths_in_any_mixture_lose_and_double_nothing(
    seed: int, dies_at: list[int], concurrency: int, lag_s: float, backwards: bool
) -> None:
    dice = random.Random(seed)  # noqa: S311 - a repeatable mixture, no secret

    def fault(_number: int, _document: Document) -> str | None:
        return dice.choice(FAULTS) if dice.random() < 0.3 else None

    with tempfile.TemporaryDirectory() as folder:
        world = World(Path(folder), concurrency=concurrency)
        world.target.lag_s = lag_s
        world.target.faults = fault
        world.plan(*rows("1"), backwards=backwards)
        for at in dies_at:
            world.load_dying_at(at)
        world.load()
        world.target.faults = lambda _number, _document: None
        for _ in range(3):
            world.load()
        assert_nothing_doubled(world)


def assert_nothing_doubled(world: World) -> None:
    """Nothing twice, nothing lost: what is not created is held or refused, and then nothing of it exists."""
    states = Counter(world.states().values())
    ids = [record.id for record in world.target.records.values()]
    with world.open() as store:
        ours = {known.target_id for known in store.in_state() if known.target_id}
    assert set(ids) == ours
    assert len(ids) == states["created"]
    assert states.keys() <= {"created", "uncertain", "blocked"}
