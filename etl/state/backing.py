"""What the writer has to know about the database behind it, and how that database's errors are named.

An error's own text may quote a statement's values, so only its code or its class ever reaches a message.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, InterfaceError, ProgrammingError

_UNFIT = (IntegrityError, DataError, InterfaceError, ProgrammingError, UnicodeError)
"""What a statement raises for the rows it was given; every other database error concerns the file, disk or server."""


@dataclass(frozen=True, slots=True)
class Backing:
    """A kind of database as the writer sees it.

    ``repair`` is the hint where it cannot be written. ``beat_s`` is how long the writer may rest before it looks whether
    it still holds the state, None where nothing can take it away unseen.
    """

    repair: str
    beat_s: float | None = None


SQLITE = Backing("Check the disk, then run again: the run goes on from what is durable.")
POSTGRES = Backing(
    "Check the database server and the way to it, then run again: the run goes on from what is durable.", beat_s=5.0
)


BROKEN = frozenset({"SQLITE_CORRUPT", "SQLITE_NOTADB"})
"""The names of errors that mean a damaged file; running again does not help there."""


def error_name(error: DBAPIError) -> str:
    """The database's name for what went wrong; never the statement or its values."""
    cause = error.orig
    code = getattr(cause, "sqlite_errorname", None) or getattr(cause, "sqlstate", None)
    return str(code or type(cause).__name__)


def is_unfit(error: DBAPIError | UnicodeError) -> bool:
    """Whether an error concerns the rows that were to be written rather than the database as a whole."""
    lost = isinstance(error, DBAPIError) and error.connection_invalidated
    return isinstance(error, _UNFIT) and not lost
