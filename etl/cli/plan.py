"""``casebook-etl plan``: what would be done, compared with state and the tenant; reads only."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

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
)
from etl.cli.finishing import perform


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("plan", epilog="Example: casebook-etl plan mappings/demo_agency --roles")(plan)


def plan(
    project: ProjectArgument = Path(),
    *,
    profile: ProfileOption = None,
    roles: Annotated[
        bool, typer.Option("--roles", help="Only list the roles that the registered application needs.")
    ] = False,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
    no_color: NoColorOption = False,
    progress: ProgressOption = "auto",
) -> None:
    """Validate, and say what would be created, updated or left alone, record by record; nothing is written."""
    output = Output(as_json, quiet, progress, no_color, verbose)
    if roles:
        with ending(output):
            _list_roles(project, profile, output)
        return
    from etl.pipeline import runs

    perform(runs.plan, project, profile, output, verbose=verbose)


def _list_roles(project: Path, profile: str | None, output: Output) -> None:
    from etl.pipeline.projects import roles_needed

    needed = roles_needed(project, profile, os.environ)
    lines = [f"The application of this project needs, for {len(needed)} entities:"]
    for entity, operations in needed.items():
        for operation, names in operations.items():
            lines.append(f"  {entity:22} {operation:7} {', '.join(names) or 'not known in public: ask the tenant'}")
    output.answer({"roles": {entity: dict(each) for entity, each in needed.items()}}, lines)
