"""Every fault of the loading protocol's table at the one operation that no load makes: DELETE, as `undo` sends it.

A cell is an undoing in which one DELETE, or every one, meets a fault. After it the same undoing goes on without faults:
then nothing that the run created is there, and everything that somebody else made still is.
"""

from __future__ import annotations

import asyncio
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from etl.core.errors import EtlError
from etl.core.records import RunId
from etl.load.ports import LoadPorts
from etl.load.undo import Undoer, UndoResult
from etl.sandbox.database import Row
from etl.sandbox.faults import FaultRule
from tests.load.figures import is_intact, records
from tests.load.test_fault_matrix import BUSY, DONE, ONCE, REFUSED, TOO_LONG, noted, status
from tests.load.wired import CHANCE, Wired
from tests.load.world import KEYS, OPTIONS, SilentProgress

SPARED, LOST = "spared", "stopped: ResponseLost"
MADE = 4
"""One case and its three notes."""
DELETES = FaultRule("status", methods=("DELETE",))
EXCEPTIONS: Mapping[str, str] = {
    **dict.fromkeys(TOO_LONG, BUSY),
    "409": SPARED,
    "403 of somebody else": REFUSED,
    "303": REFUSED,
}
SOON = (
    "429 Retry-After 1", "429 Retry-After 1e3", "500", "500 after commit", "503", "504 after commit", "409", "401", "303",
    "403 of somebody else", "404 of somebody else", "reset before commit", "reset after commit", "late commit",
    "dripping body", "truncated", "empty_body",
)  # fmt: skip
"""One of each class, in every run of the tests; the others with the long proofs."""
STAYS: Mapping[str, tuple[FaultRule, str]] = {
    "401": (status(401), REFUSED),
    "403": (status(403), REFUSED),
    "409": (status(409), SPARED),
    "422": (status(422), SPARED),
    "429": (status(429), BUSY),
    "500": (status(500), LOST),
    "500 after commit": (status(500, after_commit=True), LOST),
    "503": (status(503), LOST),
    "reset before commit": (FaultRule("reset_before_commit"), LOST),
    "reset after commit": (FaultRule("reset_after_commit"), LOST),
    "page of somebody else": (FaultRule("foreign_body"), LOST),
}


@pytest.fixture
def world(tmp_path: Path, proof_line) -> Iterator[Wired]:
    """A loaded case with notes, beside a case that somebody else made."""
    made = Wired(tmp_path)
    noted(made)
    assert made.ended() is None
    theirs = Row("case", str(uuid.uuid4()), {"name": "theirs"}, {}, "2026-01-01T00:00:00.000000Z", "a worker")
    made.oracle.database.insert(theirs, [], [], 0)
    yield made
    proof_line("fault matrix: undo", CHANCE, **judged(made, theirs.id), cells=1)
    made.close()


def judged(world: Wired, theirs: str) -> dict[str, int]:
    """``dup``: what should be gone; ``lost``: what was not ours to remove; ``wrong_id``: state and server disagree."""
    there = records(world).keys()
    states = world.states()
    with world.open() as store:
        believed = {str(each.target_id) for each in store.in_state() if each.target_id and each.state != "undone"}
    return {
        "n": MADE,
        "dup": len(there - {theirs}),
        "lost": int(theirs not in there),
        "wrong_id": len(believed ^ (there - {theirs})),
        "corrupt": int(not is_intact(world)),
        "held": sum(each != "undone" for each in states.values()),
    }


def undo(world: Wired) -> tuple[EtlError | None, UndoResult]:
    async def run() -> tuple[EtlError | None, UndoResult]:
        target = world.client()
        with world.open() as store:
            ports = LoadPorts(world.catalog, KEYS, target, store, world.files, world.clock, SilentProgress())
            undoer = Undoer(ports, world.planned, OPTIONS, RunId(f"run-{world.plans}"), 4)
            try:
                return None, await undoer.run()
            except EtlError as stopped:
                return stopped, undoer.result
            finally:
                await target.close()

    return asyncio.run(run())


def end_of(stopped: EtlError | None, result: UndoResult) -> str:
    if stopped is not None:
        return f"stopped: {type(stopped).__name__}"
    return SPARED if result.spared else DONE


def check(world: Wired, rule: FaultRule, wanted: str) -> None:
    world.use(replace(rule, methods=DELETES.methods))
    ended = undo(world)
    assert end_of(*ended) == wanted, ended
    if wanted != DONE:
        world.use()
        ended = undo(world)
        assert end_of(*ended) == DONE, ended
    assert set(world.states().values()) == {"undone"}


@pytest.mark.parametrize(
    "fault", [each if each in SOON else pytest.param(each, marks=pytest.mark.e2e) for each in ONCE]
)
def test_a_delete_that_meets_a_fault_once_ends_as_the_table_says(world: Wired, fault: str) -> None:
    check(world, replace(ONCE[fault], first=1), EXCEPTIONS.get(fault, DONE))
    assert world.oracle.counts() == {"case": 1}


@pytest.mark.parametrize("name", STAYS)
def test_deletes_that_meet_a_fault_each_time_end_as_the_table_says(world: Wired, name: str) -> None:
    check(world, *STAYS[name])
    assert world.oracle.counts() == {"case": 1}


def test_what_a_person_removed_first_counts_as_gone(world: Wired) -> None:
    world.oracle.database.remove(world.oracle.records("note")[0].id)
    stopped, result = undo(world)
    assert stopped is None
    assert (result.gone, result.removed) == (Counter(note=1), Counter(note=2, case=1))
    assert set(world.states().values()) == {"undone"}


def test_an_undoing_that_dies_at_any_delete_goes_on(world: Wired, monkeypatch: pytest.MonkeyPatch) -> None:
    """The process is gone after the DELETE left, before its outcome was written: asked again, 404 means done."""
    client = type(world.client())
    delete: Callable[..., object] = client.delete

    async def dies(self: object, entity: str, target_id: str) -> bool:
        await delete(self, entity, target_id)
        raise SystemExit

    monkeypatch.setattr(client, "delete", dies)
    for _ in range(MADE):
        with pytest.raises((SystemExit, BaseExceptionGroup)):
            undo(world)
    monkeypatch.undo()
    stopped, _ = undo(world)
    assert stopped is None
    assert world.oracle.counts() == {"case": 1}
    assert set(world.states().values()) == {"undone"}
