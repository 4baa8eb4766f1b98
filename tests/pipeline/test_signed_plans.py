"""`run --plan` loads exactly what was planned and signed: whatever differs by then is told with its place, and nothing sent."""

from __future__ import annotations

import json
import shutil

import pytest

from etl import __version__
from etl.core.errors import Interrupted
from etl.pipeline import runs
from etl.state.identity import Moment
from etl.state.witness import Witness
from tests.e2e.harness import etl, sandbox, small, writes


@pytest.fixture
def casebook():
    with sandbox() as handle:
        yield handle


@pytest.fixture
def place(tmp_path, casebook):
    return small(tmp_path, casebook.base_url)


def planned(place, **signed):
    """A plan file of what would be done now, signed."""
    ended = etl("plan", place.project, "--progress", "none")
    assert ended.code == 0, ended.text
    file = place.latest("plan.json")
    assert f"To sign: {file}" in ended.out
    content = json.loads(file.read_text("utf-8"))
    assert content["signed_by"] == ""
    file.write_text(json.dumps(content | {"signed_by": "Ines Ward"} | signed), "utf-8")
    return file


def replace(place, file, old, new):
    path = place.folder / "data" / file
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new), "utf-8")


def refused(place, casebook, file):
    """How the run answers; it has sent nothing."""
    before = writes(casebook.oracle)
    ended = place.run("--plan", file, "--json")
    assert ended.code == 2, ended.text
    assert writes(casebook.oracle) == before
    assert ended.answer["error"]["code"] == "stale_plan"
    return ended.answer["error"]["message"], ended.answer["error"]["hint"]


def test_a_signed_plan_is_loaded_and_the_audit_trail_says_who_signed_it(place, casebook):
    file = planned(place)
    ended = place.run("--plan", file)
    assert ended.code == 0, ended.text
    assert casebook.oracle.counts()["person"] == 4
    (line,) = (place.runs / "small-sandbox.audit.jsonl").read_text("utf-8").splitlines()
    told = json.loads(line)
    assert (told["decision"], told["plan"], told["signed_by"]) == ("run plan", file.parent.name, "Ines Ward")


def test_the_file_states_what_would_be_done_and_no_value(place):
    text = planned(place).read_text("utf-8")
    content = json.loads(text)
    people = content["mappings"]["people"]
    assert [people[each] for each in ("create", "update", "adopt", "nothing", "blocked")] == [4, 0, 0, 0, 0]
    assert content["sources"]["legacy.CASES"]["rows"] == 3
    assert "Vale" not in text


def test_rows_that_came_since_are_told_by_table_and_mapping(place, casebook):
    file = planned(place)
    replace(place, "PERSONS.csv", "4,Dot", "5,Eve,Moss,2013-09-10,\n4,Dot")
    message, hint = refused(place, casebook, file)
    assert "source legacy.PERSONS has 5 rows (planned: 4)" in message
    assert "mapping people: 5 to create (planned: 4)" in message
    assert "legacy.CASES" not in message
    assert "casebook-etl plan" in hint


def test_another_value_in_as_many_rows_is_told(place, casebook):
    file = planned(place)
    replace(place, "PERSONS.csv", "Dot,Moss", "Dot,Reed")
    message, _ = refused(place, casebook, file)
    assert "source legacy.PERSONS has 4 rows as planned, but not the same ones" in message
    assert "mapping people: as many records as planned, but not the same ones or not with the same values" in message
    assert "mapping cases" not in message


def test_what_was_loaded_since_is_told(place, casebook):
    file = planned(place)
    assert place.run().code == 0
    message, _ = refused(place, casebook, file)
    assert "mapping people: 0 to create (planned: 4), 4 to leave alone (planned: 0)" in message


def test_a_changed_mapping_is_told_with_its_file(place, casebook):
    file = planned(place)
    place.edit("cases.yaml", "case_status: {const: Open}", "case_status: {const: Closed}")
    message, _ = refused(place, casebook, file)
    assert "cases.yaml: mapping cases has changed" in message
    assert "people.yaml" not in message


def test_whatever_else_it_was_planned_with_has_to_be_the_same(place, casebook):
    names = ("address", "application", "code", "catalogue", "options", "mapping")
    message, _ = refused(place, casebook, planned(place, **dict.fromkeys(names, "other")))
    first, *told = message.splitlines()
    assert first.startswith("What would be done now is not the signed plan")
    assert [line.strip() for line in told] == [
        f"project.yaml: profile sandbox leads to {casebook.base_url} (planned: other)",
        "project.yaml: profile sandbox is another tenant or registered application",
        f"casebook-etl is version {__version__} (planned: other)",
        "the catalogue, or the tenant's overlay or capability profile, has changed",
        "the tenant offers other options in its lists",
        "project.yaml: the time zone or what is ignored has changed",
    ]


@pytest.mark.parametrize("signed", ["", "  "])
def test_a_plan_that_nobody_signed_is_refused(place, casebook, signed):
    ended = place.run("--plan", planned(place, signed_by=signed))
    assert ended.code == 2
    assert "Nobody has signed plan.json" in ended.err
    assert writes(casebook.oracle) == []


