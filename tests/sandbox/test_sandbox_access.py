"""Tokens, roles and views."""

import dataclasses

import pytest

from etl.core.errors import SettingsError
from etl.sandbox import Application, read_applications

READER = Application("reader", "s3", "Reader", roles={"*": ("list", "get")})
LIMITED = Application("limited", "s3", "Limited", view="limited")


def test_a_token_is_given_for_a_form_body_and_lives_one_hour(sandbox, kit):
    answer = sandbox.raw("POST", "/oauth2/token", data=kit.CREDENTIALS)
    assert answer.status_code == 200
    assert answer.json()["expires_in"] == 3600
    assert answer.json()["token_type"] == "Bearer"


def test_a_token_is_given_for_credentials_in_the_query(sandbox, kit):
    assert sandbox.raw("POST", "/oauth2/token", params=kit.CREDENTIALS).status_code == 200


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"client_secret": "wrong"}, 401, "invalid_client"),
        ({"client_id": "nobody"}, 401, "invalid_client"),
        ({"grant_type": "password"}, 400, "unsupported_grant_type"),
    ],
)
def test_wrong_credentials_get_the_error_oauth_asks_for(sandbox, kit, change, status, code):
    answer = sandbox.raw("POST", "/oauth2/token", data=kit.CREDENTIALS | change)
    assert (answer.status_code, answer.json()) == (status, {"error": code})


def test_a_request_without_a_token_or_with_an_unknown_one_is_401(sandbox):
    for headers in ({}, {"Authorization": "Bearer nonsense"}, {"Authorization": "Basic abc"}):
        answer = sandbox.raw("GET", "/people/people", headers=headers)
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"] == "Bearer"


def test_an_expired_token_is_401_and_says_so(sandbox_of, kit):
    sandbox = sandbox_of(token_ttl_s=0)
    answer = sandbox.get("/people/people")
    assert answer.status_code == 401
    assert kit.errors(answer) == [("token_expired", "")]


def test_an_application_without_the_role_is_403_and_nothing_is_stored(sandbox_of, kit):
    sandbox = sandbox_of(applications=(READER,)).login("reader", "s3")
    answer = sandbox.post("/people/people", kit.document("/people/people", {"first_name": "A", "last_name": "B"}))
    assert answer.status_code == 403
    assert sandbox.get("/people/people").status_code == 200
    assert sandbox.oracle.counts() == {}


def test_roles_of_an_entity_stand_before_the_roles_of_all(sandbox_of):
    application = dataclasses.replace(READER, roles={"*": ("list",), "person": ()})
    sandbox = sandbox_of(applications=(application,)).login("reader", "s3")
    assert sandbox.get("/people/people").status_code == 403
    assert sandbox.get("/cases/cases").status_code == 200


def test_a_limited_view_hides_rows_instead_of_refusing_them(sandbox_of):
    sandbox = sandbox_of(applications=(Application(), LIMITED))
    hidden = sandbox.person("Hidden")
    sandbox.login("limited", "s3")
    own = sandbox.person("Own")
    assert [row["id"] for row in sandbox.get("/people/people").json()["data"]] == [own]
    assert sandbox.get("/people/people").json()["meta"]["totalResourceCount"] == 1
    assert sandbox.get(f"/people/people/{hidden}").status_code == 404
    assert sandbox.patch(f"/people/people/{hidden}", {}).status_code == 404
    assert len(sandbox.get("/people/genders").json()["data"]) == 6


def test_an_assigned_view_shows_the_units_of_work_of_its_user(sandbox_of, kit):
    user = kit.option("user", "worker03@agency.example")
    seer = Application("seer", "s3", "Seer", view="assigned", user=user)
    sandbox = sandbox_of(applications=(Application(), seer))
    mine, _other = sandbox.case("Mine"), sandbox.case("Other")
    assignment = sandbox.get(f"/cases/cases/{mine}").json()["data"]["attributes"]["assignment_id"]
    sandbox.create("/memberships/assignment_users", {"assignment_id": assignment, "user_id": user})
    sandbox.login("seer", "s3")
    assert [row["id"] for row in sandbox.get("/cases/cases").json()["data"]] == [mine]


def test_the_creator_of_a_record_is_the_application_and_the_time_is_the_servers(sandbox_of):
    sandbox = sandbox_of(applications=(Application(), LIMITED)).login("limited", "s3")
    shown = sandbox.get(f"/people/people/{sandbox.person()}").json()["data"]["attributes"]
    assert shown["created_by"] == "Limited"
    assert len(shown["created_at"]) == len("2026-01-01T00:00:00.000000Z")


def test_applications_are_read_from_a_tenant_file(tmp_path):
    path = tmp_path / "tenant.yaml"
    path.write_text(
        "applications:\n- {client_id: v, client_secret: s, name: V, view: limited, roles: {person: [get]}}\n"
    )
    (application,) = read_applications(path)
    assert (application.view, application.may("get", "person"), application.may("get", "case")) == (
        "limited",
        True,
        False,
    )
    path.write_text("tenant: x\n")
    assert read_applications(path) == ()


@pytest.mark.parametrize(
    "text",
    [
        "applications: 3",
        "applications: [{client_id: a}]",
        "applications: [{client_id: a, client_secret: b, view: some}]",
        "applications: [{client_id: a, client_secret: b, roles: {person: [fly]}}]",
        "applications: [",
    ],
)
def test_a_wrong_applications_section_is_a_settings_error_with_a_hint(tmp_path, text):
    path = tmp_path / "tenant.yaml"
    path.write_text(text)
    with pytest.raises(SettingsError) as caught:
        read_applications(path)
    assert caught.value.hint


def test_the_secret_of_an_application_is_not_shown_by_its_repr():
    assert "s3cret" not in repr(Application("a", "s3cret", "A"))
