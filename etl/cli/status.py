"""``casebook-etl status``: the state of all records and runs of a project with one profile."""

from __future__ import annotations

import os
from dataclasses import asdict, replace
from pathlib import Path

import typer

from etl.cli.common import (
    JsonOption,
    NoColorOption,
    Output,
    ProfileOption,
    ProjectArgument,
    QuietOption,
    VerboseOption,
    by_entity,
    ending,
    entity_lines,
    shown_path,
)

_RUNS_SHOWN = 5


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("status", epilog="Example: casebook-etl status mappings/demo_agency --profile sandbox")(status)


def status(
    project: ProjectArgument = Path(),
    *,
    profile: ProfileOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
    no_color: NoColorOption = False,
) -> None:
    """Show how many records are in which state, what is pending, and the latest runs; works beside a running load."""
    output = Output(as_json, quiet, no_color=no_color, verbose=verbose)
    with ending(output):
        from etl.pipeline.projects import open_head

        setting = replace(open_head(project, profile, os.environ), verbose=verbose)
        with setting.reader() as state:
            counts = by_entity(dict(sorted(state.counts().items())))
            runs = state.runs()
            outdated = setting.why_outdated(state)
            links, uploads = sum(1 for _ in state.pending_links()), sum(1 for _ in state.pending_uploads())
        lines = [f"State: {_shown(setting.state_place)}"]
        lines += [f"Not the newest: {outdated}"] if outdated else []
        lines += entity_lines(counts) or ["  nothing was loaded yet"]
        lines.append(f"Links to set: {links}. Files to upload: {uploads}.")
        for row in runs[:_RUNS_SHOWN]:
            ended = f"ended {row.ended}, exit code {row.exit_code}" if row.ended else f"not finished, stage {row.stage}"
            lines.append(f"Run {row.run_id}: {row.command}, started {row.started}, {ended}")
        content = {"records": counts, "pending_links": links, "pending_uploads": uploads, "is_outdated": bool(outdated)}
        output.answer({**content, "runs": [asdict(row) for row in runs]}, lines)


def _shown(place: object) -> object:
    """The place as one types it here: a file below the current folder without the way to that folder."""
    return shown_path(place) if isinstance(place, Path) else place
