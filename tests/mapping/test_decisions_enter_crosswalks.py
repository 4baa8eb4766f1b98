"""A sheet of decisions fills or adds rows of crosswalks; all other lines, and what is decided already, stay."""

from __future__ import annotations

import csv
import io

import pytest

from etl.core.decisions import COLUMNS
from etl.core.errors import Mistake
from etl.mapping.crosswalk_edits import decided_in, with_decisions
from etl.mapping.crosswalks import read_crosswalks
from etl.mapping.sheets import sheet_records

TEXT = 'A,B,target,decided_by,decided_on,note\n# kept,x,Male,,,"two\nlines"\n1, 2 ,,,,why?\n3,*,Female,me,,\n'


@pytest.fixture
def decide(tmp_path):
    """Takes rows of a sheet (crosswalk, code, target, by) up into a crosswalk's text; gives it back, and the mistakes."""

    def run(*rows: tuple[str, str, str, str], text: str = TEXT) -> tuple[str, list[Mistake]]:
        (tmp_path / "gender.csv").write_bytes(text.encode())
        found: list[Mistake] = []
        crosswalks = read_crosswalks(tmp_path, found)
        sheet = io.StringIO()
        csv.writer(sheet).writerows([COLUMNS, *((*row[:3], "9", "9", "people.gender", row[3], "") for row in rows)])
        records = list(sheet_records(sheet.getvalue(), print))
        decisions = list(decided_in(records, "decisions.csv", crosswalks, found))
        return with_decisions(text, crosswalks["gender"], decisions, "2026-01-31"), found

    return run


def test_an_open_row_is_filled_and_keeps_its_advice(decide):
    after, found = decide(("gender", "1 | 2", "Unknown", "intake lead"))
    assert found == []
    assert after == TEXT.replace("1, 2 ,,,,why?", "1, 2 ,Unknown,intake lead,2026-01-31,why?")


def test_a_code_without_a_row_gets_one_at_the_end(decide):
    after, _ = decide(("gender", "7 |", "Male", ""), ("gender", "'=x | y", "Female", ""))
    assert after == TEXT + "7,,Male,,2026-01-31,\n=x,y,Female,,2026-01-31,\n"


def test_line_ends_stay_and_a_last_line_without_one_gets_it(decide):
    text = "A,B,target\r\n1,2,"
    assert decide(("gender", "1 | 2", "Male", ""), text=text)[0] == "A,B,target\r\n1,2,Male\r\n"
    assert decide(("gender", "1 | 3", "Male", ""), text=text)[0] == "A,B,target\r\n1,2,\r\n1,3,Male\r\n"


def test_lines_without_a_target_decide_nothing(decide):
    assert decide(("gender", "1 | 2", "", "me")) == (TEXT, [])


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (("gendr", "1 | 2", "Male", ""), "Did you mean `gender`?"),
        (("gender", "1", "Male", ""), "2 code columns, here are 1"),
        (("gender", "# kept | x", "Female", ""), "Line 2 of `gender` says otherwise"),
    ],
)
def test_what_does_not_fit_is_told_with_its_line(decide, row, said):
    after, found = decide(row)
    assert after == TEXT
    assert [(each.file, each.line) for each in found] == [("decisions.csv", 2)]
    assert said in str(found[0])


def test_another_sheet_is_no_sheet_of_decisions(tmp_path):
    found: list[Mistake] = []
    assert list(decided_in([(1, ["code", "target"])], "problems.csv", {}, found)) == []
    assert [each.code for each in found] == ["decisions"]
