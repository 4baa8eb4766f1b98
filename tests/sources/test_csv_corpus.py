"""Every known kind of bad CSV, each with the rows it must give: (row, line, damage, cells)."""

import hashlib
from pathlib import Path

import pytest

from etl.core.errors import SettingsError, SourceUnavailable, SourceUnreadable
from etl.sources.csv import CsvSource

RAGGED, UNCLOSED, STRAY = "ragged_row", "unclosed_quote", "stray_quote"
CONTROL, UNDECODABLE = "control_character", "undecodable_row"


def read(folder: Path, data: bytes, batch_rows: int = 1000, **options: str) -> list[tuple[object, ...]]:
    (folder / "T.csv").write_bytes(data)
    source = CsvSource("legacy", str(folder / "*.csv"), **options)
    rows = [tuple(row.values()) for batch in source.read("T", batch_rows) for row in batch.to_pylist()]
    return [(row, line, damage or "", *cells) for row, line, damage, *cells in rows]


def damaged(row: int, line: int, code: str, width: int = 2) -> tuple[object, ...]:
    return (row, line, code, *[None] * width)


GOOD = {
    "plain": (b"a,b\n1,2\n", [(1, 2, "", "1", "2")]),
    "no newline at the end": (b"a,b\n1,2", [(1, 2, "", "1", "2")]),
    "CR LF": (b"a,b\r\n1,2\r\n", [(1, 2, "", "1", "2")]),
    "CR alone": (b"a,b\r1,2\r3,4\r", [(1, 2, "", "1", "2"), (2, 3, "", "3", "4")]),
    "mixed line ends": (b"a,b\n1,2\r\n3,4\r5,6", [(1, 2, "", "1", "2"), (2, 3, "", "3", "4"), (3, 4, "", "5", "6")]),
    "mark in the header": (b"\xef\xbb\xbfa,b\n1,2\n", [(1, 2, "", "1", "2")]),
    "UTF-16 with mark": ("a,b\n1,é\n".encode("utf-16"), [(1, 2, "", "1", "é")]),
    "UTF-32 with mark": ("a,b\n1,é\n".encode("utf-32"), [(1, 2, "", "1", "é")]),
    "blank lines": (b"\na,b\n\n1,2\n\r\n\n3,4\n\n", [(1, 4, "", "1", "2"), (2, 7, "", "3", "4")]),
    "header alone": (b"a,b\n", []),
    "header alone without newline": (b"a,b", []),
    "line end in quotes": (b'a,b\n1,"x\ny"\n2,z\n', [(1, 2, "", "1", "x\ny"), (2, 4, "", "2", "z")]),
    "CR LF in quotes": (b'a,b\r\n1,"x\r\ny"\r\n', [(1, 2, "", "1", "x\r\ny")]),
    "doubled quotes": (b'a,b\n1,"x ""y"""\n', [(1, 2, "", "1", 'x "y"')]),
    "quotes around nothing": (b'a,b\n"",""\n', [(1, 2, "", "", "")]),
    "delimiter in quotes": (b'a,b\n"1,1",2\n', [(1, 2, "", "1,1", "2")]),
    "quote inside an unquoted cell": (b'a,b\n5" pipe,2\n', [(1, 2, "", '5" pipe', "2")]),
    "line end in the header's quotes": (b'"a\nx",b\n1,2\n', [(1, 3, "", "1", "2")]),
    "blank cells": (b"a,b\n,\n ,\n", [(1, 2, "", "", ""), (2, 3, "", " ", "")]),
    "one column": (b"a\n1\n\n2\n", [(1, 2, "", "1"), (2, 4, "", "2")]),
    "text that looks typed": (
        b"a,b\n007,NA\nnull,1e5\nTrue,9007199254740993\n",
        [(1, 2, "", "007", "NA"), (2, 3, "", "null", "1e5"), (3, 4, "", "True", "9007199254740993")],
    ),
    "tabs inside cells": (b"a,b\nx\ty,2\n", [(1, 2, "", "x\ty", "2")]),
    "separators that are no line ends": (
        "a,b\nx\u2028y,\u00a02\n".encode(),
        [(1, 2, "", "x\u2028y", "\u00a02")],
    ),
    "semicolons": (b"a;b\n1;2,5\n", [(1, 2, "", "1", "2,5")]),
    "bars": (b"a|b\n1|2\n", [(1, 2, "", "1", "2")]),
    "tabs": (b"a\tb\n1\t2\n", [(1, 2, "", "1", "2")]),
    "two delimiters in the header, one fits": (b"a,b;c\n1,2\n3,4\n", [(1, 2, "", "1", "2"), (2, 3, "", "3", "4")]),
}
BAD = {
    "too short": (b"a,b\n1\n3,4\n", [damaged(1, 2, RAGGED), (2, 3, "", "3", "4")]),
    "first row too long": (b"a,b\n1,2,3\n3,4\n", [damaged(1, 2, RAGGED), (2, 3, "", "3", "4")]),
    "all rows too long": (b"a,b\n1,2,\n3,4,\n", [damaged(1, 2, RAGGED), damaged(2, 3, RAGGED)]),
    "trailer": (b"a,b\n1,2\n(1 rows affected)\n", [(1, 2, "", "1", "2"), damaged(2, 3, RAGGED)]),
    "ragged over several lines": (b'a,b\n"1\n2"\n3,4\n', [damaged(1, 2, RAGGED), (2, 4, "", "3", "4")]),
    "unclosed quote": (
        b'a,b\n0,0\n1,"x\n2,y\n\n3,z\n',
        [(1, 2, "", "0", "0"), *(damaged(line - 1, line, UNCLOSED) for line in (3, 4, 5, 6))],
    ),
    "unclosed quote on the last line": (b'a,b\n1,2\n3,"x', [(1, 2, "", "1", "2"), damaged(2, 3, UNCLOSED)]),
    "stray quote": (b'a,b\n1,"x "q" y"\n2,z\n', [damaged(1, 2, STRAY), (2, 3, "", "2", "z")]),
    "stray quote over several lines": (
        b'a,b\n1,"m\nl "q" t\ne",b\n2,z\n',
        [*(damaged(line - 1, line, STRAY) for line in (2, 3, 4)), (4, 5, "", "2", "z")],
    ),
    "stray quote at the very end": (b'a,b\n1,"x"y', [damaged(1, 2, UNCLOSED)]),
    "stray quote, then a closed one at the very end": (b'a,b\n1,"x"y"', [damaged(1, 2, STRAY)]),
    "unclosed quote found out by the next quoted cell": (
        b'a,b\n1,"x\n2,"y"\n3,z\n',
        [damaged(1, 2, STRAY), damaged(2, 3, STRAY), (3, 4, "", "3", "z")],
    ),
    "blank after a closing quote": (b'a,b\n"1" ,"2"\n3,4\n', [damaged(1, 2, STRAY), (2, 3, "", "3", "4")]),
    "NUL": (b"a,b\n1,x\0\n3,4\n", [damaged(1, 2, CONTROL), (2, 3, "", "3", "4")]),
    "bell": (b"a,b\n1,2\n\x07,4\n", [(1, 2, "", "1", "2"), damaged(2, 3, CONTROL)]),
    "C1 control": ("a,b\n1,\x85\n3,4\n".encode(), [damaged(1, 2, CONTROL), (2, 3, "", "3", "4")]),
    "end-of-file mark of DOS": (b"a,b\n1,2\n\x1a", [(1, 2, "", "1", "2"), damaged(2, 3, CONTROL)]),
}


