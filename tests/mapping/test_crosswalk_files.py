"""Crosswalks are spreadsheets: codes stay text, open rows stay open, slips are told at their line."""

from __future__ import annotations

import pytest

from etl.mapping.crosswalks import read_crosswalks


def read(folder, text, name="gender", encoding="utf-8"):
    folder = folder / "crosswalks"
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.csv").write_bytes(text.encode(encoding))
    found = []
    return read_crosswalks(folder, found).get(name), [f"{each.file}:{each.line} {each.message}" for each in found]


def test_codes_are_text_and_advice_is_left_out(tmp_path):
    crosswalk, found = read(
        tmp_path, "FEMALE,MALE,target,rows,decided_by,decided_on,note\n01,1,Male,9,lead,2026-02-11,\n9,,,2,,,OPEN\n"
    )
    assert found == []
    assert crosswalk.columns == ("FEMALE", "MALE")
    assert [(row.codes, row.target, row.line) for row in crosswalk.rows] == [
        (("01", "1"), "Male", 2),
        (("9", ""), "", 3),
    ]


def test_wildcards_and_quoted_cells_are_kept(tmp_path):
    crosswalk, _ = read(tmp_path, 'A,B,target\r\n*,"x, y",One\r\n\r\n"two\nlines",*,Two\r\n1,1,Three\r\n')
    assert [(row.codes, row.line) for row in crosswalk.rows] == [
        (("*", "x, y"), 2),
        (("two\nlines", "*"), 4),
        (("1", "1"), 6),
    ]


def test_a_spreadsheets_byte_order_mark_is_taken_off(tmp_path):
    crosswalk, _ = read(tmp_path, "SEX,target\n1,Male\n", encoding="utf-8-sig")
    assert crosswalk.columns == ("SEX",)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "1 The crosswalk is empty."),
        ("SEX,goal\n", "1 The header has no column `target`."),
        ("target\n", "1 The header needs distinct code columns before `target`."),
        ("A,A,target\n", "1 The header needs distinct code columns before `target`."),
        ("A,target,decided\n", "1 Unknown column `decided` behind `target`."),
        ("A,target\n1,2,3\n", "2 The row has 3 cells, the header 2."),
        ("A,target\n1\n", "2 The row has 1 cells, the header 2."),
        ("A,target\n1,Male\n2,Female\n1,Female\n", "4 The code 1 stands here again (first in line 2)."),
        ('A,target\n1,Male\n"2,Female\n', "3 A quote is not closed or stands inside a cell."),
    ],
)
def test_a_slip_is_told_at_its_line(tmp_path, text, expected):
    crosswalk, found = read(tmp_path, text)
    assert crosswalk is None
    assert found == [f"crosswalks/gender.csv:{expected}"]


def test_a_crosswalk_in_another_encoding_is_told_at_its_line(tmp_path):
    crosswalk, found = read(tmp_path, "A,target\n1,Male\nÉ,Female\n", encoding="cp1252")
    assert crosswalk is None
    assert found == ["crosswalks/gender.csv:3 The file is not UTF-8."]


def test_a_header_split_by_semicolons_gets_the_right_advice(tmp_path):
    found = []
    (tmp_path / "a.csv").write_text("SEX;target\n1;Male\n")
    read_crosswalks(tmp_path, found)
    assert found[0].hint == "Separate cells with commas."


def test_a_misspelt_target_is_named_as_what_has_to_change(tmp_path):
    found = []
    (tmp_path / "a.csv").write_text("SEX,targt\n1,Male\n")
    read_crosswalks(tmp_path, found)
    assert found[0].hint == "Call `targt` `target`, if it holds the labels."


def test_a_broken_crosswalk_makes_no_field_look_wrong(desk):
    documents = {"people.yaml": desk.people("gender: {from: S, crosswalk: sex}"), "crosswalks/sex.csv": "S,target\n1\n"}
    assert [str(each)[:22] for each in desk.mistakes(documents)] == ["crosswalks/sex.csv:2:1"]


def test_advice_and_the_order_of_exact_rows_are_outside_the_checksum(tmp_path):
    first, _ = read(tmp_path, "A,target,rows,note\n1,Male,7,\n2,Female,8,OPEN\n")
    second, _ = read(tmp_path, "A,target,note\n2,Female,\n1,Male,asked\n")
    assert first.checksum == second.checksum


@pytest.mark.parametrize(
    "text",
    [
        "A,target\n1,Male\n2,\n",
        "A,target\n1,Male\n02,Female\n",
        "B,target\n1,Male\n2,Female\n",
        "A,target\n1,Male\n2,Female\n*,Unknown\n",
    ],
)
def test_a_changed_decision_changes_the_checksum(tmp_path, text):
    first, _ = read(tmp_path, "A,target\n1,Male\n2,Female\n")
    second, _ = read(tmp_path, text)
    assert first.checksum != second.checksum


def test_the_order_of_wildcards_is_a_decision(tmp_path):
    first, _ = read(tmp_path, "A,B,target\n1,*,Male\n*,1,Female\n")
    second, _ = read(tmp_path, "A,B,target\n*,1,Female\n1,*,Male\n")
    assert first.checksum != second.checksum
