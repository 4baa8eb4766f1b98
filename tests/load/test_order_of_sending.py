"""What leaves when: nobody waits for a whole entity, for the disk, for a large file, or beside its own family."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, BinaryIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from etl.core.errors import Interrupted, ResponseLost
from etl.core.keys import RecordKey
from etl.core.outcomes import RecordState
from etl.core.ports import Created, Fence
from etl.core.records import Document, Ref
from etl.load.executor import Loader
from etl.load.roots import Roots
from tests.load.world import CASES, MEMBERS, PEOPLE, FaultyTarget, World, case, key_of, mapping_of, person

NOTES = mapping_of("note", "subject", "body", "note_type", "target", refer_to=[CASES])
FILES = mapping_of("attachment", "file_name", "target", "file", refer_to=[CASES])
HISTORY = settings(max_examples=25, deadline=None)


@dataclass
class SlowTarget(FaultyTarget):
    """A server that takes several turns of the loop for each record, and tells who was there at the same moment."""

    turns: int = 3
    together: Counter[str] = field(default_factory=Counter)
    most_together: dict[str, int] = field(default_factory=dict)
    order: list[str] = field(default_factory=list)
    holds: dict[str, asyncio.Event] = field(default_factory=dict)
    afterwards: Callable[[], None] = lambda: None

    async def create(self, document: Document, fence: Fence | None = None) -> Created:
        root = self._root(document)
        self.together[root] += 1
        self.most_together[root] = max(self.most_together.get(root, 0), self.together[root])
        try:
            for _ in range(self.turns):
                await asyncio.sleep(0)
            hold = self.holds.get(str(document.attributes.get("name") or document.attributes.get("last_name")))
            if hold is not None:
                await hold.wait()
            return await super().create(document)
        finally:
            self.together[root] -= 1
            self.order.append(document.entity)
            self.afterwards()

    async def upload(self, url: str, body: BinaryIO, size_bytes: int) -> None:
        hold = self.holds.get("upload")
        if hold is not None:
            await hold.wait()
        await super().upload(url, body, size_bytes)
        self.order.append("bytes")

    def _root(self, document: Document) -> str:
        for name in ("case", "target"):
            link = document.links.get(name)
            if isinstance(link, Ref):
                return link.id
        return ""


def slow(world: World) -> SlowTarget:
    target = SlowTarget(world.catalog, clock=world.clock)
    world.target = target
    return target


def member(legacy_id: str, of: str, who: str) -> dict[str, Any]:
    return {"id": legacy_id, "case": key_of(CASES, of), "person": key_of(PEOPLE, who), "role": "Child"}


def note(legacy_id: str, of: str) -> dict[str, Any]:
    about = key_of(CASES, of)
    return {"id": legacy_id, "subject": legacy_id, "body": "x", "note_type": "General", "target": about}


def families(sizes: Sequence[int]) -> list[tuple[Any, list[Mapping[str, Any]]]]:
    cases = [case(f"c{number}") for number in range(len(sizes))]
    members = [
        member(f"m{number}-{one}", f"c{number}", "p") for number, size in enumerate(sizes) for one in range(size)
    ]
    notes = [note(f"n{number}-{one}", f"c{number}") for number, size in enumerate(sizes) for one in range(size)]
    return [(PEOPLE, [person("p")]), (CASES, cases), (MEMBERS, members), (NOTES, notes)]


@HISTORY
@given(st.lists(st.integers(0, 7), min_size=1, max_size=6), st.sampled_from([2, 4, 16]), st.booleans(), st.data())
def test_never_are_two_records_of_one_case_on_their_way(
    sizes: list[int], concurrency: int, backwards: bool, data: st.DataObject
) -> None:
    faults = data.draw(
        st.dictionaries(st.integers(1, 60), st.sampled_from(["lost", "lost_after", "rejected"]), max_size=4)
    )
    with TemporaryDirectory() as folder:
        world = World(Path(folder), concurrency=concurrency)
        target = slow(world)
        target.faults = lambda number, _document: faults.get(number)
        world.plan(*families(sizes), backwards=backwards)
        world.load()
        assert {root: most for root, most in target.most_together.items() if root and most > 1} == {}
        assert not any(state in {"intent", "planned"} for state in world.states().values())


def test_a_profile_may_let_records_of_one_case_go_together(world: World) -> None:
    target = slow(world)
    world.concurrency, world.one_root_at_a_time = 8, False
    world.plan(*families([12]))
    world.load()
    assert max(most for root, most in target.most_together.items() if root) > 1
    assert len(target.records) == 1 + 1 + 12 + 12


def test_records_of_other_cases_pass_those_that_wait_for_their_turn(world: World) -> None:
    target = slow(world)
    world.concurrency = 8
    world.plan(*families([30, 1, 1, 1, 1, 1]))
    world.load()
    members = [each for _, each in target.creates if each.entity == "case_person"]
    first = [str(each.links["case"]) for each in members[:12]]
    assert len(set(first)) == 6


def test_a_child_goes_as_soon_as_its_own_parent_is_there(world: World) -> None:
    """One parent's answer does not come before every child of the others is created: no entity waits for another."""
    target = slow(world)
    target.holds["slow"] = asyncio.Event()
    people, cases = [person("p")], [*(case(f"c{number}") for number in range(20)), case("slow")]
    members = [member(f"m{number}", f"c{number}", "p") for number in range(20)] + [member("late", "slow", "p")]

    target.afterwards = lambda: target.holds["slow"].set() if len(target.of("case_person")) == 20 else None
    world.plan((PEOPLE, people), (CASES, cases), (MEMBERS, members))
    world.load()
    assert len(target.of("case_person")) == 21


