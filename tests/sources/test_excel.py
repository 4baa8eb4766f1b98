"""Workbooks: typed cells as text, and what a sheet only seems to hold."""

import sys
import zipfile
from datetime import date, datetime
from pathlib import Path

import pytest

from etl.core.errors import SettingsError, SourceUnavailable, SourceUnreadable
from etl.sources.excel import ExcelSource
from etl.sources.excel_extent import refuse_oversized
from tests.sources.workbooks import write_workbook

OLD_WORKBOOK = Path(__file__).parents[1] / "corpus" / "cases" / "other_sources" / "old_workbook.xls"


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
        (999_999_999_999_999, "", "999999999999999"),
        (0.1 + 0.2, "", "0.30000000000000004"),
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


def test_a_column_without_a_name_is_refused_with_a_remedy_for_sheets_or_numbered(tmp_path):
    cells = [["Report of 2024"], [None, "A", None, "B"], [None, "1", "x", "2"]]
    with pytest.raises(
        SourceUnreadable, match=r"column 1 has no name\. Give it a name in the sheet, or declare `nameless"
    ):
        rows(tmp_path, cells, header_row=2)
    assert rows(tmp_path, cells, header_row=2, numbers_nameless=True) == [(1, 3, "", None, "1", "x", "2")]
    source = ExcelSource("old", str(tmp_path / "*.xlsx"), header_row=2, numbers_nameless=True)
    assert next(source.read("T", 1)).schema.names[3:] == ["column_1", "A", "column_3", "B"]


def test_an_error_value_is_damage_and_no_blank(tmp_path):
    cells = [["A", "B"], ["1", "=#N/A"], ["2", "x"]]
    assert rows(tmp_path, cells) == [(1, 2, "broken_record", None, None), (2, 3, "", "2", "x")]


def with_cells(folder, rows, since_1904=False):
    """A workbook whose sheet has these rows, as XML, below its header; what is read of it."""
    path = folder / "book.xlsx"
    write_workbook(path, {"T": [["A", "B"]]})
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name).decode() for name in archive.namelist()}
    sheet = "xl/worksheets/sheet1.xml"
    members[sheet] = members[sheet].replace("</sheetData>", f"{rows}</sheetData>")
    if since_1904:
        members["xl/workbook.xml"] = members["xl/workbook.xml"].replace(
            "<sheets>", '<workbookPr date1904="1"/><sheets>'
        )
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in members.items():
            archive.writestr(name, text)
    source = ExcelSource("old", str(folder / "*.xlsx"))
    found = [tuple(row.values()) for batch in source.read("T", 100) for row in batch.to_pylist()]
    return [(line, damage or a) for _, line, damage, a, _ in found]


FAR = '<row r="2"><c r="A2"><v>1</v></c><c r="B2"><v>2</v></c></row><row r="1048576"><c r="XFD1048576"{}</row>'


def test_a_filled_cell_far_from_the_table_is_refused_before_room_is_kept_for_all_in_between(tmp_path):
    with pytest.raises(SourceUnreadable, match=r"reaches to column XFD and row 1,048,576\. A cell far from the table"):
        with_cells(tmp_path, FAR.format("><v>3</v></c>"))


def test_a_cell_far_away_that_is_only_formatted_is_none(tmp_path):
    assert with_cells(tmp_path, FAR.format(' s="1"/>')) == [(2, "1")]


@pytest.mark.parametrize("said", ["A1:XFD1048576", "A1:B2"])
def test_cells_are_looked_at_only_where_the_sheet_says_that_it_reaches_far(tmp_path, said, monkeypatch):
    looked_at = []
    monkeypatch.setattr("etl.sources.excel_extent._farthest", lambda _, part: looked_at.append(part) or (b"B", 2))
    book = tmp_path / "book.xlsx"
    write_workbook(book, {"T": [["A", "B"], ["1", "2"]]})
    with zipfile.ZipFile(book) as archive:
        parts = {name: archive.read(name).decode() for name in archive.namelist()}
    with zipfile.ZipFile(book, "w") as archive:
        for name, text in parts.items():
            archive.writestr(name, text.replace("<sheetData>", f'<dimension ref="{said}"/><sheetData>'))
    refuse_oversized(book, "old (book.xlsx)")
    assert bool(looked_at) == (said != "A1:B2")


