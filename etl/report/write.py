"""Writes a run's reports into its folder: each file whole or not at all, private to its owner."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from etl.core.ports import Tables
from etl.report.decision_sheet import write_decisions
from etl.report.decisions import decisions_of
from etl.report.facts import RunFiles
from etl.report.html import render
from etl.report.model import Summary
from etl.report.summary import summary_of
from etl.report.worklist import write_worklist


def write_report(folder: Path, tables: Tables | None = None, summary: Summary | None = None) -> Summary:
    """Writes ``problems.csv``, ``decisions.csv``, ``report.html`` and ``summary.json`` of a run, in this order, and returns the summary.

    ``tables`` answers how many rows each open decision frees; a ``summary`` of this run spares counting it. Raises
    SettingsError where the folder holds no run.
    """
    files = RunFiles(folder)
    facts = files.facts()
    summary = summary or summary_of(files, facts)
    with _replaced(folder / "problems.csv") as temporary:
        write_worklist(temporary, files, facts)
    decisions = decisions_of(files, tables)
    with _replaced(folder / "decisions.csv") as temporary:
        write_decisions(temporary, decisions.shown)
    with _replaced(folder / "report.html") as temporary:
        temporary.write_text(render(files, facts, summary, decisions), "utf-8")
    with _replaced(folder / "summary.json") as temporary:
        temporary.write_text(summary.model_dump_json(indent=2) + "\n", "utf-8")
    return summary


@contextmanager
def _replaced(path: Path) -> Iterator[Path]:
    """A private temporary file beside ``path`` that takes its place, durably, when the block ends well."""
    temporary = path.with_name(f".{path.name}.part")
    temporary.unlink(missing_ok=True)
    os.close(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    try:
        yield temporary
        with temporary.open("rb") as stream:
            os.fsync(stream.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
