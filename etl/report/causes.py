"""Groups a run's problems by cause for people: what it is, how often, where for example, and what was seen there.

A cause is a code at one field of one mapping, so there are as many as a project has fields, however many rows are bad.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TypeAlias

import pyarrow as pa
import pyarrow.compute as pc

from etl.core.problems import ProblemCode, Severity, problem_codes
from etl.report.counts import grouped
from etl.report.facts import RunFacts, RunFiles

Key: TypeAlias = tuple[str, ...]
_NAMES = ["severity", "code", "mapping", "field", "table"]
_PLACES = 5
_DETAILS = 6
_DETAILS_KEPT = 1_000
_CODES = {each.code: each for each in problem_codes()}
_SEVERITIES = [str(each) for each in Severity]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a problem stands; ``line`` and ``row`` count from 1 and are None where they do not apply."""

    table: str
    origin: str
    row: int | None
    line: int | None


@dataclass(frozen=True, slots=True)
class Cause:
    """Problems with one cause. ``share`` is the part of the table's rows, None where the table is not known;
    ``details`` are the most frequent technical details with their counts.
    """

    meaning: ProblemCode
    severity: str
    mapping: str
    field: str
    table: str
    count: int
    share: float | None
    details: tuple[tuple[str, int], ...]
    places: tuple[Place, ...]


@dataclass(slots=True)
class _Gathered:
    count: int = 0
    details: Counter[str] = field(default_factory=Counter)
    places: list[Place] = field(default_factory=list)


def meaning_of(code: str) -> ProblemCode:
    """What a code means; a code of another version stands for itself."""
    return _CODES.get(code) or ProblemCode(code, code, "", "")


def causes_of(files: RunFiles, facts: RunFacts) -> list[Cause]:
    """All causes: what keeps records out first, then by count."""
    gathered: dict[Key, _Gathered] = {}
    origins = {table.table: table.origin for table in facts.snapshot}
    for batch in files.problems([*_NAMES, "row", "line", "detail"]):
        for key, each in _of_batch(batch, gathered):
            if len(each.places) < _PLACES:
                each.places += list(_places(batch, key, origins, _PLACES - len(each.places)))
    rows = {table.table: table.rows for table in facts.snapshot}
    return sorted((_cause(key, each, rows) for key, each in gathered.items()), key=_rank)


def _of_batch(batch: pa.RecordBatch, gathered: dict[Key, _Gathered]) -> Iterator[tuple[Key, _Gathered]]:
    """Adds a batch's counts; yields every cause that the batch holds, once."""
    touched: dict[Key, _Gathered] = {}
    for (*names, detail), count in grouped([batch], [*_NAMES, "detail"]).items():
        each = touched[tuple(names)] = gathered.setdefault(tuple(names), _Gathered())
        each.count += count
        if detail and (detail in each.details or len(each.details) < _DETAILS_KEPT):
            each.details[detail] += count
    yield from touched.items()


def _places(batch: pa.RecordBatch, key: Key, origins: dict[str, str], wanted: int) -> Iterator[Place]:
    mask = pa.repeat(pa.scalar(value=True), batch.num_rows)
    for name, value in zip(_NAMES, key, strict=True):
        mask = pc.and_(mask, pc.equal(pc.fill_null(batch[name], ""), value))
    for each in batch.filter(mask).slice(0, wanted).select(["table", "row", "line"]).to_pylist():
        if each["row"] is not None or each["line"] is not None:
            yield Place(each["table"] or "", origins.get(each["table"], ""), each["row"], each["line"])


def _cause(key: Key, gathered: _Gathered, rows: dict[str, int]) -> Cause:
    severity, code, mapping, name, table = key
    share = gathered.count / rows[table] if rows.get(table) and gathered.places else None
    details = tuple(gathered.details.most_common(_DETAILS))
    places = tuple(gathered.places)
    return Cause(meaning_of(code), severity, mapping, name, table, gathered.count, share, details, places)


def _rank(cause: Cause) -> tuple[int, int, str, str, str]:
    place = _SEVERITIES.index(cause.severity) if cause.severity in _SEVERITIES else len(_SEVERITIES)
    return place, -cause.count, cause.meaning.code, cause.mapping, cause.field
