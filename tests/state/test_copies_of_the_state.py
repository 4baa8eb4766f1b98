"""Copies of a state database: made while it is in use and at the end of what changed it, few of a day, whole, and told of."""

from __future__ import annotations

import shutil
import sqlite3
import time
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from etl.core.changes import MarkBlocked
from etl.core.errors import StateDamaged
from etl.state import backups as backups_module
from etl.state import open_reader, open_store
from etl.state.backups import backups, backups_folder, copy_to
from tests.state.conftest import FACTS, KEYS, StillClock, create


class TickingClock(StillClock):
    """Time that a test moves."""

    time = 0.0

    def monotonic(self):
        return self.time


class MovingClock(StillClock):
    """A date that a test moves."""

    moment = datetime(2026, 7, 1, 12, 0, tzinfo=UTC)

    def now(self):
        return self.moment


def wait_for_copies(path: Path, count: int) -> list[Path]:
    """The thread that copies is another one: it is given some seconds."""
    for _ in range(500):
        if len(backups(path)) >= count:
            break
        time.sleep(0.01)
    return backups(path)


def test_a_copy_is_made_while_the_state_is_in_use_and_is_whole(opened, path, monkeypatch):
    monkeypatch.setattr(backups_module, "EVERY_CREATES", 100)
    with opened() as store:
        create(store, *KEYS[:99])
        assert backups(path) == []
        create(store, KEYS[99])
        (copy,) = wait_for_copies(path, 1)
    assert copy.parent == backups_folder(path)
    assert copy.stat().st_mode & 0o077 == 0
    assert copy.parent.stat().st_mode & 0o077 == 0
    with open_reader(copy) as reader:
        assert reader.counts() == {("person", "created"): 100}


def test_a_copy_is_made_when_ten_minutes_have_passed(path):
    clock = TickingClock()
    with open_store(path, clock=clock, **FACTS) as store:
        create(store, KEYS[0])
        clock.time = 601.0
        create(store, KEYS[1])
        assert len(wait_for_copies(path, 1)) == 1


def test_five_copies_are_kept(path):
    folder = backups_folder(path)
    folder.mkdir(parents=True)
    for number in range(7):
        (folder / f"2026010{number}T000000Z.state.db").write_bytes(b"old")
    clock = TickingClock()
    with open_store(path, clock=clock, **FACTS) as store:
        clock.time = 601.0
        create(store, KEYS[0])
        for _ in range(500):
            if len(backups(path)) == 5:
                break
            time.sleep(0.01)
    names = [copy.name for copy in backups(path)]
    assert len(names) == 5
    assert names[0].startswith("20260701T120000")
    assert "20260100T000000Z.state.db" not in names


def test_an_end_leaves_a_copy_that_is_as_new_as_the_state(guarded, path, tmp_path):
    with guarded() as store:
        create(store, KEYS[0])
        assert backups(path) == []
    (copy,) = backups(path)
    shutil.copy(copy, path)
    with guarded() as store:
        assert store.counts() == {("person", "created"): 1}
    assert backups(path) == [copy], "nothing was changed"
    with closing(sqlite3.connect(copy)) as database:
        assert database.execute("SELECT released FROM lease").fetchall() == [(1,)]


def test_an_end_by_an_exception_leaves_a_copy_too(opened, path):
    def interrupted():
        with opened() as store:
            create(store, KEYS[0])
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    with open_reader(backups(path)[0]) as reader:
        assert reader.counts() == {("person", "created"): 1}


def test_an_end_where_nothing_lasting_was_changed_leaves_no_copy(opened, path):
    with opened() as store:
        store.start_run("run-1", "run", "2026-07-01", {})
        store.commit(MarkBlocked(KEYS[1], "person", "people", KEYS[0])).result(timeout=10)
        store.commit().result(timeout=10)
        store.finish_run("run-1", "2026-07-01", 0)
    assert backups(path) == []


def test_an_end_right_after_a_copy_makes_no_second_one(path, monkeypatch):
    monkeypatch.setattr(backups_module, "EVERY_CREATES", 1)
    clock = MovingClock()
    with open_store(path, clock=clock, **FACTS) as store:
        create(store, KEYS[0])
        (copy,) = wait_for_copies(path, 1)
        clock.moment += timedelta(seconds=1)
    assert backups(path) == [copy]
    monkeypatch.setattr(backups_module, "EVERY_CREATES", 10)
    clock.moment += timedelta(seconds=1)
    with open_store(path, clock=clock, **FACTS) as store:
        create(store, KEYS[1])
    assert len(backups(path)) == 2


def test_many_short_runs_leave_the_copies_of_earlier_days(path):
    clock = MovingClock()
    for day, runs in enumerate((3, 1, 4, 2, 9)):
        for number in range(runs):
            clock.moment = datetime(2026, 7, 1 + day, 20, number, tzinfo=UTC)
            with open_store(path, clock=clock, **FACTS) as store:
                create(store, KEYS[10 * day + number])
    names = [copy.name[:15] for copy in backups(path)]
    assert names == ["20260705T200800", "20260705T200700", "20260704T200100", "20260703T200300", "20260702T200000"]


def test_what_a_kill_amid_a_copy_left_goes_with_the_next_copy(opened, path):
    folder = backups_folder(path)
    folder.mkdir(parents=True)
    for ending in ("", "-journal"):
        (folder / f".20260701T110000000000Z.state.db.part{ending}").write_bytes(b"half a state")
    with opened() as store:
        create(store, KEYS[0])
    assert list(folder.iterdir()) == backups(path) != []


def test_a_copy_that_fails_is_told_of_and_stops_nothing(path):
    backups_folder(path).parent.mkdir()
    backups_folder(path).write_text("a file where a folder should be")
    clock = TickingClock()
    with open_store(path, clock=clock, **FACTS) as store:
        clock.time = 601.0
        create(store, KEYS[0])
        for _ in range(500):
            if store.notices():
                break
            time.sleep(0.01)
        assert "could not be copied" in store.notices()[0]
        create(store, KEYS[1])


def test_damage_names_the_newest_copy(opened, path):
    with opened():
        pass
    folder = backups_folder(path)
    folder.mkdir()
    copy_to(path, folder / "20260101T000000Z.state.db")
    copy_to(path, folder / "20260102T000000Z.state.db")
    path.write_bytes(b"no database")
    with pytest.raises(StateDamaged) as caught:
        opened()
    assert "20260102T000000Z" in caught.value.hint
    assert path.read_bytes() == b"no database"
