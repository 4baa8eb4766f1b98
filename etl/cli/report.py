"""``casebook-etl report``: the report of a run again."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

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
    shown_path,
)


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("report", epilog="Example: casebook-etl report mappings/demo_agency")(report)


def report(
    project: ProjectArgument = Path(),
    *,
    run: Annotated[str | None, typer.Option("--run", help="The run's id; the latest one by default.")] = None,
    profile: ProfileOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
    no_color: NoColorOption = False,
) -> None:
    """Write a run's report again from its files, and show the summary."""
    output = Output(as_json, quiet, no_color=no_color, verbose=verbose)
    with ending(output):
        from etl.pipeline.queries import rewrite_report
        from etl.report import terminal_lines

        summary, folder = rewrite_report(open_setting(project, profile, verbose=verbose), run)
        lines = [*terminal_lines(summary), f"Report: {shown_path(folder / 'report.html')}"]
        output.answer(summary.model_dump(mode="json"), lines)
