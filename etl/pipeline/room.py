"""Refuses a load that its disk has no room for, before anything is sent."""

from __future__ import annotations

import shutil
from pathlib import Path

from etl.core.errors import StateError

BYTES_A_RECORD = 1024
"""What a record comes to take in state, log and reports, measured roughly; twice that must be free."""


def require_room(folder: Path, records: int) -> None:
    """Raises StateError where the disk of the runs folder cannot take the state and reports of so many more records."""
    needed = 2 * BYTES_A_RECORD * records
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise StateError(
            f"The disk of {folder} has {_megabytes(free)} free, and loading {records} records can take "
            f"{_megabytes(needed)}. Nothing was sent.",
            hint="Make room there, or name another folder with `runs:` in project.yaml; then run again.",
        )


def _megabytes(size_bytes: int) -> str:
    return f"{size_bytes / 1_000_000:,.1f} MB"
