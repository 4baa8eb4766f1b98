"""Workbooks: typed cells as text, and what a sheet only seems to hold."""

import sys
import zipfile
from datetime import date, datetime

import pytest

from etl.core.errors import SettingsError, SourceUnavailable, SourceUnreadable
from etl.sources.excel import ExcelSource
from tests.sources.workbooks import write_workbook


def rows(folder, cells, merged=(), **options):
    write_workbook(folder / "book.xlsx", {"T": cells}, merged)
    source = ExcelSource("old", str(folder / "*.xlsx"), **options)
    found = [tuple(row.values()) for batch in source.read("T", 100) for row in batch.to_pylist()]
    return [(row, line, damage or "", *cells) for row, line, damage, *cells in found]


@pytest.mark.parametrize(
    ("cell", "declared", "text"),
    [
        (7, "", "7"),
        (7.5, "", "7.5"),
        (1e20, "", "100000000000000000000"),
        (True, "", "true"),
        ("007", "", "007"),
        (" a ", "", " a "),
        (None, "", None),
        (date(2011, 2, 9), "", "2011-02-09"),
        (datetime(2011, 2, 9, 8, 30), "", "2011-02-09 08:30:00"),  # noqa: DTZ001 - a cell
        (date(2011, 2, 9), "datetime", "2011-02-09 00:00:00"),
        (1234, "digits(5)", "01234"),
        ("01234-5678", "digits(5)", "01234-5678"),
        (1.5, "decimal(10,2)", "1.50"),
        ("1.5", "decimal(10,2)", "1.50"),
        ("n/a", "decimal(10,2)", "n/a"),
        (1, "boolean", "true"),
        ("=1+41", "", "42"),
    ],
)
def test_a_cell_takes_the_one_text_form(tmp_path, cell, declared, text):
    types = {"A": declared} if declared else {}
    assert rows(tmp_path, [["A", "B"], [cell, "x"]], types=types) == [(1, 2, "", text, "x")]


def test_blank_rows_are_no_rows_and_lines_are_the_sheets_own(tmp_path):
    cells = [["Report of 2024"], [], ["A", "B"], ["1", None], [], ["2", "x"]]
    assert rows(tmp_path, cells, header_row=3) == [(1, 4, "", "1", None), (2, 6, "", "2", "x")]


def test_the_first_row_that_holds_anything_is_the_header(tmp_path):
    assert rows(tmp_path, [[], ["A", "B"], ["1", "2"]]) == [(1, 3, "", "1", "2")]


def test_an_error_value_is_damage_and_no_blank(tmp_path):
    cells = [["A", "B"], ["1", "=#N/A"], ["2", "x"]]
    assert rows(tmp_path, cells) == [(1, 2, "broken_record", None, None), (2, 3, "", "2", "x")]


def test_rows_under_a_merged_range_are_damage(tmp_path):
    cells = [["A", "B"], ["1", "x"], ["2", None], ["3", "y"]]
    assert rows(tmp_path, cells, ["B2:B3"]) == [
        (1, 2, "broken_record", None, None), (2, 3, "broken_record", None, None), (3, 4, "", "3", "y")
    ]  # fmt: skip


def test_a_cell_beyond_the_header_makes_its_row_ragged(tmp_path):
    cells = [["A", "B", None], ["1", "x", "surplus"], ["2", "y", None]]
    assert rows(tmp_path, cells) == [(1, 2, "ragged_row", None, None), (2, 3, "", "2", "y")]


@pytest.mark.parametrize(
    ("header", "said"),
    [(["A", "A"], "both named A"), (["A", None, "C"], "column 2 has no name"), ([1.0, 1], "both named 1")],
)
def test_a_header_that_names_no_columns_is_refused(tmp_path, header, said):
    with pytest.raises(SourceUnreadable, match=said):
        rows(tmp_path, [header, ["1", "2"]])


def test_a_header_row_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(SourceUnreadable, match="has no header"):
        rows(tmp_path, [["A"], ["1"]], header_row=9)


def test_sheets_of_all_workbooks_are_tables_but_empty_ones_are_not(tmp_path):
    write_workbook(tmp_path / "a.xlsx", {"One": [["A"]], "Sheet2": []})
    write_workbook(tmp_path / "b.xlsx", {"Two words": [["A"], ["1"]]})
    source = ExcelSource("old", str(tmp_path / "*.xlsx"))
    assert list(source.tables()) == ["One", "Two words"]
    with pytest.raises(SourceUnavailable, match="has no table Sheet2"):
        list(source.read("Sheet2", 10))


def test_two_sheets_of_one_name_are_refused(tmp_path):
    write_workbook(tmp_path / "a.xlsx", {"T": [["A"]]})
    write_workbook(tmp_path / "b.xlsx", {"t": [["A"]]})
    with pytest.raises(SourceUnreadable, match="two tables named"):
        ExcelSource("old", str(tmp_path / "*.xlsx")).tables()


@pytest.mark.parametrize(
    "content", [b"", b"Garcia,Ann\n" * 100, b"PK\x03\x04 broken", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600]
)
def test_a_file_that_is_no_workbook_is_refused_without_its_content(tmp_path, content):
    (tmp_path / "book.xlsx").write_bytes(content)
    with pytest.raises(SourceUnreadable, match=r"old \(book.xlsx\) is no sound workbook") as caught:
        ExcelSource("old", str(tmp_path / "*.xlsx")).tables()
    assert "Garcia" not in str(caught.value)


def test_a_workbook_that_would_fill_memory_is_refused_before_it_is_read(tmp_path):
    with zipfile.ZipFile(tmp_path / "book.xlsx", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", b"0" * (100 << 20))
    with pytest.raises(SourceUnreadable, match="beyond all measure"):
        ExcelSource("old", str(tmp_path / "*.xlsx")).tables()


def test_without_the_extra_the_error_names_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "python_calamine", None)
    with pytest.raises(SettingsError, match=r"casebook-etl\[excel\]"):
        ExcelSource("old", "/nowhere/*.xlsx")


def test_an_unknown_type_is_refused_at_once():
    with pytest.raises(SettingsError, match="Column ZIP of source old has a type that is not known"):
        ExcelSource("old", "/nowhere/*.xlsx", types={"ZIP": "zip"})
