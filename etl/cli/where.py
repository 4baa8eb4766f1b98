"""``casebook-etl where``: where a legacy key went."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from etl.cli.common import JsonOption, Output, ProfileOption, ending, open_setting
from etl.core.exits import HELD_BACK


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
) -> None:
    """Show what became of the records with a legacy key: Casebook id, state, source row, problems."""
    output = Output(as_json)
    with ending(output):
        from etl.pipeline.queries import where as find

        found = find(open_setting(project, profile), key, mapping)
        lines: list[str] = []
        for each in found:
            place = f"row {each.row}" + (f", line {each.line}" if each.line else "")
            lines.append(f"{each.mapping}: {each.entity} {each.target_id or ''} {each.state} ({each.table} {place})")
            lines += [f"  {problem}" for problem in each.problems]
        output.answer(
            {"found": [each.as_dict() for each in found]}, lines or ["No mapping has a record with this key."]
        )
        if not found:
            raise typer.Exit(HELD_BACK)
