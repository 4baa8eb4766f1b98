"""``casebook-etl scaffold``: draft mappings and crosswalks, made from the data, for people to correct."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

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
    shown_path,
)
from etl.core.exits import COMPLETE, HELD_BACK

if TYPE_CHECKING:
    from etl.mapping.draft.model import Draft, DraftMapping
    from etl.pipeline.scaffolding import Scaffolded


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("scaffold", epilog="Example: casebook-etl scaffold mappings/our_agency")(scaffold)


def scaffold(
    project: ProjectArgument = Path(),
    *,
    profile: ProfileOption = None,
    source: Annotated[str | None, typer.Option("--source", "-s", help="Draft the tables of this source only.")] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Write over mappings and crosswalks that exist; never over project.yaml.")
    ] = False,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
    no_color: NoColorOption = False,
    progress: ProgressOption = "auto",
) -> None:
    """Draft mappings, crosswalks and `ignore` from what the sources hold; files that exist stay as they are.

    Exits with 1 where a table could not be looked at.
    """
    output = Output(as_json, quiet, progress, no_color, verbose)
    with ending(output):
        from etl.pipeline.scaffolding import scaffold_project
        from etl.pipeline.wiring import SystemClock

        shown = output.make_progress()
        try:
            made = scaffold_project(project, profile, os.environ, shown, SystemClock(), source=source, force=force)
        finally:
            shown.close()
        output.answer(_content(made), _lines(made, shown_path(project.absolute())))
        raise typer.Exit(HELD_BACK if made.draft.unread else COMPLETE)


def _content(made: Scaffolded) -> dict[str, Any]:
    return {
        "mappings": [_mapping(each) for each in made.draft.mappings],
        "crosswalks": [
            {
                "name": each.name,
                "column": each.column,
                "codes": len(each.codes),
                "open": sum(not c.target for c in each.codes),
            }
            for each in made.draft.crosswalks
        ],
        "ignore": dict(made.draft.ignore),
        "decisions": made.draft.decisions,
        "unread": list(made.draft.unread),
        "written": [str(each) for each in made.written],
        "beside": [str(each) for each in made.beside],
    }


def _mapping(mapping: DraftMapping) -> dict[str, Any]:
    fields = [
        {
            "field": each.name,
            "columns": list(each.columns),
            "confidence": str(each.confidence),
            "why": each.why,
            "decide": each.decide,
        }
        for each in mapping.fields
    ]
    named = {"mapping": mapping.name, "target": mapping.entity, "table": mapping.table, "key": list(mapping.key)}
    return named | {"confidence": str(mapping.confidence), "why": mapping.why, "fields": fields}


def _lines(made: Scaffolded, project: Path) -> list[str]:
    lines = [_told(each) for each in made.draft.mappings]
    lines += _left_out(made.draft)
    lines += [f"could not be read: {each} (`casebook-etl inspect {project}` says why)" for each in made.draft.unread]
    lines += [f"exists, so its draft is {shown_path(each.absolute())}" for each in made.beside]
    lines.append(
        f"{made.draft.decisions} decisions are open: look for `decide:` in the files and empty targets in crosswalks."
    )
    return [*lines, "Go on from here:", *(f"  casebook-etl {verb} {project}" for verb in ("lint", "test", "validate"))]


def _told(mapping: DraftMapping) -> str:
    decide = sum(bool(each.decide) for each in mapping.fields) + len(mapping.notes)
    text = f"{mapping.name}.yaml: {mapping.entity} from {mapping.table} ({mapping.confidence}), {len(mapping.fields)} fields"
    return f"{text}, {decide} to decide" if decide else text


def _left_out(draft: Draft) -> list[str]:
    tables = [f"  {table}: {reason}" for table, reason in draft.ignore.items() if isinstance(reason, str)]
    columns = sum(len(reason) for reason in draft.ignore.values() if not isinstance(reason, str))
    lines = (
        [f"left out, in project.yaml under `ignore`: {len(tables)} tables and {columns} columns"]
        if tables or columns
        else []
    )
    return lines + tables