@pytest.mark.parametrize("name", [*GOOD, *BAD])
@pytest.mark.parametrize("batch_rows", [1, 1000])
def test_a_file_gives_exactly_these_rows(tmp_path, name, batch_rows):
    data, expected = (GOOD | BAD)[name]
    assert read(tmp_path, data, batch_rows) == expected


def test_a_row_outside_the_declared_encoding_is_damage_of_that_row_alone(tmp_path):
    data = b"a,b\n1,\x81\n2,\xe9\n3,x\n"
    rows = [damaged(1, 2, UNDECODABLE), (2, 3, "", "2", "é"), (3, 4, "", "3", "x")]
    assert read(tmp_path, data, encoding="cp1252") == rows


def test_a_misfit_in_a_quoted_cell_over_lines_is_one_row(tmp_path):
    data = b'a,b\n1,"\xff\n"\n2,x\n3,y\n'
    rows = [damaged(1, 2, UNDECODABLE), (2, 4, "", "2", "x"), (3, 5, "", "3", "y")]
    assert read(tmp_path, data, encoding="utf-8") == rows


def test_a_truncated_character_at_the_end_is_damage(tmp_path):
    rows = [(1, 2, "", "1", "2"), damaged(2, 3, UNDECODABLE)]
    assert read(tmp_path, b"a,b\n1,2\n3,\xc3", encoding="utf-8") == rows