@pytest.mark.parametrize("name", ["project", "profile"])
def test_a_plan_of_another_project_or_profile_is_refused(place, name):
    ended = place.run("--plan", planned(place, **{name: "other"}))
    assert ended.code == 2
    assert f"plans a load of {name} other, not of" in ended.err


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (None, "There is no plan file plan.json."),
        ("{\n  oops", "plan.json:2:3: This is no JSON."),
        ("{}", "plan.json: `plan` cannot be so: Field required."),
        ("[]", "plan.json: ``"),
    ],
)
def test_a_file_that_is_no_plan_is_refused_with_its_place(place, tmp_path, text, told):
    file = tmp_path / "plan.json"
    if text is not None:
        file.write_text(text, "utf-8")
    ended = place.run("--plan", file)
    assert ended.code == 2
    assert told in ended.err


def test_what_a_refused_run_planned_is_not_what_verify_reads_back_against(place, casebook):
    assert place.run().code == 0
    file = planned(place)
    replace(place, "PERSONS.csv", "Dot,Moss", "Dot,Reed")
    refused(place, casebook, file)
    ended = etl("verify", place.project, "--progress", "none")
    assert ended.code == 0, ended.text


def test_nor_is_what_a_run_planned_that_passed_the_limit_of_problems(place, casebook):
    assert place.run().code == 0
    place.edit("project.yaml", "quiet_s: 0.3", "quiet_s: 0.3, max_problems: 0")
    replace(place, "PERSONS.csv", "4,Dot,Moss,2012-09-10", "4,Dot,Reed,2012-09-10,\n5,Eve,Moss,never")
    assert place.run().code == 4
    ended = etl("verify", place.project, "--progress", "none")
    assert ended.code == 0, ended.text


def test_a_plan_is_not_combined_with_sending_refused_records_again(place):
    assert place.run("--plan", "plan.json", "--retry", "rejected").code == 2


def test_an_unfinished_run_goes_on_under_its_own_signed_plan_and_under_no_other(place, casebook, monkeypatch):
    file = planned(place)
    with monkeypatch.context() as patched:
        patched.setattr(runs, "load", interrupted)
        assert place.run("--plan", file).code == 130
    replace(place, "PERSONS.csv", "Dot,Moss", "Dot,Reed")
    message, hint = refused(place, casebook, planned(place))
    assert "is not finished, and its plan is not the signed plan" in message
    assert "--fresh" in hint
    ended = place.run("--plan", file)
    assert ended.code == 0, ended.text
    assert place.summary()["rates"]["load_s"] > 0
    assert place.summary()["rates"]["records_per_s"] == 0, "it was continued"
    assert [each.attributes["last_name"] for each in casebook.oracle.records("person")].count("Moss") == 1


def interrupted(*_):
    raise Interrupted("Stopped.")


def test_a_witness_that_is_read_amid_its_writing_calls_no_state_old(place, monkeypatch):
    assert place.run().code == 0
    seen, torn = Witness.seen, [Moment(9, 9)]
    monkeypatch.setattr(Witness, "seen", lambda self: torn.pop() if torn else seen(self))
    assert etl("status", place.project, "--json").answer["is_outdated"] is False
    assert torn == []


def test_nothing_is_planned_or_settled_with_a_state_that_is_not_the_newest(place, tmp_path):
    table = place.folder / "data" / "PERSONS.csv"
    assert place.run().code == 0
    assert etl("state", "export", tmp_path / "old.db", place.project).code == 0
    table.write_text(table.read_text("utf-8") + "9,Gil,Moss,2012-09-10,\n", "utf-8")
    assert place.run().code == 0
    assert "Not the newest" not in etl("status", place.project).out
    shutil.copy(tmp_path / "old.db", place.state)
    refusal = place.run("--json")
    ended = etl("plan", place.project, "--progress", "none", "--json")
    assert (ended.code, ended.answer["error"]) == (refusal.code, refusal.answer["error"])
    assert (ended.code, ended.answer["error"]["code"]) == (3, "state_outdated")
    assert not list(place.runs.glob("*/plan.json"))
    assert f"Not the newest: {ended.answer['error']['message']}" in etl("status", place.project).out
    assert etl("status", place.project, "--json").answer["is_outdated"] is True
    for options in ([], ["--match", "a" * 32, "new"], ["--absent", "person"], ["--found", "a" * 32, "1"]):
        resolved = etl("resolve", place.project, "--json", *options)
        assert (resolved.code, resolved.answer["error"]) == (refusal.code, refusal.answer["error"]), options
    (run_id, *_) = [row["run_id"] for row in etl("status", place.project, "--json").answer["runs"]]
    undone = etl("undo", run_id, place.project, "--dry-run", "--json")
    assert (undone.code, undone.answer["error"]) == (refusal.code, refusal.answer["error"])
    assert "The state is not the newest: " in etl("where", "1", "--project", place.project).out
    assert etl("where", "1", "--project", place.project, "--json").answer["is_outdated"] is True
    validated = etl("validate", place.project, "--progress", "none", "--json")
    assert (validated.code, validated.answer["verdict"]["state"]) == (1, "not_ready")
    assert "the state database is not the newest" in validated.answer["verdict"]["sentence"]
