"""What a project with mistakes still answers: every mistake at once, the roles it needs, and the state it has."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from etl.cli import app

PROJECT = """\
project: small
timezone: America/New_York
runs: runs
sources:
  legacy: {csv: "data/*.csv"}
profiles:
  ours: {base_url: "https://a.example", token_url: "https://a.example/t", tenant: tenant/ours.yaml}
"""
PEOPLE = """\
mapping: people
target: person
source: legacy.PERSONS
key: PERSON_ID
fields:
  first_name: FIRST_NM
  lastname: LAST_NMM
"""
ADDRESSES = """\
mapping: addresses
target: person_address
source: legacy.PERSONS
key: PERSON_ID
fields:
  street: STREET
"""


@pytest.fixture
def project(tmp_path):
    for name, text in {
        "project.yaml": PROJECT,
        "people.yaml": PEOPLE,
        "addresses.yaml": ADDRESSES,
        "tenant/ours.yaml": "version: 1\ntenant: ours\n",
        "data/PERSONS.csv": "PERSON_ID,FIRST_NM,LAST_NM,STREET\n1,Ann,Vale,Elm\n",
    }.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def run(*arguments):
    return CliRunner().invoke(app, [*map(str, arguments)])


def test_a_wrong_field_and_its_wrong_column_are_told_together(project):
    ended = run("lint", project)
    assert ended.exit_code == 2
    assert "people.yaml:7:3: `person` has no field `lastname`." in ended.stdout
    assert "people.yaml:7:13: `legacy.PERSONS` has no column `LAST_NMM`. Did you mean `LAST_NM`?" in ended.stdout


def test_sound_columns_beside_a_mistake_bring_no_further_ones(project):
    ended = run("lint", project, "--json")
    codes = [each["code"] for each in json.loads(ended.stdout)["mistakes"]]
    assert "forgotten_column" not in codes
    assert codes.count("unknown_column") == 1


def test_roles_are_told_although_paths_are_not_known(project):
    ended = run("plan", project, "--roles", "--json")
    assert ended.exit_code == 0, ended.output
    assert set(json.loads(ended.stdout)["roles"]) == {"person", "person_address"}


def test_the_state_is_shown_although_a_mapping_has_a_mistake(project):
    ended = run("status", project)
    assert ended.exit_code == 0, ended.output
    assert "nothing was loaded yet" in ended.stdout


def test_the_place_of_the_state_is_told_as_one_types_it_here(project, monkeypatch):
    monkeypatch.chdir(project)
    assert run("status", ".").stdout.startswith("State: runs/small-ours.state.db\n")
