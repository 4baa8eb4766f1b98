"""A progress display that shows nothing, for runs inside another command that shows its own."""

from __future__ import annotations


class Silence:
    """Says nothing; implements :class:`etl.core.ports.Progress`."""

    def start(self, stage: str, total: int | None = None) -> None:
        """Nothing."""

    def advance(self, count: int = 1) -> None:
        """Nothing."""

    def note(self, text: str) -> None:
        """Nothing."""
