"""Fixed-width files by layout and by copybook: exact columns, damage by line, and layouts that are refused."""

import pytest

from etl.core.errors import SettingsError, SourceUnavailable, SourceUnreadable
from etl.sources.fixed_width import FixedWidthSource

LAYOUT = "column,start,length,type\nID,1,4,text\nFILLER,5,1,\nNM,6,5,\nAMT,11,6,decimal(10,2)\n"
COPYBOOK = """\
000100* CASE MASTER, UNLOADED NIGHTLY
       01  CASE-RECORD.
           05  CASE-ID           PIC 9(5).
           05  CASE-NAME.
               10  LAST-NM       PICTURE IS X(6).
               10  FILLER        PIC X.
           05  BALANCE           PIC S9(4)V99.
           05  FACTOR            PIC 9V9(2).
           05  NET               PIC S9(3) SIGN IS TRAILING SEPARATE CHARACTER.
           05  STATUS-CD         PIC XX VALUE 'A.B'.
               88  IS-OPEN       VALUE 'OP' 'RE'.
"""


def rows(folder, data, layout=LAYOUT, suffix="csv", encoding=None):
    (folder / "T.txt").write_bytes(data)
    (folder / f"layout.{suffix}").write_text(layout)
    source = FixedWidthSource("old", str(folder / "*.txt"), str(folder / f"layout.{suffix}"), encoding)
    found = [tuple(row.values()) for batch in source.read("T", 100) for row in batch.to_pylist()]
    return [(row, line, damage or "", *cells) for row, line, damage, *cells in found]


FILES = {
    "plain": (b"0001 Ann    1.50\n0002 Bob      -2\n", [(1, 1, "", "0001", "Ann", "1.50"), (2, 2, "", "0002", "Bob", "-2.00")]),
    "CR LF and no end": (b"0001 Ann    1.50\r\n0002 Bob       2", [(1, 1, "", "0001", "Ann", "1.50"), (2, 2, "", "0002", "Bob", "2.00")]),
    "blank cells": (b"                \n", [(1, 1, "", "", "", "")]),
    "no number": (b"0001 Ann    1,50\n", [(1, 1, "", "0001", "Ann", "1,50")]),
    "empty lines": (b"\n0001 Ann    1.50\n\n", [(1, 2, "", "0001", "Ann", "1.50")]),
    "too short": (b"0001 Ann    1.5\n0002 Bob       2\n", [(1, 1, "ragged_row", None, None, None), (2, 2, "", "0002", "Bob", "2.00")]),
    "too long": (b"0001 Ann    1.50 \n0002 Bob       2\n", [(1, 1, "ragged_row", None, None, None), (2, 2, "", "0002", "Bob", "2.00")]),
    "control character": (b"0001 A\0n    1.50\n", [(1, 1, "control_character", None, None, None)]),
    "no rows": (b"", []),
}  # fmt: skip


@pytest.mark.parametrize("name", FILES)
def test_a_file_gives_exactly_these_rows(tmp_path, name):
    data, expected = FILES[name]
    assert rows(tmp_path, data) == expected


def test_characters_count_and_not_bytes(tmp_path):
    data = "0001 Núñez  1.50\n"
    assert rows(tmp_path, data.encode()) == rows(tmp_path, data.encode("cp1252"), encoding="cp1252")
    with pytest.raises(SourceUnreadable, match="not UTF-8 at byte offset 6"):
        rows(tmp_path, data.encode("cp1252"))


def test_a_copybook_gives_columns_signs_and_points(tmp_path):
    data = b"00042Garcia.00125{100012-OP\n00007O'Neil 00012N250105+CL\n00008Smith  000000000000-  \n"
    assert [row[3:] for row in rows(tmp_path, data, COPYBOOK, "cpy")] == [
        ("00042", "Garcia", "12.50", "1.00", "-12", "OP"),
        ("00007", "O'Neil", "-1.25", "2.50", "105", "CL"),
        ("00008", "Smith", "0.00", "0.00", "0", ""),
    ]


