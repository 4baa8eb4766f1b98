"""Records whose answer was lost and whose absence cannot be proved: listed, settled by a person, sent by the next run."""

from __future__ import annotations

import json
import uuid
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from etl.catalog.loader import load_catalog
from etl.cli.progress import QuietProgress
from etl.core.changes import MarkUndone
from etl.core.errors import MappingError, SettingsError, StateOutdated
from etl.core.outcomes import RecordState
from etl.load.sampling import Scope
from etl.pipeline import runs, settling, settling_sheet
from etl.pipeline.deciding import take_decisions
from etl.pipeline.settling import Decision, Verdict
from etl.pipeline.wiring import Setting
from etl.sandbox import SandboxSettings, parse_faults, running
from etl.sandbox.database import Row
from tests.pipeline.lone import LOSES_THE_FIRST, MAPPING, losing, setting_at, write_project


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_project(tmp_path)


@pytest.fixture
def sandbox():
    with losing() as handle:
        yield handle


def held_at(folder: Path, sandbox) -> tuple[Setting, settling.Held]:
    """The project after a run whose one create was lost."""
    setting = setting_at(folder, sandbox.base_url)
    runs.run(setting, QuietProgress())
    (held,) = settling.held_records(setting)
    return setting, held


def somebody(sandbox, mark: str, *, entity: str = "person", **more: str) -> str:
    """A record that a worker entered, perhaps with a marker."""
    marked = {"custom_fields.migrationKey": mark} if mark else {}
    values = {"first_name": "Walt", "last_name": "Werner", **more, **marked}
    row = Row(entity, str(uuid.uuid4()), values, {}, "2026-01-01T00:00:00.000000Z", "a worker")
    sandbox.oracle.database.insert(row, [], [], 0)
    return row.id


def school(sandbox, person: str, name: str) -> str:
    """A school that a worker entered."""
    links = {"person": (person,)}
    row = Row("education", str(uuid.uuid4()), {"school_name": name}, links, "2026-01-01T00:00:00.000000Z", "a worker")
    sandbox.oracle.database.insert(row, [], [], 0)
    return row.id


def audit_of(setting: Setting) -> list[dict]:
    """The audit trail so far."""
    path = setting.project.runs_folder / "lone-sandbox.audit.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def state_of(setting: Setting, held: settling.Held) -> RecordState:
    with setting.reader() as state:
        return state.known([held.record_key])[held.record_key].state


def test_a_lone_lost_record_is_held_until_a_person_says_it_is_absent(folder, sandbox):
    setting = setting_at(folder, sandbox.base_url)
    assert runs.run(setting, QuietProgress()).exit_code == 1
    assert runs.run(setting, QuietProgress()).exit_code == 1, "it is never sent again without proof"
    assert [(each.entity, each.mapping) for each in settling.held_records(setting)] == [("person", "people")]
    assert sandbox.oracle.counts().get("person", 0) == 0
    assert settling.settle_absent(setting, "person") == 1
    assert runs.run(setting, QuietProgress()).exit_code == 0
    assert sandbox.oracle.counts()["person"] == 1


def test_a_run_is_not_complete_while_a_record_is_held_whose_row_has_left_the_source(folder):
    with losing("status_403(entity=person)@GET,reset_after_commit(entity=person)@POST:first=1") as sandbox:
        setting, held = held_at(folder, sandbox)
        (folder / "PERSONS.csv").write_text("ID,FIRST,LAST\n2,Bo,Reed\n")
        finished = runs.run(setting, QuietProgress())
        assert (finished.exit_code, state_of(setting, held)) == (1, RecordState.UNCERTAIN)
        assert "1 record of earlier runs, without a row in this one, is of uncertain effect" in (
            finished.summary.verdict.sentence
        )
        settling.settle_absent(setting, "person")
        assert runs.run(setting, QuietProgress()).exit_code == 0


def test_a_record_that_was_found_is_brought_up_to_date_by_the_next_run(folder, sandbox):
    setting, held = held_at(folder, sandbox)
    there = somebody(sandbox, held.marker)
    settling.settle_found(setting, held.record_key, there)
    assert runs.run(setting, QuietProgress()).exit_code == 0
    (record,) = sandbox.oracle.records("person")
    assert (record.id, record.attributes["first_name"]) == (there, "Ana")


