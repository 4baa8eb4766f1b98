"""``casebook-etl state``: care of the state database."""

from __future__ import annotations

from contextlib import closing
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
    by_entity,
    ending,
    entity_lines,
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
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
    no_color: NoColorOption = False,
) -> None:
    """Take over a state database that another machine held when it was moved here."""
    output = Output(as_json, quiet, no_color=no_color, verbose=verbose)
    with ending(output):
        if not yes:
            line = "Adopting lets this machine write. If the other one also goes on, records are doubled: confirm with --yes."
            output.answer({"adopted": False}, [line])
            raise typer.Exit(YOURS_TO_FIX)
        setting = open_setting(project, profile, verbose=verbose)
        with setting.store("state adopt", adopt=True):
            output.answer({"adopted": True}, [f"Adopted: {setting.state_place}"])


@state_app.command("check", epilog="Example: casebook-etl state check mappings/demo_agency --profile sandbox")
def check(
    project: ProjectArgument = Path(),
    *,
    profile: ProfileOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
    no_color: NoColorOption = False,
) -> None:
    """Check the state database: whole, ours, the newest, and what is in it; works beside a running load."""
    output = Output(as_json, quiet, no_color=no_color, verbose=verbose)
    with ending(output):
        from etl.pipeline import state_care

        checked = state_care.check(open_setting(project, profile, verbose=verbose))
        if checked.trouble is not None:
            raise checked.trouble
        output.answer(_content(checked), _lines(checked))


@state_app.command("export", epilog="Example: casebook-etl state export state-2026-03-01.db mappings/demo_agency")
def export(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The file to write; it must not exist.")],
    project: ProjectArgument = Path(),
    *,
    profile: ProfileOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
    no_color: NoColorOption = False,
) -> None:
    """Write the state database to one file, whole, readable by you alone; works beside a running load."""
    output = Output(as_json, quiet, no_color=no_color, verbose=verbose)
    with ending(output):
        from etl.pipeline import state_care

        state_care.export(open_setting(project, profile, verbose=verbose), file)
        output.answer({"exported": str(file)}, [f"Written: {file}"])


_NO_UNDO = "Runs from before now cannot be undone any more; `verify` works again after the next run."


@state_app.command("rebuild", epilog="Example: casebook-etl state rebuild mappings/demo_agency --yes")
def rebuild(
    project: ProjectArgument = Path(),
    *,
    profile: ProfileOption = None,
    yes: Annotated[
        bool, typer.Option("--yes", help="No other machine runs with this project; the present state is moved aside.")
    ] = False,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
    no_color: NoColorOption = False,
    progress: ProgressOption = "auto",
) -> None:
    """Make a lost or old state database anew, from the source and what Casebook shows; sends no write."""
    output = Output(as_json, quiet, progress, no_color, verbose)
    with ending(output):
        from etl.pipeline import state_care

        if not yes:
            line = (
                "The state is made anew and the present one moved aside. Stop every other run, then confirm with --yes."
            )
            output.answer({"rebuilt": False}, [line])
            raise typer.Exit(YOURS_TO_FIX)
        with closing(output.make_progress()) as display:
            verdicts = state_care.rebuild(open_setting(project, profile, verbose=verbose), display)
        records = by_entity(verdicts)
        is_certain = state_care.certain(verdicts)
        last = "Run again to send what is absent." if is_certain else "Look at `casebook-etl resolve`, then run again."
        output.answer({"rebuilt": True, "records": records}, ["Rebuilt.", *entity_lines(records), _NO_UNDO, last])
        if not is_certain:
            raise typer.Exit(HELD_BACK)


def _content(checked: Checked) -> dict[str, Any]:
    found = checked.examined
    return {
        "path": str(found.path),
        "form": found.form,
        "newest_form": found.newest_form,
        "is_whole": not found.findings,
        "epoch": found.identity.moment.epoch if found.identity else None,
        "transactions": found.identity.moment.sequence if found.identity else None,
        "is_doubted": bool(found.identity and found.identity.is_doubted),
        "is_witnessed": found.seen is not None,
        "copies": [str(path) for path in found.copies],
        "records": by_entity(dict(sorted(checked.counts.items()))),
    }


def _lines(checked: Checked) -> list[str]:
    content = _content(checked)
    lines = [
        f"{content['path']} is whole, form {content['form']} of {content['newest_form']}.",
        f"Holders so far: {content['epoch']}. Transactions: {content['transactions']}.",
        "It is the newest that was used on this machine." if content["is_witnessed"] else "No witness on this machine.",
    ]
    if content["is_doubted"]:
        lines.append("It was not the newest once: each record is asked about before it is first sent.")
    lines += [f"Copy: {path}" for path in content["copies"]]
    return lines + entity_lines(content["records"])
