"""Any bytes in, a report out: whatever a file holds, a reader gives rows or an error that says what to do next."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from etl.casebook.retry import RETRY_AFTER_CAP_S, parse_retry_after
from etl.core.errors import EtlError, MappingError, Mistake
from etl.core.ports import Source
from etl.core.problems import problem_code
from etl.mapping.project import load_project
from etl.sources.csv import CsvSource
from etl.sources.dumps.source import DumpSource
from etl.sources.excel import ExcelSource
from etl.sources.fixed_width import FixedWidthSource
from etl.sources.json_lines import JsonLinesSource
from etl.sources.parquet_files import ParquetSource
from etl.sources.zipped import ZipSource
from tests.corpus.corpus import FOLDER, Case, ended, lay_out, leaks
from tests.e2e.harness import KEY

PIECES = [
    b"a,b\n", b"1,2\r\n", b'"', b"\\", b"\0", b"\xff\xfe", b"\xef\xbb\xbf", b"\r", b"\xe9", b";", b"\t", b"Quenby", b"{", b"}",
    b'"a":', b"[", b"INSERT INTO `T` VALUES (", b"CREATE TABLE T (a int, b text);\n", b"COPY T (a, b) FROM stdin;\n",
    b"GO\n", b"-- MySQL dump\n", b"'", b");\n", b"PK\x03\x04", b"PK\x05\x06" + b"\0" * 18, b"PAR1", b"\xd0\xcf\x11\xe0",
    b"<x>", b"\xed\xa0\x80", b"1e999999999",
]  # fmt: skip
BYTES = st.lists(st.sampled_from(PIECES) | st.binary(max_size=8), max_size=12).map(b"".join)
ANY = settings(max_examples=60, deadline=2_000, suppress_health_check=[HealthCheck.function_scoped_fixture])


def _fixed(path: Path) -> Source:
    layout = path.with_name("layout.csv")
    layout.write_text("column,start,length\na,1,2\nb,3,2\n")
    return FixedWidthSource("old", str(path), str(layout), None)


READERS: dict[str, Callable[[Path], Source]] = {
    "csv": lambda path: CsvSource("old", str(path)),
    "csv in cp1252": lambda path: CsvSource("old", str(path), encoding="cp1252", delimiter=","),
    "csv in utf-16": lambda path: CsvSource("old", str(path), encoding="utf-16-le", delimiter=";"),
    "fixed width": _fixed,
    "json lines": lambda path: JsonLinesSource("old", str(path)),
    "mysql dump": lambda path: DumpSource("old", str(path), dialect="mysql"),
    "postgres dump": lambda path: DumpSource("old", str(path), dialect="postgres"),
    "tsql script": lambda path: DumpSource("old", str(path), dialect="tsql"),
    "workbook": lambda path: ExcelSource("old", str(path)),
    "parquet": lambda path: ParquetSource("old", str(path)),
    "zip": lambda path: ZipSource("old", str(path), "*.csv", lambda inner: CsvSource("old", str(inner))),
}


@ANY
@pytest.mark.parametrize("kind", READERS)
@given(data=BYTES)
@example(data=b"")
def test_any_bytes_give_rows_or_an_error_with_a_remedy(tmp_path, kind, data):
    (tmp_path / "T.dat").write_bytes(data)
    refused: list[EtlError] = []
    try:
        source = READERS[kind](tmp_path / "T.dat")
        for table in source.tables():
            rows = [row for batch in source.read(table, 3) for row in batch.to_pylist()]
            assert [row["_row"] for row in rows] == list(range(1, len(rows) + 1))
            assert all(problem_code(row["_damage"]) for row in rows if row["_damage"])
    except EtlError as error:
        refused.append(error)
    assert all(error.hint for error in refused)


@ANY
@given(data=BYTES | st.text(max_size=60).map(str.encode))
def test_any_mapping_gives_a_project_or_mistakes_with_places(tmp_path, data):
    project = tmp_path / "project"
    project.mkdir(exist_ok=True)
    template = FOLDER / "projects" / "table" / "project"
    (project / "project.yaml").write_bytes((template / "project.yaml").read_bytes())
    (project / "people.yaml").write_bytes(data)
    found: Sequence[Mistake] = ()
    try:
        load_project(project, environ={})
    except MappingError as error:
        found = error.mistakes
    assert all(each.line >= 1 and each.column >= 1 and each.message for each in found)


@given(value=st.text(), date=st.text())
@example(value="-1", date="")
@example(value="9" * 400, date="")
@example(value="1e309", date="")
def test_any_retry_after_is_nothing_or_within_its_bounds(value, date):
    asked = parse_retry_after(value, date)
    assert asked is None or 0 <= asked <= RETRY_AFTER_CAP_S


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=BYTES.map(lambda data: b"a,b\n1,Quenby\n" + data))
def test_the_whole_command_ends_with_an_exit_code_and_accounts_for_its_rows(tmp_path_factory, monkeypatch, data):
    monkeypatch.setenv("CASEBOOK_ETL_PROJECT_KEY", KEY)
    place = lay_out(Case("table/any", "Any bytes.", {}, None), tmp_path_factory.mktemp("any"))
    (place.folder / "data" / "T.csv").write_bytes(data)
    end = ended(Case("table/any", "Any bytes.", {}, None), place)
    assert end.code in {0, 1, 2, 3}, end.err
    assert "defect" not in end.err
    assert leaks(place, end) == []
    if end.code < 2:
        assert end.answer["ledger"]["balanced"]
