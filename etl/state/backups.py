"""Copies of the state database made while it is in use, beside it in a folder of its own.

A thread of its own makes them through a reading connection, so the one writer never waits for a copy; a copy is one whole
file (``VACUUM INTO``) that gets its name only when it is complete. An old copy is refused by the witness, never used by
itself: it is what a damaged state is repaired from.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from threading import Event, Thread

from etl.core.ports import Clock
from etl.state import places

KEPT = 5
EVERY_S = 600.0
EVERY_CREATES = 10_000
_ENDING = ".state.db"


def backups_folder(state: Path) -> Path:
    """The folder that holds the copies of a state database.

    >>> backups_folder(Path("runs/agency-sandbox.state.db")).name
    'agency-sandbox.backups'
    """
    return state.with_name(state.name.removesuffix(_ENDING) + ".backups")


def backups(state: Path) -> list[Path]:
    """The copies there are, newest first."""
    return sorted(backups_folder(state).glob(f"*{_ENDING}"), reverse=True)


def copy_to(state: Path, copy: Path) -> None:
    """Writes one consistent file (0600) under a name that must be free; works beside a writer.

    Raises FileExistsError, OSError or sqlite3.Error; nothing is left then.
    """
    draft = copy.with_name(f".{copy.name}.part")
    draft.unlink(missing_ok=True)
    if copy.exists():
        raise FileExistsError(copy)
    places.create_private_file(draft)
    try:
        with closing(sqlite3.connect(f"{state.absolute().as_uri()}?mode=ro", uri=True, timeout=10)) as original:
            original.execute("VACUUM INTO ?", [str(draft)])
        places.sync_file(draft)
        draft.replace(copy)
    finally:
        draft.unlink(missing_ok=True)
    places.sync_folder(copy.parent)


def damage_hint(path: Path) -> str:
    """What to do about a damaged file: aside with it, and which copy is the newest."""
    newest = next(iter(backups(path)), None)
    way = f"put the newest copy ({newest}) in its place" if newest else "bring back your newest copy"
    return (
        "Copy it aside together with its -wal and -shm files; never delete it to begin anew. Then either "
        f"`casebook-etl state rebuild`, or {way} and `casebook-etl run --ask-first`."
    )


class Backups:
    """Decides after each transaction whether a copy is due, and has it made. ``problem`` is why the last one failed."""

    def __init__(self, state: Path, clock: Clock) -> None:
        self.problem = ""
        self._state = state
        self._clock = clock
        self._creates = 0
        self._latest = clock.monotonic()
        self._due = Event()
        self._closing = False
        self._thread: Thread | None = None

    def note(self, creates: int) -> None:
        """Counts what a transaction created; called by the one writer, returns at once."""
        self._creates += creates
        now = self._clock.monotonic()
        if self._creates < EVERY_CREATES and now - self._latest < EVERY_S:
            return
        self._creates, self._latest = 0, now
        if self._thread is None:
            self._thread = Thread(target=self._work, name="state-backups", daemon=True)
            self._thread.start()
        self._due.set()

    def close(self) -> None:
        """Waits for a copy that is being made, and ends the thread."""
        self._closing = True
        self._due.set()
        if self._thread is not None:
            self._thread.join()

    def _work(self) -> None:
        while True:
            self._due.wait()
            if self._closing:
                return
            self._due.clear()
            self._copy()

    def _copy(self) -> None:
        folder = backups_folder(self._state)
        now = self._clock.now()
        try:
            places.make_private_folder(folder)
            copy_to(self._state, folder / f"{now:%Y%m%dT%H%M%S}{now.microsecond:06d}Z{_ENDING}")
            for old in backups(self._state)[KEPT:]:
                old.unlink(missing_ok=True)
        except FileExistsError:
            return  # the copy of this very moment is there already
        except (OSError, sqlite3.Error) as error:
            self.problem = getattr(error, "strerror", None) or type(error).__name__
        else:
            self.problem = ""
