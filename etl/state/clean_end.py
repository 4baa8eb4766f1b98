"""Remembers what a state database's file held when it was last closed well, so that the next start need not search it.

SQLite's full check visits every index entry of every record: seconds for a million records, before the first request. A
file that is byte for byte the one that was closed cannot have been damaged since, and reading it once is ten times
quicker. The note is gone while anybody holds the state: after a kill or a power cut more is
searched, see :class:`etl.state.sqlite.Search`.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from etl.state import places


class CleanEnd:
    """The note beside a state database that says how its file ended. Use it only while the state's lock is held."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._note = path.with_name(path.name + ".closed")
        self._log = path.with_name(path.name + "-wal")
        self._is_earned = False

    def take(self) -> bool:
        """Whether the file is as it was when it was last closed well. Removes the note: the next end has to earn its own."""
        try:
            noted = self._note.read_text("ascii")
        except (OSError, UnicodeError):
            noted = ""
        self._note.unlink(missing_ok=True)
        return noted != "" and not self._has_log() and noted == _digest(self._path)

    def earn(self) -> None:
        """The state was given back without any error."""
        self._is_earned = True

    def leave(self) -> None:
        """Writes the note, if it was earned; to be called when the database is closed. Without one all is checked."""
        if not self._is_earned or self._has_log():
            return
        try:
            places.create_private_file(self._note)
            self._note.write_text(_digest(self._path), "ascii")
        except OSError:
            self._note.unlink(missing_ok=True)

    def _has_log(self) -> bool:
        """Whether transactions lie beside the file: of a holder that was killed, or that another one is reading."""
        return self._log.exists() and self._log.stat().st_size > 0


def _digest(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
