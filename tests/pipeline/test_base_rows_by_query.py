"""A query gives the columns of base rows; it can neither make rows nor lose them without a word."""

from __future__ import annotations

import datetime as dt
from contextlib import closing

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from etl.core.errors import UserFixable
from etl.core.keys import RecordKeys
from etl.mapping.columns import check_columns
from etl.mapping.operations import Context
from etl.mapping.project import load_project
from etl.pipeline.base_rows import base_rows
from etl.sources.tables import DuckTables
from etl.transform import Transformer

PROJECT = """\
project: small
timezone: UTC
sources: {legacy: {csv: "*.csv"}}
profiles: {sandbox: {base_url: "http://127.0.0.1:8089", token_url: "http://127.0.0.1:8089/t", tenant: sandbox}}
"""
MAPPING = """\
mapping: people
target: person
source:
  from: legacy.P
  query: |
    %s
key: ID
fields: {first_name: FIRST, last_name: LAST}
"""
GOOD = "select p._row, p.ID, p.NAME as LAST, count(*) as FIRST from legacy.P p join legacy.Q q on q.PID = p.ID group by all;"


@pytest.fixture
def rows(tmp_path):
    """The project with a query, and its base rows."""

    def run(query: str = GOOD):
        (tmp_path / "project.yaml").write_text(PROJECT)
        (tmp_path / "people.yaml").write_text(MAPPING % query)
        project = load_project(tmp_path, environ={})
        p = {"_row": [1, 2, 3], "_line": [2, 3, 4], "_damage": pa.array([None, None, "ragged_row"], pa.string())}
        tables = {"P": p | {"ID": ["1", "2", None], "NAME": ["A", "B", None]}}
        tables["Q"] = {"_row": [1, 2], "_line": [2, 3], "_damage": pa.nulls(2, pa.string()), "PID": ["1", "1"]}
        with closing(DuckTables(tmp_path / "temp")) as database:
            for name, columns in tables.items():
                pq.write_table(pa.table(columns), tmp_path / f"{name}.parquet")
                database.register(f"legacy.{name}", str(tmp_path / f"{name}.parquet"))
            batches = list(base_rows(database, project.mappings[0], tmp_path, 100))
        return project, pa.Table.from_batches(batches).combine_chunks().to_batches()[0]

    return run


def test_each_base_row_has_what_the_query_gives_for_it_as_text(rows):
    _, batch = rows()
    assert batch.select(["_row", "FIRST", "LAST", "_left_out"]).to_pylist() == [
        {"_row": 1, "FIRST": "2", "LAST": "A", "_left_out": False},
        {"_row": 2, "FIRST": None, "LAST": None, "_left_out": True},
        {"_row": 3, "FIRST": None, "LAST": None, "_left_out": True},
    ]


def test_rows_that_the_query_leaves_out_are_accounted_for_and_damage_is_told_first(rows):
    project, batch = rows()
    context = Context(dt.date(2026, 1, 31), "UTC")
    mapped = Transformer(project.mappings[0], project.catalog, RecordKeys(b"k" * 32), context).apply(batch)
    found = [(row["bucket"], row["reason"]) for row in mapped.ledger.to_pylist()]
    assert found == [("record", None), ("ignored", "query"), ("quarantined", "ragged_row")]


@pytest.mark.parametrize(
    ("query", "said"),
    [
        (
            "select p._row, p.ID, q.PID as FIRST, p.NAME as LAST from legacy.P p join legacy.Q q on q.PID = p.ID",
            "more than once",
        ),
        ("select _row, ID from legacy.P", "cannot be read"),
        ("select ID, NAME as FIRST, NAME as LAST from legacy.P", "cannot be read"),
        ("drop table legacy.P", "cannot be read"),
        (
            "select _row, content as ID, '' as FIRST, '' as LAST from read_text('/etc/hostname'), legacy.P",
            "nothing but tables",
        ),
    ],
)
def test_a_query_that_cannot_serve_is_told_at_its_place(rows, query, said):
    with pytest.raises(UserFixable, match=rf"^people.yaml:5:10: .*{said}"):
        rows(query)


def test_columns_that_a_query_names_are_read_and_others_are_forgotten(rows):
    project, _ = rows()
    columns = {"legacy.P": ("ID", "NAME", "SHOE"), "legacy.Q": ("PID",), "legacy.R": ("X",)}
    assert [each.message for each in check_columns(project, columns)] == [
        "No mapping reads `SHOE` of `legacy.P`.",
        "No mapping reads the table `legacy.R`.",
    ]
