"""``casebook-etl demo``: the whole job on the sample data, in a sandbox of its own."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from etl.cli.common import (
    JsonOption,
    NoColorOption,
    Output,
    ProgressOption,
    QuietOption,
    VerboseOption,
    ending,
    shown_path,
)
from etl.core.exits import COMPLETE, HELD_BACK

if TYPE_CHECKING:
    from etl.pipeline.demonstration import Demonstration

_PROJECT = Path("mappings/demo_agency")


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("demo", epilog="Example: casebook-etl demo")(demo)


def demo(
    project: Annotated[Path, typer.Argument(metavar="PROJECT", help="The sample project.")] = _PROJECT,
    *,
    fresh: Annotated[bool, typer.Option("--fresh", help="Forget what an earlier demonstration loaded.")] = False,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
    no_color: NoColorOption = False,
    progress: ProgressOption = "auto",
) -> None:
    """Migrate the sample agency into a local sandbox, read everything back, and leave a report."""
    output = Output(as_json, quiet, progress, no_color, verbose)
    with ending(output):
        from etl.pipeline.demonstration import demonstrate

        shown = output.make_progress()
        try:
            ended = demonstrate(project, os.environ, shown, fresh=fresh, verbose=verbose)
        finally:
            shown.close()
        content = {"passed": not ended.surprises, "surprises": ended.surprises, "run_exit_code": ended.run_exit_code}
        output.answer({**content, "summary": ended.finished.summary.model_dump(mode="json")}, _lines(ended))
        raise typer.Exit(HELD_BACK if ended.surprises else COMPLETE)


def _lines(ended: Demonstration) -> list[str]:
    from etl.report import terminal_lines

    lines = [*terminal_lines(ended.finished.summary), f"Report: {shown_path(ended.finished.folder / 'report.html')}"]
    lines += [f"Not as planted: {each}" for each in ended.surprises]
    lines += [
        "Go on from here:",
        f"  casebook-etl sandbox --db {shown_path(ended.sandbox_db)}   (serves the migrated records at http://127.0.0.1:8089/)",
        f"  casebook-etl run {ended.project}   (in a second terminal; sends no write, for all is loaded)",
        f"  casebook-etl where P000007 --project {ended.project}   (where one legacy key went)",
    ]
    verdict = "exactly the planted faults were held back" if not ended.surprises else "this is not as planted"
    lines.append(
        f"`run` alone exits with {ended.run_exit_code}, because the sample is dirty on purpose; "
        f"{verdict}, so the demonstration exits with {1 if ended.surprises else 0}."
    )
    return lines
