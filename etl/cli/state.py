"""``casebook-etl state``: care of the state database."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from etl.cli.common import (
    JsonOption,
    Output,
    ProfileOption,
    ProgressOption,
    ProjectArgument,
    QuietOption,
    ending,
    open_setting,
)
from etl.core.exits import HELD_BACK, YOURS_TO_FIX

if TYPE_CHECKING:
    from etl.pipeline.state_care import Checked

state_app = typer.Typer(help="Care for the state database.", no_args_is_help=True, pretty_exceptions_enable=False)


def register(app: typer.Typer) -> None:
    """Adds the command group."""
    app.add_typer(state_app, name="state")


@state_app.command("adopt", epilog="Example: casebook-etl state adopt mappings/demo_agency --yes")
def adopt(
    project: ProjectArgument = Path(),
    *,
    profile: ProfileOption = None,
    yes: Annotated[
        bool, typer.Option("--yes", help="The other machine does not run and will never run with its copy again.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Take over a state database that another machine held when it was moved here."""
    output = Output(as_json)
    with ending(output):
        if not yes:
            line = "Adopting lets this machine write. If the other one also goes on, records are doubled: confirm with --yes."
            output.answer({"adopted": False}, [line])
            raise typer.Exit(YOURS_TO_FIX)
        setting = open_setting(project, profile)
        with setting.store("state adopt", adopt=True):
            output.answer({"adopted": True}, [f"Adopted: {setting.state_place}"])
