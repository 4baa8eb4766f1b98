"""Records whose answer was lost and whose absence cannot be proved: listed, settled by a person, sent by the next run."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from etl.catalog.loader import load_catalog
from etl.cli.progress import QuietProgress
from etl.core.errors import SettingsError
from etl.pipeline import runs, settling
from etl.pipeline.projects import open_project
from etl.pipeline.wiring import Setting
from etl.sandbox import SandboxSettings, parse_faults, running

PROJECT = """
project: lone
timezone: America/New_York
sources: {legacy: {csv: "*.csv", encoding: utf-8}}
profiles:
  sandbox: {base_url: "http://127.0.0.1:1", token_url: "http://127.0.0.1:1/oauth2/token", tenant: sandbox, quiet_s: 0.2}
"""
MAPPING = """
mapping: people
target: person
source: legacy.PERSONS
key: ID
fields: {first_name: FIRST, last_name: LAST}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    project = tmp_path / "mappings" / "lone"
    project.mkdir(parents=True)
    (project / "project.yaml").write_text(PROJECT)
    (project / "people.yaml").write_text(MAPPING)
    (project / "PERSONS.csv").write_text("ID,FIRST,LAST\n1,Ana,Rivera\n")
    return project


@pytest.fixture
def sandbox():
    faults = parse_faults("reset_before_commit(entity=person)@POST:first=1")
    with running(SandboxSettings(catalog=load_catalog("sandbox"), faults=faults)) as handle:
        yield handle


def setting_at(folder: Path, base_url: str) -> Setting:
    setting = open_project(folder, None, {})
    profile = replace(setting.profile, base_url=base_url, token_url=f"{base_url}/oauth2/token")
    return replace(setting, profile=profile)


def test_a_lone_lost_record_is_held_until_a_person_says_it_is_absent(folder, sandbox):
    setting = setting_at(folder, sandbox.base_url)
    assert runs.run(setting, QuietProgress()).exit_code == 1
    assert runs.run(setting, QuietProgress()).exit_code == 1, "it is never sent again without proof"
    assert [(each.entity, each.mapping) for each in settling.held_records(setting)] == [("person", "people")]
    assert sandbox.oracle.counts().get("person", 0) == 0
    assert settling.settle_absent(setting, "person") == 1
    assert runs.run(setting, QuietProgress()).exit_code == 0
    assert sandbox.oracle.counts()["person"] == 1


def test_a_record_that_was_found_is_brought_up_to_date_by_the_next_run(folder, sandbox):
    setting = setting_at(folder, sandbox.base_url)
    runs.run(setting, QuietProgress())
    held = settling.held_records(setting)[0]
    settling.settle_absent(setting, "person")
    runs.run(setting, QuietProgress())
    there = sandbox.oracle.records("person")[0]
    assert held.marker in json.dumps(there.attributes)


def test_each_decision_is_a_line_that_says_who_and_what(folder, sandbox):
    setting = setting_at(folder, sandbox.base_url)
    runs.run(setting, QuietProgress())
    settling.settle_absent(setting, "person")
    audit = (setting.project.runs_folder / "lone-sandbox.audit.jsonl").read_text().splitlines()
    assert [(line["decision"], line["entity"]) for line in map(json.loads, audit)] == [("absent", "person")]
    assert "Ana" not in "".join(audit)


def test_settling_what_is_not_held_is_refused(folder, sandbox):
    setting = setting_at(folder, sandbox.base_url)
    with pytest.raises(SettingsError, match="No record of case is held"):
        settling.settle_absent(setting, "case")
    with pytest.raises(SettingsError, match="No held record"):
        settling.settle_found(setting, "0" * 32, "any")
