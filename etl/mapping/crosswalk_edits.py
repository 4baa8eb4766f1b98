"""Writes decisions into crosswalks: the row of a code is filled, or a row is added; every other line stays as it is.

A row that is decided already is never changed here: who decides otherwise edits the crosswalk and knows it.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from etl.core.decisions import CODE_SEPARATOR, COLUMNS
from etl.core.errors import Mistake
from etl.core.suggest import did_you_mean
from etl.mapping.crosswalks import TARGET
from etl.mapping.model import Crosswalk

_HINT = "Fill `target`, `decided_by` and `note`, and leave the rest of the sheet as it is."
_FORMULA_STARTS = ("=", "+", "-", "@")


@dataclass(frozen=True, slots=True)
class Decided:
    """One decision: the label that codes of a crosswalk mean. ``line`` is its place in the sheet."""

    crosswalk: str
    codes: tuple[str, ...]
    target: str
    by: str
    note: str
    line: int


def decided_in(
    sheet: Iterable[tuple[int, list[str]]], file: str, crosswalks: Mapping[str, Crosswalk], found: list[Mistake]
) -> Iterator[Decided]:
    """The filled lines of a sheet; what does not fit is added to ``found``. A crosswalk may already say the same."""
    records = iter(sheet)
    _, header = next(records, (1, []))
    if tuple(name.strip() for name in header) != COLUMNS:
        found.append(Mistake(file, 1, 1, "This is no sheet of decisions.", _HINT, "decisions"))
        return
    for line, cells in records:
        named = dict(zip(COLUMNS, map(_plain, cells), strict=False))
        if named.get("target"):
            decision = _decision(line, named)
            refusal = _refusal(decision, crosswalks)
            if refusal is None:
                yield decision
            else:
                found.append(Mistake(file, line, 1, *refusal, "decisions"))


def with_decisions(text: str, crosswalk: Crosswalk, decisions: Iterable[Decided], today: str) -> str:
    """The crosswalk's text with the decisions in it; ``today`` is the day of deciding, as ISO text."""
    lines = list(io.StringIO(text, newline=""))
    end = "\r\n" if lines and lines[0].endswith("\r\n") else "\n"
    spans = list(_spans(lines))
    header = [name.strip() for name in spans[0][2]]
    rows = {tuple(code.strip() for code in span[2][: len(crosswalk.columns)]): span for span in spans[1:]}
    added: list[str] = []
    for each in decisions:
        if each.codes in rows:
            first, last, cells = rows[each.codes]
            lines[first:last] = [_row(header, cells, each, today) + end, *[""] * (last - first - 1)]
        else:
            blank = [*each.codes, *[""] * (len(header) - len(each.codes))]
            added.append(_row(header, blank, each, today) + end)
    whole = "".join(lines)
    return whole + (end if added and whole and not whole.endswith(("\n", "\r")) else "") + "".join(added)


def _decision(line: int, named: Mapping[str, str]) -> Decided:
    codes = tuple(code.strip() for code in named["code"].split(CODE_SEPARATOR.strip()))
    by, note = named.get("decided_by", ""), named.get("note", "")
    return Decided(named["crosswalk"], codes, named["target"], by, note, line)


def _refusal(decision: Decided, crosswalks: Mapping[str, Crosswalk]) -> tuple[str, str] | None:
    crosswalk = crosswalks.get(decision.crosswalk)
    if crosswalk is None:
        return f"There is no crosswalk `{decision.crosswalk}`.", did_you_mean(decision.crosswalk, crosswalks)
    if len(decision.codes) != len(crosswalk.columns):
        message = f"`{crosswalk.name}` has {len(crosswalk.columns)} code columns, here are {len(decision.codes)} codes."
        return message, "Write this row into the crosswalk yourself."
    for row in crosswalk.rows:
        if tuple(code.strip() for code in row.codes) == decision.codes and row.target not in {"", decision.target}:
            return (
                f"Line {row.line} of `{crosswalk.name}` says otherwise.",
                "Change the crosswalk itself, if you mean it.",
            )
    return None


def _plain(cell: str) -> str:
    """A cell without the apostrophe that keeps spreadsheets from running it."""
    return cell.strip().removeprefix("'") if cell.strip().lstrip("'").startswith(_FORMULA_STARTS) else cell.strip()


def _spans(lines: list[str]) -> Iterator[tuple[int, int, list[str]]]:
    """First and last line of each record, counted from 0, the last one excluded, and its cells."""
    reader = csv.reader(lines, strict=True)
    first = 0
    for cells in reader:
        if any(cell.strip() for cell in cells):
            yield first, reader.line_num, cells
        first = reader.line_num


def _row(header: list[str], before: list[str], decision: Decided, today: str) -> str:
    """The row with the decision in it; what the decision leaves open stays."""
    said = {TARGET: decision.target, "decided_by": decision.by, "decided_on": today, "note": decision.note}
    told = (said.get(name) or cell for name, cell in zip(header, before, strict=True))
    cells = [*before[: len(decision.codes)], *list(told)[len(decision.codes) :]]
    out = io.StringIO()
    csv.writer(out, lineterminator="").writerow(cells)
    return out.getvalue()
