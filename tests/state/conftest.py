"""A store to open again and again, and the same opening for processes of their own."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from etl.core.changes import Intend, MarkCreated
from etl.core.keys import RecordKey
from etl.core.records import TargetId
from etl.state import SqlStore, open_store
from etl.state.keeper import Guard

_OPENING = """
import sys, time
from datetime import UTC, datetime
from pathlib import Path
from etl.core.changes import Intend, MarkCreated
from etl.core.keys import RecordKey
from etl.core.errors import StateLocked
from etl.core.records import RunId, TargetId
from etl.state import open_store

class Clock:
    def now(self):
        return datetime(2026, 7, 1, 12, 0, tzinfo=UTC)

    def monotonic(self):
        return 0.0

def opened():
    return open_store(
        Path(sys.argv[1]), project="intake", target="sandbox", key_check="0011", run_command="run", clock=Clock()
    )
"""


KEYS = [RecordKey(f"{number:032x}") for number in range(300)]
FACTS = {"project": "p", "target": "t", "key_check": "k", "run_command": "run"}


class StillClock:
    """A clock that stands still."""

    def now(self):
        return datetime(2026, 7, 1, 12, 0, tzinfo=UTC)

    def monotonic(self):
        return 0.0

    async def sleep(self, delay_s):
        raise AssertionError("nothing here waits")


@pytest.fixture
def path(tmp_path) -> Path:
    return tmp_path / "runs" / "intake.state.db"


@pytest.fixture
def opened(path) -> Callable[..., SqlStore]:
    def opener(**other):
        facts = {"project": "intake", "target": "sandbox", "key_check": "0011", "run_command": "run"} | other
        return open_store(path, clock=StillClock(), **facts)

    return opener


@pytest.fixture
def spawn(path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Starts a process that runs a script with ``opened()`` at hand; each is killed at the end if it still lives."""
    processes: list[subprocess.Popen[str]] = []

    def start(script: str, *arguments: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-c", _OPENING + script, str(path), *arguments]
        process = subprocess.Popen(  # noqa: S603 - our own interpreter on a script written in the test
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        processes.append(process)
        return process

    yield start
    for process in processes:
        with process:
            process.kill()


@pytest.fixture
def guarded(opened, tmp_path):
    """Opens with a witness outside the folder of the state."""
    return lambda ask_first=False: opened(guard=Guard(tmp_path / "witnesses", ask_first))


def create(store, *keys: RecordKey) -> None:
    store.commit(*(Intend(key, "person", "people", "f" * 32, b"h" * 60) for key in keys)).result(timeout=10)
    store.commit(*(MarkCreated(key, TargetId(f"id-{key}")) for key in keys)).result(timeout=10)