def test_a_byte_of_a_double_byte_encoding_that_looks_like_a_delimiter_is_none(tmp_path):
    assert read(tmp_path, "a|b\n1|ポ\n".encode("shift_jis"), encoding="shift_jis") == [(1, 2, "", "1", "ポ")]


UNREADABLE = {
    "empty": (b"", {}, "has no header"),
    "blank lines only": (b"\n\n", {}, "has no header"),
    "repeated column": (b"a,b,a\n", {}, "columns 1 and 3 are both named a"),
    "columns that differ in case": (b"Id,ID\n", {}, "columns 1 and 2 are both named Id or ID"),
    "column without a name": (b"a,,c\n", {}, "column 2 has no name"),
    "trailing delimiter": (b"a,b,\n1,2,\n", {}, "column 3 has no name"),
    "reserved column": (b"_row,b\n", {}, "_row, is reserved"),
    "column that a query marks rows by": (b"a,_LEFT_OUT\n", {}, "_LEFT_OUT, is reserved"),
    "unclosed quote in the header": (b'a,"b\n1,2\n', {}, "quoting of its header is broken"),
    "control character in the header": (b"a,b\0\n", {"encoding": "utf-8"}, "header has bytes that are not text"),
    "misfit in the header": (b"a,\xff\n1,2\n3,4\n", {"encoding": "utf-8"}, "header has bytes that are not text"),
    "undeclared encoding": (b"a,b\n1,\xe9\n", {}, "not UTF-8 at byte offset 6"),
    "UTF-16 without mark": ("a,b\n1,2\n".encode("utf-16-le"), {}, "looks like UTF-16"),
    "wrong encoding": (b"a,b\n1,2\n\xe9,\n\xe9,\n", {"encoding": "utf-8"}, "is not utf-8: .* byte offset 8"),
    "XML": (b'<?xml version="1.0"?>\n<rows/>\n', {}, "is no table but XML or HTML"),
    "a web page": (b"<HTML>\n<table>\n", {"encoding": "cp1252"}, "is no table but XML or HTML"),
    "XML with a name space": (b'\n<Workbook xmlns="urn:x">\n', {}, "is no table but XML or HTML"),
    "JSON objects": (b'{"a": 1, "b": 2}\n', {}, "is no table but JSON"),
    "a JSON list": (b'[{"a": 1}]\n', {}, "is no table but JSON"),
    "two delimiters fit": (b"a,b;c\n1,2;3\n", {}, "may be comma and semicolon"),
}


@pytest.mark.parametrize("header", [b"<a>,b\n1,2\n", b"[a],{b}\n1,2\n"])
def test_a_header_in_brackets_is_a_header(tmp_path, header):
    assert read(tmp_path, header) == [(1, 2, "", "1", "2")]


@pytest.mark.parametrize("name", UNREADABLE)
def test_a_file_that_cannot_be_read_names_the_place(tmp_path, name):
    data, options, message = UNREADABLE[name]
    with pytest.raises(SourceUnreadable, match=message) as caught:
        read(tmp_path, data, **options)
    assert "legacy.T (T.csv)" in caught.value.message
    assert caught.value.hint


def test_the_offset_of_a_misfit_counts_over_blocks(tmp_path):
    before = b"a,b\n1," + b"x" * (1024 * 1024 - 7)
    with pytest.raises(SourceUnreadable, match=f"byte offset {len(before)}"):
        read(tmp_path, before + b"\xc3")
    with pytest.raises(SourceUnreadable, match=f"byte offset {len(before)}"):
        read(tmp_path, before + b"\xc3,\n")


def test_possible_encodings_are_offered_but_never_taken(tmp_path):
    with pytest.raises(SourceUnreadable) as caught:
        read(tmp_path, b"a,b\n1,\x93quoted\x94\n")
    assert "cp1252" in caught.value.hint
    assert "latin-1" not in caught.value.hint


def test_a_declared_delimiter_is_not_tested(tmp_path):
    assert read(tmp_path, b"a,b;c\n1,2;3\n", delimiter=";") == [(1, 2, "", "1,2", "3")]


def test_without_a_quote_quotes_are_text(tmp_path):
    assert read(tmp_path, b'a,b\n"x,y"\n"z,"\n', quote="") == [(1, 2, "", '"x', 'y"'), (2, 3, "", '"z', '"')]


def test_another_quote_may_be_declared(tmp_path):
    assert read(tmp_path, b"a,b\n'x,y','it''s'\n", quote="'") == [(1, 2, "", "x,y", "it's")]


