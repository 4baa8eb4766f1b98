"""Fixes that a machine may apply: exact edits of spans of text, so that comments, layout and everything else stay.

A fix exists only where it is certain what is replaced: the span must hold the very word that the mistake speaks of.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from etl.core.errors import Mistake

_MEANT = re.compile(r"^Did you mean `(?P<right>[^`]+)`\?$")
_QUOTED = re.compile(r"`(?P<wrong>[^`]+)`")
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
    meant, spoken = _MEANT.match(mistake.hint), _QUOTED.findall(mistake.message)
    if meant is None or not spoken or mistake.file.endswith(".csv"):
        return None
    return _renaming(mistake, line, spoken, meant["right"])


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


def _renaming(mistake: Mistake, line: str, spoken: list[str], right: str) -> Edit | None:
    """The word that is wrong, where it stands at the place of the mistake, or else just once behind it."""
    start = mistake.column - 1
    start += line[start : start + 1] in {"'", '"'}
    for wrong in spoken:
        whole = re.compile(rf"(?<![\w.]){re.escape(wrong)}(?![\w.])")
        at_place, behind = whole.match(line, start), list(whole.finditer(_without_comment(line), start))
        found = at_place or (behind[0] if len(behind) == 1 and wrong != right else None)
        if found is not None and _fits(line, found, right):
            return Edit(mistake.file, mistake.line, found.start() + 1, found.end() + 1, right)
    return None


def _fits(line: str, found: re.Match[str], right: str) -> bool:
    """Whether the right word may stand there without quotes, or stands inside quotes already."""
    return bool(_PLAIN.fullmatch(right)) or line[found.start() - 1 : found.start()] in {"'", '"'}


def _without_comment(line: str) -> str:
    return re.sub(r"(?:^|\s)#.*$", lambda each: " " * len(each[0]), line)
