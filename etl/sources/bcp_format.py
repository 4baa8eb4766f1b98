"""Format files of SQL Server's bcp, the kind that is not XML: which cells a record has and what ends each of them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from etl.core.errors import SettingsError, SourceUnavailable
from etl.sources.names import check_columns
from etl.sources.opened import require_regular

_FIELD = re.compile(
    r"""\s*(?P<order>\d+)\s+(?P<type>\w+)\s+(?P<prefix>\d+)\s+(?P<length>\d+)\s+"(?P<end>(?:[^"\\]|\\.)*)"
    \s+(?P<column>\d+)\s+(?:"(?P<quoted>[^"]*)"|(?P<name>\S+))(?:\s.*)?""",
    re.VERBOSE,
)
_ESCAPE = re.compile(r"\\(.)")
_MEANS = {"t": "\t", "n": "\n", "r": "\r", "0": "\0"}
_TEXT_TYPES = ("SQLCHAR", "SQLNCHAR")
_HEAD_LINES = 2


@dataclass(frozen=True, slots=True)
class BcpField:
    """One cell of a record: ``end`` is what closes it, "" where its ``length`` in characters does; ``column`` is None
    for a cell that is not wanted.
    """

    column: str | None
    length: int
    end: str


@dataclass(frozen=True, slots=True)
class BcpFormat:
    """The cells of a record, in order."""

    fields: tuple[BcpField, ...]

    @property
    def columns(self) -> list[str]:
        """The names of the wanted cells."""
        return [each.column for each in self.fields if each.column is not None]

    @property
    def record_end(self) -> str | None:
        """What ends records and nothing else; None where the last cell ends like another or by its length."""
        *others, last = (each.end for each in self.fields)
        return last if last and last not in others else None

    def pattern(self) -> re.Pattern[str]:
        """Matches one record, a group a cell. Cells are atomic, so that a broken record fails at once."""
        return re.compile("".join(map(_cell, self.fields)), re.DOTALL)


def read_format(path: Path, place: str) -> BcpFormat:
    """The format in a file. Raises SettingsError, or SourceUnavailable where the file cannot be opened."""
    lines = _lines(path, place)
    if lines and lines[0].lstrip().startswith("<"):
        raise SettingsError(f"{place} is XML.", hint="Make it with bcp's `format nul -f` without `-x`.")
    fields = [_field(line, f"{place}, line {number}") for number, line in enumerate(lines, 1) if number > _HEAD_LINES]
    if not fields or not lines[1].strip().isdigit() or int(lines[1]) != len(fields):
        raise SettingsError(f"{place} does not describe as many fields as it says.", hint="Make the format file again.")
    made = BcpFormat(tuple(fields))
    check_columns(made.columns, place)
    return made


def _lines(path: Path, place: str) -> list[str]:
    hint = "Check the path of `format:`; it is relative to project.yaml."
    require_regular(path, place, hint)
    try:
        return path.read_text("utf-8-sig").strip().splitlines()
    except OSError as error:
        raise SourceUnavailable(f"{place} cannot be opened ({error.strerror}).", hint=hint) from None
    except UnicodeDecodeError:
        raise SettingsError(f"{place} is not UTF-8.", hint="Save it as UTF-8.") from None


def _field(line: str, place: str) -> BcpField:
    found = _FIELD.fullmatch(line)
    if not found:
        raise SettingsError(f"{place} is no field of a format file.", hint="Make the format file again.")
    if found["type"] not in _TEXT_TYPES or found["prefix"] != "0":
        hint = "Export as characters: bcp with `-c` or `-w`."
        raise SettingsError(f"{place} describes a field that is not characters.", hint=hint)
    end = _ESCAPE.sub(lambda escaped: _MEANS.get(escaped[1], escaped[1]), found["end"])
    name = found["quoted"] or found["name"]
    if found["type"] == "SQLNCHAR":
        end = end.replace("\0", "")
    return BcpField(name if int(found["column"]) else None, int(found["length"]), end)


def _cell(field: BcpField) -> str:
    if not field.end:
        return f"(.{{{field.length}}})"
    return f"(?>(.*?){re.escape(field.end)})"