@pytest.mark.parametrize(
    "cell",
    [
        '<c r="A2"><f>B2+1</f></c>',
        '<c r="A2"><f>B2+1</f><v></v></c>',
        '<c r="A2"><f t="shared" si="0"/><v/></c>',
        "<c><f>B2+1</f></c>",
        '<c r="A2"><v>9007199254740993</v></c>',
        '<c r="A2"><v>-1.2345678901234567E+19</v></c>',
        '<c r="A2" s="1"><v>0</v></c>',
        '<c r="A2" s="1"><v>-5</v></c>',
        '<c r="A2" s="1"><v>60</v></c>',
        '<c r="A2" s="2"><v>60.25</v></c>',
        '<c r="A2" s="2"><v>0.25</v></c>',
        '<c r="A2" s="1"><v>1e999</v></c>',
    ],
)
def test_a_cell_that_would_be_read_as_something_else_is_damage(tmp_path, cell):
    row = f'<row r="2">{cell}<c r="B2"><v>1</v></c></row><row r="3"><c r="A3"><v>7</v></c></row>'
    assert with_cells(tmp_path, row) == [(2, "broken_record"), (3, "7")]


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        ('<c r="A2" t="str"><f>B2</f><v></v></c>', None),
        ('<c r="A2"><f>B2</f><v>3</v></c>', "3"),
        ('<c r="A2" t="inlineStr"><is><t>9007199254740993</t></is></c>', "9007199254740993"),
        ('<c r="A2" s="1"><v>59</v></c>', "1900-02-28"),
        ('<c r="A2" s="1"><v>61</v></c>', "1900-03-01"),
        ('<c r="A2"><v>0</v></c>', "0"),
        ('<c r="A2"><v>60</v></c>', "60"),
        ('<c r="A2" s="1"/>', None),
    ],
)
def test_a_cell_that_only_looks_like_damage_is_read(tmp_path, cell, text):
    row = f'<row r="2">{cell}<c r="B2"><v>1</v></c></row>'
    assert with_cells(tmp_path, row) == [(2, text)]


def test_a_calendar_that_starts_in_1904_has_its_own_days(tmp_path):
    rows_of_days = "".join(f'<row r="{at}"><c r="A{at}" s="1"><v>{day}</v></c></row>' for at, day in ((2, 60), (3, -1)))
    assert with_cells(tmp_path, rows_of_days, since_1904=True) == [(2, "1904-03-01"), (3, "broken_record")]


def test_two_rows_of_one_number_are_refused(tmp_path):
    row = '<row r="2"><c r="A2"><v>1</v></c></row>'
    with pytest.raises(SourceUnreadable, match="two rows with the number 2"):
        with_cells(tmp_path, row + row)


@pytest.mark.parametrize(
    ("content", "hint"),
    [
        (b"<html><table><tr><td>Garcia", "page"),
        (b"ID;NAME\n1;Garcia\n", "plain text"),
        (b"%PDF\0Garcia", "another kind"),
    ],
)
def test_a_file_under_a_workbooks_name_is_told_for_what_it_is(tmp_path, content, hint):
    (tmp_path / "book.xls").write_bytes(content)
    with pytest.raises(SourceUnreadable, match="no sound workbook") as caught:
        ExcelSource("old", str(tmp_path / "*.xls")).tables()
    assert hint in str(caught.value.hint)


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


@pytest.mark.parametrize("end", [1_000, 4_096, 5_300])
def test_an_old_workbook_that_is_cut_off_is_refused(tmp_path, end):
    (tmp_path / "book.xls").write_bytes(OLD_WORKBOOK.read_bytes()[:end])
    with pytest.raises(SourceUnreadable, match=r"old \(book.xls\) is no sound workbook"):
        ExcelSource("old", str(tmp_path / "*.xls")).tables()


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
