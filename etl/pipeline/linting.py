"""Lint from end to end: a project's mistakes, the findings of its rules, and the fixes that a machine may apply to them.

Rows are read only when asked for, into a folder of their own that is gone afterwards.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from etl.casebook.clock import SystemClock
from etl.core.errors import MappingError, Mistake
from etl.core.keys import RecordKeys
from etl.mapping.columns import left_behind
from etl.mapping.fixes import Edit
from etl.mapping.lint import Evidence, Finding, findings
from etl.mapping.lint_model import MANY_VALUES
from etl.mapping.model import Project
from etl.mapping.project import is_unmapped
from etl.pipeline.base_rows import base_rows
from etl.pipeline.capabilities import Obeyed, obeyed
from etl.pipeline.fixing import fixes_of_findings, fixes_of_mistakes
from etl.pipeline.prepare import BATCH_ROWS, register_snapshot
from etl.pipeline.projects import is_project, judged_by_headers, mistakes_of_documents, open_project, open_surroundings
from etl.pipeline.wiring import Setting
from etl.sources.filled_columns import is_filled_and_varied
from etl.sources.snapshot import Snapshot, take_snapshot
from etl.sources.tables import DuckTables
from etl.transform.codes import CodesSeen


@dataclass(frozen=True, slots=True)
class LintReport:
    """What lint found: mistakes, the certain fix of each mistake that has one, findings with theirs, and what was not
    checked.

    ``is_sound`` tells whether the documents could be taken as a whole, so that columns were looked at too; ``refusals`` say what the tenant of a named profile was found unable to give; ``notes`` what is known besides.
    """

    mistakes: tuple[Mistake, ...]
    fixes: Mapping[Mistake, Edit]
    findings: tuple[Finding, ...] = ()
    unchecked: tuple[str, ...] = ()
    refusals: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    finding_fixes: Mapping[Finding, tuple[Edit, ...]] = field(default_factory=dict)
    is_sound: bool = True


def lint_project(folder: Path, profile: str | None, environ: Mapping[str, str], *, rows: bool = False) -> LintReport:
    """Everything that is wrong or doubtful in a project; ``rows`` also reads the sources. Raises SettingsError, SourceError."""
    try:
        if is_project(folder) and is_unmapped(folder):
            return LintReport((), {}, findings(open_surroundings(folder, profile, environ).project, None))
        setting = open_project(folder, profile, environ)
    except MappingError:
        wrong = mistakes_of_documents(folder, profile, environ)
        return LintReport(wrong, fixes_of_mistakes(folder, wrong), is_sound=False)
    mistakes, new, unchecked = judged_by_headers(setting)
    evidence = _evidence(setting) if rows and not mistakes and not unchecked else None
    found = findings(setting.project, evidence, new)
    known = obeyed(setting) if profile is not None else Obeyed(setting)
    return LintReport(
        tuple(mistakes),
        fixes_of_mistakes(folder, mistakes),
        found,
        tuple(unchecked),
        known.refusals,
        known.notes,
        fixes_of_findings(folder, found),
    )


def _evidence(setting: Setting) -> Evidence:
    """What the rows of all mapped tables show."""
    seen = CodesSeen(RecordKeys(b"lint looks and keeps nothing"), setting.context(SystemClock().now()))
    with tempfile.TemporaryDirectory(prefix="casebook-etl-lint-") as name, closing(DuckTables(Path(name))) as tables:
        folder = Path(name) / "snapshot"
        snapshot = take_snapshot(setting.sources(), _wanted(setting), folder, _Silent())
        register_snapshot(tables, snapshot)
        for mapping in setting.project.mappings:
            for batch in base_rows(tables, mapping, Path(name), BATCH_ROWS):
                seen.look(mapping, batch)
        varied = _varied_columns(setting.project, snapshot, tables)
    used = {name: frozenset(lines) for name, lines in seen.used.items()}
    return Evidence(used, seen.keys_met(), varied)


def _varied_columns(project: Project, snapshot: Snapshot, tables: DuckTables) -> dict[str, tuple[str, ...]]:
    """By table, the ignored columns that are filled everywhere with many values."""
    behind = left_behind(project, {each.relation: each.columns for each in snapshot.tables})
    return {
        relation: tuple(name for name in names if is_filled_and_varied(tables, relation, name, MANY_VALUES))
        for relation, names in behind.items()
    }


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
