"""How commands that make a run end: the summary in a dozen lines (or as JSON), the report's place, the exit code."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from etl.cli.common import Output
    from etl.pipeline.session import Finished


def finish(finished: Finished, output: Output) -> None:
    """Says how it ended and exits with its code."""
    from etl.cli.common import shown_path
    from etl.report import terminal_lines

    content = json.loads(finished.summary.model_dump_json())
    output.answer(
        content, [*terminal_lines(finished.summary), f"Report: {shown_path(finished.folder / 'report.html')}"]
    )
    if finished.stopped is not None:
        sys.stderr.write(f"{finished.stopped.message}\n{finished.stopped.hint}\n".rstrip() + "\n")
    raise typer.Exit(finished.exit_code)