def test_a_large_file_holds_up_no_record(world: World) -> None:
    target = slow(world)
    target.holds["upload"] = asyncio.Event()
    cases = [case(f"c{number}") for number in range(90)]
    files = [
        {"id": f"f{n}", "file_name": f"f{n}.pdf", "file": f"f{n}.pdf", "target": key_of(CASES, f"c{n}")}
        for n in range(90)
    ]
    notes = [note(f"n{number}", f"c{number}") for number in range(90)]

    target.afterwards = lambda: target.holds["upload"].set() if len(target.of("note")) == 90 else None
    world.plan((CASES, cases), (FILES, files), (NOTES, notes))
    world.load()
    assert len(target.of("note")) == 90
    assert target.order.count("bytes") == 90


def test_nothing_is_asked_after_an_interruption_that_found_requests_ready(world: World) -> None:
    world.concurrency = 16
    world.plan((PEOPLE, [person(f"p{number:03}") for number in range(200)]))

    def interrupt_at_forty(loader: Any) -> None:
        world.target.faults = lambda number, _document: loader.interrupt() if number == 40 else None

    with pytest.raises(Interrupted):
        world.load(during=interrupt_at_forty)
    assert "intent" not in world.states().values()
    assert "rejected" in world.states().values()
    world.target.faults = lambda _number, _document: None
    world.load()
    assert (len(world.names()), world.clock.time) == (200, 0)


def test_a_kill_leaves_at_most_three_times_as_much_to_ask_about_as_is_in_flight(world: World) -> None:
    target = slow(world)
    target.turns, world.concurrency = 30, 8
    world.plan((PEOPLE, [person(f"p{number:03}") for number in range(200)]))
    open_intents = []

    def count_intents(loader: Any) -> None:
        state = loader._ports.state
        target.afterwards = lambda: open_intents.append(len(list(state.in_state(RecordState.INTENT))))

    world.load(during=count_intents)
    assert 16 < max(open_intents) <= 24


A, B, C = (RecordKey(each) for each in "abc")


def test_a_root_goes_from_hand_to_hand_in_the_order_of_asking() -> None:
    roots, woken = Roots(), []
    assert roots.take(A, A, lambda: None)
    assert not roots.take(A, B, lambda: woken.append(B))
    assert not roots.take(A, C, lambda: woken.append(C))
    roots.release(A)
    assert woken == [B]
    assert roots.take(A, B, lambda: None)
    roots.release(B)
    roots.release(B)
    assert woken == [B, C]


def test_a_record_whose_head_has_changed_while_it_waited_leaves_no_root_behind() -> None:
    roots, woken = Roots(), []
    assert roots.take(A, A, lambda: None)
    assert not roots.take(A, B, lambda: woken.append(B))
    assert not roots.take(A, C, lambda: woken.append(C))
    roots.release(A)
    assert roots.take(RecordKey("d"), B, lambda: None)
    roots.release(B)
    assert woken == [B, C]


def test_letting_go_of_nothing_changes_nothing() -> None:
    roots = Roots()
    roots.release(A)
    assert roots.take(A, B, lambda: None)
    assert roots.take(B, C, lambda: None)


@dataclass
class StoppedAtTheThird(SlowTarget):
    """Loses the second member, and keeps the third waiting until the load was stopped."""

    loader: Loader | None = None
    sent: list[str] = field(default_factory=list)

    async def create(self, document: Document, fence: Fence | None = None) -> Created:
        if document.entity == "case_person":
            self.sent.append("stopped" if self.holds["stop"].is_set() else "going")
            if len(self.sent) == 2:
                raise ResponseLost("No answer.")
            if len(self.sent) == 3:
                assert self.loader is not None
                while not any(self.loader._course.roots._waiting.values()):  # noqa: ASYNC110 - nothing tells of it
                    await asyncio.sleep(0.001)
                self.loader.interrupt()
                self.holds["stop"].set()
        return await FaultyTarget.create(self, document, fence)


def test_what_waits_for_its_turn_to_be_sent_again_is_not_sent_once_the_load_was_stopped(world: World) -> None:
    world.target = target = StoppedAtTheThird(world.catalog, clock=world.clock)
    members = [member("m0", "c0", "p"), member("m1", "c1", "p"), member("m2", "c1", "q")]
    world.plan((PEOPLE, [person("p"), person("q")]), (CASES, [case("c0"), case("c1")]), (MEMBERS, members))

    def during(loader: Loader) -> None:
        target.loader, target.holds["stop"] = loader, asyncio.Event()

    with pytest.raises(Interrupted):
        world.load(during=during)
    assert target.sent == ["going"] * 3
    assert world.state_of(MEMBERS, "m1") == "intent"
