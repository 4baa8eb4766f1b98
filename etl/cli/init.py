"""``casebook-etl init``: a new project's folder, ready for its first look at the data."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from etl.cli.common import JsonOption, NoColorOption, Output, QuietOption, VerboseOption, ending, shown_path

_EPILOG = "Example: casebook-etl init mappings/our_agency --source 'export/*.csv' --timezone America/Chicago"


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("init", epilog=_EPILOG)(init)


def init(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The folder to make; it must not hold anything yet.")],
    *,
    source: Annotated[
        list[str] | None,
        typer.Option(
            "--source",
            "-s",
            metavar="PLACE",
            help="Where legacy data lies: files, a pattern in quotes, a folder or a database URL; NAME=PLACE names it. Repeatable.",
        ),
    ] = None,
    name: Annotated[str | None, typer.Option("--name", help="The project's name; by default the folder's.")] = None,
    timezone: Annotated[
        str, typer.Option("--timezone", help="Where the agency is: dates without a zone are meant there.")
    ] = "America/New_York",
    as_json: JsonOption = False,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
    no_color: NoColorOption = False,
) -> None:
    """Start a project: project.yaml, a place for crosswalks and data, and a page for the data owner."""
    output = Output(as_json, quiet, no_color=no_color, verbose=verbose)
    with ending(output):
        from etl.pipeline.starting import NewProject, start_project

        wanted = NewProject(folder, name or folder.absolute().name, timezone, tuple(source or ()), Path.cwd())
        made = start_project(wanted)
        shown = shown_path(folder.absolute())
        lines = [f"Made {shown_path(each.absolute())}" for each in made]
        lines += ["Go on from here:", f"  casebook-etl inspect {shown}", f"  casebook-etl scaffold {shown}"]
        output.answer({"folder": str(folder), "files": [str(each) for each in made]}, lines)