CARDS = """\
000100* CASE MASTER                                                     CASEMAST
CR0200 01  CASE-RECORD.                                                 CASEMAST
000300     05  CASE-ID           PIC 9(5).                              00000300
000400/                                                                 CASEMAST
000500D    05  FOR-TESTS         PIC X(9).                              CASEMAST
000600     05  LAST-NM                                                  CASEMAST
000700                           PIC X(6).                              CASEMAST

"""


def test_a_copybook_with_the_areas_of_cards_is_read(tmp_path):
    assert rows(tmp_path, b"00042Garcia\n", CARDS, "cpy") == [(1, 1, "", "00042", "Garcia")]


def test_a_card_that_continues_another_is_refused(tmp_path):
    with pytest.raises(SettingsError, match="line 2: the line continues the one before"):
        rows(tmp_path, b"", "000100 01  R.\n000800-    'more'.\n", "cpy")


def test_what_stands_behind_a_card_and_is_code_is_no_mark(tmp_path):
    card = "000800     05  STATUS PIC X(4)" + 42 * " "
    with pytest.raises(SettingsError, match=r"line 2: STATUS repeats \(OCCURS\)"):
        rows(tmp_path, b"", f"000100 01  R.\n{card}OCCURS 2\n", "cpy")


def test_columns_of_a_copybook_have_underscores(tmp_path):
    (tmp_path / "T.txt").write_bytes(b"")
    (tmp_path / "layout.cpy").write_text(COPYBOOK)
    source = FixedWidthSource("old", str(tmp_path / "*.txt"), str(tmp_path / "layout.cpy"))
    (batch,) = source.read("T", 10)
    assert batch.schema.names[3:] == ["CASE_ID", "LAST_NM", "BALANCE", "FACTOR", "NET", "STATUS_CD"]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("05 A PIC X(3) OCCURS 3 TIMES.", "line 2: A repeats"),
        ("05 A OCCURS 3 TIMES.", "line 2: A repeats"),
        ("05 A REDEFINES B PIC X.", "line 2: A redefines"),
        ("05 A PIC S9(4) COMP-3.", "line 2: A is a binary number"),
        ("05 A PIC X(4) COMP-X.", "line 2: A is a binary number"),
        ("05 A PIC X(4) USAGE COMPUTATIONAL-X.", "line 2: A is a binary number"),
        ("05 A BINARY-LONG.", "line 2: A says BINARY-LONG, which is not read there"),
        ("05 A SIGN TRAILING SEPARATE.", "line 2: A says SEPARATE, which is not read there"),
        ("05 A PIC 9(4) USAGE IS BINARY.", "line 2: A is a binary number"),
        ("05 A PIC ZZ9.99.", "line 2: A has a PICTURE"),
        ("01 OTHER-RECORD.", "line 2: a second record"),
        ("MOVE A TO B.", "line 2: this is no item"),
    ],
)
def test_what_a_copybook_cannot_say_exactly_is_refused_by_name(tmp_path, line, said):
    with pytest.raises(SettingsError, match=said):
        rows(tmp_path, b"", f"01 R.\n{line}\n", "cpy")


@pytest.mark.parametrize(
    ("layout", "said"),
    [
        ("", "is no layout"),
        ("name,from,to\nA,1,2\n", "is no layout"),
        ("column,start,length\nA,0,2\n", "line 2 does not say where"),
        ("column,start,length\nA,1\n", "line 2 does not say where"),
        ("column,start,length\nA,1,x\n", "line 2 does not say where"),
        ("column,start,length,type\nA,1,2,money\n", "line 2 has a type that is not known"),
        ("column,start,length\nFILLER,1,2\n", "names no column"),
    ],
)
def test_a_layout_that_says_too_little_is_refused(tmp_path, layout, said):
    with pytest.raises(SettingsError, match=said):
        rows(tmp_path, b"", layout)


def test_a_missing_layout_is_an_error_that_names_it(tmp_path):
    (tmp_path / "T.txt").write_bytes(b"")
    source = FixedWidthSource("old", str(tmp_path / "*.txt"), str(tmp_path / "none.csv"))
    with pytest.raises(SourceUnavailable, match=r"layout none\.csv of source old cannot be opened"):
        list(source.read("T", 10))
