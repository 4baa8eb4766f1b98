"""Rows: damage, where, keys, joins, groups; and the ledger in which each of them stands once."""

from __future__ import annotations

import datetime as dt
from collections import Counter

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from etl.core.ports import Join
from etl.mapping.model import Choose, Take


def ledger(mapped):
    return [(row["row"], row["bucket"], row["reason"]) for row in mapped.ledger.to_pylist()]


def test_a_damaged_row_is_quarantined_with_the_reason_it_came_with(workshop, make, told):
    mapped = workshop.run(make.batch(["ragged_row", None], ID=[None, "2"]), where="ID <> '9'")
    assert ledger(mapped) == [(1, "quarantined", "ragged_row"), (2, "record", None)]
    assert told(mapped) == [("ragged_row", "block", None, 1, None)]
    assert mapped.records["_row"].to_pylist() == [2]


def test_rows_that_where_leaves_out_are_counted_and_a_blank_is_not_left_out_by_unequal(workshop, make):
    mapped = workshop.run(make.batch(ID="123", DEL=["Y", "N", None]), where="DEL <> 'Y'")
    assert ledger(mapped) == [(1, "ignored", "where"), (2, "record", None), (3, "record", None)]


def test_a_row_without_a_whole_key_is_quarantined(workshop, make, told):
    mapped = workshop.run(make.batch(A=["1", "1", ""], B=["x", " ", "x"]), key=("A", "B"))
    assert [bucket for _, bucket, _ in ledger(mapped)] == ["record", "quarantined", "quarantined"]
    assert [row[:4] for row in told(mapped)] == [("missing_key", "block", None, 2), ("missing_key", "block", None, 3)]
    assert mapped.records["_key"].to_pylist() == ["1 | x"]
    assert mapped.records["_rk"].to_pylist() == [make.keys.record_key("person", "people", ["1", "x"])]


def test_the_ledger_names_the_record_of_each_row(workshop, make):
    mapped = workshop.run(make.batch(ID="12"))
    assert mapped.ledger["record_key"] == mapped.records["_rk"]


@pytest.mark.parametrize(
    ("expect", "pick", "codes"),
    [
        ("one", (), ["missing_match", "unexpected_second_match"]),
        ("at_most_one", (), ["unexpected_second_match"]),
        ("at_most_one", ("DAY",), []),
        ("many", (), []),
    ],
)
def test_a_join_that_breaks_its_promise_quarantines_the_record(workshop, make, told, expect, pick, codes):
    rows = make.batch(ID="123", addr___matches=[0, 1, 2])
    rows = rows.rename_columns(
        [name.replace("addr._", "addr.").replace("addr.matches", "addr._matches") for name in rows.schema.names]
    )
    mapped = workshop.run(rows, joins=(Join("addr", "legacy.A", (("ID", "ID"),), expect, pick),))
    assert [row[0] for row in told(mapped)] == codes
    assert mapped.records["_status"].to_pylist().count("quarantined") == len(codes)


# ---------------------------------------------------------------- groups


def test_the_first_row_of_a_group_supplies_plain_columns_and_the_others_are_merged(workshop, make):
    mapped = workshop.run(make.batch(ID="aab", X=["1", "2", "3"], _group=[0, 0, 1]), make.field("x", "X"))
    assert mapped.records["x"].to_pylist() == ["1", "3"]
    assert ledger(mapped) == [(1, "record", None), (2, "merged", None), (3, "record", None)]
    first, second = mapped.records["_rk"].to_pylist()
    assert mapped.ledger["record_key"].to_pylist() == [first, first, second]


@pytest.mark.parametrize(
    ("take", "kind", "expected"),
    [
        (Take.MIN, "integer", [9, None]),
        (Take.MAX, "integer", [10, None]),
        (Take.FIRST, "integer", [10, None]),
        (Take.LAST, "integer", [9, None]),
        (Take.COUNT, "integer", [2, 0]),
        (Take.CONCAT, "string", ["10; 9", None]),
    ],
)
def test_take_makes_one_value_of_the_values_that_are_there(workshop, make, take, kind, expected):
    rows = make.batch(ID="aaab", X=[None, "10", "9", ""], _group=[0, 0, 0, 1])
    mapped = workshop.run(rows, make.field("x", make.pipe("X", take=take), kind=kind))
    assert mapped.records["x"].to_pylist() == expected


def test_any_all_and_count_look_at_the_whole_group(workshop, make):
    rows = make.batch(ID="aabb", OUT=["2020-01-01", None, "2020-01-01", "2020-02-01"], _group=[4, 4, 7, 7])
    status = Choose((make.branch("any(OUT is null)", "Open"), make.branch(None, "Closed")))
    closed = make.field("closed", make.pipe("OUT", take=Take.MAX), kind="date", when="all(OUT is not null)")
    mapped = workshop.run(rows, make.field("status", status), closed)
    assert mapped.records["status"].to_pylist() == ["Open", "Closed"]
    assert mapped.records["closed"].to_pylist() == [None, dt.date(2020, 2, 1)]


def test_a_damaged_row_does_not_poison_its_group(workshop, make):
    rows = make.batch([None, "ragged_row", None], ID=["a", None, "a"], X=["1", None, "3"], _group=[0, 0, 0])
    mapped = workshop.run(rows, make.field("x", make.pipe("X", take=Take.CONCAT)))
    assert mapped.records["x"].to_pylist() == ["1; 3"]
    assert [bucket for _, bucket, _ in ledger(mapped)] == ["record", "quarantined", "merged"]


