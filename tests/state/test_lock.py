"""One writer at a time, also across processes and deaths."""

from __future__ import annotations

import contextlib
import os
import platform
import sqlite3
from collections import Counter

import pytest

from etl.core.errors import StateError, StateLocked
from etl.core.records import RunId
from etl.state import lock

HOLD = """
store = opened()
store.start_run(RunId("r-77"), "run", "2026-07-01", {})
print(store.epoch, flush=True)
sys.stdin.read()
"""
RACE = """
for line in sys.stdin:
    try:
        store = opened()
    except StateLocked:
        print("refused", flush=True)
        continue
    print("held", store.epoch, flush=True)
    sys.stdin.readline()
    store.close()
    print("closed", flush=True)
"""


def is_intact(path) -> bool:
    with contextlib.closing(sqlite3.connect(path)) as database:
        return database.execute("pragma integrity_check").fetchall() == [("ok",)]


def say(process, line: str = "go") -> None:
    process.stdin.write(f"{line}\n")
    process.stdin.flush()


@pytest.mark.parametrize(
    ("count", "rounds"),
    [(6, 20), pytest.param(2, 200, marks=pytest.mark.e2e), pytest.param(8, 200, marks=pytest.mark.e2e)],
)
def test_of_processes_that_race_exactly_one_becomes_the_holder(spawn, path, proof_line, count, rounds):
    racers, met, epochs = [spawn(RACE) for _ in range(count)], Counter(), []
    for _ in range(rounds):
        for racer in racers:
            say(racer)
        answers = [racer.stdout.readline().split() for racer in racers]
        holders = [at for at, answer in enumerate(answers) if answer[:1] == ["held"]]
        met.update(dup=max(len(holders) - 1, 0), lost=not holders)
        met["held"] += sum(answer[:1] not in (["held"], ["refused"]) for answer in answers)
        for at in holders:
            epochs.append(int(answers[at][1]))
            say(racers[at], "close")
            assert racers[at].stdout.readline().strip() == "closed"
    met["wrong_id"] = len(epochs) - len(set(epochs))
    met["corrupt"] = not is_intact(path)
    proof_line(f"{count} processes race for the lock", None, n=rounds, **met)
    assert not any(met.values())


def test_a_second_run_is_told_who_holds_the_state_and_what_to_do(spawn, opened):
    holder = spawn(HOLD)
    assert holder.stdout.readline().strip() == "1"
    with pytest.raises(StateLocked) as caught:
        opened()
    expected = (platform.node(), str(holder.pid), "r-77", "2026-07-01T12:00:00", "run")
    assert all(part in caught.value.message for part in expected)
    assert "Wait" in caught.value.hint


def test_the_state_of_a_killed_holder_is_taken_over_with_the_next_epoch(spawn, opened):
    holder = spawn(HOLD)
    assert holder.stdout.readline().strip() == "1"
    holder.kill()
    holder.wait()
    with opened() as store:
        assert store.epoch == 2
        run = store.open_run()
        assert run
        assert run.run_id == "r-77"


def test_a_run_that_is_continued_is_named_to_others_at_once(opened):
    with opened() as store:
        store.start_run(RunId("r-78"), "run", "2026-07-01", {})
    with opened(), pytest.raises(StateLocked, match="r-78"):
        opened()


def test_a_lock_file_without_text_still_refuses(opened, path):
    with opened():
        path.with_name(path.name + ".lock").write_text("")
        with pytest.raises(StateLocked, match="just started"):
            opened()


def test_the_lock_file_outlives_the_holder(opened, path):
    with opened():
        pass
    assert path.with_name(path.name + ".lock").exists()


def test_a_lock_file_that_cannot_be_opened_is_reported(opened, path):
    path.parent.mkdir()
    path.with_name(path.name + ".lock").symlink_to("/nowhere")
    with pytest.raises(StateError, match="cannot be opened"):
        opened()


def leave_held_by(path, host: str) -> None:
    planted = sqlite3.connect(path)
    planted.execute("UPDATE lease SET host = ?, pid = 4711, released = 0, run_id = 'r-9'", [host])
    planted.commit()
    planted.close()


def test_a_lease_that_another_host_never_gave_back_is_refused_until_a_person_adopts_it(opened, path):
    with opened():
        pass
    leave_held_by(path, "old-laptop")
    with pytest.raises(StateLocked) as caught:
        opened()
    assert all(part in caught.value.message for part in ("old-laptop", "4711", "r-9"))
    with opened(adopt=True) as store:
        assert store.epoch == 2


def test_a_lease_that_this_host_never_gave_back_is_taken_over(opened, path):
    with opened():
        pass
    leave_held_by(path, platform.node())
    with opened() as store:
        assert store.epoch == 2


def test_a_holder_is_this_very_process():
    holder = lock.this_process("run", "2026-07-01")
    assert (holder.pid, holder.host) == (os.getpid(), platform.node())


@pytest.mark.skipif(not os.path.exists("/proc/self/stat"), reason="only Linux tells boot and start")  # noqa: PTH110
def test_on_linux_a_holder_is_known_by_boot_and_start_too():
    holder = lock.this_process("run", "2026-07-01")
    assert holder.boot_id
    assert holder.process_start > 0
