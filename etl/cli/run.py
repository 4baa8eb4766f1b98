"""``casebook-etl run``: loads, and goes on where the last run stopped."""

from __future__ import annotations

from functools import partial
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
)
from etl.cli.finishing import perform


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("run", epilog="Example: casebook-etl run mappings/demo_agency --profile sandbox")(run)


def run(
    project: ProjectArgument = Path(),
    *,
    profile: ProfileOption = None,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Close an unfinished run and begin anew; what is loaded stays loaded.")
    ] = False,
    first_load: Annotated[
        bool, typer.Option("--first-load", help="Allow a protected profile to begin without a state database.")
    ] = False,
    retry: Annotated[
        str, typer.Option("--retry", help="`rejected`: send records again that Casebook refused.", metavar="WHAT")
    ] = "",
    ask_first: Annotated[
        bool,
        typer.Option(
            "--ask-first",
            help="Go on with a state database that is not the newest: from now on Casebook is asked about each record "
            "before it is first sent.",
        ),
    ] = False,
    plan: Annotated[
        Path | None,
        typer.Option(
            "--plan",
            metavar="FILE",
            help="Load exactly this signed plan, the plan.json of a `plan`: where anything would be done otherwise, nothing is.",
        ),
    ] = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
    no_color: NoColorOption = False,
    progress: ProgressOption = "auto",
) -> None:
    """Load. The same command again goes on where the last one stopped; when all is done it sends no write."""
    if retry not in ("", "rejected"):
        raise typer.BadParameter("the only thing to retry is `rejected`", param_hint="--retry")
    if retry and plan is not None:
        raise typer.BadParameter("a plan holds no record that is sent again unchanged", param_hint="--retry")
    from etl.pipeline import runs

    choices = runs.RunChoices(
        fresh=fresh, first_load=first_load, retry_rejected=retry == "rejected", ask_first=ask_first, plan_file=plan
    )
    verb = partial(runs.run, choices=choices)
    perform(verb, project, profile, Output(as_json, quiet, progress, no_color, verbose), verbose=verbose)
