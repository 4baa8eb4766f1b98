"""Lint from end to end: a project's mistakes, the findings of its rules, and the fixes that a machine may apply.

Rows are read only when asked for, into a folder of their own that is gone afterwards.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from etl.core.errors import MappingError, Mistake
from etl.core.keys import RecordKeys
from etl.mapping.fixes import Edit, applied, edits_by_file
from etl.mapping.lint import Evidence, Finding, findings
from etl.mapping.project import is_unmapped
from etl.pipeline.base_rows import base_rows
from etl.pipeline.capabilities import Obeyed, obeyed
from etl.pipeline.prepare import BATCH_ROWS, register_snapshot
from etl.pipeline.projects import is_project, open_project, open_surroundings
from etl.pipeline.projects import lint as find_mistakes
from etl.pipeline.wiring import Setting, SystemClock
from etl.sources.snapshot import take_snapshot
from etl.sources.tables import DuckTables
from etl.transform.codes import CodesSeen

_MOST_ROUNDS = 10
"""A fix may bring a mistake to light that could not be seen before."""


@dataclass(frozen=True, slots=True)
class LintReport:
    """What lint found: mistakes, the certain fix of each mistake that has one, findings, and what was not checked.

    ``refusals`` say what the tenant of a named profile was found unable to give; ``notes`` what is known besides.
    """

    mistakes: tuple[Mistake, ...]
    fixes: Mapping[Mistake, Edit]
    findings: tuple[Finding, ...] = ()
    unchecked: tuple[str, ...] = ()
    refusals: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def lint_project(folder: Path, profile: str | None, environ: Mapping[str, str], *, rows: bool = False) -> LintReport:
    """Everything that is wrong or doubtful in a project; ``rows`` also reads the sources. Raises SettingsError, SourceError."""
    try:
        if is_project(folder) and is_unmapped(folder):
            return LintReport((), {}, findings(open_surroundings(folder, profile, environ).project, None))
        setting = open_project(folder, profile, environ)
    except MappingError as error:
        return LintReport(error.mistakes, _fixes(folder, error.mistakes))
    mistakes, unchecked = find_mistakes(setting)
    evidence = _evidence(setting) if rows and not mistakes and not unchecked else None
    found = findings(setting.project, evidence)
    known = obeyed(setting) if profile is not None else Obeyed(setting)
    return LintReport(tuple(mistakes), _fixes(folder, mistakes), found, tuple(unchecked), known.refusals, known.notes)


def fix_project(folder: Path, profile: str | None, environ: Mapping[str, str]) -> tuple[Edit, ...]:
    """Applies every certain fix to the project's documents, until none is left; returns the edits made."""
    made: list[Edit] = []
    for _ in range(_MOST_ROUNDS):
        fixes = lint_project(folder, profile, environ).fixes
        if not fixes:
            break
        for file in sorted({edit.file for edit in fixes.values()}):
            _rewrite(folder / file, [edit for edit in fixes.values() if edit.file == file])
        made += fixes.values()
    return tuple(made)


def _fixes(folder: Path, mistakes: Sequence[Mistake]) -> dict[Mistake, Edit]:
    documents = {file: _lines(folder / file) for file in {each.file for each in mistakes}}
    found: dict[Mistake, Edit] = {}
    for mistake in mistakes:
        for edits in edits_by_file([mistake], documents).values():
            found[mistake] = edits[0]
    return found


def _lines(path: Path) -> list[str]:
    """The lines of a document as they are counted, without their ends; none where it cannot be read as text."""
    try:
        return path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError):
        return []


def _rewrite(path: Path, edits: Sequence[Edit]) -> None:
    """Writes a document with edits; its line ends, its byte order mark and all other lines stay as they are."""
    raw = path.read_bytes().decode("utf-8")
    kept = raw.splitlines(keepends=True)
    bare = raw.removeprefix("\ufeff").splitlines()
    mark = "\ufeff" if raw.startswith("\ufeff") else ""
    ends = [line[len(line.splitlines()[0]) :] for line in kept]
    changed = applied(edits, bare)
    path.write_bytes((mark + "".join(line + end for line, end in zip(changed, ends, strict=True))).encode())


def _evidence(setting: Setting) -> Evidence:
    """What the rows of all mapped tables show."""
    seen = CodesSeen(RecordKeys(b"lint looks and keeps nothing"), setting.context(SystemClock().now()))
    with tempfile.TemporaryDirectory(prefix="casebook-etl-lint-") as name, closing(DuckTables(Path(name))) as tables:
        folder = Path(name) / "snapshot"
        register_snapshot(tables, take_snapshot(setting.sources(), _wanted(setting), folder, _Silent()))
        for mapping in setting.project.mappings:
            for batch in base_rows(tables, mapping, Path(name), BATCH_ROWS):
                seen.look(mapping, batch)
    used = {name: frozenset(lines) for name, lines in seen.used.items()}
    return Evidence(used, seen.keys_met())


def _wanted(setting: Setting) -> dict[str, list[str]] | None:
    """The tables that mappings read, by source; None (all of them) where a query may read any."""
    if any(mapping.query for mapping in setting.project.mappings):
        return None
    wanted: dict[str, list[str]] = {}
    for mapping in setting.project.mappings:
        for relation in (mapping.base.table, *(join.table for join in mapping.base.joins)):
            source, _, table = relation.partition(".")
            if table not in wanted.setdefault(source, []):
                wanted[source].append(table)
    return wanted


class _Silent:
    """Progress that nobody watches."""

    def start(self, stage: str, total: int | None = None) -> None:
        """Nothing."""

    def advance(self, count: int = 1) -> None:
        """Nothing."""

    def note(self, text: str) -> None:
        """Nothing."""
