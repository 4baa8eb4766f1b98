"""Secrets from outside: an application's credentials and the project key, from the environment or a guarded file.

A secret is never a command-line option and never stands in YAML. A file that holds one must belong to the user who runs
the program and be closed to everybody else; it is opened without following links, so that it cannot be swapped.
Messages name the variable or file to mend, never what is in it.
"""

from __future__ import annotations

import base64
import binascii
import os
import re
import secrets
import stat
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import SecretStr

from etl.core.errors import SettingsError
from etl.mapping.model import Profile

PROJECT_KEY_VARIABLE = "CASEBOOK_ETL_PROJECT_KEY"
MIN_KEY_BYTES = 32
_MAX_FILE_BYTES = 64 * 1024
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_SANDBOX = "sandbox"
_OTHERS = stat.S_IRWXG | stat.S_IRWXO


@dataclass(frozen=True, slots=True)
class Credentials:
    """A registered application's id and secret; ``origin`` says what to check where the server refuses them."""

    client_id: str
    client_secret: SecretStr
    origin: str


def read_credentials(profile: Profile, environ: Mapping[str, str]) -> Credentials:
    """The credentials of a profile. Raises SettingsError that names every missing variable.

    Each of the two may stand in the variable that the profile names, or in a file named by that variable with
    ``_FILE`` added. The shipped sandbox on this machine needs neither.
    """
    id_name, secret_name = _variables(profile)
    client_id, client_secret = _lookup(id_name, environ), _lookup(secret_name, environ)
    if client_id is None and client_secret is None and _is_local_sandbox(profile):
        return Credentials(_SANDBOX, SecretStr(_SANDBOX), "the sandbox's applications")
    missing = [name for name, value in ((id_name, client_id), (secret_name, client_secret)) if not value]
    if missing or not client_id or not client_secret:
        raise SettingsError(
            f"Profile {profile.name} has no credentials: {' and '.join(missing)} not set.",
            hint=f"Set {missing[0]}, or name a file with it in {missing[0]}_FILE.",
        )
    return Credentials(client_id, SecretStr(client_secret), f"{id_name} and {secret_name}")


def read_project_key(
    project_folder: Path,
    project_name: str,
    environ: Mapping[str, str],
    *,
    create: bool,
    begun: Callable[[], object | None] = lambda: None,
) -> bytes:
    """The project key, at least 32 bytes, from the environment or ``<project>.key`` beside ``project.yaml``.

    Where there is none and ``create`` is true (the profile is not protected), a new one is written and is durable on
    return, unless ``begun`` then names a state database: it was written with another one. Raises SettingsError; losing a
    key orphans every record loaded with it, so none is ever replaced.
    """
    if text := environ.get(PROJECT_KEY_VARIABLE):
        return _parsed_key(text, PROJECT_KEY_VARIABLE)
    path = _key_path(project_folder, project_name)
    if not os.path.lexists(path):
        if (state := begun()) is not None:
            raise _lost_key(path, state)
        if not create:
            raise _no_key(path)
        _write_new_key(path)
    return _parsed_key(_read_guarded(path, str(path.name)), path.name)


def read_state_password(profile: Profile, environ: Mapping[str, str]) -> SecretStr | None:
    """The password of the database that keeps the state, None where the database needs none or finds its own.

    It stands in ``CASEBOOK_<PROFILE>_STATE_PASSWORD`` or in a file named by that variable with ``_FILE`` added. Without
    either PostgreSQL's own means serve: ``~/.pgpass``, a client certificate, the operating system's user. Raises
    SettingsError.
    """
    found = _lookup(f"{_stem(profile)}_STATE_PASSWORD", environ)
    return SecretStr(found) if found else None


def _stem(profile: Profile) -> str:
    return "CASEBOOK_" + re.sub(r"[^A-Z0-9]", "_", profile.name.upper())


def _variables(profile: Profile) -> tuple[str, str]:
    stem = _stem(profile)
    return profile.client_id_env or f"{stem}_CLIENT_ID", profile.client_secret_env or f"{stem}_CLIENT_SECRET"


