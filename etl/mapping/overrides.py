"""Reads overrides: CSV files of corrections, each signed by who made it and why, that people keep beside a mapping.

Their cells are people's data, so mistakes name lines and columns only. A correction holds only while the source still
says what it said when somebody decided; whether it does is seen in the data, not here.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from etl.core.errors import Mistake
from etl.core.keys import canonical_part
from etl.core.ports import BaseQuery
from etl.core.records import JsonValue
from etl.core.suggest import did_you_mean
from etl.mapping.model import Override
from etl.mapping.sheets import sheet_records, sheet_text

OVERRIDES = "overrides"
COLUMNS = ("key", "column", "old value", "new value", "who", "why", "until")
KEY_SEPARATOR = " | "
"""Parts of a key in one cell, as reports show them."""
_MUST_BE_FILLED = ("key", "column", "who", "why")


def read_overrides(folder: Path, found: list[Mistake]) -> dict[str, tuple[Override, ...]]:
    """The sound overrides of every ``*.csv`` by its stem, which names a mapping; mistakes are added to ``found``."""
    return {path.stem: _Reader(path, found).read() for path in sorted(folder.glob("*.csv"))}


def sound_overrides(
    mapping: str, key: Sequence[str], base: BaseQuery, overrides: Sequence[Override], found: list[Mistake]
) -> tuple[Override, ...]:
    """The overrides that fit their mapping: a column that it reads, a key of as many parts; others are noted."""
    fixed = {*base.group_by, *(left for join in base.joins for left, _ in join.match)}

    def refusal(each: Override) -> tuple[str, str, str] | None:
        if each.column not in base.columns:
            return (
                f"The mapping reads no column `{each.column}`.",
                did_you_mean(each.column, base.columns),
                "unknown_column",
            )
        if each.column in fixed:
            hint = "Correct the source: rows are joined and grouped before they are corrected."
            return f"`{each.column}` joins or groups rows.", hint, "override"
        if len(each.key) != len(key):
            hint = f"Part them by `{KEY_SEPARATOR.strip()}`."
            message = f"The key of `{mapping}` has {len(key)} part{'s' * (len(key) != 1)}, here are {len(each.key)}."
            return message, hint, "key_parts"
        return None

    judged = [(each, refusal(each)) for each in overrides]
    for each, refused in judged:
        if refused is not None:
            found.append(Mistake(f"{OVERRIDES}/{mapping}.csv", each.line, 1, *refused))
    return tuple(each for each, refused in judged if refused is None)


def meaning(override: Override) -> list[JsonValue]:
    """What counts of an override: not who made it, nor where it stands."""
    until = override.until.isoformat() if override.until else None
    return [list(override.key), override.column, override.old, override.new, until]


@dataclass(slots=True)
class _Reader:
    path: Path
    found: list[Mistake]

    def read(self) -> tuple[Override, ...]:
        text = sheet_text(self.path, self._note)
        lines = list(sheet_records(text, self._note)) if text is not None else []
        if not lines:
            return ()
        header = [name.strip() for name in lines[0][1]]
        if sorted(header) != sorted(COLUMNS):
            hint = f"Write: {','.join(COLUMNS)}."
            self._note(1, "The header must name exactly the columns of an override.", hint)
            return ()
        read = tuple(self._overrides(header, lines[1:]))
        self._refuse_repeats(read)
        return read

    def _overrides(self, header: list[str], lines: list[tuple[int, list[str]]]) -> Iterator[Override]:
        for line, cells in lines:
            if len(cells) != len(header):
                message = f"The row has {len(cells)} cells, the header {len(header)}."
                self._note(line, message, "Quote cells that hold commas.")
            elif self._is_filled(line, named := dict(zip(header, (cell.strip() for cell in cells), strict=True))):
                yield self._override(line, named)

    def _is_filled(self, line: int, cells: dict[str, str]) -> bool:
        blank = [name for name in _MUST_BE_FILLED if not cells[name]]
        for name in blank:
            self._note(line, f"`{name}` is empty.", "A correction says whose, of what, by whom and why.")
        return not blank

    def _override(self, line: int, cells: dict[str, str]) -> Override:
        return Override(
            key=tuple(canonical_part(part) for part in cells["key"].split(KEY_SEPARATOR)),
            column=cells["column"],
            old=cells["old value"],
            new=cells["new value"],
            who=cells["who"],
            why=cells["why"],
            until=self._until(line, cells["until"]),
            line=line,
        )

    def _until(self, line: int, text: str) -> dt.date | None:
        try:
            return dt.date.fromisoformat(text) if text else None
        except ValueError:
            self._note(line, "`until` is no date.", "Write it as 2026-12-31, or leave it empty.")
            return None

    def _refuse_repeats(self, overrides: tuple[Override, ...]) -> None:
        first: dict[tuple[tuple[str, ...], str], int] = {}
        for each in overrides:
            line = first.setdefault((each.key, each.column), each.line)
            if line != each.line:
                message = f"Line {line} corrects the same column of the same key."
                self._note(each.line, message, "Keep one of the two.")

    def _note(self, line: int, message: str, hint: str, code: str = "override") -> None:
        self.found.append(Mistake(f"{OVERRIDES}/{self.path.name}", line, 1, message, hint, code))
