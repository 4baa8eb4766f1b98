"""Each tolerance forgives exactly what it says, and what is blank is never forgiven."""

from __future__ import annotations

from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from etl.core.tolerances import TOLERANCES, ToleranceName, tolerated_by


@pytest.mark.parametrize(
    ("name", "sent", "shown"),
    [
        ("trim", " Ana ", "Ana"),
        ("spaces", "one  two\r\nthree", "one two three"),
        ("case", "McKay", "MCKAY"),
        ("accents", "José", "Jose"),
        ("digits", "12-34", "1234"),
        ("phone", "(614) 555-0100", "+1 614 555 0100"),
        ("cents", 12.345, "12.34"),
        ("whole", "1200.4", 1200),
        ("seconds", "2020-01-02T03:04:05.678Z", "2020-01-02T04:04:05+01:00"),
        ("minutes", "2020-01-02T03:04:05Z", "2020-01-02T03:04:59Z"),
        ("days", "2020-01-02T23:00:00Z", "2020-01-02"),
        ("zone", "2020-01-02T03:04:05Z", "2020-01-02T03:04:05-05:00"),
        ("filled", None, "Active"),
    ],
)
def test_it_forgives_what_it_says_and_nothing_else_does(name, sent, shown):
    assert tolerated_by(sent, shown, [name]) == name
    assert tolerated_by(sent, shown, []) == ""


@pytest.mark.parametrize("name", [each for each in TOLERANCES if each != "filled"])
def test_another_value_is_another_value(name):
    assert tolerated_by("2020-01-02T03:04:05Z", "2021-11-12T13:14:15Z", [name]) == ""
    assert tolerated_by("Ana 7", "Eva 8", [name]) == ""
    assert tolerated_by("Ana", None, [name]) == ""
    assert tolerated_by("Ana", "", [name]) == ""
    assert tolerated_by("-", "+", [name]) == ""


def test_several_are_tried_one_by_one_and_then_together():
    assert tolerated_by(" Ana", "ana", ["trim", "case"]) == "trim+case"
    assert tolerated_by("Ana", "ana", ["trim", "case"]) == "case"


def test_every_name_is_explained():
    assert set(get_args(ToleranceName)) == set(TOLERANCES)
    assert all(TOLERANCES.values())


@given(st.text(), st.text(), st.lists(st.sampled_from(sorted(TOLERANCES)), max_size=4))
def test_no_text_whatever_breaks_it(sent, shown, names):
    assert tolerated_by(sent, shown, names) in {"", *names, "+".join(each for each in names if each != "filled")}