@pytest.mark.parametrize(("policy", "told", "shown"), [("omit", ["value_left"], "Sol"), ("clear", [], None)])
def test_what_was_sent_before_a_record_was_found_is_told_or_cleared_once_the_source_has_it_no_more(
    folder, sandbox, policy, told, shown
):
    mapping = MAPPING.replace("fields: {", f"send_null: {policy}\nfields: {{middle_name: MIDDLE, ")
    (folder / "people.yaml").write_text(mapping)
    (folder / "PERSONS.csv").write_text("ID,FIRST,LAST,MIDDLE\n1,Ana,Rivera,Sol\n")
    setting, held = held_at(folder, sandbox)
    there = somebody(sandbox, held.marker, middle_name="Sol")
    settling.settle_found(setting, held.record_key, there)
    (folder / "PERSONS.csv").write_text("ID,FIRST,LAST,MIDDLE\n1,Ana,Rivera,\n")
    finished = runs.run(setting, QuietProgress())
    assert pq.read_table(finished.folder / "plan_problems.parquet")["code"].to_pylist() == told
    (record,) = sandbox.oracle.records("person")
    assert (record.attributes["first_name"], record.attributes.get("middle_name")) == ("Ana", shown)


@pytest.mark.parametrize("mark", ["", "mg1-" + "a" * 16])
def test_a_record_that_is_not_ours_is_refused_and_stays_as_it_is(folder, sandbox, mark):
    setting, held = held_at(folder, sandbox)
    worker = somebody(sandbox, mark)
    with pytest.raises(SettingsError, match="marker of another record" if mark else "no marker of ours"):
        settling.settle_found(setting, held.record_key, worker)
    runs.run(setting, QuietProgress())
    (record,) = sandbox.oracle.records("person")
    assert record.attributes["first_name"] == "Walt"


@pytest.mark.parametrize("target_id", ["not-an-id/../x", str(uuid.UUID(int=7))])
def test_an_id_under_which_casebook_shows_nothing_is_refused(folder, sandbox, target_id):
    setting, held = held_at(folder, sandbox)
    with pytest.raises(SettingsError, match="Casebook shows no person"):
        settling.settle_found(setting, held.record_key, target_id)


def test_the_id_of_a_record_of_another_entity_is_refused(folder, sandbox):
    setting, held = held_at(folder, sandbox)
    case = somebody(sandbox, held.marker, entity="case")
    with pytest.raises(SettingsError, match="Casebook shows no person"):
        settling.settle_found(setting, held.record_key, case)


def test_what_is_forced_is_believed_and_the_audit_trail_says_so(folder, sandbox):
    setting, held = held_at(folder, sandbox)
    worker = somebody(sandbox, "")
    settling.settle_found(setting, held.record_key, worker, force=True)
    assert [(line["decision"], line.get("forced")) for line in audit_of(setting)] == [(f"found {worker}", True)]


def test_a_wrong_answer_can_be_corrected_by_another_one(folder, sandbox):
    setting, held = held_at(folder, sandbox)
    wrong, right = somebody(sandbox, ""), somebody(sandbox, held.marker)
    settling.settle_found(setting, held.record_key, wrong, force=True)
    settling.settle_found(setting, held.record_key, right)
    assert runs.run(setting, QuietProgress()).exit_code == 0
    names = {record.id: record.attributes["first_name"] for record in sandbox.oracle.records("person")}
    assert names == {wrong: "Walt", right: "Ana"}


def test_a_record_wrongly_found_can_be_said_to_be_absent_and_is_then_created(folder, sandbox):
    setting, held = held_at(folder, sandbox)
    settling.settle_found(setting, held.record_key, somebody(sandbox, ""), force=True)
    settling.settle_one(setting, Decision(held.record_key, Verdict.ABSENT))
    assert runs.run(setting, QuietProgress()).exit_code == 0
    assert sandbox.oracle.markers()[held.marker] == 1


