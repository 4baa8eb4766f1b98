"""``casebook-etl doctor``: finds out what a tenant can do, and writes it down for those who load."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from etl.cli.common import (
    JsonOption,
    NoColorOption,
    Output,
    ProfileOption,
    ProgressOption,
    ProjectArgument,
    QuietOption,
    VerboseOption,
    ending,
    open_setting,
    shown_path,
)
from etl.core.exits import COMPLETE, HELD_BACK, YOURS_TO_FIX

if TYPE_CHECKING:
    from etl.core.records import TargetId
    from etl.pipeline.doctor import Examination

_ORDER = ("failed", "warning", "unknown", "ok")


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("doctor", epilog="Example: casebook-etl doctor mappings/demo_agency --profile sandbox")(doctor)


def doctor(
    project: ProjectArgument = Path(),
    *,
    profile: ProfileOption = None,
    write_probes: Annotated[
        bool,
        typer.Option(
            "--write-probes",
            help="Also try what only a write tells, with harmless records that are deleted again; not on protected profiles.",
        ),
    ] = False,
    witness: Annotated[
        list[str] | None,
        typer.Option(
            "--witness", help="A record that a person made and the application must see.", metavar="ENTITY=ID"
        ),
    ] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Exit 1 where anything is doubtful or unknown.")] = False,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
    no_color: NoColorOption = False,
    progress: ProgressOption = "auto",
) -> None:
    """Find out what a tenant allows, offers and obeys, compare it with the project, and write its capability profile."""
    output = Output(as_json, quiet, progress, no_color, verbose)
    witnesses = tuple(_witness(each) for each in witness or ())
    with ending(output):
        from etl.pipeline.chart import DoctorChoices
        from etl.pipeline.doctor import examine

        choices = DoctorChoices(write_probes, witnesses)
        shown = output.make_progress()
        try:
            examination = examine(open_setting(project, profile, verbose=verbose), shown, choices)
        finally:
            shown.close()
        output.answer(_content(examination), _lines(examination))
        raise typer.Exit(_exit_code(examination, strict=strict))


def _witness(text: str) -> tuple[str, TargetId]:
    entity, _, target_id = text.partition("=")
    if not entity or not target_id:
        raise typer.BadParameter("write ENTITY=ID, such as person=0d5e6c1e-...", param_hint="--witness")
    from etl.core.records import TargetId

    return entity, TargetId(target_id)


def _exit_code(examination: Examination, *, strict: bool) -> int:
    if examination.has_failed:
        return YOURS_TO_FIX
    doubtful = any(each.standing != "ok" for each in examination.checks)
    return HELD_BACK if strict and doubtful else COMPLETE


def _content(examination: Examination) -> dict[str, Any]:
    known = examination.capabilities
    return {
        "checks": [asdict(each) for each in examination.checks],
        "counts": _counts(examination),
        "capabilities": asdict(known) if known is not None else None,
        "file": str(examination.path) if examination.path is not None else None,
    }


def _counts(examination: Examination) -> dict[str, int]:
    return {name: sum(each.standing == name for each in examination.checks) for name in _ORDER}


def _lines(examination: Examination) -> list[str]:
    """What has to be mended first; what is in order only counted."""
    lines: list[str] = []
    for (standing, name, found, remedy), abouts in _alike(examination).items():
        where = f" ({', '.join(abouts)})" if abouts else ""
        lines += [f"{standing:8} {name}{where}: {found}", *([f"{'':8} -> {remedy}"] if remedy else [])]
    for name, count in Counter(each.name for each in examination.checks if each.standing == _ORDER[-1]).items():
        lines.append(f"{_ORDER[-1]:8} {name}{f' ({count})' if count > 1 else ''}")
    lines.append(", ".join(f"{count} {name}" for name, count in _counts(examination).items()) + ".")
    if examination.path is not None:
        lines.append(f"Capability profile: {shown_path(examination.path)}")
    return lines


def _alike(examination: Examination) -> dict[tuple[str, str, str, str], list[str]]:
    """What is not in order, worst first; the same sentence about many things is one entry."""
    found: dict[tuple[str, str, str, str], list[str]] = {}
    for each in sorted(examination.checks, key=lambda check: _ORDER.index(check.standing)):
        if each.standing != _ORDER[-1]:
            abouts = found.setdefault((each.standing, each.name, each.found, each.remedy), [])
            abouts += [each.about] if each.about else []
    return found