def test_rows_of_a_group_without_a_key_are_all_quarantined(workshop, make):
    mapped = workshop.run(make.batch(ID=["", "", "b"], _group=[0, 0, 1]))
    assert [bucket for _, bucket, _ in ledger(mapped)] == ["quarantined", "quarantined", "record"]
    assert mapped.problems.num_rows == 2


def test_a_fault_in_any_row_that_take_reads_is_the_fault_of_the_record_and_told_once(workshop, make, told):
    rows = make.batch(ID="aaab", X=["1", "x", "y", "2"], _group=[0, 0, 0, 1])
    mapped = workshop.run(rows, make.field("x", make.pipe("X", take=Take.MAX), kind="integer"))
    assert mapped.records["_status"].to_pylist() == ["quarantined", "valid"]
    assert told(mapped) == [("wrong_type", "block", "x", 2, "integer a")]


def test_a_fault_of_a_plain_field_is_placed_at_the_first_row_of_its_group(workshop, make, told):
    rows = make.batch(ID="aab", X=["1", "x", "y"], _group=[0, 0, 1])
    mapped = workshop.run(rows, make.field("x", "X", kind="integer"))
    assert told(mapped) == [("wrong_type", "block", "x", 3, "integer a")]
    assert mapped.problems["record_key"][0] == mapped.records["_rk"][1]


def test_values_that_repeat_are_judged_once_and_told_in_every_row(workshop, make, told):
    rows = make.batch(ID="123456", X=["2020-01-01", "x", "x", "2020-01-01", None, "x"])
    mapped = workshop.run(rows, make.field("x", "X", kind="date"))
    assert mapped.records["x"].is_valid().to_pylist() == [True, False, False, True, False, False]
    assert [row for *_, row, _ in told(mapped)] == [2, 3, 6]


# ---------------------------------------------------------------- laws

CELLS = st.sampled_from([None, "", " ", "1", "2", "x", "2020-01-01", "2021-02-30"])
ROW = st.tuples(st.sampled_from([None, None, None, "ragged_row"]), CELLS, CELLS, CELLS, st.integers(0, 2))


def base(make, rows, groups=None):
    damage, key, first, second, matches = (list(column) for column in zip(*rows, strict=True)) if rows else ([],) * 5
    more = {} if groups is None else {"_group": groups}
    made = make.batch(damage, ID=key, A=first, B=second, **more)
    return made.append_column("j._matches", pa.array(matches, pa.int64()))


def fields(make):
    use = make.crosswalk(("1", "One"), ("x", ""), on_unmapped="empty")
    return (
        make.field("day", make.pipe("A", do=["trim", "date"]), kind="date", on_error="empty"),
        make.field("code", make.pipe("A", "B", do=[{"coalesce": None}], crosswalk=use)),
        make.field("number", "B", kind="integer", when="A is not null"),
    )


JOINS = (Join("j", "legacy.J", (("ID", "ID"),)),)


@settings(deadline=None, max_examples=30)
@given(rows=st.lists(ROW, max_size=12))
def test_every_row_is_in_the_ledger_once_and_every_quarantined_one_has_a_problem(workshop, make, rows):
    mapped = workshop.run(base(make, rows), *fields(make), joins=JOINS, where="B <> '2'")
    assert mapped.ledger["row"].to_pylist() == list(range(1, len(rows) + 1))
    blocked = {row["row"] for row in mapped.problems.to_pylist() if row["severity"] == "block"}
    assert {row["row"] for row in mapped.ledger.to_pylist() if row["bucket"] == "quarantined"} == blocked
    assert mapped.records.num_rows == sum(key is not None for key in mapped.ledger["record_key"].to_pylist())
    told = Counter((row["field"], row["row"]) for row in mapped.problems.to_pylist() if row["field"])
    assert all(count == 1 for count in told.values())


@settings(deadline=None, max_examples=30)
@given(rows=st.lists(ROW, max_size=12), cut=st.integers(0, 12))
def test_the_size_of_batches_does_not_matter(workshop, make, rows, cut):
    whole = base(make, rows)
    transformer = workshop.transformer(*fields(make), joins=JOINS, where="B <> '2'")
    parts = [transformer.apply(whole.slice(0, cut)), transformer.apply(whole.slice(cut))]
    once = transformer.apply(whole)
    for name in ("records", "ledger"):
        assert (
            pa.Table.from_batches([getattr(part, name) for part in parts]).to_pylist()
            == getattr(once, name).to_pylist()
        )
    in_parts = [row for part in parts for row in part.problems.to_pylist()]
    assert sorted(map(str, in_parts)) == sorted(map(str, once.problems.to_pylist()))


@settings(deadline=None, max_examples=30)
@given(rows=st.lists(st.tuples(ROW, st.integers(1, 3)), max_size=6))
def test_grouped_rows_are_accounted_for_too(workshop, make, rows):
    repeated = [row for row, size in rows for _ in range(size)]
    groups = [number for number, (_, size) in enumerate(rows) for _ in range(size)]
    taken = make.field("most", make.pipe("B", take=Take.MAX), kind="integer", on_error="warn")
    mapped = workshop.run(base(make, repeated, groups), *fields(make), taken, joins=JOINS, where="B <> '2'")
    assert mapped.ledger["row"].to_pylist() == list(range(1, len(repeated) + 1))
    assert mapped.records.num_rows <= len(rows)
    keyed = Counter(row["record_key"] for row in mapped.ledger.to_pylist() if row["bucket"] != "merged")
    del keyed[None]
    assert keyed == Counter(mapped.records["_rk"].to_pylist())
