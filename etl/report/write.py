"""Writes a run's reports into its folder: each file whole or not at all, private to its owner."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from etl.core.ports import Tables
from etl.report.facts import RunFiles
from etl.report.model import Summary
from etl.report.summary import summary_of


def write_report(folder: Path, tables: Tables | None = None) -> Summary:  # noqa: ARG001 - the port is part of the contract
    """Writes ``summary.json`` of a run and returns the summary.

    Raises SettingsError where the folder holds no run.
    """
    files = RunFiles(folder)
    summary = summary_of(files, files.facts())
    with replaced(folder / "summary.json") as temporary:
        temporary.write_text(summary.model_dump_json(indent=2) + "\n", "utf-8")
    return summary


@contextmanager
def replaced(path: Path) -> Iterator[Path]:
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
