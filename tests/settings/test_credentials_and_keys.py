"""Secrets come from the environment or a guarded file, and no message repeats them."""

from __future__ import annotations

import base64
import os
import stat
from pathlib import Path

import pytest

from etl.core.errors import SettingsError
from etl.mapping.model import Profile
from etl.settings import PROJECT_KEY_VARIABLE, read_credentials, read_project_key, read_state_password

LIVE = Profile("our-agency", "https://api.casebook.example", "https://login.example/oauth2/token", "ours.yaml")
SANDBOX = Profile("sandbox", "http://127.0.0.1:8089", "http://127.0.0.1:8089/oauth2/token", "sandbox")
ID, SECRET = "CASEBOOK_OUR_AGENCY_CLIENT_ID", "CASEBOOK_OUR_AGENCY_CLIENT_SECRET"


def guarded(path: Path, text: str, mode: int = 0o600) -> Path:
    path.write_text(text, encoding="utf-8")
    path.chmod(mode)
    return path


def test_credentials_stand_in_the_profiles_own_variables() -> None:
    found = read_credentials(LIVE, {ID: "app", SECRET: "canary"})
    assert (found.client_id, found.client_secret.get_secret_value()) == ("app", "canary")
    assert "canary" not in repr(found) + str(found)
    assert SECRET in found.origin


def test_a_profile_may_name_its_variables() -> None:
    profile = Profile("p", "https://a.example", "https://b.example", "t", client_id_env="A", client_secret_env="B")
    assert read_credentials(profile, {"A": "app", "B": "s"}).client_id == "app"


def test_a_secret_may_stand_in_a_guarded_file(tmp_path: Path) -> None:
    path = guarded(tmp_path / "secret", "canary\n")
    found = read_credentials(LIVE, {ID: "app", f"{SECRET}_FILE": str(path)})
    assert found.client_secret.get_secret_value() == "canary"


def test_the_password_of_a_state_on_a_server_stands_in_the_environment_or_a_guarded_file(tmp_path: Path) -> None:
    name = "CASEBOOK_OUR_AGENCY_STATE_PASSWORD"
    path = guarded(tmp_path / "password", "canary\n")
    found = [read_state_password(LIVE, environ) for environ in ({name: "canary"}, {f"{name}_FILE": str(path)}, {})]
    assert [each.get_secret_value() if each else None for each in found] == ["canary", "canary", None]
    assert "canary" not in repr(found)
    path.chmod(0o644)
    with pytest.raises(SettingsError, match="chmod 600"):
        read_state_password(LIVE, {f"{name}_FILE": str(path)})


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o777])
def test_a_file_open_to_others_is_refused(tmp_path: Path, mode: int) -> None:
    path = guarded(tmp_path / "secret", "canary", mode)
    with pytest.raises(SettingsError, match="chmod 600") as caught:
        read_credentials(LIVE, {ID: "app", f"{SECRET}_FILE": str(path)})
    assert "canary" not in str(caught.value)


def test_links_folders_pipes_and_missing_files_are_refused(tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(guarded(tmp_path / "secret", "canary"))
    os.mkfifo(tmp_path / "pipe", 0o600)
    guarded(tmp_path / "binary", "").write_bytes(b"\xff\xfe")
    for path in (link, tmp_path, tmp_path / "pipe", tmp_path / "none", tmp_path / "binary"):
        with pytest.raises(SettingsError, match=f"{SECRET}_FILE"):
            read_credentials(LIVE, {ID: "app", f"{SECRET}_FILE": str(path)})


@pytest.mark.parametrize(
    "environ", [{}, {ID: "app"}, {SECRET: "canary"}, {ID: "", SECRET: "canary"}, {ID: " ", SECRET: " "}]
)
def test_missing_credentials_are_named(environ: dict[str, str]) -> None:
    with pytest.raises(SettingsError, match="not set") as caught:
        read_credentials(LIVE, environ)
    assert "canary" not in str(caught.value)
    assert (ID in str(caught.value)) == (not environ.get(ID, "").strip())


def test_a_variable_and_its_file_together_are_refused() -> None:
    with pytest.raises(SettingsError, match="Remove one"):
        read_credentials(LIVE, {ID: "app", SECRET: "canary", f"{SECRET}_FILE": "/x"})


def test_the_shipped_sandbox_on_this_machine_needs_no_credentials() -> None:
    assert read_credentials(SANDBOX, {}).client_id == "sandbox"
    assert (
        read_credentials(SANDBOX, {"CASEBOOK_SANDBOX_CLIENT_ID": "a", "CASEBOOK_SANDBOX_CLIENT_SECRET": "b"}).client_id
        == "a"
    )
    elsewhere = Profile("sandbox", "https://sandbox.example", "http://127.0.0.1/oauth2/token", "sandbox")
    with pytest.raises(SettingsError):
        read_credentials(elsewhere, {})


def test_a_project_key_is_made_once_closed_to_others_and_read_again(tmp_path: Path) -> None:
    made = read_project_key(tmp_path, "demo", {}, create=True)
    path = tmp_path / "demo.key"
    assert len(made) == 32
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert read_project_key(tmp_path, "demo", {}, create=False) == made
    assert read_project_key(tmp_path, "demo", {}, create=True) == made


def test_a_protected_profile_makes_no_key(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"demo\.key"):
        read_project_key(tmp_path, "demo", {}, create=False)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "text", [bytes(range(32)).hex(), base64.b64encode(bytes(range(32))).decode(), bytes(range(32)).hex().upper() + "\n"]
)
def test_a_key_from_the_environment_is_hex_or_base64(tmp_path: Path, text: str) -> None:
    assert read_project_key(tmp_path, "demo", {PROJECT_KEY_VARIABLE: text}, create=True) == bytes(range(32))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("text", ["canary", "ab" * 31, "canary!" * 20, ""])
def test_a_short_or_broken_key_is_never_replaced(tmp_path: Path, text: str) -> None:
    path = guarded(tmp_path / "demo.key", text)
    with pytest.raises(SettingsError, match="at least 32 bytes") as caught:
        read_project_key(tmp_path, "demo", {}, create=True)
    assert path.read_text(encoding="utf-8") == text
    assert "canary" not in str(caught.value)


def test_a_key_that_is_open_or_linked_is_refused(tmp_path: Path) -> None:
    guarded(tmp_path / "open.key", "ab" * 32, 0o644)
    (tmp_path / "linked.key").symlink_to(tmp_path / "nowhere")
    for name in ("open", "linked"):
        with pytest.raises(SettingsError):
            read_project_key(tmp_path, name, {}, create=True)
    assert not (tmp_path / "nowhere").exists()


@pytest.mark.parametrize("name", ["", "../x", "a/b", "/x"])
def test_a_name_that_leaves_the_folder_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(SettingsError):
        read_project_key(tmp_path, name, {}, create=True)
