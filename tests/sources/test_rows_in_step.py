"""Rows and verdicts that were written in the same order are closed side by side, whatever the sizes of their batches."""

from __future__ import annotations

import pyarrow as pa
import pytest

from etl.core.records import LEDGER_SCHEMA
from etl.sources.rows_in_step import Verdicts, closed_in_step


def rows(*entries):
    names = ("row", "bucket", "record_key")
    made = [dict(zip(names, each, strict=True)) | {"mapping": "m", "table": "t", "line": each[0]} for each in entries]
    return pa.RecordBatch.from_pylist(made, LEDGER_SCHEMA)


def verdicts(*batches):
    kinds = pa.schema([("_rk", pa.string()), ("_row", pa.int64()), ("status", pa.string()), ("reason", pa.string())])
    names = kinds.names
    made = ([dict(zip(names, entry, strict=True)) for entry in batch] for batch in batches)
    return Verdicts(iter([pa.RecordBatch.from_pylist(each, kinds) for each in made]))


VALID, BLOCKED = ("valid", None), ("blocked", "missing")


@pytest.mark.parametrize("sizes", [(4,), (1, 3), (0, 2, 2), (1, 1, 1, 1)])
def test_batches_of_verdicts_may_end_anywhere(sizes):
    said = [("a", 1, *VALID), ("b", 2, *BLOCKED), ("d", 4, *VALID), ("e", 5, *BLOCKED)]
    starts = [sum(sizes[:at]) for at in range(len(sizes))]
    waiting = verdicts(*(said[start : start + size] for start, size in zip(starts, sizes, strict=True)))
    first = closed_in_step(rows((1, "record", "a"), (2, "record", "b"), (3, "ignored", None)), waiting)
    second = closed_in_step(rows((4, "record", "d"), (5, "record", "e")), waiting)
    closed = [*first.to_pylist(), *second.to_pylist()]
    assert [(each["row"], each["bucket"], each["reason"]) for each in closed] == [
        (1, "pending", ""),
        (2, "blocked", "missing"),
        (3, "ignored", ""),
        (4, "pending", ""),
        (5, "blocked", "missing"),
    ]


@pytest.mark.parametrize(
    "said", [[("a", 1, *VALID)], [("a", 1, *VALID), ("c", 2, *VALID)], [("a", 1, *VALID), ("b", 3, *VALID)]]
)
def test_rows_whose_verdicts_are_others_or_are_not_there_are_not_closed(said):
    assert closed_in_step(rows((1, "record", "a"), (2, "record", "b")), verdicts(said)) is None
