"""Fixes that a machine may apply: exact edits of spans of text, so that comments, layout and everything else stay.

A fix exists only where it is certain what is replaced, and by what: the mistake knows the slip, which must stand at its very
place. Values and labels are never replaced.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from etl.core.errors import Mistake, Slip

_SCALAR = re.compile(r"[-+.\w:]*[-+.\w]")
_TO_QUOTE = frozenset({"yaml_boolean", "yaml_number"})
_PLAIN = re.compile(r"[A-Za-z_][\w.@-]*")


@dataclass(frozen=True, slots=True)
class Edit:
    """Replaces ``[column, end_column)`` of a line by ``text``; lines and columns count from 1."""

    file: str
    line: int
    column: int
    end_column: int
    text: str


def fix_of(mistake: Mistake, lines: list[str]) -> Edit | None:
    """The fix of a mistake in a document of these lines; None where none is certain."""
    if not 0 < mistake.line <= len(lines):
        return None
    line = lines[mistake.line - 1]
    if mistake.code in _TO_QUOTE:
        return _quoting(mistake, line)
    return None if mistake.slip is None else _renaming(mistake, mistake.slip, line)


def applied(edits: Iterable[Edit], lines: list[str]) -> list[str]:
    """The lines with the edits of one file; of edits that overlap the first one is applied."""
    changed = list(lines)
    end: dict[int, int] = {}
    for edit in sorted(set(edits), key=lambda each: (each.line, each.column), reverse=True):
        if edit.end_column <= end.get(edit.line, len(changed[edit.line - 1]) + 1):
            text = changed[edit.line - 1]
            changed[edit.line - 1] = text[: edit.column - 1] + edit.text + text[edit.end_column - 1 :]
            end[edit.line] = edit.column
    return changed


def edits_by_file(mistakes: Iterable[Mistake], documents: Mapping[str, list[str]]) -> dict[str, list[Edit]]:
    """The certain fixes of some mistakes, by file."""
    found: dict[str, list[Edit]] = {}
    for mistake in mistakes:
        edit = fix_of(mistake, documents.get(mistake.file, []))
        if edit is not None:
            found.setdefault(edit.file, []).append(edit)
    return found


def _quoting(mistake: Mistake, line: str) -> Edit | None:
    """Quotes around a scalar that means two things: it was meant as it is written, as text."""
    found = _SCALAR.match(line, mistake.column - 1)
    if found is None or '"' in found[0] or (mistake.code == "yaml_number" and ".inf" in found[0].lower()):
        return None
    return Edit(mistake.file, mistake.line, mistake.column, found.end() + 1, f'"{found[0]}"')


def _renaming(mistake: Mistake, slip: Slip, line: str) -> Edit | None:
    """The right name, where the wrong one stands at the place of the mistake as a whole, and the right one may stand there."""
    start = mistake.column - 1
    start += line[start : start + 1] in {"'", '"'}
    found = re.compile(rf"(?<![\w.]){re.escape(slip.wrong)}(?![\w.])").match(line, start)
    if found is None or not (_PLAIN.fullmatch(slip.right) or line[start - 1 : start] in {"'", '"'}):
        return None
    return Edit(mistake.file, mistake.line, start + 1, found.end() + 1, slip.right)
