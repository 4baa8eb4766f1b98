"""What the findings of the record graph mean to a person: code, severity, and where the project says stop."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from etl.catalog.model import Link
from etl.core.errors import TooManyProblems
from etl.core.ports import BaseQuery
from etl.mapping.model import EntityMapping, Field, OnError, OnMissing, Position, Reference, ReferenceTarget
from etl.sources.record_graph import DuckRecordGraph
from etl.validate import check_relations, graph_mapping, note_row, report_loops

PLACE = Position("people.yaml", 9, 3)
Told = list[tuple[object, ...]]


class Notebook:
    """A problem sink to look into."""

    def __init__(self) -> None:
        self.told: Told = []

    def add(self, problems: pa.RecordBatch) -> None:
        names = ("code", "severity", "field", "row", "detail")
        self.told += [tuple(row[name] for name in names) for row in problems.to_pylist()]


def people(on_missing: str) -> EntityMapping:
    value = Reference((ReferenceTarget("person", "people", "", ("MOTHER",)),), None, OnMissing(on_missing))
    mother = Field("mother", value, OnError.QUARANTINE, None, None, None, (), PLACE, None, Link("mother", ("person",)))
    base = BaseQuery("legacy.PERSONS", ())
    return EntityMapping("people", "person", base, None, ("ID",), "people", (mother,), "sum", PLACE)


@pytest.fixture
def graph(tmp_path: Path) -> Iterator[DuckRecordGraph]:
    made = DuckRecordGraph(tmp_path / "temp")
    yield made
    made.close()


def key(name: str | None) -> str | None:
    """A record key: 32 hexadecimal digits, as all record keys are."""
    return None if name is None else name.encode().hex().ljust(32, "0")


def check(graph: DuckRecordGraph, folder: Path, mapping: EntityMapping, rows: list[tuple[str, str | None]]) -> Told:
    """Opens the graph on rows of (key, mother) and tells what relations say of them."""
    path = folder / "people.parquet"
    table = {
        "_rk": pa.array([key(name) for name, _ in rows], pa.string()),
        "_row": pa.array(range(1, len(rows) + 1), pa.int64()),
        "_line": pa.nulls(len(rows), pa.int64()),
        "_status": pa.array(["valid"] * len(rows)),
        "_reason": pa.nulls(len(rows), pa.string()),
        "mother": pa.array([key(mother) for _, mother in rows], pa.string()),
    }
    pq.write_table(pa.table(table), path)
    graph.open([graph_mapping(mapping, str(path))], iter(()))
    notebook = Notebook()
    check_relations(graph, [mapping], notebook)
    return notebook.told


def test_rows_with_one_key_are_all_told(graph: DuckRecordGraph, tmp_path: Path) -> None:
    told = check(graph, tmp_path, people("block"), [("a", None), ("b", None), ("a", None)])
    assert told == [("duplicate_key", "block", None, 1, None), ("duplicate_key", "block", None, 3, None)]


@pytest.mark.parametrize("policy", ["block", "quarantine"])
def test_a_missing_parent_and_everybody_below_are_told(graph: DuckRecordGraph, tmp_path: Path, policy: str) -> None:
    told = check(graph, tmp_path, people(policy), [("a", "nobody"), ("b", "a"), ("c", "b")])
    assert told == [
        ("parent_missing", "block", "mother", 1, None),
        ("parent_not_loadable", "block", "mother", 2, None),
        ("parent_not_loadable", "block", "mother", 3, None),
    ]


def test_an_optional_link_to_nobody_is_told_as_left_out(graph: DuckRecordGraph, tmp_path: Path) -> None:
    told = check(graph, tmp_path, people("empty"), [("a", "nobody"), ("b", "a")])
    assert told == [("link_left_out", "warn", "mother", 1, "parent_missing")]


@pytest.mark.parametrize(("policy", "severity"), [("block", "block"), ("empty", "warn")])
def test_a_row_that_is_its_own_parent_is_told(
    graph: DuckRecordGraph, tmp_path: Path, policy: str, severity: str
) -> None:
    told = check(graph, tmp_path, people(policy), [("a", "a")])
    assert told == [("self_reference", severity, "mother", 1, None)]


def test_fail_stops_before_anything_is_planned_and_names_place_and_row(graph: DuckRecordGraph, tmp_path: Path) -> None:
    with pytest.raises(TooManyProblems) as caught:
        check(graph, tmp_path, people("fail"), [("a", None), ("b", "nobody"), ("c", "nobody")])
    assert "2 rows of legacy.PERSONS" in caught.value.message
    assert "people.yaml:9" in caught.value.message
    assert "row 2" in caught.value.hint
    assert "nobody" not in str(caught.value)


def test_loops_are_told_and_what_no_order_can_serve_is_blocked(graph: DuckRecordGraph, tmp_path: Path) -> None:
    mapping = people("block")
    check(graph, tmp_path, mapping, [("a", "b"), ("b", "a"), ("c", None)])
    notebook = Notebook()
    opened = pa.table({"record": pa.array([1], pa.int64()), "field": ["mother"]})
    impossible = pa.table({"record": pa.array([2], pa.int64())})
    report_loops(graph, opened, impossible, [mapping], notebook)
    assert notebook.told == [
        ("reference_loop", "info", "mother", 1, None),
        ("required_loop", "block", None, 2, None),
    ]
    statuses = [row["status"] for batch in graph.verdicts() for row in batch.to_pylist()]
    assert statuses == ["valid", "blocked", "valid"]


def test_a_note_about_a_whole_mapping_has_no_row() -> None:
    (row,) = note_row(people("block"), "option_not_checked", "gender", "gender").to_pylist()
    assert (row["code"], row["severity"], row["row"], row["detail"]) == ("option_not_checked", "info", None, "gender")
