"""Every lint rule has an example that makes it speak, it alone; every code of a mistake is in the list that people read."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from etl.mapping.lint import RULES
from etl.mapping.mistake_codes import MISTAKES
from etl.pipeline.linting import lint_project

from .lint_examples import EXAMPLES, documents

ETL = Path(__file__).parents[2] / "etl"
NOTED = {"Mistake", "_mistake", "note", "_note", "_add", "_at"}
LEAST = 2
"""What notes a mistake is told more than this: a place, a message, a hint, a code."""


def test_every_rule_has_an_example():
    assert set(EXAMPLES) == {rule.name for rule in RULES}


@pytest.mark.parametrize("rule", EXAMPLES)
def test_the_example_of_a_rule_makes_it_speak_and_no_other(tmp_path, rule):
    for name, text in documents(EXAMPLES[rule]).items():
        path = tmp_path / "small" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    report = lint_project(tmp_path / "small", None, {}, rows=EXAMPLES[rule].rows)
    assert [str(each) for each in report.mistakes] == []
    assert {each.rule for each in report.findings} == {rule}


def noted_codes() -> set[str]:
    """The codes that checks of documents write out: by keyword, or as the last argument of what notes a mistake."""
    files = [*(ETL / "mapping").glob("*.py"), ETL / "core" / "strict_yaml.py", ETL / "plan" / "graph.py"]
    calls = [
        each for path in files for each in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(each, ast.Call)
    ]
    found: set[str] = set()
    for call in calls:
        named = [each.value for each in call.keywords if each.arg == "code"]
        name = getattr(call.func, "attr", getattr(call.func, "id", ""))
        last = [call.args[-1]] if name in NOTED and len(call.args) > LEAST else []
        found |= {
            each.value for each in (*named, *last) if isinstance(each, ast.Constant) and isinstance(each.value, str)
        }
    return {each for each in found if each.replace("_", "").isalpha() and each.islower()} - {"mapping"}


def test_every_code_of_a_mistake_is_explained():
    assert noted_codes() <= set(MISTAKES)
    assert {"unknown_key", "yaml_number", "wrong_sql"} <= set(MISTAKES)
