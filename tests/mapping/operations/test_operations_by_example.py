"""Every operation does what its documentation shows, and what it shows is all there is."""

from __future__ import annotations

import doctest
import importlib
from pathlib import Path

import pytest

from etl.mapping.operations import OperationMistake, bind, names
from etl.mapping.operations.reference import reference
from etl.mapping.operations.registry import BINDERS

DOCUMENT = Path(__file__).parents[3] / "docs" / "operations.md"
MODULES = sorted({binder.__module__ for binder in BINDERS.values()})


@pytest.mark.parametrize("module", MODULES)
def test_the_examples_in_docstrings_are_true(module):
    result = doctest.testmod(importlib.import_module(module))
    assert result.attempted >= 2
    assert result.failed == 0


@pytest.mark.parametrize("name", names())
def test_every_operation_is_documented_with_an_example(name):
    text = BINDERS[name].__doc__ or ""
    assert ">>> " in text
    assert f"### `{name}`" in DOCUMENT.read_text()


def test_the_document_is_what_the_registry_says():
    assert DOCUMENT.read_text() == reference()


def test_an_unknown_operation_is_named_with_the_nearest_known_one():
    with pytest.raises(OperationMistake) as mistake:
        bind("trimm", None)
    assert "`trim`" in mistake.value.hint


@pytest.mark.parametrize(
    ("name", "argument"),
    [
        ("trim", 1),
        ("null_if", []),
        ("null_if", [1]),
        ("default", None),
        ("default", ""),
        ("replace", {"find": "a"}),
        ("replace", {"with": ""}),
        ("replace", {"find": "", "with": "x"}),
        ("replace", {"find": "a", "pattern": "a", "with": "x"}),
        ("replace", {"pattern": "(a", "with": "x"}),
        ("replace", {"pattern": "a", "with": "\\2"}),
        ("matches", "(?=a)"),
        ("length", None),
        ("length", {}),
        ("length", {"min": 3, "max": 2}),
        ("length", True),
        ("pad", "5"),
        ("pad", {"to": 5, "with": "ab"}),
        ("pad", {"too": 5}),
        ("truncate", 0),
        ("extract", "(a)(b"),
        ("extract", {"pattern": "a", "else": "maybe"}),
        ("extract", "a(b)"),
        ("split", ""),
        ("part", {"on": ","}),
        ("part", {"on": ",", "take": 0}),
        ("part", {"on": ",", "take": True}),
        ("concat", 1),
        ("coalesce", [1]),
        ("number", "x"),
        ("number", {"thousands": ".", "decimal": "."}),
        ("number", {"thousands": "0"}),
        ("number", {"min": "1"}),
        ("integer", {"decimal": ","}),
        ("boolean", {"true_if": ["a"], "false_if": ["A"]}),
        ("boolean", {"true_if": []}),
        ("date", "%m/%d"),
        ("date", "%q"),
        ("date", "%Y-%m-%d %d"),
        ("date", "%m/%d/%y"),
        ("date", "%m/%d/%Y %I:%M"),
        ("date", {"min": "01/01/1900"}),
        ("date", {"in": ["%Y"], "max": "today"}),
        ("datetime", {"zone": "Mars/Base"}),
        ("datetime", {"zone": "../etc"}),
        ("datetime", {"ambiguous": "guess"}),
        ("excel_date", {"system": "1899"}),
        ("phone", {"form": "pretty"}),
        ("ssn", "dashed"),
        ("zip", {"pad": "yes"}),
        ("state", "OH"),
        ("county", {"state": "Ohio"}),
        ("county", {"state": "OH", "known": ["Adams"]}),
        ("county", {"give": "fips"}),
        ("county", {"state": {}}),
        ("county", {"state": {"from": ""}}),
        ("county", {"state": {"from": ["ST"]}}),
        ("county", {"state": {"column": "ST"}}),
        ("county", {"state": {"from": "ST"}, "known": ["Adams"]}),
        ("county", {"state": "OH", "give": "code"}),
    ],
)
def test_a_wrong_argument_is_refused_with_a_hint(name, argument):
    with pytest.raises(OperationMistake) as mistake:
        bind(name, argument)
    assert mistake.value.hint
    assert f"`{name}`" in mistake.value.message


@pytest.mark.parametrize("text", ["1,234,5", "1,234,56", "1,2345", "12$50", "1,234.567,8", "$1$2"])
def test_a_number_whose_signs_stand_in_the_wrong_places_is_an_error(text):
    assert bind("number", {"thousands": ",", "currency": "$"}).on(text) == ["!invalid_value"]


def test_signs_of_a_number_may_stand_at_either_end():
    written = ["-$1,234.5", "$-1,234.5", "- $1,234.5", "-1,234.5 $", " -1,234.5$ "]
    assert bind("number", {"thousands": ",", "currency": "$"}).on(*written) == [-1234.5] * len(written)
    assert bind("number", {"thousands": " "}).on("1 234 567.5 ", " 12 345") == [1234567.5, 12345]


def test_only_tags_of_html_are_taken_out():
    for text in ("x <ana@example.org>", "<mailto:ana@example.org>", "saw <Ana> and <her mother>", "<5 days"):
        assert bind("strip_html", None).on(text) == [text]
    page = (
        '<!DOCTYPE html><?xml x?><P CLASS="a">One</P><o:p></o:p><st1:place w:st="on">Two</st1:place><hr/><B >Three</B >'
    )
    assert bind("strip_html", None).on(page) == ["One\nTwoThree"]


def test_cells_of_a_table_in_html_are_not_run_together():
    table = "<table><tr><td>1</td><td width=2>2</td></tr>\n<tr><th>3</th> <th>4</th></tr></table>"
    assert bind("strip_html", None).on(table) == ["1 2\n\n3 4"]