@pytest.mark.parametrize("options", [{"encoding": "rot13"}, {"encoding": "nope"}, {"delimiter": "ab"}, {"quote": "\n"}])
def test_options_that_cannot_be_used_are_refused_at_once(options):
    with pytest.raises(SettingsError):
        CsvSource("legacy", "*.csv", **options)


def test_an_overlong_row_is_damage_and_the_next_row_is_read(tmp_path):
    long = b"x" * (11 * 1024 * 1024)
    rows = [damaged(1, 2, "oversized_row"), (2, 3, "", "3", "4")]
    assert read(tmp_path, b"a,b\n1," + long + b"\n3,4\n") == rows
    assert read(tmp_path, b'a,b\n1,"' + long + b'"\n3,4\n') == rows


def test_an_overlong_cell_over_many_lines_is_one_damaged_row(tmp_path):
    lines = b"some text\r\n" * 1_100_000
    rows = [damaged(1, 2, "oversized_row"), (2, 1_100_003, "", "3", "4")]
    assert read(tmp_path, b'a,b\n1,"' + lines + b'"\n3,4\n') == rows


def test_damage_in_the_first_block_of_a_long_row_is_not_forgotten(tmp_path):
    filler = b"x" * (2 * 1024 * 1024)
    rows = [damaged(1, 2, CONTROL), (2, 4, "", "3", "4")]
    assert read(tmp_path, b'a,b\n1,"\x07\n' + filler + b'"\n3,4\n') == rows


def test_an_overlong_line_of_quotes_ends(tmp_path):
    rows = read(tmp_path, b"a,b\n" + b'"' * (23 * 1024 * 1024) + b",1\n3,4\n")
    assert rows == [damaged(1, 2, "oversized_row"), (2, 3, "", "3", "4")]


def test_the_hash_is_that_of_the_bytes(tmp_path):
    (tmp_path / "T.csv").write_bytes(b"\xef\xbb\xbfa\n1\n")
    source = CsvSource("legacy", str(tmp_path / "*.csv"))
    list(source.read("T", 10))
    facts = source.facts("T")
    assert (facts.origin, facts.encoding, facts.size_bytes) == ("T.csv", "utf-8", 7)
    assert facts.sha256 == hashlib.sha256(b"\xef\xbb\xbfa\n1\n").hexdigest()


def test_a_file_that_changes_while_it_is_read_is_refused(tmp_path):
    path = tmp_path / "T.csv"
    path.write_bytes(b"a,b\n" + b"1,2\n" * 500_000)
    batches = CsvSource("legacy", str(path)).read("T", 1000)
    next(batches)
    with path.open("ab") as stream:
        stream.write(b"3,4\n")
    with pytest.raises(SourceUnreadable, match="changed while it was read"):
        list(batches)


def test_no_file_two_stems_and_a_folder_are_told_apart(tmp_path):
    with pytest.raises(SourceUnavailable, match=r"No file in .* matches \*\.csv"):
        CsvSource("legacy", str(tmp_path / "*.csv")).tables()
    (tmp_path / "a.csv").write_text("x\n")
    (tmp_path / "A.csv").write_text("x\n")
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(SourceUnreadable, match="two tables named"):
        CsvSource("legacy", str(tmp_path / "*.csv")).tables()


def test_a_table_of_ten_thousand_columns_is_read(tmp_path):
    header = ",".join(f"c{number}" for number in range(10_000))
    (row,) = read(tmp_path, f"{header}\n{header}\n".encode())
    assert row[-1] == "c9999"


def test_columns_without_a_name_are_numbered_where_the_project_says_so(tmp_path):
    (tmp_path / "T.csv").write_text("a,,\n1,2,\n3,,4\n", encoding="utf-8")
    source = CsvSource("legacy", str(tmp_path / "*.csv"), numbers_nameless=True)
    (batch,) = source.read("T", 10)
    assert [name for name in batch.schema.names if not name.startswith("_")] == ["a", "column_2", "column_3"]
    assert batch.column("column_2").to_pylist()[0] == "2"
    assert batch.column("column_3").to_pylist()[1] == "4"


def test_a_number_that_is_a_columns_name_already_is_refused(tmp_path):
    (tmp_path / "T.csv").write_text("column_2,\n1,2\n", encoding="utf-8")
    with pytest.raises(SourceUnreadable, match="both named column_2"):
        list(CsvSource("legacy", str(tmp_path / "*.csv"), numbers_nameless=True).read("T", 10))
