"""``casebook-etl schema``: the JSON Schema of a project's documents, by which editors complete them."""

from __future__ import annotations

import json
import os
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
)
from etl.core.errors import SettingsError
from etl.core.exits import COMPLETE, HELD_BACK

FOLDER = "schema"


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("schema", epilog="Example: casebook-etl schema mappings/demo_agency")(schema)


def schema(
    project: ProjectArgument = Path(),
    *,
    profile: ProfileOption = None,
    folder: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", help="Where to write them; by default `schema/` in the project.", metavar="FOLDER"
        ),
    ] = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
    no_color: NoColorOption = False,
) -> None:
    """Write the JSON Schema by which editors complete columns, fields, operations and crosswalks."""
    output = Output(as_json, quiet, no_color=no_color, verbose=verbose)
    with ending(output):
        from etl.pipeline.projects import schemas

        made, unread = schemas(project, profile, os.environ)
        place = folder or project / FOLDER
        files = [_write(place, name, content) for name, content in made.items()]
        lines = [f"Wrote {each}" for each in files] + [f"columns not known: {each}" for each in unread]
        hint = "Begin each mapping with this line, and VS Code (extension YAML) completes it:"
        shown = place if folder is not None else Path(FOLDER)
        lines += [hint, f"# yaml-language-server: $schema={shown}/mapping.schema.json"]
        output.answer({"files": [str(each) for each in files], "unread": unread}, lines)
        raise typer.Exit(HELD_BACK if unread else COMPLETE)


def _write(folder: Path, name: str, content: object) -> Path:
    path = folder / name
    try:
        folder.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    except OSError as error:
        raise SettingsError(f"{path} cannot be written ({error.strerror}).", hint="Choose another --output.") from None
    return path
