"""The SQL behind rules that compare records with each other: groups that need exactly one, intervals that may not overlap.

Each SELECT gives the ``_row`` of the records that break the rule. Records with a blank in what they are grouped by
belong to no group.
"""

from __future__ import annotations

# ruff: noqa: S608 - this module exists to write SQL; its parts are our own words and quoted names
from collections.abc import Sequence

from etl.core.records import ROW
from etl.sources.engine import quoted


def one_per_sql(relation: str, by: Sequence[str], flag: str) -> str:
    """Records of groups in which not exactly one has the flag: all of a group without, those flagged of one with several."""
    count = f"count(*) filter (where {quoted(flag)}) over (partition by {_listed(by)})"
    rows = f"select {ROW}, {quoted(flag)} as flagged, {count} as found from {relation} where {_present(by)}"
    return f"select {ROW} from ({rows}) where found = 0 or (found > 1 and flagged)"


def no_overlap_sql(relation: str, by: Sequence[str], start: str, end: str) -> str:
    """Records that start before an earlier one of the same key has ended; an end on the next one's first day is none."""
    window = (
        f"partition by {_listed(by)} order by {quoted(start)}, {ROW} rows between unbounded preceding and 1 preceding"
    )
    before = f"max(coalesce({quoted(end)}, 'infinity')) over ({window})"
    rows = f"select {ROW}, {quoted(start)} as begins, {before} as taken_until from {relation}"
    return f"select {ROW} from ({rows} where {_present([*by, start])}) where begins < taken_until"


def _listed(names: Sequence[str]) -> str:
    return ", ".join(map(quoted, names))


def _present(names: Sequence[str]) -> str:
    return " and ".join(f"{quoted(name)} is not null" for name in names)
