"""How commands that make a run end: the summary in a dozen lines (or as JSON), the report's place, the exit code."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from etl.cli.common import Output, ending, open_setting, shown_path

if TYPE_CHECKING:
    from etl.core.ports import Progress
    from etl.pipeline.session import Finished
    from etl.pipeline.wiring import Setting


def perform(
    verb: Callable[[Setting, Progress], Finished], project: Path, profile: str | None, output: Output, *, verbose: bool
) -> None:
    """Opens the project, runs a verb with progress shown, and ends the command with its summary and exit code."""
    with ending(output):
        shown = output.make_progress()
        try:
            finished = verb(open_setting(project, profile, verbose=verbose), shown)
        finally:
            shown.close()
        finish(finished, output)


def finish(finished: Finished, output: Output) -> None:
    """Says how it ended and exits with its code."""
    from etl.report import terminal_lines

    content = json.loads(finished.summary.model_dump_json())
    lines = [*terminal_lines(finished.summary), f"Report: {shown_path(finished.folder / 'report.html')}"]
    if (plan_file := finished.folder / "plan.json").exists():
        lines.append(f"To sign: {shown_path(plan_file)}")
    output.answer(content, lines)
    if finished.stopped is not None:
        sys.stderr.write(f"{finished.stopped.message}\n{finished.stopped.hint}\n".rstrip() + "\n")
    raise typer.Exit(finished.exit_code)
