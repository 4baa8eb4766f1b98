"""Where the proof rests on something: requests that take effect late, and an application that sees too little."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from etl.load.ports import LoadPorts
from etl.load.verify import Verifier
from etl.sandbox.faults import FaultRule
from etl.sandbox.settings import Application
from tests.load.figures import figures
from tests.load.wired import FASTER, LATE_S, QUIET_S, Wired
from tests.load.world import CASES, KEYS, MEMBERS, OPTIONS, PEOPLE, SilentProgress, case, key_of, person

TOO_LATE_S = 4 * QUIET_S / FASTER
"""In real seconds: when everything about a lost answer has long been decided."""


@pytest.fixture
def world(tmp_path: Path) -> Iterator[Wired]:
    made = Wired(tmp_path)
    yield made
    made.close()


def family(world: Wired) -> None:
    member = {"case": key_of(CASES, "1"), "person": key_of(PEOPLE, "a"), "role": "Child"}
    world.plan(
        (CASES, [case("1"), case("2")]),
        (PEOPLE, [person(name) for name in "abcd"]),
        (MEMBERS, [{"id": "1", **member}, {"id": "2", **member, "role": "Parent"}]),
    )


def late(seconds: float) -> list[FaultRule]:
    """Of each entity a record whose request takes effect late, never the first one: it is what proves sight."""
    entities = ("case", "person", "case_person")
    return [FaultRule("late_commit", methods=("POST",), entity=each, nth=(2,), delay_s=seconds) for each in entities]


def read_back(world: Wired) -> Counter[str]:
    """What reading back finds, by code."""

    async def verify() -> Counter[str]:
        target = world.client()
        with world.open() as store:
            ports = LoadPorts(world.catalog, KEYS, target, store, world.files, world.clock, SilentProgress())
            found = await Verifier(ports, world.planned, OPTIONS).run()
        await target.close()
        return Counter(each.code for each in found.findings)

    return asyncio.run(verify())


def test_what_takes_effect_within_the_quiet_period_is_not_doubled(world: Wired) -> None:
    family(world)
    world.use(*late(LATE_S))
    assert world.ended() is None
    assert world.oracle.counts() == {"case": 2, "person": 4, "case_person": 2}
    assert read_back(world) == Counter()


def test_what_takes_effect_after_it_is_doubled_and_every_double_is_found_by_reading_back(world: Wired) -> None:
    family(world)
    world.use(*late(TOO_LATE_S))

    async def later() -> None:
        # The sandbox finishes its late work on the loop of the load; one loop carries both, so the load waits for it.
        await Wired._load(world, world.target.points, None)
        await asyncio.sleep(TOO_LATE_S)

    asyncio.run(later())
    assert world.oracle.counts() == {"case": 3, "person": 5, "case_person": 3}
    assert read_back(world) == Counter(duplicate_in_target=3)


def test_a_role_that_shows_too_little_is_noticed_before_anything_is_sent_again(tmp_path: Path, proof_line) -> None:
    application = Application(view="assigned", user=OPTIONS["user"]["worker01@agency.example"])
    made = Wired(tmp_path, settings={"applications": (application,)})
    made.plan((CASES, [case("1"), case("2"), case("3")]))
    made.use(FaultRule("reset_before_commit", methods=("POST",), entity="case", nth=(2,)))
    assert made.ended() is None
    sent = Counter(entry.marker for entry in made.oracle.journal("POST") if entry.entity == "case")
    resent = sent.total() - len(sent)
    proof_line("a blind view role", None, **{**figures(made, {"case": 3}, settled=False), "resent": resent})
    assert (len(sent), resent) == (3, 0)
    assert made.buckets() == Counter(created=2, uncertain=1)
    made.close()
