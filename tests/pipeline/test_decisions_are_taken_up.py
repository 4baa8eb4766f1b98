"""`resolve --decisions`: the whole sheet or nothing, and the project is sound afterwards."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from etl.cli import app

MAPPINGS = Path(__file__).parents[2] / "mappings"
HEAD = "crosswalk,code,target,rows,frees,field,decided_by,note\n"


@pytest.fixture
def project(tmp_path):
    folder = tmp_path / "mappings" / "demo_agency"
    shutil.copytree(MAPPINGS / "demo_agency", folder)
    return folder


def resolve(project: Path, *lines: str):
    sheet = project.parent / "decisions.csv"
    sheet.write_text(HEAD + "".join(f"{line}\n" for line in lines), encoding="utf-8-sig")
    return CliRunner().invoke(app, ["resolve", str(project), "--decisions", str(sheet), "--json"])


def test_decisions_enter_their_crosswalks_and_the_audit(project):
    ended = resolve(project, "case_status,P,Open,2,2,cases.case_status,intake lead,", "county,ZZ,,1,1,x,,")
    assert (ended.exit_code, json.loads(ended.stdout)) == (0, {"decided": {"case_status": 1}})
    assert "P,Open,intake lead," in (project / "crosswalks" / "case_status.csv").read_text()
    audit = (project.parent.parent / "runs" / "demo_agency-sandbox.audit.jsonl").read_text()
    assert json.loads(audit)["decided"] == {"case_status": 1}


def test_a_label_that_casebook_does_not_have_leaves_every_crosswalk_as_it_was(project):
    before = {path: path.read_bytes() for path in (project / "crosswalks").iterdir()}
    ended = resolve(project, "case_status,P,Open,2,2,x,,", "gender,9 | ,Femal,1,1,x,,")
    assert ended.exit_code == 2
    assert "Did you mean `Female`?" in ended.stdout
    assert {path: path.read_bytes() for path in (project / "crosswalks").iterdir()} == before


def test_a_sheet_that_is_not_there_is_told(project):
    ended = CliRunner().invoke(app, ["resolve", str(project), "--decisions", "nowhere.csv"])
    assert ended.exit_code == 2
    assert "decisions.csv" in ended.stderr
