"""The closed world's other half: what a project leaves behind on purpose, table by table or column by column."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase

from etl.core.records import JsonValue
from etl.core.suggest import did_you_mean
from etl.mapping.model import Position, Project
from etl.mapping.page import Page

UNDECIDED = "decide:"
"""What a drafted reason begins with, until somebody gives a real one."""

Ignore = Mapping[str, str | Mapping[str, str]]


def ignored_reason(project: Project, table: str) -> str | None:
    """Why a whole table (``source.TABLE``) is left behind; None where it is not."""
    entry = project.ignore.get(table)
    return entry if isinstance(entry, str) else None


def ignored_columns(project: Project, table: str, columns: Sequence[str]) -> dict[str, str]:
    """The columns of a table that its patterns leave behind, with the first reason that applies."""
    patterns = patterns_of(project, table)
    matched = ((column, _reason(patterns, column)) for column in columns)
    return {column: reason for column, reason in matched if reason is not None}


def patterns_of(project: Project, table: str) -> Mapping[str, str]:
    """The column patterns of a table with their reasons."""
    entry = project.ignore.get(table, {})
    return {} if isinstance(entry, str) else entry


def pattern_for(project: Project, table: str, column: str) -> str | None:
    """The first pattern that leaves a column behind."""
    return next((each for each in patterns_of(project, table) if fnmatchcase(column, each)), None)


def is_pattern(text: str) -> bool:
    """Whether a text has wildcards."""
    return any(each in text for each in "*?[")


def declared_ignores(page: Page, raw: Mapping[str, JsonValue], sources: Iterable[str]) -> Ignore:
    """The sound entries of ``ignore``; mistakes are noted."""
    known = tuple(sources)
    entries = ((table, _entry(page, table, each)) for table, each in raw.items())
    for table in raw:
        name, _, rest = table.partition(".")
        if name not in known or not rest:
            hint = did_you_mean(name, known) if rest else "Write it as SOURCE.TABLE."
            page.note(("ignore", table), f"`{table}` is in no source.", hint, code="unknown_source", key=True)
    return {table: entry for table, entry in entries if entry is not None}


def ignore_positions(page: Page, ignore: Ignore) -> Iterator[tuple[str | tuple[str, str], Position]]:
    """Where the entries of ``ignore`` stand, for checks that need the columns."""
    yield "ignore", page.position(("ignore",), key=True)
    for table, entry in ignore.items():
        yield table, page.position(("ignore", table), key=True)
        for pattern in () if isinstance(entry, str) else entry:
            yield (table, pattern), page.position(("ignore", table, pattern), key=True)


def _entry(page: Page, table: str, raw: JsonValue) -> str | dict[str, str] | None:
    if _is_reason(raw):
        return str(raw)
    if not isinstance(raw, dict) or not raw:
        hint = "Write `TABLE: reason` or `TABLE: {COLUMN: reason}`."
        page.note(("ignore", table), "The reason is missing.", hint, code="reason_missing")
        return None
    for pattern, reason in raw.items():
        if not _is_reason(reason):
            hint = f"Write `{pattern}: reason`."
            page.note(("ignore", table, pattern), "The reason is missing.", hint, code="reason_missing")
    return {pattern: str(reason) for pattern, reason in raw.items()}


def _is_reason(raw: JsonValue) -> bool:
    return isinstance(raw, str) and bool(raw.strip())


def _reason(patterns: Mapping[str, str], column: str) -> str | None:
    return next((reason for pattern, reason in patterns.items() if fnmatchcase(column, pattern)), None)
