"""The schema's history: numbered steps that only go forward, applied together in one transaction of the caller.

A step is a frozen tuple of statements. It never uses :mod:`etl.state.tables`, which moves on while history must not.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

from sqlalchemy import Connection

from etl.state.migrations import m0001_records

Step: TypeAlias = tuple[str, ...]

STEPS: tuple[Step, ...] = (m0001_records.STATEMENTS,)
"""Step ``n`` (from 1) leads from version ``n - 1`` to version ``n``."""
_WORDS = {"sqlite": {"blob": "BLOB", "strict": " STRICT", "by_key": ", WITHOUT ROWID"}}
"""What each kind of database calls what they do not share."""


def upgrade(connection: Connection, version: int, steps: Sequence[Step] = STEPS) -> int:
    """Applies the steps after ``version`` inside the caller's transaction and returns the version reached."""
    words = _WORDS[connection.dialect.name]
    for step in steps[version:]:
        for statement in step:
            connection.exec_driver_sql(statement.format(**words))
    return len(steps)
