"""The account of a batch: every base row ends in exactly one bucket, in the order in which it came."""

from __future__ import annotations

from dataclasses import dataclass, field

import pyarrow as pa

from etl.core.counting import whole_numbers
from etl.core.records import LEDGER_SCHEMA, LINE, ROW


@dataclass(slots=True)
class Account:
    """Gathers where the rows of one batch end; ``positions`` count among the rows of that batch."""

    batch: pa.RecordBatch
    mapping: str
    table: str
    _entries: list[pa.Table] = field(default_factory=list)

    def enter(
        self,
        positions: pa.Array,
        bucket: str | pa.Array,
        reason: str | pa.Array | None = None,
        keys: pa.Array | None = None,
    ) -> None:
        """Puts rows into a bucket."""
        count = len(positions)
        columns = {"position": positions.cast(pa.int64()), "bucket": _column(bucket, count)}
        columns |= {"reason": _column(reason, count), "record_key": _column(keys, count)}
        self._entries.append(pa.table(columns))

    def closed(self) -> pa.RecordBatch:
        """The ledger rows. A row that is missing or entered twice is a defect of ours and stops everything."""
        entries = pa.concat_tables(self._entries)
        expected = pa.chunked_array([whole_numbers(self.batch.num_rows)])
        if not entries["position"].equals(expected):
            entries = entries.sort_by("position")
        if not entries["position"].equals(expected):
            raise AssertionError(f"the ledger of {self.mapping} does not account for every row once")
        columns = {name: _flat(entries[name]) for name in ("bucket", "reason", "record_key")}
        columns |= {"row": self.batch[ROW], "line": self.batch[LINE]}
        columns |= {name: _column(value, self.batch.num_rows) for name, value in self._place().items()}
        return pa.RecordBatch.from_arrays([columns[name] for name in LEDGER_SCHEMA.names], schema=LEDGER_SCHEMA)

    def _place(self) -> dict[str, str]:
        return {"mapping": self.mapping, "table": self.table}


def _column(value: str | pa.Array | None, count: int) -> pa.Array:
    return pa.repeat(pa.scalar(value, pa.string()), count) if isinstance(value, str | None) else value


def _flat(column: pa.ChunkedArray) -> pa.Array:
    return pa.concat_arrays(column.chunks) if column.num_chunks else pa.array([], column.type)
