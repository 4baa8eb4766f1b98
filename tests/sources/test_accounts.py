"""The two accounts of the ledger: every base row and every row of every table ends in exactly one bucket."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from etl.core.ports import BaseQuery, Join
from etl.core.records import LEDGER_SCHEMA
from etl.sources.accounts import TABLE_ACCOUNT_SCHEMA, close_rows, table_account, unmatched_rows
from etl.sources.tables import DuckTables

VERDICTS = pa.schema([(name, pa.string()) for name in ("mapping", "_rk", "status", "reason", "parent")])
OUTCOMES = pa.schema([(name, pa.string()) for name in ("mapping", "record_key", "bucket", "reason", "target_id")])


class Books(DuckTables):
    """Tables with a way to put relations in."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder / "temp", memory_limit_mb=64, threads=1)
        self.folder = folder

    def put(self, relation: str, table: pa.Table) -> None:
        path = self.folder / f"{relation}.parquet"
        pq.write_table(table, path)
        self.register(relation, str(path))

    def left(self, *rows: tuple[int, str, str, str | None]) -> None:
        """What mapping left: row, bucket, reason, record key."""
        made = [
            {
                "mapping": "m",
                "table": "t",
                "row": row,
                "line": row + 1,
                "bucket": bucket,
                "reason": why,
                "record_key": key,
            }
            for row, bucket, why, key in rows
        ]
        self.put("rows", pa.Table.from_pylist(made, LEDGER_SCHEMA))

    def verdicts(self, *rows: tuple[int, str, str, str | None]) -> None:
        """What validation said: row, record key, status, reason."""
        made = [
            {"mapping": "m", "_rk": key, "_row": row, "status": status, "reason": why} for row, key, status, why in rows
        ]
        self.put("verdicts", pa.Table.from_pylist(made, VERDICTS.append(pa.field("_row", pa.int64()))))

    def outcomes(self, *rows: tuple[int, str, str, str]) -> None:
        """What loading did: row, record key, bucket, reason."""
        made = [
            {"mapping": "m", "record_key": key, "row": row, "bucket": bucket, "reason": why}
            for row, key, bucket, why in rows
        ]
        self.put("outcomes", pa.Table.from_pylist(made, OUTCOMES.append(pa.field("row", pa.int64()))))

    def closed(self, *, with_outcomes: bool) -> dict[int, tuple[str, str]]:
        found = [row for batch in close_rows(self, with_outcomes=with_outcomes) for row in batch.to_pylist()]
        assert len({row["row"] for row in found}) == len(found)
        return {row["row"]: (row["bucket"], row["reason"]) for row in found}


@pytest.fixture
def books(tmp_path: Path) -> Iterator[Books]:
    made = Books(tmp_path)
    yield made
    made.close()


@pytest.mark.parametrize("bucket", ["created", "updated", "unchanged", "adopted", "rejected", "blocked", "uncertain"])
def test_the_row_of_a_record_shares_its_outcome(books: Books, bucket: str) -> None:
    books.left((1, "record", "", "k"))
    books.verdicts((1, "k", "valid", None))
    books.outcomes((1, "k", bucket, "why"))
    assert books.closed(with_outcomes=True) == {1: (bucket, "why")}


@pytest.mark.parametrize("status", ["quarantined", "blocked"])
def test_what_validation_set_aside_says_why(books: Books, status: str) -> None:
    books.left((1, "record", "", "k"))
    books.verdicts((1, "k", status, "duplicate_key"))
    books.outcomes()
    assert books.closed(with_outcomes=True) == {1: (status, "duplicate_key")}
    assert books.closed(with_outcomes=False) == {1: (status, "duplicate_key")}


def test_what_mapping_set_aside_stays_there(books: Books) -> None:
    books.left((1, "ignored", "where", ""), (2, "quarantined", "missing_key", ""))
    books.verdicts()
    books.outcomes()
    assert books.closed(with_outcomes=True) == {1: ("ignored", "where"), 2: ("quarantined", "missing_key")}


def test_before_loading_every_valid_row_is_pending(books: Books) -> None:
    books.left((1, "record", "", "k"), (2, "merged", "", "k"))
    books.verdicts((1, "k", "valid", None))
    assert books.closed(with_outcomes=False) == {1: ("pending", ""), 2: ("merged", "")}


def test_a_valid_record_that_was_not_reached_is_pending(books: Books) -> None:
    books.left((1, "record", "", "k"))
    books.verdicts((1, "k", "valid", None))
    books.outcomes()
    assert books.closed(with_outcomes=True) == {1: ("pending", "")}


@pytest.mark.parametrize(
    ("bucket", "fate"),
    [
        ("created", ("merged", "")),
        ("unchanged", ("merged", "")),
        ("pending", ("merged", "")),
        ("rejected", ("rejected", "why")),
        ("uncertain", ("uncertain", "why")),
    ],
)
def test_a_merged_row_shares_the_fate_of_a_record_that_was_not_loaded(
    books: Books, bucket: str, fate: tuple[str, str]
) -> None:
    books.left((1, "record", "", "k"), (2, "merged", "", "k"))
    books.verdicts((1, "k", "valid", None))
    books.outcomes((1, "k", bucket, "why" if fate[0] == bucket else ""))
    assert books.closed(with_outcomes=True)[2] == fate


def test_two_rows_with_one_key_are_two_rows_in_the_account(books: Books) -> None:
    books.left((1, "record", "", "k"), (2, "record", "", "k"))
    books.verdicts((1, "k", "quarantined", "duplicate_key"), (2, "k", "quarantined", "duplicate_key"))
    books.outcomes()
    assert books.closed(with_outcomes=True) == dict.fromkeys((1, 2), ("quarantined", "duplicate_key"))


