"""A cell of several codes, from the source to the sheet of decisions and back into the crosswalk."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from etl.cli import app

PROJECT = """\
project: small
timezone: UTC
sources: {legacy: {csv: "data/*.csv"}}
runs: runs
profiles: {sandbox: {base_url: "http://127.0.0.1:8089", token_url: "http://127.0.0.1:8089/t", tenant: sandbox}}
"""
PEOPLE = """\
mapping: people
target: person
source: legacy.P
key: ID
fields:
  first_name: F
  last_name: L
  races: {from: RACES, do: [{split: ";"}], crosswalk: race, on_unmapped: ask}
"""
ROWS = "ID,F,L,RACES\n1,Ana,Rivera,w;a\n2,Luis,Rivera,q; w;z\n3,Mia,Rivera,q;q\n4,Eva,Rivera,\n"
RACE = "RACES,target\nw,White\na,Asian\nx,Asian\n"


@pytest.fixture
def project(tmp_path):
    for name, text in {
        "project.yaml": PROJECT,
        "people.yaml": PEOPLE,
        "crosswalks/race.csv": RACE,
        "data/P.csv": ROWS,
    }.items():
        path = tmp_path / "small" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path / "small"


def invoke(*arguments: object):
    return CliRunner().invoke(app, [str(each) for each in arguments])


def newest_run(project: Path) -> Path:
    return max(each for each in (project / "runs").iterdir() if (each / "problems.parquet").is_file())


def test_each_unknown_code_of_a_cell_is_asked_and_its_answer_is_taken_up(project):
    assert invoke("validate", project).exit_code == 1
    run = newest_run(project)
    told = pq.read_table(run / "problems.parquet", columns=["code", "field", "row", "detail"]).to_pylist()
    assert [tuple(each.values()) for each in told] == [
        ("unmapped_value", "races", 2, "crosswalk race: q"),
        ("unmapped_value", "races", 2, "crosswalk race: z"),
        ("unmapped_value", "races", 3, "crosswalk race: q"),
    ]
    sheet = run / "decisions.csv"
    rows = list(csv.DictReader(sheet.read_text("utf-8-sig").splitlines()))
    assert [(each["code"], each["rows"], each["frees"]) for each in rows] == [("q", "2", "1"), ("z", "1", "0")]

    answers = {"q": "Asian", "z": "White"}
    with sheet.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, rows[0].keys())
        writer.writeheader()
        writer.writerows({**each, "target": answers[each["code"]]} for each in rows)
    assert invoke("resolve", project, "--decisions", sheet).exit_code == 0
    assert invoke("validate", project).exit_code == 0


def test_lint_knows_which_rows_of_the_crosswalk_lists_need(project):
    ended = invoke("lint", project, "--rows", "--json")
    told = [each for each in json.loads(ended.stdout)["findings"] if "crosswalk" in each["code"]]
    assert len(told) == 1
    assert told[0]["line"] == 4
