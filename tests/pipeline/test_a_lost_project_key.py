"""A project key is made where nothing was loaded yet, and nowhere else: a second one would pass for the right one."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from etl.cli.progress import QuietProgress
from etl.core.errors import SettingsError
from etl.pipeline import runs
from etl.pipeline.dry_run import validate
from etl.pipeline.wiring import Setting
from tests.pipeline.lone import losing, setting_at, write_project

VERBS: dict[str, Callable[[Setting, QuietProgress], object]] = {
    "run": runs.run,
    "plan": runs.plan,
    "validate": validate,
    "verify": runs.verify,
}


@pytest.fixture
def setting(tmp_path: Path):
    with losing("") as sandbox:
        yield setting_at(write_project(tmp_path), sandbox.base_url)


@pytest.fixture
def key(setting: Setting) -> Path:
    return setting.project.folder / "lone.key"


def on_server(setting: Setting, url: str) -> Setting:
    """The same project, its state kept on a server under a name of its own."""
    project = replace(setting.project, name=f"lone_{abs(hash(setting.project.folder))}")
    return replace(setting, project=project, profile=replace(setting.profile, state=url))


@pytest.mark.parametrize("verb", VERBS)
def test_none_is_made_beside_a_state_and_the_message_says_what_to_bring_back(setting, key, verb):
    assert runs.run(setting, QuietProgress()).exit_code == 0
    key.rename(key.with_suffix(".away"))
    with pytest.raises(SettingsError) as caught:
        VERBS[verb](setting, QuietProgress())
    assert str(key) in caught.value.message
    assert str(setting.state_path) in caught.value.message
    assert "CASEBOOK_ETL_PROJECT_KEY" in caught.value.hint
    assert not key.exists()
    key.with_suffix(".away").rename(key)
    assert runs.run(setting, QuietProgress()).exit_code == 0


def test_none_is_made_beside_the_state_of_another_profile(setting, key):
    assert runs.run(setting, QuietProgress()).exit_code == 0
    key.unlink()
    rehearsal = replace(setting, profile=replace(setting.profile, name="rehearsal"))
    with pytest.raises(SettingsError, match=r"lone-sandbox\.state\.db"):
        validate(rehearsal, QuietProgress())
    assert not key.exists()


def test_none_is_made_beside_a_state_on_a_server(setting, postgres_url):
    setting = on_server(setting, postgres_url)
    key = setting.project.folder / f"{setting.project.name}.key"
    assert runs.run(setting, QuietProgress()).exit_code == 0
    assert key.exists(), "the first run makes it"
    key.unlink()
    with pytest.raises(SettingsError, match="schema casebook_etl_lone"):
        runs.run(setting, QuietProgress())
    assert not key.exists()


def test_the_state_of_a_project_with_a_longer_name_keeps_nobody_from_the_first_key(setting, key):
    assert runs.run(setting, QuietProgress()).exit_code == 0
    setting.state_path.rename(setting.state_path.with_name("lone-too-sandbox.state.db"))
    with sqlite3.connect(setting.state_path.with_name("lone-too-sandbox.state.db")) as state:
        state.execute("UPDATE meta SET value = 'lone-too' WHERE name = 'project'")
    key.unlink()
    validate(setting, QuietProgress())
    assert key.exists()


def test_a_state_that_knows_no_record_keeps_nobody_from_a_new_key(setting, key):
    with setting.store("run"):
        pass
    key.unlink()
    validate(setting, QuietProgress())
    assert key.exists()


def test_the_first_dry_run_makes_it(setting, key):
    validate(setting, QuietProgress())
    assert key.exists()
    assert runs.run(setting, QuietProgress()).exit_code == 0