def test_a_record_that_nobody_settled_by_hand_cannot_be_given_another_id(folder, sandbox):
    setting, held = held_at(folder, sandbox)
    settling.settle_absent(setting, "person")
    runs.run(setting, QuietProgress())
    with pytest.raises(SettingsError, match="No held record"):
        settling.settle_found(setting, held.record_key, somebody(sandbox, ""), force=True)


def findings_of(setting: Setting, scope: Scope | None = None) -> list[tuple[str, str, str]]:
    """What reading back finds, and whether its exit code says so."""
    finished = runs.verify(setting, QuietProgress(), scope)
    found = json.loads((finished.folder / "manifest.json").read_text())["verify"]["findings"]
    assert finished.exit_code == bool(found)
    return [(each["code"], each["key"], each["target_id"]) for each in found]


@pytest.mark.parametrize("scope", [Scope(), Scope(count=1), Scope(share=0.01), Scope(part=(1, 1))], ids=str)
def test_what_takes_effect_after_it_was_said_to_be_absent_is_named_by_verify_and_can_be_taken_up(
    folder, sandbox, scope: Scope
):
    setting, held = held_at(folder, sandbox)
    settling.settle_absent(setting, "person")
    assert findings_of(setting, scope) == []
    late = somebody(sandbox, held.marker)
    assert findings_of(setting, scope) == [("duplicate_in_target", held.record_key, late)]
    settling.settle_found(setting, held.record_key, late)
    runs.run(setting, QuietProgress())
    assert findings_of(setting) == []
    (record,) = sandbox.oracle.records("person")
    assert (record.id, record.attributes["first_name"]) == (late, "Ana")


def test_a_run_sends_nothing_beside_what_took_effect_after_it_was_said_to_be_absent(folder, sandbox):
    setting, held = held_at(folder, sandbox)
    settling.settle_absent(setting, "person")
    somebody(sandbox, held.marker)
    assert isinstance(runs.run(setting, QuietProgress()).stopped, StateOutdated)
    assert sandbox.oracle.counts()["person"] == 1


def test_what_took_effect_too_late_is_named_beside_records_that_are_there(tmp_path):
    project = write_project(tmp_path, "2,Bo,Reed")
    with losing("") as sandbox:
        setting = setting_at(project, sandbox.base_url)
        assert runs.run(setting, QuietProgress()).exit_code == 0
        with setting.store("test") as store:
            known = next(store.in_state(RecordState.CREATED))
            store.commit(MarkUndone(known.key)).result()
        assert findings_of(setting) == [("duplicate_in_target", known.key, known.target_id)]


@pytest.mark.parametrize("scope", [Scope(), Scope(count=1)], ids=str)
def test_an_entity_that_may_not_be_listed_and_of_which_nothing_is_there_hinders_no_reading_back(folder, scope: Scope):
    with losing(f"{LOSES_THE_FIRST},status_403(entity=person)@GET") as sandbox:
        setting, _ = held_at(folder, sandbox)
        settling.settle_absent(setting, "person")
        finished = runs.verify(setting, QuietProgress(), scope)
    assert (finished.exit_code, finished.summary.verify.unsought) == (0, ("person",))


CONTACTS = """
mapping: contacts
target: education
source: legacy.SCHOOLS
key: ID
fields:
  person: {ref: person, key: PERSON}
  school_name: NAME
"""


def test_a_record_without_place_for_a_marker_is_known_by_its_creator_or_its_content(folder):
    (folder / "schools.yaml").write_text(CONTACTS)
    (folder / "SCHOOLS.csv").write_text("ID,PERSON,NAME\n1,1,Elm Street\n")
    faults = parse_faults("reset_before_commit(entity=education)@POST:first=1")
    with running(SandboxSettings(catalog=load_catalog("sandbox"), faults=faults)) as sandbox:
        setting = setting_at(folder, sandbox.base_url)
        runs.run(setting, QuietProgress())
        (held,) = settling.held_records(setting)
        (person,) = sandbox.oracle.records("person")
        strange, same = (school(sandbox, person.id, name) for name in ("Oak Street", "Elm Street"))
        with pytest.raises(SettingsError, match="holds other values"):
            settling.settle_found(setting, held.record_key, strange)
        settling.settle_found(setting, held.record_key, same)
        assert runs.run(setting, QuietProgress()).exit_code == 0


