"""``casebook-etl verify``: what was loaded, read back."""

from __future__ import annotations

import re
from functools import partial
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
)
from etl.cli.finishing import perform

if TYPE_CHECKING:
    from etl.load.sampling import Scope

_EXAMPLE = "Example: casebook-etl verify mappings/demo_agency --profile sandbox --sample 5%"


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("verify", epilog=_EXAMPLE)(verify)


def verify(
    project: ProjectArgument = Path(),
    *,
    profile: ProfileOption = None,
    sample: Annotated[
        str | None,
        typer.Option(
            "--sample",
            metavar="N|N%",
            help="Read back so many records, or such a share, of every entity and run instead of all.",
        ),
    ] = None,
    subset: Annotated[
        str | None,
        typer.Option("--subset", metavar="N/T", help="Read back part N of T; T runs with N from 1 to T read back all."),
    ] = None,
    seed: Annotated[
        int | None, typer.Option("--seed", help="Draw the same sample again; a run without it says its own.")
    ] = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
    no_color: NoColorOption = False,
    progress: ProgressOption = "auto",
) -> None:
    """Read back what was loaded and compare presence, fields, links and files of every record, or of a sample.

    The exit code is about the reading back alone: 0 where nothing differs, 1 where something does. The first line is about
    the run that was read back, so it may say "Not complete" beside a 0, where rows were held back before they were sent.
    """
    scope = _scope(sample, subset, seed)
    from etl.pipeline import runs

    verb = partial(runs.verify, scope=scope)
    perform(verb, project, profile, Output(as_json, quiet, progress, no_color, verbose), verbose=verbose)


def _scope(sample: str | None, subset: str | None, seed: int | None) -> Scope:
    """What the options ask for. Raises BadParameter."""
    import secrets

    from etl.load.sampling import Scope

    if sample is not None and subset is not None:
        raise typer.BadParameter("choose with either --sample or --subset")
    if seed is not None and sample is None:
        raise typer.BadParameter("a seed belongs to a sample", param_hint="--seed")
    if subset is not None:
        return Scope(part=_part(subset))
    if sample is None:
        return Scope()
    drawn = seed if seed is not None else secrets.randbelow(1_000_000)
    found = re.fullmatch(r"(\d+(?:\.\d+)?)(%?)", sample)
    number = float(found[1]) if found else 0.0
    if found and found[2] and 0 < number <= 100:  # noqa: PLR2004 - per cent
        return Scope(share=number / 100, seed=drawn)
    if found and not found[2] and number >= 1 and number.is_integer():
        return Scope(count=int(number), seed=drawn)
    raise typer.BadParameter("write a number of records such as 500, or a share such as 5%", param_hint="--sample")


def _part(text: str) -> tuple[int, int]:
    found = re.fullmatch(r"(\d+)/(\d+)", text)
    number, parts = (int(found[1]), int(found[2])) if found else (0, 0)
    if not 1 <= number <= parts:
        raise typer.BadParameter("write a part of parts such as 1/7", param_hint="--subset")
    return number, parts
