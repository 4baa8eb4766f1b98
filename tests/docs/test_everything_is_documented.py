"""What a person can meet (errors, exit codes, settings, operations) stands in the texts."""

from __future__ import annotations

import inspect
import re
from pathlib import Path
from types import ModuleType

import pytest
import typer.main

from etl.cli import app
from etl.core import errors, exits
from etl.core.errors import EtlError, MappingError, RecordRejected
from etl.core.outcomes import Bucket, RecordState
from etl.mapping import spec
from etl.mapping.expressions import parse
from etl.mapping.form import Form
from etl.mapping.operations import names
from etl.sandbox.faults import KINDS
from etl.settings import PROJECT_KEY_VARIABLE

ERRORS = [each for _, each in inspect.getmembers(errors, inspect.isclass) if issubclass(each, EtlError)]
FORMS = [each for _, each in inspect.getmembers(spec, inspect.isclass) if issubclass(each, Form) and each is not Form]
CONDITIONS = {
    "upper": "upper(A) = 'X'",
    "lower": "lower(A) = 'x'",
    "trim": "trim(A) = 'x'",
    "length": "length(A) > 3",
    "number": "number(A) > 3",
    "date": "date(A) < today()",
    "left": "left(A, 2) = 'x'",
    "right": "right(A, 2) = 'x'",
    "coalesce": "coalesce(A, B) = 'x'",
    "years": "years(A, B) >= 18",
    "today": "date(A) < today()",
    "any": "any(A = 'x')",
    "all": "all(A = 'x')",
    "count": "count(A = 'x') > 1",
}


def _made(kind: type[EtlError]) -> EtlError:
    if kind is MappingError:
        return MappingError([])
    return RecordRejected("", status=422) if kind is RecordRejected else kind("")


def _words(page: str) -> set[str]:
    """The words that a page sets as code, outside of blocks."""
    return {word for span in re.findall(r"`([^`\n]+)`", page) for word in re.findall(r"[\w$-]+", span)}


@pytest.mark.parametrize("kind", ERRORS, ids=[each.__name__ for each in ERRORS])
def test_every_error_has_a_row_with_its_code_and_exit_code(kind: type[EtlError], root: Path) -> None:
    page = (root / "docs" / "errors.md").read_text("utf-8")
    assert f"| `{kind.code}` | `{kind.__name__}` | {exits.exit_code_of(_made(kind))} | " in page


def test_every_exit_code_has_a_row(root: Path) -> None:
    page = (root / "docs" / "errors.md").read_text("utf-8")
    codes = [value for name, value in vars(exits).items() if name.isupper()]
    assert len(codes) == 6
    assert [code for code in codes if f"\n| {code} | " not in page] == []


@pytest.mark.parametrize("form", FORMS, ids=[each.__name__ for each in FORMS])
def test_every_key_of_a_document_is_described(form: type[Form], root: Path) -> None:
    pages = [(root / "docs" / name).read_text("utf-8") for name in ("mapping-language.md", "sources.md")]
    keys = {each.alias or name for name, each in form.model_fields.items()}
    assert keys - set.union(*map(_words, pages)) == set()


def test_every_operation_has_a_section(root: Path) -> None:
    page = (root / "docs" / "operations.md").read_text("utf-8")
    assert [name for name in names() if f"### `{name}`\n" not in page] == []


def test_every_function_of_a_condition_is_named_and_no_other(root: Path) -> None:
    page = (root / "docs" / "mapping-language.md").read_text("utf-8")
    section = page.split("## Conditions")[1].split("\n## ")[0]
    listed = section.split("Functions: ")[1].split("\n- ")[0]
    assert set(re.findall(r"`(\w+)", listed)) == set(CONDITIONS)
    for condition in CONDITIONS.values():
        parse(condition)


@pytest.mark.parametrize(
    ("word", "page"),
    [*((each, "GLOSSARY.md") for each in Bucket), *((each, "docs/loading.md") for each in RecordState)],
)
def test_every_outcome_and_state_is_explained(word: str, page: str, root: Path) -> None:
    assert re.search(rf"\b{word}\b", (root / page).read_text("utf-8"))


def test_every_kind_of_fault_is_listed(root: Path) -> None:
    page = (root / "docs" / "sandbox.md").read_text("utf-8")
    assert [kind for kind in KINDS if kind not in _words(page) and f"`{kind}_" not in page] == []


def test_the_variables_of_the_environment_are_named(texts: str) -> None:
    for name in (PROJECT_KEY_VARIABLE, "NO_COLOR", "CASEBOOK_<PROFILE>_CLIENT_ID", "CASEBOOK_<PROFILE>_CLIENT_SECRET"):
        assert name in texts


def test_neither_text_nor_message_names_a_command_that_does_not_exist(
    root: Path, reference_pages: ModuleType, fences: ModuleType
) -> None:
    known = {name.split()[0] for name, _ in reference_pages.leaves(typer.main.get_command(app))}
    blocks = "\n".join(each.text for page in fences.documents() for each in fences.fences(page))
    named = set(re.findall(r"^(?:\$ )?casebook-etl ([a-z]+)", blocks, re.MULTILINE))
    for path in (*fences.documents(), *(root / "mappings").rglob("*.md"), *(root / "etl").rglob("*.py")):
        named |= set(re.findall(r"`(?:\.venv/bin/)?casebook-etl ([a-z]+)", path.read_text("utf-8")))
    assert len(named) > 5
    assert named - known == set()


def test_what_the_language_is_said_to_lack_it_really_lacks(root: Path) -> None:
    page = (root / "docs" / "mapping-language.md").read_text("utf-8")
    lacking = set(re.findall(r"`(\w+)`", page.split("## What is not there yet")[1]))
    keys = {
        each.alias or name
        for form in (spec.ProjectForm, spec.MappingForm, spec.SourceForm, spec.PipelineForm)
        for name, each in form.model_fields.items()
    }
    assert lacking
    assert lacking & (keys | set(names())) == set(), "it is there now: document it"


def test_the_commands_that_are_said_to_be_missing_are_missing(reference_pages: ModuleType) -> None:
    known = {name.split()[0] for name, _ in reference_pages.leaves(typer.main.get_command(app))}
    arrived = known & {"sync", "purge"}
    assert arrived == set(), "mend `What is not there yet` in README.md, docs/commands.md and CHANGELOG.md"
