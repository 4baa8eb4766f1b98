"""``casebook-etl lint``: every mistake of a project's documents at once, each at its place."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import typer

from etl.cli.common import JsonOption, Output, ProfileOption, ProjectArgument, ending, open_setting
from etl.core.exits import HELD_BACK, YOURS_TO_FIX


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("lint", epilog="Example: casebook-etl lint mappings/demo_agency")(lint)


def lint(project: ProjectArgument = Path(), *, profile: ProfileOption = None, as_json: JsonOption = False) -> None:
    """Check a project's documents against the catalogue, the sources' headers and each other."""
    output = Output(as_json)
    with ending(output):
        from etl.pipeline.projects import lint as find_mistakes

        mistakes, unchecked = find_mistakes(open_setting(project, profile))
        lines = [str(each) for each in mistakes]
        lines += [f"not checked: {each}" for each in unchecked]
        lines += [] if lines else ["No mistakes."]
        output.answer({"mistakes": [asdict(each) for each in mistakes], "unchecked": unchecked}, lines)
        if mistakes:
            raise typer.Exit(YOURS_TO_FIX)
        if unchecked:
            raise typer.Exit(HELD_BACK)
