"""``casebook-etl where``: where a legacy key went."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from etl.cli.common import (
    JsonOption,
    NoColorOption,
    Output,
    ProfileOption,
    QuietOption,
    VerboseOption,
    ending,
    open_setting,
)
from etl.core.exits import HELD_BACK

if TYPE_CHECKING:
    from etl.pipeline.queries import Whereabouts


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("where", epilog="Example: casebook-etl where P000007 --project mappings/demo_agency")(where)


def where(
    key: Annotated[
        list[str], typer.Argument(metavar="KEY...", help="The legacy key; several words for a key of several parts.")
    ],
    *,
    project: Annotated[Path, typer.Option("--project", help="The project's folder.")] = Path(),
    mapping: Annotated[str | None, typer.Option("--mapping", "-m", help="Look only in this mapping.")] = None,
    profile: ProfileOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
    no_color: NoColorOption = False,
) -> None:
    """Show what became of the records with a legacy key: Casebook id, state, source row, problems."""
    output = Output(as_json, quiet, no_color=no_color, verbose=verbose)
    with ending(output):
        from etl.pipeline.queries import where as find

        found = find(open_setting(project, profile, verbose=verbose), key, mapping)
        lines = [line for each in found.records for line in _lines(each)] or ["No mapping has a record with this key."]
        lines += [f"The state is not the newest: {found.why_outdated}"] if found.why_outdated else []
        content = {"found": [each.as_dict() for each in found.records], "is_outdated": bool(found.why_outdated)}
        output.answer(content, lines)
        if not found.records:
            raise typer.Exit(HELD_BACK)


def _lines(found: Whereabouts) -> list[str]:
    """What Casebook holds comes first; what the latest command made of the row, which may have been a dry run, behind it."""
    held = " ".join(filter(None, [found.entity, found.target_id, found.state or "not loaded"]))
    place = f"{found.table} row {found.row}" + (f", line {found.line}" if found.line else "")
    row = (
        f"{place}: {found.bucket} in the latest command"
        if found.bucket
        else f"{found.table}: no row in the latest command"
    )
    return [f"{found.mapping}: {held} ({row})", *(f"  {problem}" for problem in found.problems)]
