"""Rules about the code as a whole that a reader relies on."""

from __future__ import annotations

import ast
import inspect
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import etl
from etl.core import errors
from etl.core.problems import problem_codes

ROOT = Path(etl.__file__).parents[1]
CODE = sorted((ROOT / "etl").rglob("*.py"))
LINT = "from importlinter.cli import lint_imports_command; lint_imports_command()"

VIOLATIONS = {
    "Layers": ("plan/steps.py", "import etl.state.store"),
    "HTTP": ("plan/steps.py", "import httpx"),
    "SQL": ("load/tail.py", "import sqlalchemy"),
    "What wires": ("pipeline/queries.py", "import sqlalchemy"),
    "what shows": ("cli/status.py", "import httpx"),
    "pure stages": ("mapping/page.py", "import rich"),
    "sandbox": ("sandbox/page.py", "import etl.catalog.payloads"),
    "cycles": ("plan/graph.py", "import etl.plan.steps\nfrom etl.plan import waves"),
}


def linted(folder: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", LINT, "--no-cache"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)  # noqa: S603 - our own interpreter


def test_nobody_imports_what_is_not_theirs() -> None:
    found = linted(ROOT)
    assert found.returncode == 0, found.stdout


@pytest.mark.parametrize("contract", VIOLATIONS)
def test_each_contract_notices_when_it_is_broken(contract: str, tmp_path: Path) -> None:
    shutil.copytree(ROOT / "etl", tmp_path / "etl", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    file, line = VIOLATIONS[contract]
    victim = tmp_path / "etl" / file
    victim.write_text(victim.read_text("utf-8") + f"\n{line}\n", "utf-8")
    if contract == "cycles":
        other = tmp_path / "etl" / "plan" / "steps.py"
        other.write_text(other.read_text("utf-8") + "\nimport etl.plan.graph\n", "utf-8")
    found = linted(tmp_path)
    assert found.returncode == 1
    assert re.search(rf"{contract}.* BROKEN", found.stdout)


PURE = ("core", "catalog", "mapping", "transform", "validate", "plan")
CLOCKS = {"now", "utcnow", "today", "time", "time_ns", "monotonic", "perf_counter", "localtime", "gmtime"}
OWNERS = {"datetime", "date", "dt", "time"}


def clocks_read(source: str) -> list[str]:
    """The calls of a module that ask the machine what time it is."""
    calls = [node.func for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    named = [ast.unparse(call) for call in calls if isinstance(call, ast.Attribute) and call.attr in CLOCKS]
    return [name for name in named if name.split(".")[-2] in OWNERS]


def test_words_and_pure_stages_read_no_clock() -> None:
    files = [file for file in CODE if file.relative_to(ROOT / "etl").parts[0] in PURE]
    assert {file.name: read for file in files if (read := clocks_read(file.read_text("utf-8")))} == {}


def test_a_clock_that_is_read_is_noticed() -> None:
    assert clocks_read("import datetime as dt, time\ndt.datetime.now(dt.UTC)\ntime.time()\ndate.today()\n") == [
        "dt.datetime.now",
        "time.time",
        "date.today",
    ]
    assert clocks_read("pc.time(column)\nclock.now()\n") == []


def test_no_file_is_longer_than_a_person_reads() -> None:
    lengths = {str(file.relative_to(ROOT)): len(file.read_text("utf-8").splitlines()) for file in CODE}
    assert not {file: length for file, length in lengths.items() if length > 500}


def functions() -> Iterator[tuple[str, int]]:
    for file in CODE:
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield f"{file.name}:{node.name}", (node.end_lineno or node.lineno) - node.lineno + 1


def test_functions_are_short() -> None:
    lengths = dict(functions())
    ordered = sorted(lengths.values())
    assert not {name: length for name, length in lengths.items() if length > 60}
    assert ordered[len(ordered) * 9 // 10] <= 25


def test_every_module_says_what_it_is_for() -> None:
    assert not [file.name for file in CODE if not ast.get_docstring(ast.parse(file.read_text("utf-8")))]


def test_nothing_catches_everything_but_where_it_is_said() -> None:
    broad = [
        str(file.relative_to(ROOT))
        for file in CODE
        for node in ast.walk(ast.parse(file.read_text("utf-8")))
        if isinstance(node, ast.ExceptHandler) and _is_broad(node.type) and not _raises_again(node)
    ]
    calls_code_of_a_project = {"etl/mapping/functions.py", "etl/mapping/function_calls.py"}
    assert set(broad) <= {"etl/__main__.py", "etl/cli/common.py"} | calls_code_of_a_project


def _is_broad(kind: ast.expr | None) -> bool:
    return kind is None or (isinstance(kind, ast.Name) and kind.id in {"Exception", "BaseException"})


def _raises_again(handler: ast.ExceptHandler) -> bool:
    last = handler.body[-1]
    return isinstance(last, ast.Raise) and last.exc is None


def test_every_public_exception_is_drawn_in_the_tree() -> None:
    drawn = errors.__doc__ or ""
    classes = [
        name
        for name, kind in inspect.getmembers(errors, inspect.isclass)
        if issubclass(kind, Exception) and kind.__module__ == errors.__name__
    ]
    assert not [name for name in classes if not re.search(rf"\b{name}\b", drawn)]


def test_the_tree_of_errors_grows_in_one_file() -> None:
    tree = {name for name, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, errors.EtlError)}
    elsewhere = [
        f"{file.name}:{node.name}"
        for file in CODE
        if file != Path(errors.__file__)
        for node in ast.walk(ast.parse(file.read_text("utf-8")))
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_")
        if tree & {ast.unparse(base).rpartition(".")[2] for base in node.bases}
    ]
    assert elsewhere == []


def words_in_code() -> set[str]:
    """Every text constant of the code but for the registry and the documentation of itself."""
    words: set[str] = set()
    for file in CODE:
        if file.name == "problems.py" and file.parent.name == "core":
            continue
        tree = ast.parse(file.read_text("utf-8"))
        words |= {
            node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)
        }
    return words


def test_every_registered_problem_code_can_arise() -> None:
    words = words_in_code()
    assert not [each.code for each in problem_codes() if each.code not in words]


def test_every_problem_code_in_use_is_registered() -> None:
    registered = {each.code for each in problem_codes()}
    used = {
        argument.value
        for file in CODE
        for node in ast.walk(ast.parse(file.read_text("utf-8")))
        if isinstance(node, ast.Call) and getattr(node.func, "id", getattr(node.func, "attr", "")) in _MAKERS
        for argument in [*node.args[:1], *(each.value for each in node.keywords if each.arg == "code")]
        if isinstance(argument, ast.Constant) and isinstance(argument.value, str)
    }
    assert used
    assert used <= registered


_MAKERS = {"problem_rows", "_Finding", "problem_code"}
