"""Fixes of lint's findings that a machine may apply when it is asked to: one safe way, and comments stay.

A class of personal data only makes reports say less. Crosswalks are decisions that people signed: no fix touches one.
"""

from __future__ import annotations

import re

from etl.mapping.fixes import Edit
from etl.mapping.lint import Finding, UnmarkedPersonalData

_CLASS = re.compile(r"Add `pii: (\w+)`")
_COLUMN = r"(?:[A-Za-z_][\w.]*|\"[^\"]*\")"
_IN_BRACES = re.compile(rf"(?P<column>{_COLUMN})\s*(?=[,}}])")
_ALONE = re.compile(rf"(?P<column>{_COLUMN})\s*(?:#.*)?")


def finding_fixes(finding: Finding, lines: list[str]) -> tuple[Edit, ...]:
    """The edits that mend a finding in a document of these lines; none where that is not certain."""
    if finding.rule == UnmarkedPersonalData.name:
        edit = _marked(finding, lines)
        return () if edit is None else (edit,)
    return ()


# ---------------------------------------------------------------- classes of personal data


def _marked(finding: Finding, lines: list[str]) -> Edit | None:
    """The class, beside whatever the field says already."""
    place = finding.position
    meant, line = _CLASS.search(finding.hint), lines[place.line - 1] if place.line <= len(lines) else ""
    key = re.compile(r"[^:]+:\s*").match(line, place.column - 1)
    if meant is None or key is None:
        return None
    pii, start = f"pii: {meant[1]}", key.end()
    plain = _IN_BRACES.match(line, start) or _ALONE.fullmatch(line, start)
    if plain is not None:
        text = f"{{from: {plain['column']}, {pii}}}"
        return Edit(place.file, place.line, start + 1, plain.end("column") + 1, text)
    if line[start : start + 1] == "{":
        end = _closing(line, start)
        return None if end is None else Edit(place.file, place.line, end + 1, end + 1, f", {pii}")
    return _below(finding, lines, pii) if not re.sub(r"#.*", "", line[start:]).strip() else None


def _closing(line: str, start: int) -> int | None:
    """Where the brace that opens at ``start`` closes on its line; None where it does not, or a quote may hide it."""
    depth, quote = 0, ""
    for index in range(start, len(line)):
        sign = line[index]
        if quote:
            quote = "" if sign == quote else quote
        elif sign in {'"', "'"}:
            quote = sign
        else:
            depth += (sign == "{") - (sign == "}")
            if not depth:
                return index
    return None


def _below(finding: Finding, lines: list[str], pii: str) -> Edit:
    """A line of its own, first below the field's name."""
    place = finding.position
    below = next((line for line in lines[place.line :] if line.strip() and not line.lstrip().startswith("#")), "")
    indent = below[: len(below) - len(below.lstrip())] or " " * (place.column + 1)
    end = len(lines[place.line - 1]) + 1
    return Edit(place.file, place.line, end, end, f"\n{indent}{pii}")
