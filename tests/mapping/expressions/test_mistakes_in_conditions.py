"""Texts that are no conditions: what is said, and where it points."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from etl.mapping.expressions import ExpressionMistake, parse


@pytest.mark.parametrize(
    ("text", "offset", "said"),
    [
        ("", 0, "too early"),
        ("A =", 3, "too early"),
        ("(A = 'x'", 8, "too early"),
        ("A = 'x' and", 11, "too early"),
        ("A == 'x'", 3, "not expected"),
        ("A = 'x' B", 8, "not expected"),
        ("A is 'x'", 5, "not expected"),
        ("A @ 1", 2, "not expected"),
        ("A = 'x", 4, "never closed"),
        ('"A = 1', 0, "never closed"),
        ("A", 0, "value, not a condition"),
        ("upper(A)", 0, "value, not a condition"),
        ("A and B = 'x'", 0, "value stands"),
        ("upper(A = 'x') = 'x'", 6, "condition stands"),
        ("any(A)", 4, "value stands"),
        ("any(count(A) > 1)", 4, "inside each other"),
        ("any(A = 'x', B = 'x')", 0, "one argument"),
        ("open(A) = 'x'", 0, "no function"),
        ("left(A) = 'x'", 0, "another number"),
        ("left(A, B) = 'x'", 8, "written out"),
        ("left(A, 'x') = 'x'", 8, "whole number"),
        ("right(A, 1.5) = 'x'", 9, "whole number"),
        ("A like B", 7, "in quotes"),
        ("date(A, '%q') is null", 8, "format"),
        ("date(A, '%m/%d/%y') is null", 8, "century"),
    ],
)
def test_a_mistake_points_to_its_place(text, offset, said):
    with pytest.raises(ExpressionMistake) as mistake:
        parse(text)
    assert mistake.value.offset == offset
    assert said in mistake.value.message


@settings(deadline=None)
@given(text=st.text(alphabet="AB ='\"()<>andornotisullik,.%1", max_size=25))
def test_any_text_is_a_condition_or_a_mistake(text):
    offset = offset_of_mistake(text)
    assert offset is None or 0 <= offset <= len(text)


def offset_of_mistake(text):
    try:
        parse(text)
    except ExpressionMistake as mistake:
        return mistake.offset
    return None


def test_a_condition_nested_beyond_reason_is_a_mistake():
    with pytest.raises(ExpressionMistake, match="nested"):
        parse("1" + " + 1" * 5000 + " = A")
    with pytest.raises(ExpressionMistake, match="nested"):
        parse("not " * 5000 + "A = 'x'")
