"""``casebook-etl resolve``: settles records whose answer was lost and cannot be asked about."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from etl.cli.common import JsonOption, Output, ProfileOption, ProjectArgument, ending, open_setting
from etl.core.exits import HELD_BACK

if TYPE_CHECKING:
    from etl.pipeline.match_queue import Question
    from etl.pipeline.settling import Held
    from etl.pipeline.wiring import Setting


AbsentOption: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--absent",
        metavar="ENTITY",
        help="You have looked: none of the held records of this entity is in Casebook. The next run sends them.",
    ),
]
FoundOption: TypeAlias = Annotated[
    tuple[str, str] | None,
    typer.Option(
        "--found",
        metavar="KEY ID",
        help="You have looked: the held record with this record key is the one with this Casebook id.",
    ),
]
MatchOption: TypeAlias = Annotated[
    tuple[str, str] | None,
    typer.Option(
        "--match",
        metavar="KEY ID|new",
        help="You have looked: the record with this record key is this one of Casebook, or none of the candidates.",
    ),
]
DecisionsOption: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--decisions",
        metavar="FILE",
        help="You have filled in a run's decisions.csv: write its targets into the crosswalks.",
    ),
]


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("resolve", epilog="Example: casebook-etl resolve mappings/demo_agency --profile sandbox")(resolve)


def resolve(
    project: ProjectArgument = Path(),
    *,
    profile: ProfileOption = None,
    absent: AbsentOption = None,
    found: FoundOption = None,
    match: MatchOption = None,
    decisions: DecisionsOption = None,
    as_json: JsonOption = False,
) -> None:
    """List what waits for a person, or settle it: held records whose answer was lost, records that may be in Casebook
    already, and codes that nobody has decided.
    """
    output = Output(as_json)
    if sum(each is not None for each in (absent, found, match, decisions)) > 1:
        raise typer.BadParameter("settle with one of --absent, --found, --match and --decisions")
    with ending(output):
        from etl.pipeline import match_queue, settling

        setting = open_setting(project, profile)
        if decisions is not None:
            _take(output, setting, decisions)
            return
        if absent is not None:
            count = settling.settle_absent(setting, absent)
            output.answer(
                {"settled": count}, [f"{count} held records of {absent} count as absent; the next run sends them."]
            )
        elif found is not None:
            settling.settle_found(setting, *found)
            output.answer({"settled": 1}, ["Settled; the next run sends whatever differs."])
        elif match is not None:
            settling.settle_match(setting, *match)
            output.answer({"settled": 1}, ["Settled; the next run takes it up."])
        else:
            _list(output, settling.held_records(setting), match_queue.open_questions(setting))


def _take(output: Output, setting: Setting, sheet: Path) -> None:
    from etl.pipeline.deciding import take_decisions

    counts = take_decisions(setting, sheet)
    lines = [f"crosswalks/{name}.csv: {count} decided" for name, count in counts.items()]
    output.answer({"decided": counts}, lines or ["No line of the sheet has a target."])


def _list(output: Output, held: Sequence[Held], matches: Sequence[Question]) -> None:
    """Shows what waits; exits 1 where anything does."""
    lines = [f"{each.record_key}  {each.entity:20} marker {each.marker}  {each.why}" for each in held]
    lines += [
        f"{each.record_key}  {each.entity:20} may be {each.candidates} ({each.why}), {each.table} row {each.row}"
        for each in matches
    ]
    content = {"held": [asdict(each) for each in held], "matches": [asdict(each) for each in matches]}
    output.answer(content, lines or ["Nothing is held."])
    if lines:
        raise typer.Exit(HELD_BACK)
