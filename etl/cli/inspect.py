"""``casebook-etl inspect``: the intake certificate of legacy data, before anything is mapped."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from etl.cli.common import JsonOption, NoColorOption, Output, ProgressOption, QuietOption, VerboseOption, ending
from etl.core.exits import COMPLETE, HELD_BACK

if TYPE_CHECKING:
    from etl.core.intake import Certificate

_EPILOG = "Example: casebook-etl inspect 'export/*.csv' --html certificate.html --save export.fingerprint"


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("inspect", epilog=_EPILOG)(inspect)


def inspect(
    sources: Annotated[
        list[str],
        typer.Argument(metavar="SOURCE...", help="Files, patterns, folders, database URLs or a project's folder."),
    ],
    *,
    html: Annotated[Path | None, typer.Option("--html", help="Write the certificate as a page to this file.")] = None,
    reveal: Annotated[
        bool, typer.Option("--reveal", help="Show the most frequent values too, which may be people's.")
    ] = False,
    save: Annotated[
        Path | None, typer.Option("--save", help="Keep a fingerprint in this file, to compare later exports with.")
    ] = None,
    against: Annotated[
        Path | None, typer.Option("--against", help="Compare with the fingerprint of an earlier export.")
    ] = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
    no_color: NoColorOption = False,
    progress: ProgressOption = "auto",
) -> None:
    """Certify what legacy files and databases hold: encodings, damage, keys, references, what a spreadsheet spoiled.

    Exits with 0 where nothing blocks or warns, else with 1.
    """
    output = Output(as_json, quiet, progress, no_color, verbose)
    with ending(output):
        from etl.pipeline.intake import inspect_sources
        from etl.pipeline.wiring import SystemClock
        from etl.report.certificate import certificate_facts, certificate_lines

        shown = output.make_progress()
        try:
            certificate = inspect_sources(sources, os.environ, shown, SystemClock())
        finally:
            shown.close()
        certificate = _compared(certificate, against, reveal=reveal)
        if _is_project(sources):
            _keep(certificate, Path(sources[0]))
        _write(certificate, html, save, output, reveal=reveal)
        facts = certificate_facts(certificate, reveal=reveal)
        output.answer(facts, certificate_lines(certificate, reveal=reveal))
        raise typer.Exit(COMPLETE if certificate.is_clean else HELD_BACK)


def _compared(certificate: Certificate, against: Path | None, *, reveal: bool) -> Certificate:
    if against is None:
        return certificate
    from etl.core.errors import SettingsError
    from etl.report.certificate_fingerprint import compared, read_fingerprint

    try:
        content = against.read_bytes()
    except OSError as error:
        hint = "Give a file that `inspect --save` has written."
        raise SettingsError(f"{against} cannot be read ({error.strerror}).", hint=hint) from None
    return compared(certificate, read_fingerprint(content, str(against)), reveal=reveal)


def _is_project(sources: list[str]) -> bool:
    return len(sources) == 1 and (Path(sources[0]) / "project.yaml").is_file()


def _keep(certificate: Certificate, folder: Path) -> None:
    """Keeps the fingerprint that later runs compare with; not of an inspection that could not read all there is."""
    from etl.pipeline.projects import open_surroundings
    from etl.pipeline.since_inspect import keep_fingerprint

    if certificate.unreadable:
        sys.stderr.write("Not kept for later runs: not every table could be read.\n")
        return
    project = open_surroundings(folder, None, os.environ).project
    try:
        keep_fingerprint(project, certificate)
    except OSError as error:
        sys.stderr.write(f"Not kept for later runs: {project.runs_folder} cannot be written ({error.strerror}).\n")


def _write(certificate: Certificate, html: Path | None, save: Path | None, output: Output, *, reveal: bool) -> None:
    """The files asked for, each private to its owner."""
    from etl.pipeline.workspace import replaced

    if html is not None:
        from etl.report.certificate_html import certificate_page

        with replaced(html) as temporary:
            temporary.write_text(certificate_page(certificate, reveal=reveal), "utf-8")
        output.remark(f"Written: {html}")
    if save is not None:
        from etl.pipeline.since_inspect import write_fingerprint

        write_fingerprint(save, certificate)
        output.remark(f"Written: {save}")
