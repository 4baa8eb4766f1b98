"""``casebook-etl validate``: the dry run up to the wire."""

from __future__ import annotations

from pathlib import Path

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
)
from etl.cli.finishing import perform


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("validate", epilog="Example: casebook-etl validate mappings/demo_agency")(validate)


def validate(
    project: ProjectArgument = Path(),
    *,
    profile: ProfileOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
    no_color: NoColorOption = False,
    progress: ProgressOption = "auto",
) -> None:
    """Extract, map, validate and report, without a target: what would load, what is held back and why."""
    from etl.pipeline.dry_run import validate as dry_run

    perform(dry_run, project, profile, Output(as_json, quiet, progress, no_color, verbose), verbose=verbose)
