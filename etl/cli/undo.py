"""``casebook-etl undo``: takes back what a run did."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

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
)

if TYPE_CHECKING:
    from etl.pipeline.undoing import Preview, Undone

_REASONS = {
    "edited": "changed by somebody since",
    "depended_on": "something else hangs on it",
    "later_run": "a later run changed it: undo that one first",
    "duplicate": "in Casebook more than once",
    "refused": "Casebook refused to delete it",
    "not_allowed": "the catalogue knows no way to delete it",
    "no_records": "the run's folder holds no such record",
    "file_replaced": "its values are as before, but not its file",
}


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("undo", epilog="Example: casebook-etl undo 20260701T091500Z-1a2b mappings/demo_agency --dry-run")(undo)


def undo(
    run_id: Annotated[
        str, typer.Argument(metavar="RUN", help="The run's id, as `status` lists it.", show_default=False)
    ],
    project: ProjectArgument = Path(),
    *,
    profile: ProfileOption = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what the run created and changed.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask; needed where nobody can answer.")] = False,
    protected: Annotated[bool, typer.Option("--protected", help="Allow it for a profile that is protected.")] = False,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
    no_color: NoColorOption = False,
    progress: ProgressOption = "auto",
) -> None:
    """Remove what a run created and bring back what it changed. What people have changed since stays and is listed."""
    output = Output(as_json, quiet, progress, no_color, verbose)
    with ending(output):
        from etl.pipeline import undoing

        setting = open_setting(project, profile, verbose=verbose)
        ahead = undoing.preview(setting, run_id)
        if dry_run:
            output.answer(asdict(ahead), _ahead(ahead))
            return
        if not yes:
            _confirm(ahead)
        shown = output.make_progress()
        try:
            undone = undoing.undo(setting, shown, run_id, protected_too=protected)
        finally:
            shown.close()
        _answer(undone, output)
        raise typer.Exit(undone.exit_code)


def _confirm(ahead: Preview) -> None:
    """Asks for the run's id, typed. Raises SettingsError where it does not come."""
    from etl.core.errors import SettingsError

    if not sys.stdin.isatty():
        raise SettingsError("Undoing a run asks first, and nobody can answer here.", hint="Confirm with --yes.")
    sys.stderr.write("\n".join(_ahead(ahead)) + "\n")
    if typer.prompt("Type the run's id to go on", default="", show_default=False, err=True) != ahead.run_id:
        raise SettingsError("That is not the run's id; nothing was undone.", hint="`status` lists the runs.")


def _ahead(ahead: Preview) -> list[str]:
    lines = [f"Run {ahead.run_id}"]
    parts = (("created", ahead.created), ("adopted", ahead.adopted), ("changed", ahead.changed))
    lines += [f"{name:10}{_counts(counts)}" for name, counts in parts if counts]
    if not ahead.total:
        lines.append("Nothing of it is left to undo.")
    if ahead.later:
        lines.append(f"Later runs: {len(ahead.later)}. What they changed is spared.")
    return lines


def _answer(undone: Undone, output: Output) -> None:
    from etl.pipeline.undoing import counted

    result = undone.result
    counts = counted(result)
    spared = [asdict(each) for each in result.spared]
    content: dict[str, object] = {"run_id": undone.run_id, "exit_code": undone.exit_code, **counts}
    content |= {"spared": spared, "unseen": result.unseen}
    lines = [f"Undone    run {undone.run_id}" if not undone.stopped else f"Stopped   run {undone.run_id}"]
    lines += [f"{name:10}{_counts(by_entity)}" for name, by_entity in counts.items() if by_entity]
    for why, count in sorted(Counter(each.why for each in result.spared).items()):
        lines.append(f"spared    {count:,}: {_REASONS[why]}")
    if result.spared:
        lines.append("Which ones: undo.json in the folder of the run.")
    output.answer(content, lines)
    if undone.stopped is not None:
        sys.stderr.write(f"{undone.stopped.message}\n{undone.stopped.hint}\n".rstrip() + "\n")


def _counts(by_entity: Mapping[str, int]) -> str:
    return ", ".join(f"{count:,} {entity}" for entity, count in sorted(by_entity.items()))
