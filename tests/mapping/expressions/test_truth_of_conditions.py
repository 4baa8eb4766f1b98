"""Conditions on columns: two-valued logic, blanks, mixed types, groups."""

from __future__ import annotations

import datetime as dt

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from etl.mapping.expressions import Groups, parse

NOW = dt.date(2026, 1, 31)
quick = settings(deadline=None, max_examples=50)


def truth(text, groups=None, **columns):
    arrays = {
        name.replace("__", "."): value if isinstance(value, pa.Array) else pa.array(value, pa.string())
        for name, value in columns.items()
    }
    return parse(text).evaluate(arrays, groups=groups, today=NOW).to_pylist()


@pytest.mark.parametrize(
    ("condition", "value", "other", "null", "empty"),
    [
        ("A = 'Y'", True, False, False, False),
        ("A <> 'Y'", False, True, True, True),
        ("not A = 'Y'", False, True, True, True),
        ("A < 'Z'", True, True, False, False),
        ("A >= 'A'", True, True, False, False),
        ("A in ('Y', 'X')", True, False, False, False),
        ("A not in ('Y', 'X')", False, True, True, True),
        ("A is null", False, False, True, True),
        ("A is not null", True, True, False, False),
        ("A like 'Y%'", True, False, False, False),
        ("A not like 'Y%'", False, True, True, True),
        ("A = ''", False, False, False, False),
        ("A <> ''", True, True, False, False),
        ("A = A", True, True, False, False),
        ("A <> A", False, False, False, False),
    ],
)
def test_a_comparison_with_a_blank_is_false_except_unequal_with_a_value(condition, value, other, null, empty):
    assert truth(condition, A=["Y", "N", None, ""]) == [value, other, null, empty]


def test_and_binds_closer_than_or_and_not_closer_than_both():
    everything = {"A": ["1", "1", "0", "0"], "B": ["1", "0", "1", "0"]}
    assert truth("A = '1' or B = '1' and B = '0'", **everything) == [True, True, False, False]
    assert truth("(A = '1' or B = '1') and B = '0'", **everything) == [False, True, False, False]
    assert truth("not A = '1' and B = '1'", **everything) == [False, False, True, False]


def test_text_is_compared_as_a_number_with_a_number_and_is_blank_where_it_is_none():
    assert truth("A >= 10", A=["9", "010", "10.5", "x", None]) == [False, True, True, False, False]
    assert truth("A <> 10", A=["9", "010", "x", ""]) == [True, False, True, True]
    assert truth("A < B", A=["9"], B=["10"]) == [False]
    assert truth("number(A) < number(B)", A=["9"], B=["10"]) == [True]


def test_arithmetic_is_on_numbers_and_division_by_nothing_is_blank():
    assert truth("A * 2 + 1 = 7", A=["3", "4"]) == [True, False]
    assert truth("6 - A - 1 = 2", A=["3"]) == [True]
    assert truth("-A < 0 and A / 2 = 1.5", A=["3"]) == [True]
    assert truth("A / 0 is null", A=["3"]) == [True]


def test_dates_are_compared_as_dates_where_one_side_is_a_date():
    days = pa.array([dt.date(2020, 1, 1), dt.date(2022, 1, 1), None], pa.date32())
    assert truth("D <= src.IN", D=days, src__IN=["2021-01-01", "2021-01-01", "2021-01-01"]) == [True, False, False]
    assert truth("D < '2021-01-01'", D=days) == [True, False, False]
    assert truth("date(A, '%m/%d/%Y') < date('2021-01-01')", A=["12/31/2020", "02/30/2020", None]) == [
        True,
        False,
        False,
    ]
    assert truth("today() - D > 1500", D=days) == [True, False, False]


def test_moments_are_compared_by_their_day():
    moments = pa.array([dt.datetime(2020, 1, 1, 23, tzinfo=dt.UTC)], pa.timestamp("us", tz="UTC"))
    assert truth("M = '2020-01-01'", M=moments) == [True]


def test_truths_are_compared_with_true_and_false():
    assert truth("T = true", T=pa.array([True, False, None])) == [True, False, False]
    assert truth("T <> false", T=pa.array([True, False, None])) == [True, False, True]
    assert truth("A = true", A=["true", "FALSE", "x"]) == [True, False, False]


