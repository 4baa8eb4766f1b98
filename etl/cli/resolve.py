"""``casebook-etl resolve``: settles what waits for a person: lost answers, doubled records, possible matches, codes."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeAlias

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
    open_setting,
)
from etl.core.exits import HELD_BACK
from etl.core.keys import RecordKey
from etl.core.records import TargetId

if TYPE_CHECKING:
    from etl.pipeline.doubled import Doubled
    from etl.pipeline.match_queue import Question
    from etl.pipeline.settling import Decision, Held, Settled
    from etl.pipeline.wiring import Setting


AbsentOption: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--absent",
        metavar="ENTITY",
        help="You have looked: none of the held records of this entity is in Casebook. The next run sends them.",
    ),
]
AbsentKeyOption: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--absent-key",
        metavar="KEY",
        help="You have looked: the record with this record key is not in Casebook. The next run sends it.",
    ),
]
KeepOption: TypeAlias = Annotated[
    tuple[str, str] | None,
    typer.Option(
        "--keep",
        metavar="KEY ID",
        help="The record with this record key is in Casebook more than once: this one is kept. Nothing is deleted.",
    ),
]
FromFileOption: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--from-file",
        metavar="FILE",
        help="Settle every line of a CSV file: record_key, decision (found, absent, keep or deleted), id, why.",
    ),
]
DeletedOption: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--deleted",
        metavar="KEY",
        help="The record with this record key was deleted in Casebook on purpose: verify tells it no more, nothing makes it anew.",
    ),
]
WhyOption: TypeAlias = Annotated[
    str | None,
    typer.Option("--why", metavar="TEXT", help="With --deleted: the reason, for the audit trail. Name nobody in it."),
]
ForceOption: TypeAlias = Annotated[
    bool,
    typer.Option("--force", help="With --found or --from-file: the record is that one though it cannot be recognised."),
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
    absent_key: AbsentKeyOption = None,
    found: FoundOption = None,
    keep: KeepOption = None,
    deleted: DeletedOption = None,
    why: WhyOption = None,
    from_file: FromFileOption = None,
    match: MatchOption = None,
    decisions: DecisionsOption = None,
    force: ForceOption = False,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
    no_color: NoColorOption = False,
) -> None:
    """List what waits for a person, or settle it: held records whose answer was lost, records that are in Casebook twice,
    records that may be in Casebook already, and codes that nobody has decided.
    """
    output = Output(as_json, quiet, no_color=no_color, verbose=verbose)
    if sum(each is not None for each in (absent, absent_key, found, keep, deleted, from_file, match, decisions)) > 1:
        raise typer.BadParameter("settle with one option at a time; --from-file settles many records")
    if force and found is None and from_file is None:
        raise typer.BadParameter("--force goes with --found or --from-file")
    if (deleted is None) != (not (why or "").strip()):
        raise typer.BadParameter("--deleted and --why go together: the audit trail keeps the reason")
    with ending(output):
        from etl.pipeline import settling
        from etl.pipeline.settling_sheet import settle_sheet

        setting = open_setting(project, profile, verbose=verbose)
        said = _said(absent_key, found, keep, deleted, why or "")
        if decisions is not None:
            _take(output, setting, decisions)
        elif absent is not None:
            count = settling.settle_absent(setting, absent)
            output.answer(
                {"settled": count}, [f"{count} held records of {absent} count as absent; the next run sends them."]
            )
        elif match is not None:
            settling.settle_match(setting, *match)
            output.answer({"settled": 1}, ["Settled; the next run takes it up."])
        elif from_file is not None:
            _settled(output, settle_sheet(setting, from_file, force=force))
        elif said is not None:
            _settled(output, settling.settle_one(setting, said, force=force), is_deleted=deleted is not None)
        else:
            _list(output, setting)


def _said(
    absent_key: str | None, found: tuple[str, str] | None, keep: tuple[str, str] | None, deleted: str | None, why: str
) -> Decision | None:
    """What the options say of one record."""
    from etl.pipeline.settling import Decision, Verdict

    if absent_key is not None:
        return Decision(RecordKey(absent_key), Verdict.ABSENT)
    if deleted is not None:
        return Decision(RecordKey(deleted), Verdict.DELETED, why=why)
    for verdict, pair in ((Verdict.KEEP, keep), (Verdict.FOUND, found)):
        if pair is not None:
            return Decision(RecordKey(pair[0]), verdict, TargetId(pair[1]))
    return None


def _settled(output: Output, settled: Settled, *, is_deleted: bool = False) -> None:
    from etl.report.words import counted

    then = "`verify` counts it as deleted on purpose" if is_deleted else "the next run sends whatever differs"
    lines = [f"{settled.count} settled; {then}."]
    lines += [
        f"{key}: remove in Casebook {', '.join(ids)}. Nothing was deleted; what hangs on them stays on them."
        for key, ids in settled.surplus.items()
        if ids
    ]
    lines += [
        f"{name}: {counted(count, 'record')} blocked, waiting for what was deleted: leave the rows out by `where` in this "
        "mapping, or let them refer to another parent."
        for name, count in settled.waiting.items()
    ]
    content = {"settled": settled.count, "surplus": dict(settled.surplus), "waiting": dict(settled.waiting)}
    output.answer(content, lines)


def _take(output: Output, setting: Setting, sheet: Path) -> None:
    from etl.pipeline.deciding import take_decisions

    counts = take_decisions(setting, sheet)
    lines = [f"crosswalks/{name}.csv: {count} decided" for name, count in counts.items()]
    output.answer({"decided": counts}, lines or ["No line of the sheet has a target."])


def _list(output: Output, setting: Setting) -> None:
    """Shows what waits; exits 1 where anything does."""
    from etl.pipeline.doubled import doubled_records
    from etl.pipeline.match_queue import open_questions
    from etl.pipeline.settling import held_records

    held, doubled, matches = held_records(setting), doubled_records(setting), open_questions(setting)
    lines = [*map(_held_line, held), *map(_doubled_line, doubled), *map(_match_line, matches)]
    content = {
        "held": [asdict(each) for each in held],
        "duplicates": [asdict(each) for each in doubled],
        "matches": [asdict(each) for each in matches],
    }
    output.answer(content, lines or ["Nothing is held."])
    if lines:
        raise typer.Exit(HELD_BACK)


def _held_line(each: Held) -> str:
    return f"{each.record_key}  {each.entity:20} marker {each.marker}  {each.why}"


def _doubled_line(each: Doubled) -> str:
    """The ids stand from the oldest to the newest: children hang on the oldest, as a rule."""
    why = f" ({each.why})" if each.why else ""
    return f"{each.record_key}  {each.entity:20} is in Casebook more than once: {' '.join(each.ids)}{why}"


def _match_line(each: Question) -> str:
    return f"{each.record_key}  {each.entity:20} may be {each.candidates} ({each.why}), {each.table} row {each.row}"