SHEET = "record_key,decision,id\n"


def test_a_file_settles_many_records_at_once_and_reads_what_a_spreadsheet_makes_of_it(folder, sandbox, tmp_path):
    setting, held = held_at(folder, sandbox)
    sheet = tmp_path / "decided.csv"
    there = somebody(sandbox, held.marker)
    sheet.write_text(f"\ufeff{SHEET}{held.record_key},found,{there}\n{'0' * 32},,\n")
    assert settling_sheet.settle_sheet(setting, sheet).count == 1
    assert runs.run(setting, QuietProgress()).exit_code == 0


@pytest.mark.parametrize(
    ("lines", "mistakes"),
    [
        ("KEY,absent,\n0,found,00000000-0000-0000-0000-000000000007\n1,absent,\n", [(3, "No held"), (4, "No held")]),
        ("KEY,keep,\nKEY,gone,\n,absent,\n", [(2, "The dec"), (3, "The dec"), (4, "The rec")]),
        # A mistake of form hides neither another of its line nor what state shows.
        ("KEY,absent,\n,gone,\n1,absent,\n", [(3, "The dec"), (3, "The rec"), (4, "No held")]),
    ],
)
def test_a_file_with_a_wrong_line_settles_nothing_and_names_every_mistake(folder, sandbox, tmp_path, lines, mistakes):
    setting, held = held_at(folder, sandbox)
    sheet = tmp_path / "decided.csv"
    sheet.write_text(SHEET + lines.replace("KEY", held.record_key))
    with pytest.raises(MappingError) as caught:
        settling_sheet.settle_sheet(setting, sheet)
    assert [(each.line, each.message[:7]) for each in caught.value.mistakes] == mistakes
    assert state_of(setting, held) is RecordState.UNCERTAIN
    assert not audit_of(setting)


def test_a_mistake_of_form_is_told_also_where_casebook_cannot_be_asked(folder, tmp_path):
    with losing() as casebook:
        setting, held = held_at(folder, casebook)
    sheet = tmp_path / "decided.csv"
    sheet.write_text(f"{SHEET}{held.record_key},found,{uuid.UUID(int=7)}\n{'1' * 32},gone,\n")
    with pytest.raises(MappingError) as caught:
        settling_sheet.settle_sheet(setting, sheet)
    assert [each.line for each in caught.value.mistakes] == [3]


def test_a_file_that_is_not_there_is_named_as_it_was_given(folder, sandbox, tmp_path):
    setting = setting_at(folder, sandbox.base_url)
    missing = tmp_path / "nowhere" / "decided.csv"
    for take in (settling_sheet.settle_sheet, take_decisions):
        with pytest.raises(SettingsError) as caught:
            take(setting, missing)
        assert str(missing) in caught.value.message


def test_one_record_is_not_decided_twice_and_one_id_is_not_given_twice(folder, sandbox, tmp_path):
    setting, held = held_at(folder, sandbox)
    sheet = tmp_path / "decided.csv"
    sheet.write_text(f"{SHEET}{held.record_key},absent,\n{held.record_key},absent,\n")
    with pytest.raises(MappingError, match="decided more than once"):
        settling_sheet.settle_sheet(setting, sheet)


def test_each_decision_is_a_line_that_says_who_and_what(folder, sandbox):
    setting = setting_at(folder, sandbox.base_url)
    runs.run(setting, QuietProgress())
    settling.settle_absent(setting, "person")
    assert [(line["decision"], line["entity"]) for line in audit_of(setting)] == [("absent", "person")]
    assert "Ana" not in json.dumps(audit_of(setting))


def test_settling_what_is_not_held_is_refused(folder, sandbox):
    setting = setting_at(folder, sandbox.base_url)
    with pytest.raises(SettingsError, match="No record of case is held"):
        settling.settle_absent(setting, "case")
    with pytest.raises(SettingsError, match="No held record"):
        settling.settle_found(setting, "0" * 32, "any")
