"""Rules between records are answered by the tables and carried into the records before references are judged."""

from __future__ import annotations

import datetime as dt
from contextlib import closing
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from etl.core.errors import UserFixable
from etl.core.ports import BaseQuery
from etl.mapping.expressions import parse
from etl.mapping.model import EntityMapping, NoOverlap, OnePer, Position, Rule, Select
from etl.pipeline.table_rules import judge_between_records
from etl.sources.tables import DuckTables

PLACE = Position("stays.yaml", 9, 5)


class Sink:
    def __init__(self) -> None:
        self.rows: list[dict[str, object]] = []

    def add(self, problems: pa.RecordBatch) -> None:
        self.rows += problems.to_pylist()


def mapping(kind: object, severity: str = "block") -> EntityMapping:
    rule = Rule(kind, severity, "told so", PLACE)
    base = BaseQuery("legacy.STAYS", ())
    return EntityMapping("stays", "placement", base, None, ("ID",), "stays", (), "", PLACE, rules=(rule,))


@pytest.fixture
def judge(tmp_path):
    """Writes records, judges them, and gives back the statuses and the rows told."""

    def run(kind: object, severity: str = "block", **columns: list[object]) -> tuple[list[str], list[object]]:
        count = len(next(iter(columns.values())))
        head = {"_rk": [f"k{n}" for n in range(count)], "_key": [f"L{n}" for n in range(count)]}
        head |= {"_row": list(range(1, count + 1)), "_line": list(range(2, count + 2))}
        table = pa.table(head | {"_status": ["valid"] * count, "_reason": pa.nulls(count, pa.string())} | columns)
        path, sink = Path(tmp_path / "stays.parquet"), Sink()
        pq.write_table(table, path)
        with closing(DuckTables(tmp_path / "temp")) as tables:
            judge_between_records(tables, [(mapping(kind, severity), path)], sink, dt.date(2026, 1, 31))
        return pq.read_table(path)["_status"].to_pylist(), [row["row"] for row in sink.rows]

    return run


def days(*texts: str | None) -> list[dt.date | None]:
    return [dt.date.fromisoformat(text) if text else None for text in texts]


def test_a_group_needs_exactly_one_record_that_fulfils_the_condition(judge):
    status, rows = judge(
        OnePer(("home",), parse("role = 'head'")),
        home=["a", "a", "b", "c", "c", "c", None],
        _rule_0=[True, False, False, True, True, False, False],
    )
    assert rows == [3, 4, 5]
    assert [each == "quarantined" for each in status] == [False, False, True, True, True, False, False]


def test_an_interval_that_starts_before_an_earlier_one_ended_overlaps(judge):
    _, rows = judge(
        NoOverlap(("child",), "begins", "ends"),
        child=["a", "a", "a", "b", "b"],
        begins=days("2020-01-01", "2020-02-01", "2020-02-15", "2020-01-01", "2020-03-01"),
        ends=days("2020-02-01", "2020-03-01", "2020-02-20", None, "2020-04-01"),
    )
    assert rows == [3, 5]


def test_a_long_interval_hides_no_overlap_behind_a_short_one(judge):
    _, rows = judge(
        NoOverlap(("child",), "begins", "ends"),
        child=["a", "a", "a"],
        begins=days("2020-01-01", "2020-01-02", "2020-06-01"),
        ends=days("2020-12-31", "2020-01-03", "2020-07-01"),
    )
    assert rows == [2, 3]


@pytest.mark.parametrize("answer", ["_row", "_rk", "_key"])
def test_a_select_names_records_by_row_or_key(judge, answer):
    status, rows = judge(Select(f"select {answer} from records.stays where home = 'b'"), home=["a", "b"])  # noqa: S608 - a column of ours
    assert (rows, status) == ([2], ["valid", "quarantined"])


def test_a_rule_that_warns_leaves_the_record_valid(judge):
    status, rows = judge(Select("select _row from records.stays"), "warn", home=["a"])
    assert (status, rows) == (["valid"], [1])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("select home from records.stays", "names no record"),
        ("select _row from records.stay", "cannot be read"),
        ("drop table records.stays", "one SELECT"),
    ],
)
def test_a_wrong_select_is_told_at_its_place(judge, text, said):
    with pytest.raises(UserFixable, match=rf"^stays.yaml:9:5: .*{said}"):
        judge(Select(text), home=["a"])
