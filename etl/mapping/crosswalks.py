"""Reads crosswalks: CSV files that people edit in a spreadsheet, legacy codes to target labels.

Codes are text and stay exactly as written. The columns behind ``target`` are advice to people and outside the checksum;
so is the order of exact rows, because sorting a spreadsheet decides nothing.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from etl.core.errors import Mistake
from etl.core.suggest import did_you_mean, nearest
from etl.mapping.model import Crosswalk, CrosswalkRow
from etl.mapping.sheets import sheet_records, sheet_text

TARGET = "target"
ADVICE = ("rows", "decided_by", "decided_on", "note")
ANY = "*"


def read_crosswalks(folder: Path, found: list[Mistake]) -> dict[str, Crosswalk]:
    """Every sound ``*.csv`` of the folder by its stem; mistakes are added to ``found``."""
    read = (_Reader(path, f"{folder.name}/{path.name}", found).read() for path in sorted(folder.glob("*.csv")))
    return {each.name: each for each in read if each is not None}


def decides(crosswalk: Crosswalk) -> Iterator[CrosswalkRow]:
    """The rows that are decided: those with a target."""
    return (row for row in crosswalk.rows if row.target)


@dataclass(slots=True)
class _Reader:
    path: Path
    file: str
    found: list[Mistake]

    def read(self) -> Crosswalk | None:
        before = len(self.found)
        text = sheet_text(self.path, self._note)
        lines = list(sheet_records(text, self._note)) if text is not None else []
        if not lines:
            if text is not None:
                self._note(1, "The crosswalk is empty.", "Start with a header such as `CODE,target`.")
            return None
        columns = self._columns(lines[0][1])
        rows = tuple(self._rows(len(lines[0][1]), columns, lines[1:]))
        self._refuse_repeats(rows)
        if len(self.found) > before:
            return None
        return Crosswalk(self.path.stem, columns, rows, _checksum(columns, rows))

    def _columns(self, header: list[str]) -> tuple[str, ...]:
        names = [name.strip() for name in header]
        if TARGET not in names:
            hint = "Separate cells with commas." if len(names) == 1 and ";" in names[0] else _where_to_name(names)
            self._note(1, "The header has no column `target`.", hint)
            return ()
        codes = tuple(names[: names.index(TARGET)])
        if not codes or "" in codes or len(set(names)) < len(names):
            self._note(1, "The header needs distinct code columns before `target`.", "Such as `CODE,target`.")
        for name in names[len(codes) + 1 :]:
            if name not in ADVICE:
                self._note(1, f"Unknown column `{name}` behind `target`.", did_you_mean(name, ADVICE))
        return codes

    def _rows(self, width: int, columns: tuple[str, ...], lines: list[tuple[int, list[str]]]) -> Iterator[CrosswalkRow]:
        for line, cells in lines:
            if len(cells) != width:
                self._note(
                    line, f"The row has {len(cells)} cells, the header {width}.", "Quote cells that hold commas."
                )
            elif columns:
                yield CrosswalkRow(tuple(cells[: len(columns)]), cells[len(columns)].strip(), line)

    def _refuse_repeats(self, rows: tuple[CrosswalkRow, ...]) -> None:
        first: dict[tuple[str, ...], int] = {}
        for row in rows:
            if row.codes in first:
                message = f"The code {','.join(row.codes)} stands here again (first in line {first[row.codes]})."
                self._note(row.line, message, "Keep one of the two rows.", "duplicate_code")
            first.setdefault(row.codes, row.line)

    def _note(self, line: int, message: str, hint: str, code: str = "crosswalk") -> None:
        self.found.append(Mistake(self.file, line, 1, message, hint, code))


def _where_to_name(names: list[str]) -> str:
    """Which column of a header was probably meant to be the target; the wrong name is the one to change."""
    near = next((name for name in names if nearest(name, [TARGET])), None)
    return "Such as `CODE,target`." if near is None else f"Call `{near}` `target`, if it holds the labels."


def _checksum(columns: tuple[str, ...], rows: tuple[CrosswalkRow, ...]) -> str:
    exact = sorted([*row.codes, row.target] for row in rows if ANY not in row.codes)
    wild = [[*row.codes, row.target] for row in rows if ANY in row.codes]
    text = json.dumps([columns, exact, wild], ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
