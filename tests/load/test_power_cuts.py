"""Row C2 of the crash table: what a power cut amid the commit of an intent leaves on the disk, and the load that goes on.

A machine cannot be cut off here, but what it would leave can be made: the state's files are taken as they are when the first
request is about to leave, and of the last commit in the log only a part is kept, or one sector is not. The request had not
left then: a commit that has not returned releases none.
"""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
import struct
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest

from etl.core.errors import StateOutdated
from etl.core.records import Document
from etl.load.planned import PlannedRecords
from tests.load.figures import figures
from tests.load.test_crashes import TWICE, assert_complete, load_witnesses, rows
from tests.load.world import Crash, World

HEADER, FRAME_HEADER, SECTOR = 32, 24, 512
EVERY = 7
"""Which of the sectors are spoiled, one at a time; no divisor of those in a page, so that all parts of pages come."""
Spoil = Callable[[bytes], bytes]


def frames(log: bytes) -> list[tuple[int, int, bool]]:
    """Where each frame that counts begins and ends, and whether it ends a transaction."""
    size = FRAME_HEADER + struct.unpack(">I", log[8:12])[0]
    found = []
    for start in range(HEADER, len(log) - size + 1, size):
        if log[start + 8 : start + 16] != log[16:24]:
            break
        found.append((start, start + size, log[start + 4 : start + 8] != bytes(4)))
    return found


def last_commit(log: bytes) -> tuple[int, int]:
    """Where the last transaction begins and ends."""
    known = frames(log)
    ends = [place for place, (_, _, is_last) in enumerate(known) if is_last]
    first = ends[-2] + 1 if len(ends) > 1 else 0
    return known[first][0], known[ends[-1]][1]


def cuts(log: bytes) -> Iterator[tuple[str, bytes]]:
    """What may be left of a log whose last commit did not return: its beginning, or all but a sector, or with a stale one."""
    begin, end = last_commit(log)
    for start, stop, _ in frames(log):
        if begin <= start < end:
            for length in (start, start + FRAME_HEADER, stop - 1):
                yield "cut", log[:length]
    for start in range(begin - begin % SECTOR, end, SECTOR * EVERY):
        low, high = max(start, begin), min(start + SECTOR, end)
        if any(log[low:high]):
            yield "a sector short", log[:low] + bytes(high - low) + log[high:]
        yield "a sector stale", log[:low] + bytes(byte ^ 0x55 for byte in log[low:high]) + log[high:]
    yield "whole", log


def until_the_first_request(world: World, kept: Path) -> list[Document]:
    """Loads until the first request is about to leave, and keeps the state's files as they are then; what it would send."""
    leaving: list[Document] = []

    def power_fails(_number: int, document: Document) -> str | None:
        if not leaving:
            copy_state(world.folder, kept)
        leaving.append(document)
        raise Crash

    world.target.faults = power_fails
    with suppress(BaseExceptionGroup):
        world.load()
    return leaving


def copy_state(source: Path, target: Path) -> None:
    target.mkdir()
    for path in source.glob("state.db*"):
        shutil.copy2(path, target)


def gone_on_from(world: World, folder: Path, state: Path, log: bytes) -> World:
    """The same before its load, with this state."""
    one = world.copy(folder)
    one.planned = PlannedRecords(one.folder / f"planned-{one.plans}", [mapping for mapping, _ in rows("1")])
    for path in one.folder.glob("state.db-*"):
        path.unlink()
    shutil.copy2(state / "state.db", one.folder)
    (one.folder / "state.db-wal").write_bytes(log)
    return one


def intents(state: Path) -> int:
    with closing(sqlite3.connect(state)) as database:
        return int(database.execute("SELECT count(*) FROM records WHERE state = 'intent'").fetchone()[0])


@pytest.fixture
def planned(world: World, tmp_path: Path) -> World:
    """One record of each kind is loaded, and as many more are planned."""
    load_witnesses(world)
    again = world.copy(tmp_path.with_name(f"{tmp_path.name}-again"))
    again.plan(*rows("1"))
    return again


@pytest.mark.timeout(240)
def test_whatever_a_power_cut_leaves_of_an_intents_commit_each_record_is_created_once(
    planned: World, tmp_path: Path, proof_line
) -> None:
    records, kept = dict(planned.target.records), tmp_path / "kept"
    until_the_first_request(planned, kept)
    assert planned.target.records == records, "nothing had left"
    log = (kept / "state.db-wal").read_bytes()
    promised, before = intents(shutil.copytree(kept, tmp_path / "whole") / "state.db"), 0
    for number, (kind, left) in enumerate(cuts(log)):
        one = gone_on_from(planned, tmp_path.with_name(f"{tmp_path.name}-{number}"), kept, left)
        seen = intents(shutil.copytree(one.folder, one.folder / "seen") / "state.db")
        before = before if number else seen
        assert before < promised, "the last commit made a promise"
        assert seen == (promised if kind == "whole" else before), "all of a commit or nothing of it"
        one.load()
        proof_line(f"C2: power cut amid the commit, {kind}", None, **figures(one, TWICE), points=1, promised=seen)
        assert_complete(one, "w", "1")
        shutil.rmtree(one.folder)


def test_a_promise_that_the_disk_lost_after_all_is_noticed_before_anything_is_sent(
    planned: World, tmp_path: Path
) -> None:
    before = tmp_path / "before"
    copy_state(planned.folder, before)
    sent = until_the_first_request(planned, tmp_path / "kept")[0]
    one = gone_on_from(planned, tmp_path.with_name(f"{tmp_path.name}-one"), before, b"")
    asyncio.run(one.target.create(sent))
    with pytest.raises(StateOutdated):
        one.load()
    assert [document for _, document in one.target.creates] == [sent]
