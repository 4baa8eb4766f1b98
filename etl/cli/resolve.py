"""``casebook-etl resolve``: settles records whose answer was lost and cannot be asked about."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from etl.cli.common import JsonOption, Output, ProfileOption, ProjectArgument, ending, open_setting
from etl.core.exits import HELD_BACK


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("resolve", epilog="Example: casebook-etl resolve mappings/demo_agency --profile sandbox")(resolve)


def resolve(
    project: ProjectArgument = Path(),
    *,
    profile: ProfileOption = None,
    absent: Annotated[
        str | None,
        typer.Option(
            "--absent",
            metavar="ENTITY",
            help="You have looked: none of the held records of this entity is in Casebook. The next run sends them.",
        ),
    ] = None,
    found: Annotated[
        tuple[str, str] | None,
        typer.Option(
            "--found",
            metavar="KEY ID",
            help="You have looked: the held record with this record key is the one with this Casebook id.",
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """List records that are held because an answer was lost, or settle them after looking into Casebook."""
    output = Output(as_json)
    if absent is not None and found is not None:
        raise typer.BadParameter("settle with either --absent or --found")
    with ending(output):
        from etl.pipeline import settling

        setting = open_setting(project, profile)
        if absent is not None:
            count = settling.settle_absent(setting, absent)
            output.answer(
                {"settled": count}, [f"{count} held records of {absent} count as absent; the next run sends them."]
            )
        elif found is not None:
            settling.settle_found(setting, *found)
            output.answer({"settled": 1}, ["Settled; the next run sends whatever differs."])
        else:
            held = settling.held_records(setting)
            lines = [f"{each.record_key}  {each.entity:20} marker {each.marker}  {each.why}" for each in held]
            output.answer({"held": [asdict(each) for each in held]}, lines or ["Nothing is held."])
            if held:
                raise typer.Exit(HELD_BACK)
