"""problems.csv: one line a problem, for a spreadsheet, harmless to open."""

from __future__ import annotations

import csv
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from etl.core.problems import PROBLEM_SCHEMA
from etl.report import write_report
from etl.report.worklist import COLUMNS, neutral

from .conftest import MakeRun, problem, write


def lines_of(folder: Path) -> list[dict[str, str]]:
    write_report(folder)
    with (folder / "problems.csv").open(encoding="utf-8-sig", newline="") as stream:
        return list(csv.DictReader(stream))


def test_a_problem_is_a_line_with_its_place_its_remedy_and_room_for_an_answer(make_run: MakeRun) -> None:
    (line,) = lines_of(make_run(problems=[problem("too_long", 7, record_key="ab" * 16, detail="limit 40")]))
    assert tuple(line) == COLUMNS
    assert line["title"] == "Text longer than the field"
    assert line["remedy"] == "Shorten it in the source, or use `truncate:`."
    assert (line["table"], line["row"], line["line"], line["detail"]) == ("legacy.PERSONS", "7", "8", "limit 40")
    assert (line["answer"], line["by"]) == ("", "")


def test_a_run_without_problems_has_a_worklist_of_a_heading(make_run: MakeRun) -> None:
    assert lines_of(make_run()) == []


def test_problems_of_loading_and_findings_of_reading_back_follow(make_run: MakeRun) -> None:
    finding = {"code": "altered_in_target", "entity": "person", "mapping": "people", "target_id": "9", "field": "ssn"}
    folder = make_run(problems=[problem("too_long")], command="run", verify={"findings": [finding]})
    write(folder / "load_problems.parquet", [problem("rejected_by_target")], PROBLEM_SCHEMA)
    lines = lines_of(folder)
    assert [line["code"] for line in lines] == ["too_long", "rejected_by_target", "altered_in_target"]
    assert (lines[2]["field"], lines[2]["detail"], lines[2]["row"]) == ("ssn", "Casebook id 9", "")


def test_a_problem_without_a_place_has_empty_cells(make_run: MakeRun) -> None:
    (line,) = lines_of(make_run(problems=[problem("option_not_checked", None, severity="info")]))
    assert (line["row"], line["line"], line["record_key"]) == ("", "", "")


def test_a_code_of_another_version_stands_for_itself(make_run: MakeRun) -> None:
    (line,) = lines_of(make_run(problems=[problem("later_code")]))
    assert (line["code"], line["title"], line["remedy"]) == ("later_code", "later_code", "")


def test_names_with_quotes_commas_and_line_ends_stay_in_their_cells(make_run: MakeRun) -> None:
    (line,) = lines_of(make_run(problems=[problem("too_long", field='a "b", c\nd')]))
    assert line["field"] == 'a "b", c\nd'


@pytest.mark.parametrize(
    "cell",
    [
        "=1+1",
        "+1",
        "-1",
        "@SUM(A1)",
        "\t=1",
        "\r=1",
        "\n=1",
        "\0x",
        "  =1",
        "\u00a0=1",
        "\uff1d1",
        "\uff0b1",
        "\uff0d1",
        "\uff20x",
        "\ufeff=1",
    ],
)
def test_what_a_spreadsheet_would_run_is_text(make_run: MakeRun, cell: str) -> None:
    (line,) = lines_of(make_run(problems=[problem("too_long", field=cell)]))
    assert line["field"].startswith("'")
    assert line["field"].endswith(cell.lstrip("\r\n\t") if cell[0] in "\r\n\t" else cell)


def test_a_formula_on_a_later_line_of_a_cell_is_text_too() -> None:
    assert neutral(pa.array(["a\n=1", "a\r\n +1", "plain - text = fine"])).to_pylist() == [
        "a\n'=1",
        "a\r'\n +1",
        "plain - text = fine",
    ]


@given(st.text(max_size=20))
def test_no_line_of_a_cell_begins_like_a_formula_and_nothing_else_changes(text: str) -> None:
    (safe,) = neutral(pa.array([text], pa.string())).to_pylist()
    assert safe.replace("'", "") == text.replace("'", "")
    for line in safe.replace("\r", "\n").split("\n"):
        assert not line.strip().startswith(("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20"))
