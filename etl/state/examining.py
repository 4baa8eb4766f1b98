"""Examines a state database without holding it: whole or broken, whose, how far, and whether it is the newest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import select

from etl.core.errors import StateError
from etl.state import sqlite
from etl.state.backups import backups
from etl.state.identity import Identity, Moment, identity
from etl.state.migrations import STEPS
from etl.state.tables import META
from etl.state.witness import Witness


@dataclass(frozen=True, slots=True)
class Examined:
    """What was found. ``findings`` are SQLite's words for damage, [] where the file is whole; ``seen`` is how far the
    witness has seen the state come, None where this machine has none; ``copies`` are newest first.
    """

    path: Path
    form: int
    newest_form: int
    findings: tuple[str, ...]
    facts: Mapping[str, str]
    identity: Identity | None
    seen: Moment | None
    copies: tuple[Path, ...]

    @property
    def is_outdated(self) -> bool:
        """Whether a newer one was used on this machine."""
        return bool(self.identity and self.seen and self.identity.moment < self.seen)


def examine(path: Path, witnesses: Path) -> Examined:
    """Reads everything once, beside whoever writes. Raises StateError where there is no file or it is not ours,
    StateDamaged where it cannot be read at all.
    """
    if not path.exists():
        raise StateError(f"There is no state database at {path}.", hint="Nothing was loaded yet, or it is lost: "
                         "`casebook-etl state rebuild` makes it anew from source and Casebook.")  # fmt: skip
    engine = sqlite.reader(path)
    try:
        with sqlite.reported(path), engine.connect() as connection:
            sqlite.check_kind(connection, path)
            form = sqlite.file_version(connection)
            findings = tuple(sqlite.findings(connection))
            facts = {row.name: row.value for row in connection.execute(select(META))}
            seen = Witness(witnesses, known.uuid).seen() if (known := identity(connection)) else None
            # Beside a run both go on, and the state goes first: read before its witness it could look older.
            known = identity(connection)
    finally:
        engine.dispose()
    return Examined(path, form, len(STEPS), findings, facts, known, seen, tuple(backups(path)))
