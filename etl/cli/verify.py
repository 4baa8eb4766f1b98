"""``casebook-etl verify``: what was loaded, read back."""

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
    app.command("verify", epilog="Example: casebook-etl verify mappings/demo_agency --profile sandbox")(verify)


def verify(
    project: ProjectArgument = Path(),
    *,
    profile: ProfileOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
    no_color: NoColorOption = False,
    progress: ProgressOption = "auto",
) -> None:
    """Read back what the latest run loaded and compare presence, fields and links of every record."""
    from etl.pipeline import runs

    perform(runs.verify, project, profile, Output(as_json, quiet, progress, no_color), verbose=verbose)
