"""Groups a run's problems by cause for people: what it is, how often, where for example, and what was seen there.

A cause is a code at one field of one mapping, so there are as many as a project has fields, however many rows are bad.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TypeAlias

import pyarrow as pa
import pyarrow.compute as pc

from etl.core.problems import ProblemCode, Severity, problem_codes
from etl.report.counts import grouped
from etl.report.facts import RunFacts, RunFiles, SnapshotTable

Key: TypeAlias = tuple[str, ...]
CONSEQUENCES = frozenset({"parent_not_loadable", "link_left_out", "episode_waits"})
"""Codes that merely follow from a problem elsewhere."""
_NAMES = ["severity", "code", "mapping", "field", "table"]
_PLACES = 5
_DETAILS = 6
_DETAILS_KEPT = 1_000
_CODES = {each.code: each for each in problem_codes()}
_SEVERITIES = [str(each) for each in Severity]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a problem stands; ``line`` and ``row`` count from 1 and are None where they do not apply."""

    row: int | None
    line: int | None


@dataclass(frozen=True, slots=True)
class Cause:
    """Problems with one cause. ``share`` is the part of the table's rows, None where the table is not known;
    ``details`` are the most frequent technical details with their counts, ``places`` the first places in the table,
    whose file is ``origin`` ("" for SQL).
    """

    meaning: ProblemCode
    severity: str
    mapping: str
    field: str
    table: str
    origin: str
    count: int
    share: float | None
    details: tuple[tuple[str, int], ...]
    places: tuple[Place, ...]


@dataclass(slots=True)
class _Gathered:
    count: int = 0
    details: Counter[str] = field(default_factory=Counter)
    places: list[Place] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Group:
    """All causes with one code and severity: they mean the same and want the same done."""

    meaning: ProblemCode
    severity: str
    causes: tuple[Cause, ...]

    @property
    def count(self) -> int:
        """Number of problems."""
        return sum(cause.count for cause in self.causes)


def meaning_of(code: str) -> ProblemCode:
    """What a code means; a code of another version stands for itself."""
    return _CODES.get(code) or ProblemCode(code, code, "", "")


def causes_of(files: RunFiles, facts: RunFacts) -> list[Cause]:
    """All causes, the most frequent first."""
    gathered: dict[Key, _Gathered] = {}
    for batch in files.problems([*_NAMES, "row", "line", "detail"]):
        for key, each in _of_batch(batch, gathered):
            if len(each.places) < _PLACES:
                each.places += _places(batch, key, _PLACES - len(each.places))
    tables = {table.table: table for table in facts.snapshot}
    found = (_cause(key, each, tables.get(key[-1])) for key, each in gathered.items())
    return sorted(found, key=lambda cause: (-cause.count, cause.meaning.code, cause.mapping, cause.field))


def _of_batch(batch: pa.RecordBatch, gathered: dict[Key, _Gathered]) -> Iterator[tuple[Key, _Gathered]]:
    """Adds a batch's counts; yields every cause that the batch holds, once."""
    touched: dict[Key, _Gathered] = {}
    for (*names, detail), count in grouped([batch], [*_NAMES, "detail"]).items():
        each = touched[tuple(names)] = gathered.setdefault(tuple(names), _Gathered())
        each.count += count
        if detail and (detail in each.details or len(each.details) < _DETAILS_KEPT):
            each.details[detail] += count
    yield from touched.items()


def _places(batch: pa.RecordBatch, key: Key, wanted: int) -> list[Place]:
    mask = pa.repeat(pa.scalar(value=True), batch.num_rows)
    for name, value in zip(_NAMES, key, strict=True):
        mask = pc.and_(mask, pc.equal(pc.fill_null(batch[name], ""), value))
    found = batch.filter(mask).slice(0, wanted).select(["row", "line"]).to_pylist()
    return [Place(**each) for each in found if each["row"] is not None or each["line"] is not None]


def _cause(key: Key, gathered: _Gathered, table: SnapshotTable | None) -> Cause:
    severity, code, mapping, name, relation = key
    return Cause(
        meaning=meaning_of(code),
        severity=severity,
        mapping=mapping,
        field=name,
        table=relation,
        origin=table.origin if table and table.origin != "SQL" else "",
        count=gathered.count,
        share=gathered.count / table.rows if table and table.rows and gathered.places else None,
        details=tuple(gathered.details.most_common(_DETAILS)),
        places=tuple(gathered.places),
    )


def groups_of(causes: Iterable[Cause]) -> dict[str, list[Group]]:
    """The causes by severity and code: what keeps most records out first, mere consequences of it last."""
    together: dict[tuple[str, str], list[Cause]] = {}
    for cause in causes:
        together.setdefault((cause.severity, cause.meaning.code), []).append(cause)
    groups = [Group(each[0].meaning, severity, tuple(each)) for (severity, _), each in together.items()]
    found: dict[str, list[Group]] = {}
    for group in sorted(groups, key=_rank):
        found.setdefault(group.severity, []).append(group)
    return found


def _rank(group: Group) -> tuple[int, bool, int, str]:
    place = _SEVERITIES.index(group.severity) if group.severity in _SEVERITIES else len(_SEVERITIES)
    return place, group.meaning.code in CONSEQUENCES, -group.count, group.meaning.code
