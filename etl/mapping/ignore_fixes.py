"""Names forgotten columns and tables under `ignore` of project.yaml, with a reason that a person still has to give.

The reason begins with the word that lint keeps asking about, so that nothing is left behind without a word: what was a
mistake becomes a warning until somebody has decided.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable

from etl.core.errors import Mistake
from etl.mapping.fixes import Edit
from etl.mapping.ignore import UNDECIDED

_FORGOTTEN = frozenset({"forgotten_column", "forgotten_table"})
_SPOKEN = re.compile(r"`([^`]+)`")
_REASON = json.dumps(f"{UNDECIDED} no mapping reads it")
_PLAIN = re.compile(r"[A-Za-z_][\w.]*")
_INDENT = "  "


def forgotten_fixes(mistakes: Iterable[Mistake], lines: list[str]) -> dict[Mistake, Edit]:
    """The edit that settles each mistake about a forgotten table or column, in project.yaml of these lines.

    There is none while anything else is wrong: a column may be forgotten because its name is misspelt elsewhere. Columns of
    one table are named by one edit. Where `ignore` is missing the first edit makes it, and the others follow
    when the document is looked at again.
    """
    by_table: dict[str, dict[Mistake, list[str]]] = {}
    told_all = list(mistakes)
    for mistake in told_all if all(each.code in _FORGOTTEN for each in told_all) else ():
        *columns, table = _SPOKEN.findall(mistake.message)
        by_table.setdefault(table, {})[mistake] = columns
    found: dict[Mistake, Edit] = {}
    for table, told in by_table.items():
        names = [name for columns in told.values() for name in columns]
        edit = _named(next(iter(told)).file, table, names, lines)
        if edit is not None:
            found |= dict.fromkeys(told, edit)
        if _line_of("ignore", lines, 0, "") is None:
            break
    return found


def _named(file: str, table: str, columns: list[str], lines: list[str]) -> Edit | None:
    """The edit that names columns of a table, or the table; None where project.yaml is laid out in another way."""
    where = _line_of("ignore", lines, 0, "")
    if where is None:
        return _appended(file, lines, table, columns)
    indent = _child_indent(lines, where, "")
    if indent is None:
        return _in_braces(file, lines, where, f"{_key(table)}: {_entry(columns)}")
    place = _line_of(table, lines, where + 1, indent)
    if place is None:
        return _behind(file, lines, where, f"{indent}{_key(table)}: {_entry(columns)}")
    inner = _child_indent(lines, place, indent)
    entries = [f"{_key(name)}: {_REASON}" for name in columns]
    if inner is None:
        return _in_braces(file, lines, place, ", ".join(entries)) if columns else None
    return _behind(file, lines, place, "\n".join(f"{inner}{entry}" for entry in entries))


def _entry(columns: list[str]) -> str:
    return f"{{{', '.join(f'{_key(name)}: {_REASON}' for name in columns)}}}" if columns else _REASON


def _key(name: str) -> str:
    return name if _PLAIN.fullmatch(name) else json.dumps(name, ensure_ascii=False)


def _line_of(key: str, lines: list[str], start: int, indent: str) -> int | None:
    """The number, from 0, of the line that holds a key at this indentation, before anything less indented."""
    written = re.compile(rf"{indent}(?:{re.escape(key)}|{re.escape(json.dumps(key))}|'{re.escape(key)}')\s*:(?:\s|$)")
    for number, line in enumerate(lines[start:], start):
        if written.match(line):
            return number
        if indent and line.strip() and not line.startswith((indent, "#")):
            return None
    return None


def _child_indent(lines: list[str], number: int, indent: str) -> str | None:
    """How the lines below a key are indented; None where its value stands beside it."""
    if not re.fullmatch(r"[^#]*:\s*(?:#.*)?", lines[number]):
        return None
    below = (line for line in lines[number + 1 :] if line.strip() and not line.strip().startswith("#"))
    first = next(below, "")
    deeper = first[: len(first) - len(first.lstrip())]
    return deeper if len(deeper) > len(indent) else f"{indent}{_INDENT}"


def _behind(file: str, lines: list[str], number: int, text: str) -> Edit:
    end = len(lines[number]) + 1
    return Edit(file, number + 1, end, end, f"\n{text}")


def _in_braces(file: str, lines: list[str], number: int, text: str) -> Edit | None:
    """Adds to a mapping in braces on one line."""
    bare = re.sub(r"\s#.*$", "", lines[number]).rstrip()
    if not bare.endswith("}") or bare.count("{") != bare.count("}"):
        return None
    comma = "" if bare[:-1].rstrip().endswith("{") else ", "
    return Edit(file, number + 1, len(bare), len(bare), f"{comma}{text}")


def _appended(file: str, lines: list[str], table: str, columns: list[str]) -> Edit:
    last = len(lines)
    end = len(lines[-1]) + 1
    return Edit(file, last, end, end, f"\nignore:\n{_INDENT}{_key(table)}: {_entry(columns)}")
