"""Where the columns of a fixed-width file stand: read from a layout (CSV) or from the PICTURE lines of a copybook.

What a copybook says that this reader cannot honour exactly (tables, redefinitions, binary numbers) is refused by name
and line; nothing is read at a guess.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from etl.core.errors import SettingsError, SourceUnavailable
from etl.sources.copybook import COPYBOOKS, copybook_fields
from etl.sources.declared import declared_form
from etl.sources.layout_field import LayoutField
from etl.sources.names import check_columns
from etl.sources.opened import require_regular
from etl.sources.sql_text import Renderer

FILLER = "FILLER"
_HEADER = ("column", "start", "length", "type")


@dataclass(frozen=True, slots=True)
class Layout:
    """The columns that hold data, in order, and the length of a whole record in characters."""

    fields: tuple[LayoutField, ...]
    length: int

    @property
    def columns(self) -> list[str]:
        """The columns' names."""
        return [each.column for each in self.fields]

    def renderers(self) -> list[Renderer]:
        """What turns the columns' characters into text."""
        return [each.render for each in self.fields]

    def cut(self, line: str) -> list[str]:
        """The columns' characters of a record."""
        return [line[each.start : each.start + each.length] for each in self.fields]


def read_layout(path: Path, place: str) -> Layout:
    """The layout in a file; one that ends in .cpy, .cbl or .cob is a copybook. Raises SettingsError."""
    text = _text(path, place)
    fields = list(copybook_fields(text, place) if path.suffix.lower() in COPYBOOKS else _listed_fields(text, place))
    named = [each for each in fields if each.column.upper() != FILLER]
    if not named:
        raise SettingsError(f"{place} names no column.", hint=f"Write one line a column: {','.join(_HEADER)}.")
    check_columns([each.column for each in named], place)
    _refuse_gaps(fields, place)
    return Layout(tuple(named), max(each.start + each.length for each in fields))


def _refuse_gaps(fields: Sequence[LayoutField], place: str) -> None:
    """Characters that no column takes would be left behind without a word, so they have to be named."""
    end = 0
    for each in sorted(fields, key=lambda field: field.start):
        if each.start > end:
            hint = f"Give them to a column, or call them {FILLER}."
            raise SettingsError(f"{place} has no column for the characters {end + 1} to {each.start}.", hint=hint)
        end = max(end, each.start + each.length)


def _text(path: Path, place: str) -> str:
    hint = "Check the path of `layout:`; it is relative to project.yaml."
    require_regular(path, place, hint)
    try:
        return path.read_text("utf-8-sig")
    except OSError as error:
        raise SourceUnavailable(f"{place} cannot be opened ({error.strerror}).", hint=hint) from None
    except UnicodeDecodeError:
        raise SettingsError(f"{place} is not UTF-8.", hint="Save it as UTF-8.") from None


def _listed_fields(text: str, place: str) -> Iterator[LayoutField]:
    rows = csv.reader(text.splitlines())
    header = [each.strip().lower() for each in next(rows, [])]
    if tuple(header) not in (_HEADER, _HEADER[:3]):
        hint = f"Its first line must be {','.join(_HEADER[:3])} or {','.join(_HEADER)}."
        raise SettingsError(f"{place} is no layout.", hint=hint)
    for number, row in enumerate(rows, start=2):
        if any(each.strip() for each in row):
            yield _listed_field([each.strip() for each in row], len(header), f"{place}, line {number}")


def _listed_field(cells: Sequence[str], width: int, place: str) -> LayoutField:
    row = [*cells[:3], ",".join(cells[3:])] if width > len(_HEADER[:3]) else cells  # decimal(10,2) needs no quotes
    if len(row) != width or not all(each.isascii() and each.isdigit() and int(each) for each in row[1:3]):
        hint = "Write the column's name, its first character counted from 1, and its length."
        raise SettingsError(f"{place} does not say where a column stands.", hint=hint)
    declared = row[3] if width > len(_HEADER[:3]) and row[3] else "text"
    form = _trimmed_text if declared.lower() == "text" else declared_form(declared, place)
    return LayoutField(row[0], int(row[1]) - 1, int(row[2]), form)


def _trimmed_text(value: object) -> str | None:
    return str(value).rstrip(" ")
