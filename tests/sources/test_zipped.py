"""Zips of files: only the wanted files, under their plain names, and nothing left behind."""

import glob
import tempfile
import zipfile
from pathlib import Path

import pytest

from etl.core.errors import SourceUnavailable, SourceUnreadable
from etl.mapping.model import Position, SourceSpec
from etl.pipeline.source_kinds import opened_source
from etl.sources.csv import CsvSource
from etl.sources.dumps.source import DumpSource
from etl.sources.json_lines import JsonLinesSource
from etl.sources.zipped import ZipSource
from tests.sources.workbooks import write_workbook


def zipped(folder, members, pattern="*.csv", kind=CsvSource):
    with zipfile.ZipFile(folder / "drop.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in members.items():
            archive.writestr(name, text)
    return ZipSource("old", str(folder / "drop.zip"), pattern, lambda path: kind("old", glob.escape(str(path))))


def cells(source, table):
    return [tuple(row.values())[3:] for batch in source.read(table, 10) for row in batch.to_pylist()]


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def test_files_of_any_folder_that_match_are_tables(tmp_path):
    source = zipped(tmp_path, {"a/ONE.csv": "A\n1\n", "b/c/TWO.csv": "A\n2\n", "README.txt": "no"})
    assert list(source.tables()) == ["ONE", "TWO"]
    assert cells(source, "TWO") == [("2",)]


def test_the_second_files_that_a_mac_packs_are_no_tables(tmp_path):
    source = zipped(tmp_path, {"a/ONE.csv": "A\n1\n", "__MACOSX/a/._ONE.csv": b"\0\5\x16\7", ".hidden.csv": "A\n"})
    assert list(source.tables()) == ["ONE"]


def test_other_kinds_of_files_may_be_inside(tmp_path):
    assert cells(zipped(tmp_path, {"T.jsonl": '{"A": 1}'}, "*.jsonl", JsonLinesSource), "T") == [("1",)]


@pytest.mark.parametrize("name", ["../../T.csv", "/etc/T.csv", "a/../T.csv", "[x]/T.csv", "T[1].csv"])
def test_a_name_writes_nothing_outside_and_chooses_the_table_alone(tmp_path, temporary, name):
    source = zipped(tmp_path, {name: "A\n1\n"})
    (table,) = source.tables()
    before = set(tmp_path.parent.rglob("*.csv"))
    assert cells(source, table) == [("1",)]
    assert set(tmp_path.parent.rglob("*.csv")) == before


def test_nothing_is_left_behind_even_when_reading_stops_early(tmp_path, temporary):
    source = zipped(tmp_path, {"T.csv": "A\n1\n2\n"})
    batches = source.read("T", 1)
    next(batches)
    assert len(list(temporary.iterdir())) == 1
    batches.close()
    assert list(temporary.iterdir()) == []


def test_two_files_of_one_name_are_refused(tmp_path):
    with pytest.raises(SourceUnreadable, match="two tables named"):
        zipped(tmp_path, {"a/T.csv": "A\n", "b/t.csv": "A\n"}).tables()


def test_a_zip_that_holds_nothing_wanted_is_an_error(tmp_path):
    with pytest.raises(SourceUnavailable, match="No file inside the zip"):
        zipped(tmp_path, {"T.txt": ""}).tables()


def test_a_zip_that_would_grow_beyond_all_measure_is_refused(tmp_path):
    with pytest.raises(SourceUnreadable, match="beyond all measure"):
        zipped(tmp_path, {"T.csv": b"0" * (100 << 20)}).tables()


def test_a_damaged_file_inside_is_refused(tmp_path):
    source = zipped(tmp_path, {"T.csv": "A\n" + "1\n" * 5000})
    path = tmp_path / "drop.zip"
    path.write_bytes(path.read_bytes()[:45] + b"XX" + path.read_bytes()[47:])
    with pytest.raises(SourceUnreadable, match="the file of table T is damaged or encrypted"):
        cells(source, "T")


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04"])
def test_a_file_that_is_no_zip_is_refused(tmp_path, content):
    (tmp_path / "drop.zip").write_bytes(content)
    with pytest.raises(SourceUnreadable, match="no sound zip file"):
        ZipSource("old", str(tmp_path / "drop.zip"), "*.csv", lambda path: CsvSource("old", path)).tables()


def test_dumps_inside_give_their_own_tables(tmp_path, temporary):
    one = "CREATE TABLE `CASES` (`ID` int);\nINSERT INTO `CASES` VALUES (1);\n-- Dump completed\n"
    members = {
        "a/one.sql": "-- MySQL dump 10.13\n" + one,
        "two.sql": "-- MySQL dump 10.13\n" + one.replace("CASES", "NOTES"),
    }
    zipped(tmp_path, members, "*.sql")
    source = ZipSource("old", str(tmp_path / "drop.zip"), "*.sql", lambda path: DumpSource("old", str(path)), many=True)
    assert cells(source, "NOTES") == [("1",)]
    assert list(source.tables()) == ["CASES", "NOTES"]
    assert source.facts("NOTES").origin == "drop.zip: two.sql"
    assert list(temporary.iterdir()) == []


def test_workbooks_inside_give_their_sheets(tmp_path):
    write_workbook(tmp_path / "book.xlsx", {"PEOPLE": [["ID"], ["1"]], "NOTES": [["ID"], ["2"]]})
    with zipfile.ZipFile(tmp_path / "drop.zip", "w") as archive:
        archive.write(tmp_path / "book.xlsx", "book.xlsx")
    options = {"kind": "excel", "members": "*.xlsx"}
    source = opened_source(SourceSpec("old", "zip", str(tmp_path / "drop.zip"), options, Position("", 1, 1)))
    assert list(source.tables()) == ["NOTES", "PEOPLE"]
    assert cells(source, "NOTES") == [("2",)]


def test_one_table_in_two_dumps_is_refused(tmp_path):
    text = "-- MySQL dump 10.13\nCREATE TABLE `CASES` (`ID` int);\nINSERT INTO `CASES` VALUES (1);\n"
    zipped(tmp_path, {"one.sql": text, "two.sql": text}, "*.sql")
    source = ZipSource("old", str(tmp_path / "drop.zip"), "*.sql", lambda path: DumpSource("old", str(path)), many=True)
    with pytest.raises(SourceUnreadable, match="CASES"):
        source.tables()
