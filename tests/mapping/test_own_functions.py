"""A project's own functions: registered, whole columns in and out, and never a value in what is said about them."""

from __future__ import annotations

import datetime as dt

import pytest

from etl.core.errors import UserFixable
from etl.mapping.functions import functions_in
from etl.mapping.model import Pipeline
from etl.pipeline.inline_tests import run_tests

REGISTERED = "functions: [own.clean]"
CODE = "def clean(values):\n    return values.str.replace('-', '').where(values != 'bad')\n"
FIELD = "middle_name: {from: MID, do: [{py: own.clean}, upper]}"


def project(desk, code: str = CODE, *, more: str = ""):
    desk.write({"own.py": code})
    people = desk.people(FIELD) + more
    return desk.load({"project.yaml": desk.project(REGISTERED), "people.yaml": people})


def step(desk, code: str = CODE):
    value = next(each for each in project(desk, code).mappings[0].fields if each.name == "middle_name").value
    assert isinstance(value, Pipeline)
    return value.operations[0]


def test_a_function_gets_the_values_that_are_there_and_a_blank_it_gives_is_a_problem(desk):
    assert step(desk).on("a-b", None, "bad", "c") == ["ab", None, "!invalid_value", "c"]


def test_it_runs_among_the_other_steps(desk):
    told = "tests: [{name: one, given: {PERSON_ID: 1, FIRST_NM: a, LAST_NM: b, MID: x-z}, expect: {middle_name: XZ}}]\n"
    assert [each.failures for each in run_tests(project(desk, more=told), dt.date(2026, 1, 31))] == [()]


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("def clean(values):\n    raise ValueError(values[0])\n", "failed: ValueError in line 2"),
        ("def clean(values):\n    return values[:0]\n", "one value for each"),
        ("def clean(values):\n    return values.str.len()\n", "no text"),
        ("def clean(values):\n    raise SystemExit(values[0])\n", "failed: SystemExit in line 2"),
        ("def clean(values):\n    return values.set_axis(['x'])\n", "other labels"),
    ],
)
def test_a_function_that_fails_is_named_without_the_values_it_saw(desk, code, said):
    with pytest.raises(UserFixable, match=said) as raised:
        step(desk, code).on("SECRET")
    assert "SECRET" not in str(raised.value)


def test_each_result_goes_to_the_value_whose_label_it_bears(desk):
    code = """
        import pandas as pd

        def clean(values):
            long = values.str.len() > 1
            return pd.concat([values[long].str.upper(), values[~long]])
    """
    assert step(desk, code).on("a", "bb", None, "c", "dd") == ["a", "BB", None, "c", "DD"]


def test_a_label_that_is_doubled_is_refused(desk):
    code = "import pandas as pd\ndef clean(values):\n    return pd.concat([values[:1], values[:1]])\n"
    with pytest.raises(UserFixable, match="other labels"):
        step(desk, code).on("a", "b")


def test_what_a_function_prints_is_swallowed_and_told_once_without_its_words(desk, capsys):
    code = "print('Quenby')\ndef clean(values):\n    print(values[0])\n    return values\n"
    printing = step(desk, code)
    assert [printing.on("SECRET"), printing.on("SECRET")] == [["SECRET"], ["SECRET"]]
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("`own.clean`") == 1
    assert captured.err.count("`own.py`") == 1
    assert "SECRET" not in captured.err
    assert "Quenby" not in captured.err


def test_a_module_that_ends_the_program_is_told_at_the_step(desk):
    documents = {
        "project.yaml": desk.project(REGISTERED),
        "people.yaml": desk.people(FIELD.replace("own.clean", "¦own.clean")),
        "own.py": "import sys\nsys.exit(3)\n",
    }
    assert "SystemExit in line 2" in desk.only_mistake(documents).message


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("def clear(values): ...\n", "no function `clean`"),
        ("def clean(:\n", "SyntaxError in line 1"),
        ("1 / 0\n", "ZeroDivisionError in line 1"),
    ],
)
def test_a_module_that_cannot_serve_is_told_at_the_step(desk, code, said):
    desk.write({"own.py": code})
    documents = {
        "project.yaml": desk.project(REGISTERED),
        "people.yaml": desk.people(FIELD.replace("own.clean", "¦own.clean")),
    }
    found = desk.only_mistake(documents)
    assert said in found.message


def test_a_change_of_the_code_changes_what_the_mapping_means(desk):
    assert project(desk).mappings[0].checksum != project(desk, CODE.replace("'-'", "'+'")).mappings[0].checksum


def test_functions_are_listed_with_the_hash_of_their_file(desk):
    listed = functions_in([step(desk)])
    assert listed[0].startswith("own.clean (")
