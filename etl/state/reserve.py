"""Room set aside on the disk of the state database, given back to the system when the disk is full.

When nothing more fits, what is in flight at Casebook still has to be written down: that is what the room is for.
"""

from __future__ import annotations

import os
from pathlib import Path

from etl.core.errors import StateError
from etl.state import places

RESERVE_BYTES = 2 * 1024 * 1024
"""Enough for the outcomes of some hundred requests: each touches a few pages of 4 KiB."""


class Reserve:
    """A file of some size beside the state database; readable by nobody else, and holding nothing but zeros."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def keep(self) -> None:
        """Makes the file if it is not there in full. Raises StateError where the disk has no room for it."""
        if self._path.exists() and self._path.stat().st_size >= RESERVE_BYTES:
            return
        self._path.unlink(missing_ok=True)
        try:
            places.create_private_file(self._path)
            _fill(self._path)
        except OSError as error:
            self._path.unlink(missing_ok=True)
            raise StateError(
                f"The disk has no room for the state database {self._path.name.removesuffix('.reserve')} "
                f"({error.strerror}).",
                hint="Make room on the disk of the runs folder, then run again; nothing was sent.",
            ) from None

    def release(self) -> bool:
        """Gives the room back; False where that was done before."""
        try:
            self._path.unlink()
        except OSError:
            return False
        return True


def _fill(path: Path) -> None:
    with path.open("r+b") as file:
        if hasattr(os, "posix_fallocate"):
            os.posix_fallocate(file.fileno(), 0, RESERVE_BYTES)
        else:
            file.write(bytes(RESERVE_BYTES))
