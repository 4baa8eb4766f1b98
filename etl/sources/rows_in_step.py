"""The account of base rows closed without a join: rows and verdicts that were written in the same order walk side by side.

Nothing is believed: a batch is closed here only if its rows with a key are those of the next verdicts, by row and by key. Any
other is left to the question in :mod:`etl.sources.accounts`, which needs no order.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from etl.core.outcomes import Bucket
from etl.core.records import LEDGER_SCHEMA

SPAN_COLUMNS = ("mapping", "row", "bucket")
VERDICT_COLUMNS = ("_rk", "_row", "status", "reason")
_RECORD, _VALID = "record", "valid"


@dataclass(slots=True)
class Span:
    """What the rows of one mapping are like: the greatest number, whether some are merged, whether each is greater than
    the one before.
    """

    last: int = 0
    has_merged: bool = False
    is_in_order: bool = True

    def see(self, rows: pa.Array, buckets: pa.Array) -> None:
        """Takes note of the next rows."""
        numbers = np.concatenate([[self.last], rows.to_numpy(zero_copy_only=False)])
        self.is_in_order = self.is_in_order and bool((numbers[1:] > numbers[:-1]).all())
        self.last = int(numbers.max())
        self.has_merged = self.has_merged or pc.any(pc.equal(buckets, str(Bucket.MERGED))).as_py() is True


def spans_of(rows: Iterable[pa.RecordBatch]) -> Mapping[str, Span]:
    """The span of every mapping, in the order of their names; the batches have ``SPAN_COLUMNS``."""
    spans: dict[str, Span] = {}
    for batch in rows:
        for name in pc.unique(batch["mapping"]).to_pylist():
            part = batch.filter(pc.equal(batch["mapping"], name))
            spans.setdefault(name, Span()).see(part["row"], part["bucket"])
    return dict(sorted(spans.items()))


class Verdicts:
    """The verdicts of one mapping, to be taken a number at a time; the batches have ``VERDICT_COLUMNS``."""

    def __init__(self, batches: Iterator[pa.RecordBatch]) -> None:
        self._batches = batches
        self._waiting = pa.Table.from_batches([next(batches)])

    def take(self, count: int) -> pa.Table:
        """The next ``count`` verdicts, fewer at the end; nothing is copied for it."""
        while self._waiting.num_rows < count:
            more = next(self._batches, None)
            if more is None:
                break
            self._waiting = pa.concat_tables([self._waiting, pa.Table.from_batches([more])])
        taken, self._waiting = self._waiting.slice(0, count), self._waiting.slice(count)
        return taken


def closed_in_step(rows: pa.RecordBatch, verdicts: Verdicts) -> pa.RecordBatch | None:
    """The rows with their final buckets; None where the next verdicts are not those of their records."""
    has_verdict = pc.is_valid(rows["record_key"])
    fates = verdicts.take(has_verdict.true_count)
    placed = rows if has_verdict.true_count == rows.num_rows else rows.filter(has_verdict)
    if not (_equal(fates["_row"], placed["row"]) and _equal(fates["_rk"], placed["record_key"])):
        return None
    status, reason = fates["status"].combine_chunks(), fates["reason"].combine_chunks()
    # What mapping set aside keeps its bucket: its verdict says the same.
    is_open = pc.equal(placed["bucket"], _RECORD)
    is_valid = pc.equal(status, _VALID)
    buckets = pc.if_else(is_open, pc.if_else(is_valid, str(Bucket.PENDING), status), placed["bucket"])
    changed = {
        "bucket": pc.replace_with_mask(rows["bucket"], has_verdict, buckets),
        "reason": pc.replace_with_mask(rows["reason"], has_verdict, pc.if_else(is_open, reason, placed["reason"])),
    }
    changed["reason"] = pc.fill_null(changed["reason"], "")
    columns = [changed.get(name, rows[name]) for name in LEDGER_SCHEMA.names]
    return pa.RecordBatch.from_arrays(columns, schema=LEDGER_SCHEMA)


def _equal(verdicts: pa.ChunkedArray, rows: pa.Array) -> bool:
    return bool(verdicts.equals(pa.chunked_array([rows])))
