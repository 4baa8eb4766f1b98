"""How fields are filled before and after, and which links come later: shares and counts, never a value."""

from __future__ import annotations

import pyarrow as pa

from etl.report import write_report
from etl.report.coverage import coverage
from etl.report.facts import RunFiles

from .conftest import MakeRun, entries, mapping, planned, write

FIELDS = [
    {"name": "last_name", "columns": ["LAST", "MAIDEN"], "crosswalks": [], "kind": "pipeline"},
    {"name": "gender", "columns": ["SEX"], "crosswalks": ["gender"], "kind": "pipeline"},
    {"name": "source", "columns": [], "kind": "const"},
    {"name": "county", "columns": ["c.COUNTY"], "kind": "pipeline"},
]


def run_with_fields(make_run: MakeRun, times: int = 1):
    snapshot = [{"table": "legacy.PERSONS", "rows": 4, "columns": ["LAST", "MAIDEN", "SEX"]}]
    folder = make_run(entries(*["pending"] * 4), mappings=[mapping(fields=FIELDS)], snapshot=snapshot, read=4)
    names = ("LAST", "MAIDEN", "SEX")
    rows = [("Quenby", None, "F"), (" ", "Quenby", "M"), ("", None, "F"), ("Quenby", "", None)]
    write(
        folder / "snapshot" / "legacy.PERSONS.parquet",
        [dict(zip(names, row, strict=True)) for row in rows] * times,
        pa.schema([(name, pa.string()) for name in names]),
    )
    mapped = [{"last_name": "Quenby", "gender": None, "source": "x", "county": None}] * 4 * times
    names = ("last_name", "gender", "source", "county")
    write(folder / "records" / "mapped" / "people.parquet", mapped, pa.schema([(name, pa.string()) for name in names]))
    return folder


def test_shares_of_rows_and_records_that_hold_something(make_run: MakeRun) -> None:
    folder = run_with_fields(make_run)
    files = RunFiles(folder)
    (people,) = coverage(files, files.facts())
    assert [(each.name, each.before, each.after) for each in people.fields] == [
        ("last_name", 0.75, 1.0),
        ("gender", 0.75, 0.0),
        ("source", None, 1.0),
        ("county", None, 0.0),
    ]


def test_texts_that_come_again_and_again_are_looked_at_once_and_counted_each_time(make_run: MakeRun) -> None:
    folder = run_with_fields(make_run, times=1000)
    files = RunFiles(folder)
    (people,) = coverage(files, files.facts())
    assert [(each.before, each.after) for each in people.fields] == [(0.75, 1.0), (0.75, 0.0), (None, 1.0), (None, 0.0)]
    with files.opened("snapshot/legacy.PERSONS.parquet", texts_once=True) as file:
        (batch,) = file.iter_batches(columns=["LAST"])
    assert batch["LAST"].dictionary.to_pylist() == ["Quenby", " ", ""]


def test_the_page_tells_columns_and_crosswalks_and_no_value(make_run: MakeRun) -> None:
    folder = run_with_fields(make_run)
    write_report(folder)
    page = (folder / "report.html").read_text("utf-8")
    assert "<code>MAIDEN</code>" in page
    assert "75 %" in page
    assert "Quenby" not in page


def test_a_link_of_single_records_that_waits_is_told_with_its_reason(make_run: MakeRun) -> None:
    plan = [planned("create", deferred=["mother"]), planned("create"), planned("create", deferred=["mother"])]
    folder = make_run(plan=plan, order={"waves": [["person"]]})
    write_report(folder)
    page = (folder / "report.html").read_text("utf-8")
    assert "<code>people.mother</code> (2): these records refer to each other in a circle" in page
    assert "The plan sends about 5 requests that write" in page
