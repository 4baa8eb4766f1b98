"""Dumps in sight of the tests, and the rows that they must give: (row, line, damage, cells)."""

from collections.abc import Callable
from pathlib import Path

import pytest

from etl.sources.dumps.source import DumpSource

Reads = Callable[..., list[tuple[object, ...]]]


@pytest.fixture
def reads(tmp_path: Path) -> Reads:
    """Reads the table T of a script; also as UTF-16 or in another encoding."""

    def read(
        text: str | bytes, dialect: str | None = None, table: str = "T", batch_rows: int = 1000, encoding: str = "utf-8"
    ):
        path = tmp_path / "dump.sql"
        path.write_bytes(text if isinstance(text, bytes) else text.encode(encoding))
        source = DumpSource("old", str(path), dialect=dialect)
        rows = [tuple(row.values()) for batch in source.read(table, batch_rows) for row in batch.to_pylist()]
        return [(row, line, damage or "", *cells) for row, line, damage, *cells in rows]

    return read