def _lookup(name: str, environ: Mapping[str, str]) -> str | None:
    """The value of a variable or of the file it names; None where neither is set."""
    file_name = environ.get(f"{name}_FILE")
    if name in environ and file_name:
        raise SettingsError(f"Both {name} and {name}_FILE are set.", hint="Remove one of them.")
    text = _read_guarded(Path(file_name), f"the file that {name}_FILE names") if file_name else environ.get(name)
    return None if text is None else text.strip()


def _is_local_sandbox(profile: Profile) -> bool:
    addresses = (profile.base_url, profile.token_url)
    return profile.tenant == _SANDBOX and all(urlsplit(each).hostname in _LOOPBACK for each in addresses)


def _key_path(folder: Path, project_name: str) -> Path:
    if not project_name or Path(project_name).name != project_name:
        raise SettingsError("The project's name cannot be part of a file name.", hint="Use letters, digits, _ and -.")
    return folder / f"{project_name}.key"


def _lost_key(path: Path, state: object) -> SettingsError:
    return SettingsError(
        f"There is no project key at {path}, and the state database {state} was written with one. No new key was made: it "
        "would know no record that is loaded.",
        hint=f"Bring {path.name} back from where its copy is kept, or set {PROJECT_KEY_VARIABLE} to what it holds.",
    )


def _no_key(path: Path) -> SettingsError:
    return SettingsError(
        f"There is no project key ({path.name}), and a protected profile makes none.",
        hint=f"Restore the key that earlier runs used, or set {PROJECT_KEY_VARIABLE}; for a first load make one by a "
        "run against a profile without `protect`.",
    )


def _write_new_key(path: Path) -> None:
    """Writes a fresh key, readable by its owner only; whoever comes second leaves the first one's alone."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    except FileExistsError:
        return
    except OSError as error:
        raise SettingsError(f"{path.name} cannot be written ({error.strerror}).", hint="Check the folder.") from None
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(secrets.token_hex(MIN_KEY_BYTES) + "\n")
        file.flush()
        os.fsync(file.fileno())
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _read_guarded(path: Path, place: str) -> str:
    """The text of a file that only its owner can read. Raises SettingsError."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        raise SettingsError(
            f"{_sentence(place)} cannot be read ({error.strerror}).",
            hint="It must be a file of your own; links are not followed.",
        ) from None
    try:
        _check_guarded(os.fstat(descriptor), place)
        return _decoded(os.read(descriptor, _MAX_FILE_BYTES), place)
    finally:
        os.close(descriptor)


def _check_guarded(facts: os.stat_result, place: str) -> None:
    if not stat.S_ISREG(facts.st_mode):
        raise SettingsError(f"{_sentence(place)} is no regular file.", hint="Put the secret into a plain file.")
    if facts.st_uid != os.geteuid():
        raise SettingsError(f"{_sentence(place)} belongs to another user.", hint="Make it your own with chown.")
    if facts.st_mode & _OTHERS:
        raise SettingsError(f"{_sentence(place)} is open to other users.", hint="Close it with chmod 600.")


def _decoded(content: bytes, place: str) -> str:
    try:
        return content.decode()
    except UnicodeDecodeError:
        raise SettingsError(f"{_sentence(place)} is no text.", hint="Put the secret into it as plain text.") from None


def _parsed_key(text: str, place: str) -> bytes:
    key = _bytes_of(text.strip())
    if key is None or len(key) < MIN_KEY_BYTES:
        raise SettingsError(
            f"{_sentence(place)} holds no project key of at least {MIN_KEY_BYTES} bytes in hex or base64.",
            hint="Restore the key that earlier runs used; if there were none, remove it and run again.",
        )
    return key


def _bytes_of(text: str) -> bytes | None:
    try:
        return bytes.fromhex(text)
    except ValueError:
        pass
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None


def _sentence(place: str) -> str:
    return place[0].upper() + place[1:] if place.startswith("the ") else place
