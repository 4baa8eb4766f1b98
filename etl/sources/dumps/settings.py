"""What statements before a place in the script decide about the statements behind it: a value that goes with the place.

A table is read from its own places, without what stands before them; each place therefore keeps its settings.
"""

from __future__ import annotations

from typing import NamedTuple

from etl.sources.dumps.tokens import INITIAL, Quoting


class Settings(NamedTuple):
    """What is set at a place: what quotes mean, and which table a name without its database or schema means."""

    quoting: Quoting
    database: str = ""
    """That of the latest USE or \\connect; empty before the first."""
    schema: str = ""
    """The one of PostgreSQL's search path; empty for the default one."""
    saved: tuple[tuple[str, Quoting | None], ...] = ()
    """MySQL's variables that keep an SQL_MODE for later; None for one whose value is not known."""

    @property
    def dialect(self) -> str:
        """The dialect, which nothing changes."""
        return self.quoting.dialect


def initial_settings(dialect: str) -> Settings:
    """The settings where a script says nothing."""
    return Settings(INITIAL[dialect])
