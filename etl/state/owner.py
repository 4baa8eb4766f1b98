"""Whose a state database is: a project, a target and a project key. Anything else is refused before it is read."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from sqlalchemy import Connection, select, update

from etl.core.errors import StateError, WrongTarget
from etl.state import sqlite
from etl.state.tables import META, RECORDS

_OWNER = {
    "project": ("project", "Use the profile and project that this state belongs to, or name another state file."),
    "target": ("target", "Use the profile that this state belongs to; another tenant needs a state of its own."),
    "key_check": (
        "project key",
        "Supply the project key this state was made with; without it records cannot be matched.",
    ),
}


def require_owner(connection: Connection, place: object, owner: Mapping[str, str]) -> None:
    """Raises WrongTarget, naming both, if the state belongs to another project, target or project key.

    A state from which nothing was ever sent is given to this target and key.
    """
    with connection.begin():
        stored = {row.name: row.value for row in connection.execute(select(META))}
        if not connection.execute(select(RECORDS.c.rk).limit(1)).first():
            # Nothing was ever sent from here, so there is nothing to protect: a mistyped client id must not bind it.
            stored |= _bind(connection, stored, owner)
    for name, (title, hint) in _OWNER.items():
        if stored.get(name) != owner[name]:
            raise WrongTarget(
                f"The state database {place} belongs to {title} {stored.get(name)}, but this run is for {owner[name]}.",
                hint=hint,
            )


def knows_records_of(path: Path, project: str) -> bool:
    """Whether a state database's file knows records of a project; so it is taken where the file cannot be read."""
    engine = sqlite.reader(path)
    try:
        with sqlite.reported(path), engine.connect() as connection:
            owner = connection.execute(select(META.c.value).where(META.c.name == "project")).scalar_one_or_none()
            return owner == project and connection.execute(select(RECORDS.c.rk).limit(1)).first() is not None
    except StateError:
        return True
    finally:
        engine.dispose()


def _bind(connection: Connection, stored: Mapping[str, str], owner: Mapping[str, str]) -> Mapping[str, str]:
    """Gives an empty state database to this target and key; the project stays."""
    free = {name: owner[name] for name in ("target", "key_check") if stored.get(name) != owner[name]}
    for name, value in free.items():
        connection.execute(update(META).where(META.c.name == name).values(value=value))
    return free
