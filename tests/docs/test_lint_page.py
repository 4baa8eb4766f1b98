"""Every lint rule and every code of a mistake has an example that makes lint tell it, and it alone."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from pathlib import Path

import pytest

from etl.core.errors import MappingError, Mistake
from etl.mapping.lint import RULES
from etl.mapping.mistake_codes import MISTAKES
from etl.pipeline.deciding import take_decisions
from etl.pipeline.linting import lint_project
from etl.pipeline.projects import open_project
from tests.docs.lint_example import Example, documents, shown, written
from tests.docs.lint_examples import EXAMPLES
from tests.docs.mistake_examples import MISTAKEN, SUBJECTS

ETL = Path(__file__).parents[2] / "etl"
NOTED = {"Mistake", "_mistake", "note", "_note", "_add", "_at"}
LEAST = 2
"""What notes a mistake is told more than this: a place, a message, a hint, a code."""
MOST_LINES = 10


def test_every_rule_has_an_example():
    assert set(EXAMPLES) == {rule.name for rule in RULES}


@pytest.mark.parametrize("rule", EXAMPLES)
def test_the_example_of_a_rule_makes_it_speak_and_no_other(tmp_path, rule):
    folder = written(tmp_path, documents(EXAMPLES[rule]))
    report = lint_project(folder, None, {}, rows=EXAMPLES[rule].rows)
    assert [str(each) for each in report.mistakes] == []
    assert {each.rule for each in report.findings} == {rule}


def test_every_code_of_a_mistake_has_one_example():
    assert sorted(code for examples in SUBJECTS.values() for code in examples) == sorted(MISTAKES)


@pytest.mark.parametrize("code", MISTAKEN)
def test_the_example_of_a_mistake_is_told_as_the_page_says_and_nothing_else_is(tmp_path, code):
    folder = written(tmp_path.resolve(), documents(MISTAKEN[code]))
    found = told(folder, MISTAKEN[code])
    assert {each.code for each in found} == {code}
    assert str(found[0]).replace(f"{folder}/", "") == MISTAKEN[code].told


@pytest.mark.parametrize("code", [code for code, each in MISTAKEN.items() if each.mended])
def test_a_mended_example_has_no_mistake(tmp_path, code):
    folder = written(tmp_path, documents(MISTAKEN[code], MISTAKEN[code].mended))
    assert [str(each) for each in told(folder, MISTAKEN[code])] == []


@pytest.mark.parametrize("code", MISTAKEN)
def test_an_example_of_a_mistake_is_tiny(code):
    texts = [MISTAKEN[code].lines, *MISTAKEN[code].more.values()]
    assert all(len(each.splitlines()) <= MOST_LINES for each in texts)


def test_the_page_shows_all_that_makes_the_mistake():
    example = Example(
        "a: b\udce9", "told", "a: c", file="x.yaml", more={"data/A.csv": "A\n", "y.yaml": "d: e\n"}, profile="p"
    )
    assert shown(example) == (
        "```text\n# x.yaml\na: b<E9>\n\n# y.yaml\nd: e\n```\n\n**Told by `lint --profile p`:**\n\n```text\ntold\n```\n\n"
        "**Mended:**\n\n```text\na: c\n```\n"
    )  # fmt: skip


def told(folder: Path, example: Example) -> Sequence[Mistake]:
    """The mistakes that lint tells of a project, or, where a sheet is shown, the taking up of its decisions."""
    if not example.told_by:
        return lint_project(folder, example.profile, {}).mistakes
    try:
        take_decisions(open_project(folder, None, {}), folder / example.file)
    except MappingError as error:
        return error.mistakes
    return ()


def noted_codes() -> set[str]:
    """The codes that checks of documents write out: by keyword, or as the last argument of what notes a mistake."""
    folders = [*(ETL / "mapping").glob("*.py"), *(ETL / "catalog").glob("*.py")]
    files = [
        *folders,
        ETL / "core" / "strict_yaml.py",
        ETL / "plan" / "graph.py",
        ETL / "pipeline" / "select_trials.py",
    ]
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
    assert {"unknown_key", "yaml_tab", "wrong_sql", "catalog_flaw"} <= noted_codes()
