"""Writes a run's open decisions as a sheet that a person fills in and `casebook-etl resolve --decisions` takes up.

Only codes that may be shown whole stand in it: a shape, or a code that tells who somebody is, is decided in the crosswalk.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from pathlib import Path

import pyarrow as pa

from etl.core.decisions import COLUMNS, SHAPE_END
from etl.report.decisions import Decision
from etl.report.worklist import neutral


def write_decisions(path: Path, decisions: Iterable[Decision]) -> None:
    """Writes one line a code of a crosswalk, the most useful first, with `target` and `decided_by` left empty."""
    with path.open("w", encoding="utf-8-sig", newline="") as stream:
        sheet = csv.writer(stream)
        sheet.writerow(COLUMNS)
        for each in _one_a_code(decisions):
            place = f"{each.mapping}.{each.field}"
            cells = [each.crosswalk, each.value, "", str(each.rows), _count(each.frees), place, "", ""]
            sheet.writerow(neutral(pa.array(cells, pa.string())).to_pylist())


def _one_a_code(decisions: Iterable[Decision]) -> Iterator[Decision]:
    seen: set[tuple[str, str]] = set()
    for each in decisions:
        if each.value and not each.value.endswith(SHAPE_END) and (each.crosswalk, each.value) not in seen:
            seen.add((each.crosswalk, each.value))
            yield each


def _count(number: int | None) -> str:
    return "" if number is None else str(number)
