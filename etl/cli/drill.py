"""``casebook-etl drill``: the proof on one's own project that nothing is lost or doubled, whatever is cut or killed."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

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
    from etl.pipeline.drill import Drilled


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("drill", epilog="Example: casebook-etl drill mappings/demo_agency --kills 20 --seed 7")(drill)


def drill(
    project: ProjectArgument = Path(),
    *,
    profile: ProfileOption = None,
    kills: Annotated[int, typer.Option("--kills", help="How often a loading process is killed.", min=0)] = 10,
    no_cuts: Annotated[
        bool, typer.Option("--no-cuts", help="Only kill: leave out the loads whose calls are cut.")
    ] = False,
    seed: Annotated[
        int | None, typer.Option("--seed", help="Repeats a drill: the same faults and kills.", show_default="a new one")
    ] = None,
    faults: Annotated[
        str,
        typer.Option("--faults", help="Faults of the server while processes are killed, written as for `sandbox`."),
    ] = "",
    as_json: JsonOption = False,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
    no_color: NoColorOption = False,
    progress: ProgressOption = "auto",
) -> None:
    """Load this project into a sandbox that cuts every call, kill the loader, and count what was lost or doubled.

    Your runs, your state and your tenant are not touched. Exits 0 only where nothing was lost, doubled or left open.
    """
    output = Output(as_json, quiet, progress, no_color, verbose)
    with ending(output):
        from etl.pipeline.drill import DrillChoices
        from etl.pipeline.drill import drill as drilled

        shown = output.make_progress()
        try:
            ended = drilled(project, profile, DrillChoices(kills, not no_cuts, seed, faults), os.environ, shown)
        finally:
            shown.close()
        output.answer(ended.facts(), _lines(ended))
        raise typer.Exit(COMPLETE if ended.is_clean else HELD_BACK)


def _lines(ended: Drilled) -> list[str]:
    from etl.pipeline.drill import pass_line

    held = ended.facts()["held"]
    lines = [f"  {pass_line(each)}" for each in ended.passes]
    if held:
        lines.append(
            f"{held} records could not be asked about and were held for a person; the drill looked and settled them."
        )
    if not ended.faults:
        lines.append("Nothing went wrong, so nothing is proved: every load ended before it could be killed.")
    left = ended.facts()["open"]
    more = f", {left} still open" if left else ""
    lines.append(f"{ended.faults} faults, {ended.total('dup')} duplicates, {ended.total('lost')} losses{more}")
    return [*lines, f"Seed {ended.seed}; written to {shown_path(ended.path)}"]
