"""``casebook-etl lint``: every mistake of a project's documents at once, each at its place, and what is probably not meant."""

from __future__ import annotations

import os
from dataclasses import asdict
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
)
from etl.core.exits import HELD_BACK, YOURS_TO_FIX

if TYPE_CHECKING:
    from etl.core.errors import Mistake
    from etl.mapping.fixes import Edit
    from etl.mapping.lint import Finding
    from etl.pipeline.inline_tests import Tested
    from etl.pipeline.linting import LintReport
    from etl.pipeline.mending import Mended


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("lint", epilog="Example: casebook-etl lint mappings/demo_agency")(lint)


def lint(
    project: ProjectArgument = Path(),
    *,
    profile: ProfileOption = None,
    rows: Annotated[
        bool, typer.Option("--rows", help="Also read the sources' rows, for rules that need them.")
    ] = False,
    fix: Annotated[bool, typer.Option("--fix", help="Apply the fixes that are certain, then check again.")] = False,
    strict: Annotated[bool, typer.Option("--strict", help="Exit 1 where a lint rule finds something.")] = False,
    rules: Annotated[bool, typer.Option("--rules", help="List every check, with what it is about, and end.")] = False,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
    no_color: NoColorOption = False,
) -> None:
    """Check a project's documents against the catalogue, the sources' headers and each other."""
    output = Output(as_json, quiet, no_color=no_color, verbose=verbose)
    with ending(output):
        if rules:
            _list_rules(output)
            return
        from etl.pipeline.linting import lint_project
        from etl.pipeline.mending import Mended, fix_project, without_fixes

        mended = fix_project(project, profile, os.environ) if fix else Mended()
        report = without_fixes(lint_project(project, profile, os.environ, rows=rows), mended.taken_back)
        output.answer(_content(report, mended), _lines(report, mended))
        if verbose:
            output.remark(f"Rules tried: {', '.join(_rules_tried(rows=rows))}.")
        if report.fixes or report.finding_fixes:
            output.remark("What is marked [--fix] is mended by `casebook-etl lint --fix`.")
        raise typer.Exit(_exit_code(report, strict=strict))


def _exit_code(report: LintReport, *, strict: bool) -> int:
    if report.mistakes or report.refusals:
        return YOURS_TO_FIX
    return HELD_BACK if report.unchecked or (strict and report.findings) else 0


def _rules_tried(*, rows: bool) -> list[str]:
    from etl.mapping.lint import RULES

    return [each.name for each in RULES if rows or not each.needs_rows]


def _list_rules(output: Output) -> None:
    from etl.mapping.lint import RULES
    from etl.mapping.mistake_codes import MISTAKES

    content = [{"rule": each.name, "needs_rows": each.needs_rows, "help": each.help} for each in RULES]
    notes = {True: " (needs --rows)", False: ""}
    told = {"rules": content, "mistakes": [{"code": code, "help": text} for code, text in MISTAKES.items()]}
    lines = ["Warnings:", *(f"{each.name}{notes[each.needs_rows]}\n  {each.help}" for each in RULES)]
    output.answer(told, [*lines, "", "Mistakes:", *(f"{code}\n  {text}" for code, text in MISTAKES.items())])


def _lines(report: LintReport, mended: Mended) -> list[str]:
    lines = [f"fixed: {_edit(each)}" for each in mended.made]
    lines += [f"tried, {_why(each, mended)}, taken back: {_edit(each)}" for each in mended.taken_back]
    lines += [f"could not be run before, and fails: {_test(each)}" for each in mended.failing]
    lines += [f"{each}{' [--fix]' if each in report.fixes else ''}" for each in report.mistakes]
    lines += [f"warning: {each}{' [--fix]' if each in report.finding_fixes else ''}" for each in report.findings]
    lines += [f"not checked: {each}" for each in report.unchecked]
    lines += [f"the tenant cannot give: {each}" for each in report.refusals]
    lines += [f"note: {each}" for each in report.notes]
    doubts = report.mistakes or report.findings or report.unchecked or report.refusals or mended.failing
    return lines if doubts else [*lines, "No mistakes."]


def _why(edit: Edit, mended: Mended) -> str:
    broken = mended.breaking.get(edit)
    return f"breaks {len(broken)} test{'s' * (len(broken) != 1)} ({'; '.join(broken)})" if broken else "did not help"


def _test(tested: Tested) -> str:
    place = tested.test.position
    return f"{place.file}:{place.line}:{place.column}: the test {tested.mapping}: {tested.test.name}. `casebook-etl test` tells why."


def _edit(edit: Edit) -> str:
    return f"{edit.file}:{edit.line}:{edit.column}: {' '.join(edit.text.split())}"


def _content(report: LintReport, mended: Mended) -> dict[str, Any]:
    return {
        "mistakes": [_mistake(each, report.fixes.get(each)) for each in report.mistakes],
        "findings": [_finding(each, report.finding_fixes.get(each, ())) for each in report.findings],
        "unchecked": list(report.unchecked),
        "refusals": list(report.refusals),
        "notes": list(report.notes),
        "fixed": [asdict(each) for each in mended.made],
        "taken_back": [{**asdict(each), "breaks": list(mended.breaking.get(each, ()))} for each in mended.taken_back],
        "failing_tests": [
            {**asdict(each.test.position), "test": f"{each.mapping}: {each.test.name}"} for each in mended.failing
        ],
    }


def _mistake(mistake: Mistake, fix: Edit | None) -> dict[str, Any]:
    told = {name: part for name, part in asdict(mistake).items() if name != "slip"}
    return {**told, "fix": asdict(fix) if fix is not None else None}


def _finding(finding: Finding, fixes: tuple[Edit, ...]) -> dict[str, Any]:
    return {
        **asdict(finding.position),
        "message": finding.message,
        "hint": finding.hint,
        "code": finding.rule,
        "fix": [asdict(each) for each in fixes] or None,
    }
