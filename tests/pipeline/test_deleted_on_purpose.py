"""A record that people deleted in Casebook on purpose: said once, with a reason, and neither told again nor made again."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from etl.cli.progress import QuietProgress
from etl.core.errors import MappingError, SettingsError
from etl.core.keys import RecordKey
from etl.pipeline import runs, settling, settling_sheet, state_care
from etl.pipeline.settling import Decision, Verdict
from etl.pipeline.wiring import Setting
from tests.e2e.harness import etl
from tests.pipeline.lone import losing, setting_at, write_project

WHY = "closed by court order"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_project(tmp_path, "2,Bo,Reed")


@pytest.fixture
def sandbox():
    with losing("") as handle:
        yield handle


@pytest.fixture
def gone(folder, sandbox):
    return loaded_and_gone(folder, sandbox)


def loaded_and_gone(folder: Path, sandbox):
    """The project, loaded, and the record that somebody deleted in Casebook then: its row and its key."""
    setting = setting_at(folder, sandbox.base_url)
    assert runs.run(setting, QuietProgress()).exit_code == 0
    bo = next(each for each in sandbox.oracle.records("person") if each.attributes["first_name"] == "Bo")
    row = sandbox.oracle.database.row(bo.id)
    sandbox.oracle.database.remove(bo.id)
    with setting.reader() as state:
        key = state.by_target_id("person", [bo.id])[bo.id]
    return setting, row, key


def acknowledge(setting: Setting, key: RecordKey) -> None:
    settling.settle_one(setting, Decision(key, Verdict.DELETED, why=WHY))


def read_back(setting: Setting) -> tuple[int, dict[str, int], dict[str, int]]:
    finished = runs.verify(setting, QuietProgress())
    assert finished.summary.verify is not None
    return finished.exit_code, finished.summary.verify.findings, finished.summary.verify.deleted


def audit_of(setting: Setting) -> list[dict]:
    path = setting.project.runs_folder / "lone-sandbox.audit.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_what_is_acknowledged_is_no_finding_any_more_and_is_not_made_again(gone, sandbox):
    setting, row, key = gone
    assert read_back(setting) == (1, {"lost_in_target": 1}, {})
    acknowledge(setting, key)
    assert read_back(setting) == (0, {}, {"person": 1})
    assert runs.run(setting, QuietProgress()).exit_code == 0
    assert sandbox.oracle.counts()["person"] == 1
    (line,) = audit_of(setting)
    told = (line["decision"], line["entity"], line["record_key"], line["target_id"], line["why"])
    assert told == ("deleted", "person", key, row.id, WHY)
    assert line["by"]


def test_a_change_of_its_row_is_not_told_as_refused(gone, folder, sandbox):
    setting, _, key = gone
    acknowledge(setting, key)
    assert read_back(setting)[0] == 0
    file = folder / "PERSONS.csv"
    file.write_text(file.read_text().replace("Reed", "Moss"))
    finished = runs.run(setting, QuietProgress())
    assert (finished.exit_code, finished.summary.entities["person"].unchanged) == (0, 2)
    assert sandbox.oracle.counts()["person"] == 1


def test_nothing_is_told_to_be_left_of_it(folder, sandbox):
    mapping, file = folder / "people.yaml", folder / "PERSONS.csv"
    mapping.write_text(mapping.read_text().replace("last_name: LAST", "last_name: LAST, middle_name: MID"))
    file.write_text("ID,FIRST,LAST,MID\n1,Ana,Rivera,Sol\n2,Bo,Reed,Kim\n")
    setting, _, key = loaded_and_gone(folder, sandbox)
    file.write_text("ID,FIRST,LAST,MID\n1,Ana,Rivera,\n2,Bo,Reed,\n")
    assert runs.run(setting, QuietProgress()).summary.problems["value_left"] == {"warn": 2}
    acknowledge(setting, key)
    assert runs.run(setting, QuietProgress()).summary.problems["value_left"] == {"warn": 1}, "of the other one alone"


def test_what_is_still_in_casebook_cannot_be_acknowledged(gone, sandbox):
    setting, row, key = gone
    sandbox.oracle.database.insert(row, [], [], 0)
    with pytest.raises(SettingsError, match=f"is in Casebook: person {row.id}"):
        acknowledge(setting, key)
    assert read_back(setting) == (0, {}, {})


def test_what_was_never_loaded_cannot_be_acknowledged(gone):
    setting, _, _ = gone
    with pytest.raises(SettingsError, match="was not loaded"):
        acknowledge(setting, RecordKey("0" * 32))


def test_what_comes_back_is_compared_again_and_told_when_it_goes_again(gone, sandbox):
    setting, row, key = gone
    acknowledge(setting, key)
    sandbox.oracle.database.insert(row, [], [], 0)
    assert read_back(setting) == (0, {}, {})
    sandbox.oracle.database.remove(row.id)
    assert read_back(setting) == (1, {"lost_in_target": 1}, {})
    assert [line["decision"] for line in audit_of(setting)] == ["deleted", "returned"]


def test_a_sample_does_not_tell_it_either(gone):
    setting, _, key = gone
    acknowledge(setting, key)
    finished = runs.verify(setting, QuietProgress(), runs.Scope(count=2, seed=1))
    assert (finished.exit_code, finished.summary.verify.deleted) == (0, {"person": 1})


def test_a_rebuilt_state_knows_it_from_the_audit_trail(gone, sandbox):
    setting, _, key = gone
    acknowledge(setting, key)
    state_care.rebuild(setting, QuietProgress())
    with pytest.raises(SettingsError, match="since its state was made anew"):
        runs.verify(setting, QuietProgress())
    assert runs.run(setting, QuietProgress()).exit_code == 0
    assert sandbox.oracle.counts()["person"] == 1
    assert read_back(setting) == (0, {}, {"person": 1})


def test_many_are_acknowledged_by_a_file_each_with_its_reason(gone, tmp_path):
    setting, _, key = gone
    sheet = tmp_path / "gone.csv"
    sheet.write_text(f"record_key,decision,id,why\n{key},deleted,,\n")
    with pytest.raises(MappingError, match="reason of a deletion is missing"):
        settling_sheet.settle_sheet(setting, sheet)
    sheet.write_text(f"record_key,decision,id,why\n{key},deleted,,{WHY}\n")
    assert settling_sheet.settle_sheet(setting, sheet).count == 1
    assert read_back(setting)[0] == 0


@pytest.mark.parametrize("options", [["--deleted", "0" * 32], ["--why", WHY], ["--deleted", "0" * 32, "--why", " "]])
def test_a_deletion_and_its_reason_go_together(folder, options):
    ended = etl("resolve", folder, *options)
    assert ended.code == 2
    assert "go together" in ended.err
