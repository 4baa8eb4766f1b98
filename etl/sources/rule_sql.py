"""The SQL behind rules that compare records: groups that need exactly one, intervals that may not overlap, parents.

The SELECTs of rules give the ``_row`` of the records of one mapping that break the rule. Records with a blank in what
they are grouped by belong to no group.
"""

from __future__ import annotations

# ruff: noqa: S608 - this module exists to write SQL; its parts are our own words and quoted names
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from etl.core.records import KEY, LINE, ROW
from etl.sources.engine import quoted, text

_MAPPING = "_mapping"


@dataclass(frozen=True, slots=True)
class Part:
    """The records of one mapping as part of a whole; ``flag`` is its column that says who fulfils the condition."""

    mapping: str
    relation: str
    flag: str = ""


def one_per_sql(parts: Sequence[Part], mapping: str, by: Sequence[str]) -> str:
    """Records of groups in which not exactly one has the flag: all of a group without, those flagged of one with several."""
    count = f"count(*) filter (where flagged) over (partition by {_listed(by)})"
    rows = f"select *, {count} as found from ({_whole(parts, by)}) where {_present(by)}"
    broken = "found = 0 or (found > 1 and flagged)"
    return f"select {ROW} from ({rows}) where ({broken}) and {_MAPPING} = {text(mapping)}"


def no_overlap_sql(parts: Sequence[Part], mapping: str, by: Sequence[str], start: str, end: str) -> str:
    """Records that start before an earlier one of the same key has ended; an end on the next one's first day is none."""
    window = (
        f"partition by {_listed(by)} order by {quoted(start)}, {_MAPPING}, {ROW} "
        "rows between unbounded preceding and 1 preceding"
    )
    before = f"max(coalesce({quoted(end)}, 'infinity')) over ({window})"
    whole = f"({_whole(parts, [*by, start, end])}) where {_present([*by, start])}"
    rows = f"select {ROW}, {_MAPPING}, {quoted(start)} as begins, {before} as taken_until from {whole}"
    return f"select {ROW} from ({rows}) where begins < taken_until and {_MAPPING} = {text(mapping)}"


def same_files_sql(relation: str, content: str, parents: Sequence[str]) -> str:
    """Records whose file has the bytes of an earlier one: with its row as ``earlier``, and whether ``together`` they hang on
    the same parents. ``content`` is the column of hashes.
    """
    bytes_of, beside = quoted(content), ", ".join(map(quoted, [content, *parents]))
    columns = f"{ROW}, {LINE}, {KEY}, {bytes_of}"
    windows = (
        f"first_value({ROW}) over (partition by {bytes_of} order by {ROW}) as first_of_all, "
        f"first_value({ROW}) over (partition by {beside} order by {ROW}) as first_beside"
    )
    rows = f"select {columns}, {windows} from {relation} where {bytes_of} is not null and {KEY} is not null"
    return (
        f"select {ROW}, {LINE}, {KEY}, first_beside < {ROW} as together, "
        f"case when first_beside < {ROW} then first_beside else first_of_all end as earlier "
        f"from ({rows}) where first_of_all < {ROW} order by {ROW}"
    )


def beside_parents_sql(relation: str, own: Sequence[str], parents: Mapping[str, Sequence[tuple[str, str, str]]]) -> str:
    """``_row`` and the named fields of records, with fields of their parents.

    ``parents`` maps each link to the relation, the field and the name that its value gets, for every mapping that may
    hold the parent.
    """
    cells = [f"r.{quoted(name)}" for name in own]
    joins = []
    for number, (link, sought) in enumerate(parents.items()):
        names = list(dict.fromkeys(name for _, _, name in sought))
        cells += [f"p{number}.{quoted(name)}" for name in names]
        joins.append(f"left join ({_parents(sought)}) p{number} on p{number}.{KEY} = r.{quoted(link)}")
    listed = ", ".join([f"r.{ROW}", *cells])
    return f"select {listed} from {relation} r {' '.join(joins)}"


def _parents(sought: Sequence[tuple[str, str, str]]) -> str:
    by_relation: dict[str, list[str]] = {}
    for relation, field, name in sought:
        by_relation.setdefault(relation, []).append(f"{quoted(field)} as {quoted(name)}")
    selects = (f"select {KEY}, {', '.join(cells)} from {relation}" for relation, cells in by_relation.items())
    return " union all by name ".join(selects)


def _whole(parts: Sequence[Part], columns: Sequence[str]) -> str:
    """The records of several mappings as one table."""
    names = ", ".join(map(quoted, dict.fromkeys(columns)))
    return " union all ".join(
        f"select {ROW}, {text(part.mapping)} as {_MAPPING}, {names}"
        f"{f', {quoted(part.flag)} as flagged' if part.flag else ''} from {part.relation}"
        for part in parts
    )


def _listed(names: Sequence[str]) -> str:
    return ", ".join(map(quoted, names))


def _present(names: Sequence[str]) -> str:
    return " and ".join(f"{quoted(name)} is not null" for name in names)
