"""A source whose place comes from the environment: where it is not found, the variables are named beside the place.

It stands around any adapter, so that no adapter has to know how project.yaml came by its place.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import pyarrow as pa

from etl.core.errors import SourceUnavailable
from etl.core.ports import Source, TableFacts


class VariableSource:
    """Names the variables, never their values, in what is raised where the source is not available."""

    def __init__(self, inner: Source, variables: Sequence[str]) -> None:
        self.name = inner.name
        self._inner = inner
        self._variables = tuple(variables)

    def tables(self) -> Sequence[str]:
        """The tables, sorted. Raises SourceUnavailable."""
        with self._named():
            return self._inner.tables()

    def read(self, table: str, batch_rows: int) -> Iterator[pa.RecordBatch]:
        """Batches as the adapter gives them."""
        with self._named():
            yield from self._inner.read(table, batch_rows)

    def facts(self, table: str) -> TableFacts:
        """Facts about a table that was read to its end."""
        return self._inner.facts(table)

    @contextmanager
    def _named(self) -> Iterator[None]:
        try:
            yield
        except SourceUnavailable as error:
            names = ", ".join(self._variables)
            said = f"project.yaml takes the place from the environment ({names}): see what is set there."
            raise SourceUnavailable(error.message, hint=f"{error.hint} {said}".strip()) from None
