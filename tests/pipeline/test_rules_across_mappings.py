"""Rules of the project are judged over the records of several mappings together, and through links to parents."""

from __future__ import annotations

import datetime as dt
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from etl.core.errors import UserFixable
from etl.core.ports import BaseQuery
from etl.mapping.expressions import parse
from etl.mapping.model import (
    Check,
    EntityMapping,
    Field,
    NoOverlap,
    OnePer,
    OnError,
    OnMissing,
    Pipeline,
    Position,
    Reference,
    ReferenceTarget,
    Rule,
    Select,
)
from etl.pipeline.table_rules import judge_between_records
from etl.sources.tables import DuckTables

PLACE = Position("project.yaml", 9, 5)
PERSON = Reference((ReferenceTarget("person", "people", "", ("P",)),), None, OnMissing.BLOCK)


def field(name: str, value: object) -> Field:
    return Field(name, value, OnError.QUARANTINE, None, None, None, (), PLACE)


def mapping(name: str, *rules: Rule, entity: str = "stay", fields: tuple[Field, ...] = ()) -> EntityMapping:
    base = BaseQuery(f"legacy.{name}", ())
    return EntityMapping(name, entity, base, None, ("ID",), name, fields, "", PLACE, rules=rules)


class Sink:
    def __init__(self) -> None:
        self.told: list[tuple[str, int]] = []

    def add(self, problems: pa.RecordBatch) -> None:
        self.told += [(row["mapping"], row["row"]) for row in problems.to_pylist()]


@pytest.fixture
def judge(tmp_path):
    """Writes the records of mappings, judges them, and gives back what was told."""

    def run(*parts: tuple[EntityMapping, dict[str, list[object]]]) -> list[tuple[str, int]]:
        files, sink = [], Sink()
        for made, columns in parts:
            count = len(next(iter(columns.values())))
            head = {"_rk": [f"{made.name}{n}" for n in range(1, count + 1)], "_key": [str(n) for n in range(count)]}
            head |= {"_row": list(range(1, count + 1)), "_line": list(range(2, count + 2))}
            table = pa.table(head | {"_status": ["valid"] * count, "_reason": pa.nulls(count, pa.string())} | columns)
            path = Path(tmp_path / f"{made.name}.parquet")
            pq.write_table(table, path)
            files.append((made, path))
        with closing(DuckTables(tmp_path / "temp")) as tables:
            judge_between_records(tables, files, sink, dt.date(2026, 1, 31))
        return sorted(sink.told)

    return run


def day(text: str | None) -> dt.date | None:
    return dt.date.fromisoformat(text) if text else None


def test_stays_of_two_mappings_overlap_each_other(judge):
    rule = Rule(NoOverlap(("person",), "begins", "ends"), "warn", "", PLACE, together=("stays", "kin"))
    stays = {"person": ["a", "b"], "begins": [day("2020-01-01"), day("2020-01-01")], "ends": [day("2020-03-01"), None]}
    kin = {"person": ["a", "c"], "begins": [day("2020-02-01"), day("2020-02-01")], "ends": [day("2020-04-01"), None]}
    assert judge((mapping("stays", rule), stays), (mapping("kin", rule), kin)) == [("kin", 1)]


def test_exactly_one_is_counted_over_all_mappings_by_the_flag_that_each_has_for_the_rule(judge):
    other = Rule(Check(parse("home is not null")), "warn", "", Position("kin.yaml", 1, 1))
    rule = Rule(OnePer(("home",), parse("role = 'head'")), "warn", "", PLACE, together=("stays", "kin"))
    stays = {"home": ["a", "b", "c"], "_rule_0": [True, True, False]}
    kin = {"home": ["a", "b", "c"], "_rule_1": [True, False, False]}
    assert judge((mapping("stays", rule), stays), (mapping("kin", other, rule), kin)) == [
        ("kin", 1),
        ("kin", 3),
        ("stays", 1),
        ("stays", 3),
    ]


def test_a_condition_sees_the_parents_of_a_record_and_judges_nothing_where_there_are_none(judge):
    rule = Rule(
        Check(parse("begins >= person.born")),
        "block",
        "",
        PLACE,
        ("begins",),
        parents=("person.born",),
        together=("stays",),
    )
    born = {"born": [day("2020-06-01"), day("2010-01-01")]}
    links = {"person": ["people1", "people2", "lost", None], "begins": [day("2020-01-01")] * 4}
    people = mapping("people", entity="person", fields=(field("born", Pipeline(("B",))),))
    stays = mapping("stays", rule, fields=(field("person", PERSON),))
    assert judge((people, born), (stays, links)) == [("stays", 1)]


def test_a_select_over_several_mappings_names_records_by_their_record_key(judge):
    rule = Rule(Select("select _row from records.stays"), "warn", "", PLACE, together=("stays", "kin"))
    parts = [(mapping(name, rule), {"home": ["a"]}) for name in ("stays", "kin")]
    with pytest.raises(UserFixable, match=r"project.yaml:9:5: The rule speaks of several mappings"):
        judge(*parts)
    named = replace(rule, kind=Select("select _rk from records.kin"))
    assert judge(*((mapping(name, named), {"home": ["a"]}) for name in ("stays", "kin"))) == [("kin", 1)]
