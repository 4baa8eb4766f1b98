"""Lists what the agency must decide: codes without a meaning in Casebook, those first whose answer frees most rows.

Whether an answer alone frees a row is a question about all problems together, so it goes to the tables where there are
any; without them decisions are ordered by the rows they touch.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from heapq import nsmallest

import pyarrow.compute as pc

from etl.core.ports import Tables
from etl.report.counts import grouped
from etl.report.facts import RunFiles

_CODES = ("open_decision", "unmapped_value")
_PREFIX = "crosswalk "
_RELATION = "report_problems"
_SHOWN = 100
_ENOUGH = 10


@dataclass(frozen=True, slots=True)
class Decision:
    """A code to decide. ``value`` is "" where the code tells who somebody is; ``rows`` are those that carry it;
    ``frees`` those for which this answer is all that is missing (None: not asked).
    """

    code: str
    mapping: str
    field: str
    crosswalk: str
    value: str
    rows: int
    frees: int | None = None

    @property
    def is_open(self) -> bool:
        """Whether the crosswalk lists the code and waits for its target."""
        return self.code == "open_decision"


@dataclass(frozen=True, slots=True)
class Decisions:
    """The decisions to show, most useful first, how many there are in all, and the rows that all of them touch."""

    shown: tuple[Decision, ...]
    count: int
    rows: int

    @property
    def headline(self) -> str:
        """What the first answers are worth, in one sentence; "" where there is little to choose from."""
        if self.count <= _ENOUGH or not self.rows:
            return ""
        part = sum(each.rows for each in self.shown[:_ENOUGH]) / self.rows
        return f"The first {_ENOUGH} answers settle {part:.0%} of the rows that wait for a decision."


def decisions_of(files: RunFiles, tables: Tables | None) -> Decisions:
    """All decisions of a run, counted; ordered by the rows that each frees, then by the rows it touches."""
    found = _asked(files, tables) if tables is not None and files.has("problems.parquet") else _counted(files)
    totals = Counter[str]()
    # There may be as many as rows, where somebody decodes names: only those to show are kept.
    shown = nsmallest(_SHOWN, _counting(found, totals), key=_rank)
    return Decisions(tuple(shown), totals["decisions"], totals["rows"])


def _counting(found: Iterable[Decision], totals: Counter[str]) -> Iterator[Decision]:
    for each in found:
        totals.update(decisions=1, rows=each.rows)
        yield each


def _rank(each: Decision) -> tuple[int, int, str, str, str]:
    return -(each.frees or 0), -each.rows, each.mapping, each.field, each.value


def _counted(files: RunFiles) -> Iterator[Decision]:
    names = ["code", "mapping", "field", "detail"]
    codes = [batch.filter(pc.is_in(batch["code"], pc.cast(list(_CODES), "string"))) for batch in files.problems(names)]
    for (code, mapping, field, detail), count in grouped(codes, names).items():
        yield _decision(code, mapping, field, detail, count, None)


def _asked(files: RunFiles, tables: Tables) -> Iterator[Decision]:
    tables.register(_RELATION, str(files.folder / "problems.parquet"))
    for batch in tables.query(_FREED):
        for each in batch.to_pylist():
            yield _decision(
                each["code"], each["mapping"], each["field"] or "", each["detail"] or "", each["rows"], each["frees"]
            )


_FREED = f"""
with blocking as (
  select mapping, "row", count(*) as problems from {_RELATION}
  where severity = 'block' and "row" is not null group by all
)
select p.code, p.mapping, p.field, p.detail, count(*) as "rows",
       count(*) filter (where p.severity = 'block' and b.problems = 1) as frees
from {_RELATION} p left join blocking b on b.mapping = p.mapping and b."row" = p."row"
where p.code in ('open_decision', 'unmapped_value')
group by all"""  # noqa: S608 - our own text


def _decision(code: str, mapping: str, field: str, detail: str, rows: int, frees: int | None) -> Decision:
    crosswalk, _, value = detail.removeprefix(_PREFIX).partition(": ")
    return Decision(code, mapping, field, crosswalk, value, rows, frees)
