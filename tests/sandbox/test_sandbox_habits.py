"""Habits: ways in which the real service may behave, switched on by name."""

import pytest

from etl.core.errors import SettingsError
from etl.pipeline.sandboxes import SandboxChoices, sandbox_settings
from etl.sandbox.habits import HABITS, parse_habits


def test_habits_become_settings_of_the_sandbox():
    settings = sandbox_settings(SandboxChoices(db=":memory:", habits="ignore_sort, page_max=20,ignored_filters=*"))
    assert (settings.ignore_sort, settings.page_max, settings.ignored_filters) == (True, 20, ("*",))
    assert parse_habits("") == {}


@pytest.mark.parametrize("text", ["ignore_everything", "page_max", "page_max=many", "ignore_sort=yes", "seed=3"])
def test_a_habit_that_is_unknown_or_has_a_wrong_value_is_refused_with_the_list(text):
    with pytest.raises(SettingsError) as caught:
        parse_habits(text)
    assert all(name in caught.value.hint for name in HABITS)


def test_applications_come_from_a_file_of_their_own(tmp_path):
    path = tmp_path / "applications.yaml"
    path.write_text('applications: [{client_id: v, client_secret: s, roles: {person: [get], "*": []}}]\n')
    settings = sandbox_settings(SandboxChoices(db=":memory:", applications=path))
    assert [each.client_id for each in settings.applications] == ["v"]
    assert not settings.applications[0].may("list", "case")


def test_a_filter_that_is_ignored_shows_everything_and_one_that_is_refused_says_so(sandbox_of):
    path, name = "/people/people", "filter[last_name]"
    for settings, status, rows in (
        ({}, 200, 0),
        ({"ignored_filters": ("last_name",)}, 200, 1),
        ({"ignored_filters": ("*",)}, 200, 1),
        ({"unfilterable": ("last_name",)}, 400, 0),
    ):
        sandbox = sandbox_of(**settings)
        sandbox.person("Quill")
        answer = sandbox.get(path, **{name: "Nobody"})
        assert (answer.status_code, len(answer.json().get("data", []))) == (status, rows)


def test_an_order_that_is_ignored_stays_that_of_creation(sandbox_of):
    for ignored, expected in ((False, ["B", "A"]), (True, ["A", "B"])):
        sandbox = sandbox_of(ignore_sort=ignored)
        sandbox.person("A")
        sandbox.person("B")
        rows = sandbox.get("/people/people", sort="-last_name").json()["data"]
        assert [each["attributes"]["last_name"] for each in rows] == expected


def test_a_definition_says_whether_the_tenant_requires_the_field(sandbox):
    rows = sandbox.get("/admin/custom_fields").json()["data"]
    assert {each["attributes"]["required"] for each in rows} == {"false"}
