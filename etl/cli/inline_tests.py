"""``casebook-etl test``: the tests that stand beside the mappings."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from etl.cli.common import (
    JsonOption,
    NoColorOption,
    Output,
    ProfileOption,
    ProjectArgument,
    QuietOption,
    VerboseOption,
    ending,
    open_setting,
)
from etl.core.errors import EtlError, SettingsError
from etl.core.exits import COMPLETE, HELD_BACK

if TYPE_CHECKING:
    from etl.pipeline.inline_tests import Tested

_LOOK_EVERY_S = 0.5
_HOW_TO_BEGIN = (
    "No tests yet. Add one to a mapping, with invented values and columns and fields of your own:",
    "  tests:",
    "    - name: a date of birth is read",
    "      given: {CLIENT_NO: '1', DOB: 02/03/2001}",
    "      expect: {date_of_birth: 2001-02-03}",
    "`casebook-etl scaffold` drafts one for each mapping that it drafts.",
)


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("test", epilog="Example: casebook-etl test mappings/demo_agency")(run_inline_tests)


def run_inline_tests(
    project: ProjectArgument = Path(),
    *,
    profile: ProfileOption = None,
    watch: Annotated[bool, typer.Option("--watch", help="Run again whenever a file of the project changes.")] = False,
    junit: Annotated[
        Path | None, typer.Option("--junit", help="Also write the results in JUnit's form.", metavar="FILE")
    ] = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
    no_color: NoColorOption = False,
) -> None:
    """Run the tests that stand beside the mappings."""
    output = Output(as_json, quiet, no_color=no_color, verbose=verbose)
    with ending(output):
        if watch:
            _watch(project, profile, junit, output)
        else:
            raise typer.Exit(_run(project, profile, junit, output))


def _watch(project: Path, profile: str | None, junit: Path | None, output: Output) -> None:
    """Runs on every change; a mistake in a document is told and the watch goes on."""
    from etl.pipeline.watching import changes

    for _ in changes(project, lambda: time.sleep(_LOOK_EVERY_S)):
        try:
            _run(project, profile, junit, output)
        except EtlError as error:
            sys.stderr.write(f"{error}\n")
        output.remark("Watching; Ctrl-C ends it.")
        sys.stdout.flush()


def _run(project: Path, profile: str | None, junit: Path | None, output: Output) -> int:
    from etl.pipeline.inline_tests import run_tests
    from etl.pipeline.wiring import SystemClock

    setting = open_setting(project, profile)
    results = run_tests(setting.project, setting.context(SystemClock().now()).today)
    if junit is not None:
        _write_junit(junit, setting.project.name, results)
    failed = [each for each in results if not each.passed]
    output.answer({"tests": [_as_dict(each) for each in results], "failed": len(failed)}, _lines(results, len(failed)))
    return HELD_BACK if failed else COMPLETE


def _write_junit(path: Path, project: str, results: list[Tested]) -> None:
    from etl.cli.junit import write_junit

    try:
        write_junit(path, project, results)
    except OSError as error:
        raise SettingsError(
            f"{path} cannot be written ({error.strerror}).", hint="Name a file in a folder that exists."
        ) from None


def _lines(results: list[Tested], failed: int) -> list[str]:
    if not results:
        return list(_HOW_TO_BEGIN)
    lines = [line for each in results for line in _told(each)]
    return [*lines, f"{len(results)} test{'s' * (len(results) != 1)}, {failed} failed."]


def _told(result: Tested) -> list[str]:
    name = f"{result.mapping}: {result.test.name}"
    return [f"ok      {name}"] if result.passed else [f"FAILED  {name}", *(f"  {each}" for each in result.failures)]


def _as_dict(result: Tested) -> dict[str, Any]:
    position = result.test.position
    failures = [
        {"line": each.position.line, "field": each.what, "expected": each.expected, "got": each.got}
        for each in result.failures
    ]
    return {
        "mapping": result.mapping,
        "name": result.test.name,
        "file": position.file,
        "line": position.line,
        "passed": result.passed,
        "failures": failures,
    }
