"""Records that are in Casebook twice: listed with their ids, asked about by each run, settled by a person, never deleted."""

from __future__ import annotations

import uuid
from dataclasses import replace
from pathlib import Path

import pytest

from etl.cli.progress import QuietProgress
from etl.core.errors import SettingsError
from etl.core.outcomes import RecordState
from etl.pipeline import runs, settling
from etl.pipeline.doubled import doubled_records
from etl.pipeline.settling import Decision, Verdict
from etl.pipeline.wiring import Setting
from etl.sandbox.database import Row
from tests.pipeline.lone import losing, setting_at, write_project


@pytest.fixture
def sandbox():
    with losing() as handle:
        yield handle


@pytest.fixture
def setting(tmp_path: Path, sandbox) -> Setting:
    return setting_at(write_project(tmp_path), sandbox.base_url)


def copy(sandbox, mark: str, year: int) -> str:
    """One more record with a marker."""
    values = {"first_name": "Ana", "last_name": "Rivera", "custom_fields.migrationKey": mark}
    row = Row("person", str(uuid.uuid4()), values, {}, f"{year}-01-01T00:00:00.000000Z", "somebody")
    sandbox.oracle.database.insert(row, [], [], 0)
    return row.id


def doubled(setting: Setting, sandbox) -> tuple[str, str, str]:
    """A project whose one record is in Casebook twice: its key, the older id and the newer one."""
    runs.run(setting, QuietProgress())
    (held,) = settling.held_records(setting)
    newer, older = copy(sandbox, held.marker, 2026), copy(sandbox, held.marker, 2025)
    assert runs.run(setting, QuietProgress()).exit_code == 1
    assert state_of(setting, held.record_key) is RecordState.DUPLICATE
    return held.record_key, older, newer


def state_of(setting: Setting, key: str) -> RecordState:
    with setting.reader() as state:
        return state.known([key])[key].state


def test_they_are_listed_with_all_their_ids_the_oldest_first(setting, sandbox):
    key, older, newer = doubled(setting, sandbox)
    assert [(each.record_key, each.entity, each.ids) for each in doubled_records(setting)] == [
        (key, "person", (older, newer))
    ]


def test_where_nobody_can_look_the_one_that_state_knows_is_listed_and_why(setting, sandbox):
    key, older, _ = doubled(setting, sandbox)
    profile = replace(setting.profile, client_id_env="NOT_SET_ID", client_secret_env="NOT_SET_SECRET")
    elsewhere = replace(setting, profile=replace(profile, tenant="other", base_url="http://127.0.0.1:1"))
    (listed,) = doubled_records(elsewhere)
    assert (listed.record_key, listed.ids) == (key, (older,))
    assert listed.why.startswith("the others: ")


def test_a_run_that_finds_two_of_them_leaves_both_and_changes_nothing(setting, sandbox):
    key, *_ = doubled(setting, sandbox)
    assert runs.run(setting, QuietProgress()).exit_code == 1
    assert state_of(setting, key) is RecordState.DUPLICATE
    assert sandbox.oracle.counts()["person"] == 2


@pytest.mark.parametrize("removed", ["newer", "older"])
def test_once_a_person_has_removed_one_the_next_run_is_complete(setting, sandbox, removed):
    key, older, newer = doubled(setting, sandbox)
    gone, left = (newer, older) if removed == "newer" else (older, newer)
    sandbox.oracle.database.remove(gone)
    assert runs.run(setting, QuietProgress()).exit_code == 0
    assert state_of(setting, key) is RecordState.CREATED
    assert [record.id for record in sandbox.oracle.records("person")] == [left]


@pytest.mark.parametrize("kept", ["older", "newer"])
def test_a_person_says_which_one_is_kept_and_is_told_what_to_remove(setting, sandbox, kept):
    key, older, newer = doubled(setting, sandbox)
    this, other = (older, newer) if kept == "older" else (newer, older)
    settled = settling.settle_one(setting, Decision(key, Verdict.KEEP, this))
    assert settled.surplus == {key: [other]}
    assert sandbox.oracle.counts()["person"] == 2, "nothing is deleted"
    assert runs.run(setting, QuietProgress()).exit_code == 0
    with setting.reader() as state:
        assert state.known([key])[key].target_id == this


def test_a_person_who_kept_the_wrong_one_may_say_so(setting, sandbox):
    key, older, newer = doubled(setting, sandbox)
    settling.settle_one(setting, Decision(key, Verdict.KEEP, older))
    settling.settle_found(setting, key, newer)
    with setting.reader() as state:
        assert state.known([key])[key].target_id == newer


def test_one_of_which_every_copy_was_removed_is_created_again_once_a_person_says_so(setting, sandbox):
    key, older, newer = doubled(setting, sandbox)
    with pytest.raises(SettingsError, match="is in Casebook"):
        settling.settle_one(setting, Decision(key, Verdict.ABSENT))
    for each in (older, newer):
        sandbox.oracle.database.remove(each)
    settling.settle_one(setting, Decision(key, Verdict.ABSENT))
    assert runs.run(setting, QuietProgress()).exit_code == 0
    assert sandbox.oracle.counts()["person"] == 1


def test_only_one_that_carries_the_marker_can_be_kept(setting, sandbox):
    key, older, newer = doubled(setting, sandbox)
    with pytest.raises(SettingsError, match="carries the marker") as caught:
        settling.settle_one(setting, Decision(key, Verdict.KEEP, copy(sandbox, "mg1-" + "a" * 16, 2024)))
    assert f"{older}, {newer}" in caught.value.hint
    with pytest.raises(SettingsError, match="more than once") as caught:
        settling.settle_found(setting, key, older)
    assert "--keep" in caught.value.hint