@given(data=st.data(), part_rows=st.integers(1, 9))
@settings(deadline=None, max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_account_is_the_same_in_parts_of_any_size(books: Books, data: st.DataObject, part_rows: int) -> None:
    leads = data.draw(st.lists(st.integers(1, 8), min_size=8, max_size=8), label="the row whose record each row is of")
    bad = data.draw(st.sets(st.integers(1, 8)), label="records held back")
    books.left(*((row, "record" if row == lead else "merged", "", f"k{lead}") for row, lead in enumerate(leads, 1)))
    books.verdicts(*((row, f"k{row}", "blocked" if row in bad else "valid", "why") for row in range(1, 9)))
    books.outcomes(*((row, f"k{row}", "created", "") for row in range(1, 9)))
    whole, parts = (
        [row for batch in close_rows(books, with_outcomes=True, part_rows=size) for row in batch.to_pylist()]
        for size in (100, part_rows)
    )
    assert parts == whole
    assert [row["row"] for row in whole] == list(range(1, 9))
    for row, lead in zip(whole, leads, strict=True):
        assert row["bucket"] == ("blocked" if lead in bad else "created" if row["row"] == lead else "merged")


@given(data=st.data(), count=st.integers(1, 12))
@settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_verdicts_in_step_with_the_rows_give_the_account_that_verdicts_in_any_order_give(
    books: Books, data: st.DataObject, count: int
) -> None:
    numbers = range(1, count + 1)
    buckets = [data.draw(st.sampled_from(["record", "record", "ignored", "quarantined"])) for _ in numbers]
    fates = [data.draw(st.sampled_from(["valid", "quarantined", "blocked"])) for _ in numbers]
    lost = data.draw(st.sets(st.integers(1, count), max_size=1), label="records without a verdict")
    books.left(
        *((row, it, "why", None if it == "ignored" else f"k{row}") for row, it in zip(numbers, buckets, strict=True))
    )
    verdicts = [
        (row, f"k{row}", fate, None if fate == "valid" else "cause")
        for row, bucket, fate in zip(numbers, buckets, fates, strict=True)
        if bucket != "ignored" and row not in lost
    ]
    books.verdicts(*verdicts)
    in_step = pa.Table.from_batches(close_rows(books, with_outcomes=False))
    books.verdicts(*reversed(verdicts))
    assert in_step.equals(pa.Table.from_batches(close_rows(books, with_outcomes=False)))
    assert in_step["row"].to_pylist() == list(numbers)


def test_rows_in_step_are_closed_without_a_question(books: Books, monkeypatch: pytest.MonkeyPatch) -> None:
    books.left((1, "record", "", "k1"), (2, "ignored", "where", None), (3, "quarantined", "bad", "k3"))
    books.verdicts((1, "k1", "blocked", "parent"), (3, "k3", "quarantined", "bad"))
    monkeypatch.setattr(books, "select", None)
    assert books.closed(with_outcomes=False) == {
        1: ("blocked", "parent"),
        2: ("ignored", "where"),
        3: ("quarantined", "bad"),
    }


def test_a_verdict_about_another_record_of_the_same_row_closes_nothing(books: Books) -> None:
    books.left((1, "record", "", "k1"), (2, "record", "", "k2"))
    books.verdicts((1, "k1", "valid", None), (2, "other", "valid", None))
    assert books.closed(with_outcomes=False) == {1: ("pending", ""), 2: ("record", "")}


def put_source(books: Books, relation: str, column: str, *values: str) -> None:
    count = len(values)
    books.put(
        relation,
        pa.table(
            {
                "_row": pa.array(range(1, count + 1), pa.int64()),
                "_line": pa.array(range(2, count + 2), pa.int64()),
                "_damage": pa.nulls(count, pa.string()),
                column: pa.array(values, pa.string()),
            }
        ),
    )


def test_a_row_is_unmatched_only_where_no_mapping_uses_it(books: Books) -> None:
    put_source(books, "s.A", "ID", "1", "2")
    put_source(books, "s.B", "ID", "3")
    put_source(books, "s.J", "REF", "1", "3", "9", "8")
    by_a = BaseQuery("s.A", ("j.REF",), (Join("j", "s.J", (("ID", "REF"),)),))
    by_b = BaseQuery("s.B", ("j.REF",), (Join("j", "s.J", (("ID", "REF"),)),))
    assert unmatched_rows(books, [(by_a, "j")])["_row"].to_pylist() == [2, 3, 4]
    assert unmatched_rows(books, [(by_a, "j"), (by_b, "j")]).to_pydict() == {"_row": [3, 4], "_line": [4, 5]}


@pytest.mark.parametrize(
    ("is_base", "unmatched", "counts"),
    [(True, None, (10, 0, 0, 0)), (False, 3, (5, 3, 0, 2)), (False, None, (0, 0, 10, 0))],
)
def test_every_row_of_a_table_is_counted_once(
    *, is_base: bool, unmatched: int | None, counts: tuple[int, int, int, int]
) -> None:
    row = table_account("s.T", 10, 2, is_base=is_base, unmatched=unmatched, reason=None)
    assert tuple(row[name] for name in ("used", "unmatched", "ignored", "damaged")) == counts
    assert sum(counts) == row["rows"]
    assert list(row) == TABLE_ACCOUNT_SCHEMA.names
