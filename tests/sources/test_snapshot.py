"""The snapshot freezes what was read, and tells when it is not what was written."""

import json
import stat
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from etl.core.errors import SourceUnavailable, SourceUnreadable
from etl.sources.csv import CsvSource
from etl.sources.snapshot import Snapshot, read_snapshot, take_snapshot


class Counting:
    def __init__(self) -> None:
        self.stages: list[str] = []
        self.rows = 0

    def start(self, stage: str, total: int | None = None) -> None:
        self.stages.append(stage)

    def advance(self, count: int = 1) -> None:
        self.rows += count

    def note(self, text: str) -> None:
        raise AssertionError(text)


@pytest.fixture
def legacy(tmp_path: Path) -> CsvSource:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "PERSONS.csv").write_text("ID,NM\n1,Ann\n2\n3,Bo\n", encoding="utf-8")
    (tmp_path / "in" / "odd name%2F.csv").write_text("ID\n", encoding="utf-8")
    return CsvSource("legacy", str(tmp_path / "in" / "*.csv"))


def taken(legacy: CsvSource, folder: Path, **options: int) -> Snapshot:
    return take_snapshot([legacy], None, folder, Counting(), **options)


def test_every_table_becomes_a_parquet_file_with_all_its_rows(legacy, tmp_path):
    snapshot = taken(legacy, tmp_path / "snapshot")
    persons = next(table for table in snapshot.tables if table.table == "PERSONS")
    assert (persons.relation, persons.file) == ("legacy.PERSONS", "legacy.PERSONS.parquet")
    assert (persons.rows, persons.damaged, persons.columns) == (3, 1, ("ID", "NM"))
    assert pq.read_table(snapshot.path(persons)).to_pylist() == [
        {"_row": 1, "_line": 2, "_damage": None, "ID": "1", "NM": "Ann"},
        {"_row": 2, "_line": 3, "_damage": "ragged_row", "ID": None, "NM": None},
        {"_row": 3, "_line": 4, "_damage": None, "ID": "3", "NM": "Bo"},
    ]


def test_a_table_without_rows_keeps_its_columns(legacy, tmp_path):
    snapshot = taken(legacy, tmp_path / "snapshot")
    odd = next(table for table in snapshot.tables if table.table != "PERSONS")
    assert pq.read_schema(snapshot.path(odd)).names == ["_row", "_line", "_damage", "ID"]
    assert odd.rows == 0


def test_what_is_read_back_equals_what_was_taken(legacy, tmp_path):
    assert taken(legacy, tmp_path / "snapshot") == read_snapshot(tmp_path / "snapshot")


def test_row_groups_have_the_size_of_batches(legacy, tmp_path):
    snapshot = taken(legacy, tmp_path / "snapshot", batch_rows=2)
    path = next(snapshot.path(table) for table in snapshot.tables if table.table == "PERSONS")
    assert [pq.ParquetFile(path).metadata.row_group(group).num_rows for group in range(2)] == [2, 1]


def test_files_belong_to_their_owner_alone(legacy, tmp_path):
    folder = tmp_path / "snapshot"
    taken(legacy, folder)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}


def test_the_fingerprint_stands_for_the_content(legacy, tmp_path):
    first = taken(legacy, tmp_path / "one").fingerprint
    assert taken(legacy, tmp_path / "two").fingerprint == first
    (tmp_path / "in" / "PERSONS.csv").write_text("ID,NM\n1,Ann\n2\n3,Bob\n", encoding="utf-8")
    assert taken(legacy, tmp_path / "three").fingerprint != first


def test_only_wanted_tables_are_taken(legacy, tmp_path):
    progress = Counting()
    snapshot = take_snapshot([legacy], {"legacy": ["PERSONS"]}, tmp_path / "snapshot", progress)
    assert [table.table for table in snapshot.tables] == ["PERSONS"]
    assert (progress.stages, progress.rows) == (["extract"], 3)
    assert take_snapshot([legacy], {}, tmp_path / "none", Counting()).tables == ()


def test_a_wanted_table_that_does_not_exist_is_an_error(legacy, tmp_path):
    with pytest.raises(SourceUnavailable, match="no table PERSONEN"):
        take_snapshot([legacy], {"legacy": ["PERSONEN"]}, tmp_path / "snapshot", Counting())


def test_a_source_that_fails_midway_leaves_no_snapshot(legacy, tmp_path):
    class Failing(CsvSource):
        def read(self, table: str, batch_rows: int) -> Iterator[pa.RecordBatch]:
            yield next(super().read(table, batch_rows))
            raise SourceUnreadable("it broke")

    folder = tmp_path / "snapshot"
    taken(legacy, folder)
    with pytest.raises(SourceUnreadable):
        take_snapshot([Failing("legacy", str(tmp_path / "in" / "*.csv"))], None, folder, Counting())
    with pytest.raises(SourceUnavailable, match="no snapshot"):
        read_snapshot(folder)


def test_a_leftover_of_a_crash_is_no_hindrance(legacy, tmp_path):
    folder = tmp_path / "snapshot"
    folder.mkdir()
    (folder / "legacy.PERSONS.parquet.partial").write_bytes(b"half")
    taken(legacy, folder)
    assert not list(folder.glob("*.partial"))


def test_a_changed_file_is_told(legacy, tmp_path):
    snapshot = taken(legacy, tmp_path / "snapshot")
    path = snapshot.path(snapshot.tables[0])
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    with pytest.raises(SourceUnreadable, match=r"legacy.PERSONS is missing or was changed"):
        read_snapshot(tmp_path / "snapshot")


@pytest.mark.parametrize(("field", "value"), [("rows", 2), ("encoding", "latin-1"), ("file", "../../in/PERSONS.csv")])
def test_a_changed_manifest_is_told(legacy, tmp_path, field, value):
    taken(legacy, tmp_path / "snapshot")
    path = tmp_path / "snapshot" / "manifest.json"
    manifest = json.loads(path.read_text())
    manifest["tables"][0][field] = value
    path.write_text(json.dumps(manifest))
    with pytest.raises(SourceUnreadable):
        read_snapshot(tmp_path / "snapshot")


@pytest.mark.parametrize("text", ["", "[]", '{"tables": [{}]}', '{"tables": 7}'])
def test_a_damaged_manifest_is_told(legacy, tmp_path, text):
    taken(legacy, tmp_path / "snapshot")
    (tmp_path / "snapshot" / "manifest.json").write_text(text)
    with pytest.raises(SourceUnreadable, match="manifest is damaged"):
        read_snapshot(tmp_path / "snapshot")