def test_functions_of_a_row():
    row = {"A": [" Ana "], "B": [None], "C": ["12345"]}
    for condition in (
        "trim(A) = 'Ana'",
        "upper(trim(A)) = 'ANA'",
        "lower(trim(A)) = 'ana'",
        "length(C) = 5",
        "length(B) is null",
        "coalesce(B, C) = '12345'",
        "left(C, 2) = '12'",
        "right(C, 2) = '45'",
        "right(C, 0) is null",
        "date('2020-02-30') is null",
    ):
        assert truth(condition, **row) == [True], condition


def test_names_may_be_quoted_and_joined_and_keywords_written_in_any_case():
    columns = {
        "My Col": pa.array(["a"]),
        "order": pa.array(["b"]),
        "addr.City Name": pa.array(["c"]),
        'x"y': pa.array(["d"]),
    }
    text = """ "My Col" = 'a' AND "order" = 'b' And addr."City Name" = 'c' and "x""y" = 'd' """
    assert parse(text).evaluate(columns).to_pylist() == [True]
    assert parse(text).columns == frozenset(columns)


def test_names_that_begin_like_keywords_are_names():
    assert truth(
        "ORDER_NO = 'x' and IS_OPEN = 'x' and NOTE = 'x' and IN_DT = 'x' and anyone = 'x'",
        ORDER_NO=["x"],
        IS_OPEN=["x"],
        NOTE=["x"],
        IN_DT=["x"],
        anyone=["x"],
    ) == [True]


def test_a_quote_in_text_is_doubled():
    assert truth("A = 'it''s'", A=["it's"]) == [True]


def test_a_condition_without_columns_is_of_the_length_of_the_batch():
    assert truth("1 = 1", A=["x", "y"]) == [True, True]
    assert truth("1 = 1", A=[]) == []


# ---------------------------------------------------------------- groups


def test_any_all_and_count_speak_of_the_group():
    groups = Groups.of(pa.array([7, 7, 3, 3, 9]))
    column = ["1", "0", "1", "1", None]
    assert truth("any(A = '0')", groups, A=column) == [True, True, False, False, False]
    assert truth("all(A = '1')", groups, A=column) == [False, False, True, True, False]
    assert truth("count(A) = 0", groups, A=column) == [False, False, False, False, True]
    assert truth("count(A = '1') = 2 and A = '1'", groups, A=column) == [False, False, True, True, False]
    assert parse("any(A = '0')").grouped
    assert not parse("A = '0'").grouped


def test_without_groups_each_row_is_its_own():
    assert truth("any(A = '1') and all(A = '1') and count(A) = 1", A=["1", "0"]) == [True, False]


# ---------------------------------------------------------------- laws

LEAVES = st.sampled_from(["A = 'x'", "A <> 'x'", "B is null", "A < B", "A in ('x', B)", "length(A) > 1", "A like '%x'"])
CONDITIONS = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        inner.map(lambda text: f"not ({text})"),
        st.tuples(inner, inner).map(lambda pair: f"({pair[0]}) and ({pair[1]})"),
        st.tuples(inner, inner).map(lambda pair: f"({pair[0]}) or ({pair[1]})"),
    ),
    max_leaves=5,
)
CELLS = st.lists(st.tuples(*[st.sampled_from([None, "", "x", "xx", "1"])] * 2), min_size=1, max_size=6)


@quick
@given(first=CONDITIONS, second=CONDITIONS, cells=CELLS)
def test_logic_has_two_values(first, second, cells):
    columns = {"A": [a for a, _ in cells], "B": [b for _, b in cells]}
    one, two = truth(first, **columns), truth(second, **columns)
    assert None not in one
    assert truth(f"not ({first})", **columns) == [not value for value in one]
    assert truth(f"({first}) and ({second})", **columns) == [x and y for x, y in zip(one, two, strict=True)]
    assert truth(f"({first}) or ({second})", **columns) == [x or y for x, y in zip(one, two, strict=True)]


@quick
@given(condition=CONDITIONS, cells=CELLS)
def test_rows_do_not_know_of_each_other(condition, cells):
    whole = truth(condition, A=[a for a, _ in cells], B=[b for _, b in cells])
    assert whole == [truth(condition, A=[a], B=[b])[0] for a, b in cells]
