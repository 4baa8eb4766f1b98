"""decisions.csv: one line a code that may be shown, the most useful first, harmless in a spreadsheet."""

from __future__ import annotations

import csv
from pathlib import Path

from etl.report.decision_sheet import write_decisions
from etl.report.decisions import Decision


def decision(value: str, field: str = "county", rows: int = 1) -> Decision:
    return Decision("unmapped_value", "people", field, "county", value, rows, 1)


def lines(tmp_path: Path, *decisions: Decision) -> list[dict[str, str]]:
    path = tmp_path / "decisions.csv"
    write_decisions(path, decisions)
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def test_each_code_stands_once_with_room_for_the_answer(tmp_path):
    found = lines(tmp_path, decision("ZZ", rows=3), decision("ZZ", "birth_county"), decision("Y"))
    assert [(each["code"], each["rows"], each["frees"], each["field"]) for each in found] == [
        ("ZZ", "3", "1", "people.county"),
        ("Y", "1", "1", "people.county"),
    ]
    assert {each["target"] + each["decided_by"] + each["note"] for each in found} == {""}


def test_codes_that_are_not_shown_whole_are_left_out(tmp_path):
    assert lines(tmp_path, decision(""), decision("aaaa 99…")) == []


def test_a_code_that_a_spreadsheet_would_run_is_made_harmless(tmp_path):
    assert [each["code"] for each in lines(tmp_path, decision("=1+1"))] == ["'=1+1"]
