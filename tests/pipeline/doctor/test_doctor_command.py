"""`casebook-etl doctor` as people and schedules meet it: lines, JSON, exit codes."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from etl.cli import app


@pytest.fixture
def doctor(world, project, kit, monkeypatch):
    """The command at a sandbox of one's own settings, with the credentials of an application."""

    def call(*options, client_id="exact", **settings):
        applications = (kit.application("exact", kit.exact_roles()),)
        tenant = world(**{"applications": applications, **settings})
        text = (project / "project.yaml").read_text().replace("http://127.0.0.1:1", tenant.sandbox.base_url)
        (project / "project.yaml").write_text(text)
        monkeypatch.setenv("CASEBOOK_ETL_PROJECT_KEY", "ab" * 32)
        monkeypatch.setenv("CASEBOOK_SANDBOX_CLIENT_ID", client_id)
        monkeypatch.setenv("CASEBOOK_SANDBOX_CLIENT_SECRET", "s3")
        return CliRunner().invoke(app, ["doctor", str(project), *options])

    return call


def test_nothing_amiss_is_exit_code_0_and_the_place_of_the_profile(doctor, project):
    ended = doctor("--quiet")
    assert ended.exit_code == 0
    assert "0 failed" in ended.stdout
    assert "small-sandbox.capabilities.json" in ended.stdout
    assert (project.parents[1] / "runs" / "small-sandbox.capabilities.json").exists()


def test_unknowns_are_exit_code_1_only_where_it_is_asked_for(doctor):
    assert doctor("--quiet", "--strict").exit_code == 1


def test_a_missing_role_is_exit_code_2_and_stands_first(doctor, kit):
    roles = {**kit.exact_roles(), "note": ("create", "list", "get")}
    ended = doctor("--quiet", "--write-probes", applications=(kit.application("exact", roles),))
    assert ended.exit_code == 2
    assert ended.stdout.startswith("failed   role (note update): Missing.\n         -> Give the application the role")


def test_wrong_credentials_are_exit_code_2_with_their_variables(doctor):
    ended = doctor("--quiet", client_id="nobody")
    assert ended.exit_code == 2
    assert "CASEBOOK_SANDBOX_CLIENT_ID" in ended.stdout
    assert "Capability profile" not in ended.stdout


def test_json_holds_every_check_and_every_fact(doctor):
    ended = doctor("--json", "--quiet", "--write-probes")
    content = json.loads(ended.stdout)
    assert content["counts"]["failed"] == 0
    assert sum(content["counts"].values()) == len(content["checks"])
    assert content["capabilities"]["service"]["page_size_max"] == {"value": 200, "evidence": "probed"}
    assert content["file"].endswith("small-sandbox.capabilities.json")


@pytest.mark.parametrize("text", ["person", "=7", "person="])
def test_a_witness_in_a_wrong_form_is_refused(doctor, text):
    ended = doctor("--witness", text)
    assert ended.exit_code == 2
    assert "ENTITY=ID" in ended.output


def test_the_same_said_of_many_things_is_one_line(doctor):
    ended = doctor("--quiet")
    lines = [each for each in ended.stdout.splitlines() if each.startswith("unknown  role")]
    assert len(lines) == 1
    assert lines[0].count(",") == 7
