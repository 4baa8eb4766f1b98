"""Copies of the state database made while it is in use and when it is given back, beside it in a folder of its own.

A thread of its own makes them through a reading connection, so the one writer never waits for a copy; the last one is made
when the writer has ended, so that also a short load leaves one. A copy is one whole
file (``VACUUM INTO``) that gets its name only when it is complete. An old copy is refused by the witness, never used by
itself: it is what a damaged state is repaired from.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from threading import Event, Thread

from etl.core.ports import Clock
from etl.state import places

KEPT = 5
KEPT_OF_ANY_DAY = 2
"""The newest copies, which are kept of whatever day they are: where the last one is damaged there is one more."""
EVERY_S = 600.0
EVERY_CREATES = 10_000
_ENDING = ".state.db"
_DRAFT = ".part"
_DAY = len("20260701")
"""A copy's name begins with its day, in UTC."""


def backups_folder(state: Path) -> Path:
    """The folder that holds the copies of a state database.

    >>> backups_folder(Path("runs/agency-sandbox.state.db")).name
    'agency-sandbox.backups'
    """
    return state.with_name(state.name.removesuffix(_ENDING) + ".backups")


def backups(state: Path) -> list[Path]:
    """The copies there are, newest first."""
    return sorted(backups_folder(state).glob(f"*{_ENDING}"), reverse=True)


def is_copied(state: Path) -> bool:
    """Whether copies are made of a file: of a state under its own name, not of a draft such as one that is being rebuilt.

    >>> is_copied(Path("agency-sandbox.state.db")), is_copied(Path("agency-sandbox.state.db.rebuilding"))
    (True, False)
    """
    return state.name.endswith(_ENDING)


def to_keep(copies: Sequence[Path]) -> list[Path]:
    """Which of these copies, newest first, are kept: the newest two, the last of each day before, at most five in all; where
    there are fewer days, the next newest. So many short runs of one day leave the copies of earlier days alone.

    >>> names = ["20260309T0900", "20260309T0800", "20260309T0700", "20260308T2300", "20260308T2200", "20260302T2300"]
    >>> [copy.name for copy in to_keep([Path(name) for name in names])]
    ['20260309T0900', '20260309T0800', '20260308T2300', '20260302T2300', '20260309T0700']
    """
    last_of_day = {copy.name[:_DAY]: copy for copy in reversed(copies)}
    in_order = [*copies[:KEPT_OF_ANY_DAY], *reversed(last_of_day.values()), *copies]
    return list(dict.fromkeys(in_order))[:KEPT]


def copy_to(state: Path, copy: Path) -> None:
    """Writes one consistent file (0600) under a name that must be free; works beside a writer.

    Raises FileExistsError, OSError or sqlite3.Error; nothing is left then.
    """
    draft = copy.with_name(f".{copy.name}{_DRAFT}")
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
    """Decides after each transaction and at the end whether a copy is due, and has it made. ``problem`` is why the last one
    failed.
    """

    def __init__(self, state: Path, clock: Clock) -> None:
        self.problem = ""
        self._state = state
        self._clock = clock
        self._creates = 0
        self._latest = clock.monotonic()
        self._is_behind = False
        self._due = Event()
        self._closing = False
        self._thread: Thread | None = None

    def note(self, creates: int, changes: int) -> None:
        """Counts what a durable transaction created and changed; called by the one writer, returns at once."""
        self._creates += creates
        self._is_behind |= changes > 0
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

    def end_well(self) -> None:
        """Makes the last copy, when the writer has ended without an error, where the latest one of this holder lacks a change."""
        self.close()
        if self._is_behind:
            self._copy()

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
        self._is_behind = False  # what is noted from here on may be missing in it
        try:
            places.make_private_folder(folder)
            # A kill amid an earlier copy left it; nobody else copies to this folder now.
            for draft in folder.glob(f".*Z{_ENDING}{_DRAFT}*"):
                draft.unlink(missing_ok=True)
            copy_to(self._state, folder / f"{now:%Y%m%dT%H%M%S}{now.microsecond:06d}Z{_ENDING}")
            made = backups(self._state)
            for old in set(made) - set(to_keep(made)):
                old.unlink(missing_ok=True)
        except FileExistsError:
            return  # the copy of this very moment is there already
        except (OSError, sqlite3.Error) as error:
            self._is_behind = True
            self.problem = getattr(error, "strerror", None) or type(error).__name__
        else:
            self.problem = ""
