"""The two ends that project.yaml declares: sources and profiles, as values with absolute places.

A profile that is not the chosen one may need variables that are not set here; it is checked for form and left out, so
that work on a rehearsal tenant asks for nothing that belongs to production.
"""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

from etl.core.records import JsonValue
from etl.core.suggest import did_you_mean
from etl.mapping.environment import filled_in, lacks_a_variable, variables_in
from etl.mapping.form import Form, fill, note_unknown_key
from etl.mapping.model import Profile, SourceSpec
from etl.mapping.page import Page
from etl.mapping.source_forms import (
    AccessForm,
    BcpForm,
    DumpForm,
    ExcelForm,
    FixedWidthForm,
    JsonLinesForm,
    ParquetForm,
)
from etl.mapping.spec import CsvForm, FilesForm, ProfileForm, SqlForm

PROTECTED_QUIET_S = 30.0
"""A protected tenant is never asked about a lost answer earlier than this."""

SOURCE_KINDS: Mapping[str, type[Form]] = {
    "csv": CsvForm,
    "sql": SqlForm,
    "files": FilesForm,
    "dump": DumpForm,
    "fixed_width": FixedWidthForm,
    "excel": ExcelForm,
    "json_lines": JsonLinesForm,
    "parquet": ParquetForm,
    "bcp": BcpForm,
    "access": AccessForm,
}
_STATE_SCHEMES = ("postgresql", "postgresql+psycopg")
_GLOBS = ("csv", "fixed_width", "json_lines", "parquet", "bcp", "excel")
_ZIPPED = (*_GLOBS, "dump")
"""The kinds that a ``zip:`` may hold."""
_PATHS = ("layout", "format")
"""Options that name a file of their own."""
_SQLITE_FILE = re.compile(r"(?P<scheme>sqlite(?:\+\w+)?):///(?P<path>[^/:?][^?]*)(?P<query>\?.*)?")


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Where project.yaml stands and what the environment holds."""

    page: Page
    folder: Path
    environ: Mapping[str, str]


def declared_sources(around: Surroundings, raw: Mapping[str, JsonValue]) -> dict[str, SourceSpec]:
    """The sound sources by name; mistakes are noted."""
    made = (_source(around, name, each) for name, each in raw.items())
    return {each.name: each for each in made if each is not None}


def declared_profiles(around: Surroundings, raw: Mapping[str, JsonValue], chosen: str | None) -> dict[str, Profile]:
    """The sound profiles by name; mistakes are noted. Those not chosen that lack a variable are left out."""
    made = (_profile(around, name, each, required=name == chosen) for name, each in raw.items())
    return {each.name: each for each in made if each is not None}


def chosen_profile(page: Page, raw: Mapping[str, JsonValue], asked: str | None) -> str | None:
    """The asked profile's name, by default the first one's; an unknown one is noted. None where there is none."""
    if asked is None:
        return next(iter(raw), None)
    if asked not in raw:
        page.note(("profiles",), f"There is no profile `{asked}`.", did_you_mean(asked, raw), code="unknown_profile")
        return None
    return asked


def tenant_place(declared: str, folder: Path) -> str:
    """A tenant as declared: a shipped overlay's name as it is, a file (relative to the project) as absolute path."""
    is_file = "/" in declared or Path(declared).suffix in {".yaml", ".yml"}
    return os.path.normpath(folder / declared) if is_file else declared


# ---------------------------------------------------------------- sources


def _source(around: Surroundings, name: str, raw: JsonValue) -> SourceSpec | None:
    place = ("sources", name)
    if isinstance(raw, dict) and "zip" in raw:
        return _zipped(around, name, raw)
    kinds = [each for each in SOURCE_KINDS if isinstance(raw, dict) and each in raw]
    if len(kinds) != 1:
        _note_kind(around.page, place, raw, kinds)
        return None
    found = _filled(around, place, kinds[0], raw)
    if found is None:
        return None
    location, options = found
    absolute = _location(kinds[0], location, around.folder)
    position, variables = around.page.position(place, key=True), variables_in(_place_as_written(raw, kinds[0]))
    return SourceSpec(name, kinds[0], absolute, options, position, variables=variables)


def _zipped(around: Surroundings, name: str, raw: Mapping[str, JsonValue]) -> SourceSpec | None:
    """A zip of files of another kind: that kind's key says which of the zip's files are meant."""
    place = ("sources", name)
    inner = {key: each for key, each in raw.items() if key != "zip"}
    kinds = [each for each in _ZIPPED if each in inner]
    if "access" in inner:
        hint = "Unpack the zip, and declare the Access file by itself."
        around.page.note(place, "An Access file is not read inside a zip.", hint, code="wrong_form", key=True)
        return None
    if len(kinds) != 1:
        hint = f"Write beside `zip:` one of {_listed(_ZIPPED)}, with a pattern for the files inside."
        around.page.note(place, "It does not say what the zip holds.", hint, code="wrong_form", key=True)
        return None
    path = filled_in(around.page, (*place, "zip"), raw["zip"], around.environ)
    if not isinstance(path, str) or not path:
        around.page.note((*place, "zip"), "Expected the path of a zip file.", "Quote it.", code="wrong_form")
        return None
    found = _filled(around, place, kinds[0], inner)
    if found is None:
        return None
    members, options = found
    options |= {"kind": kinds[0], "members": members}
    location = os.path.normpath(around.folder / path)
    position = around.page.position(place, key=True)
    return SourceSpec(name, "zip", location, options, position, variables=variables_in(raw["zip"]))


def _place_as_written(raw: JsonValue, kind: str) -> JsonValue:
    return raw[kind] if isinstance(raw, dict) else None


def _filled(
    around: Surroundings, place: tuple[str, str], kind: str, raw: JsonValue
) -> tuple[str, dict[str, object]] | None:
    """What stands behind the kind's key, and the options; None where something is wrong, which is noted."""
    known = len(around.page.found)
    form = fill(SOURCE_KINDS[kind], around.page, place, filled_in(around.page, place, raw, around.environ))
    if form is None or len(around.page.found) > known:
        return None
    options = form.model_dump(exclude={kind}, exclude_none=True)
    if not _is_encoding(around.page, (*place, "encoding"), options.get("encoding")):
        return None
    options |= {key: os.path.normpath(around.folder / options[key]) for key in _PATHS if key in options}
    return str(getattr(form, kind)), options


def _is_encoding(page: Page, place: tuple[str, ...], name: object) -> bool:
    """Whether a declared encoding, if there is one, is one that text can have (noted otherwise)."""
    if not isinstance(name, str):
        return True
    try:
        "a".encode(name)
    except (LookupError, UnicodeError):
        hint = "Use a name such as utf-8, cp1252, latin-1, mac_roman or utf-16."  # a guess that is mended unread would spoil letters
        page.note(place, f"There is no text encoding `{name}`.", hint, code="unknown_encoding")
        return False
    return True


def _note_kind(page: Page, place: tuple[str, str], raw: JsonValue, kinds: list[str]) -> None:
    if isinstance(raw, dict) and not kinds:
        for key in raw:
            note_unknown_key(page, (*place, key), (*SOURCE_KINDS, "zip"))
    hint = f"Write one of {_listed((*SOURCE_KINDS, 'zip'))}."
    page.note(place, f"The source `{place[1]}` must be of exactly one kind.", hint, code="wrong_form", key=True)


def _listed(kinds: tuple[str, ...]) -> str:
    return ", ".join(f"`{kind}:`" for kind in kinds)


def _location(kind: str, text: str, folder: Path) -> str:
    if kind == "sql":
        return _database_url(text, folder)
    base = glob.escape(str(folder)) if kind in _GLOBS else str(folder)
    return os.path.normpath(text if Path(text).is_absolute() else os.path.join(base, text))  # noqa: PTH118 - a glob, not a path


def _database_url(url: str, folder: Path) -> str:
    """The URL with a relative SQLite path made absolute; other URLs as they are."""
    found = _SQLITE_FILE.fullmatch(url)
    if not found:
        return url
    path = os.path.normpath(folder / found["path"])
    return f"{found['scheme']}:///{path}{found['query'] or ''}"


# ---------------------------------------------------------------- profiles


def _profile(around: Surroundings, name: str, raw: JsonValue, *, required: bool) -> Profile | None:
    place = ("profiles", name)
    if not required and lacks_a_variable(raw, around.environ):
        fill(ProfileForm, around.page, place, raw)
        return None
    known = len(around.page.found)
    form = fill(ProfileForm, around.page, place, filled_in(around.page, place, raw, around.environ))
    if form is None or len(around.page.found) > known:
        return None
    for key in ("base_url", "token_url"):
        _check_address(around.page, (*place, key), getattr(form, key))
    if form.state is not None:
        _check_state(around.page, (*place, "state"), form.state)
    return _built(name, form, around.folder)


def _built(name: str, form: ProfileForm, folder: Path) -> Profile:
    prefix = f"CASEBOOK_{re.sub('[^A-Z0-9]', '_', name.upper())}"
    settings = form.model_dump(exclude={"tenant", "quiet_s", "office_hours", "client_id_env", "client_secret_env"})
    return Profile(
        name=name,
        tenant=tenant_place(form.tenant, folder),
        quiet_s=max(form.quiet_s, PROTECTED_QUIET_S) if form.protect else form.quiet_s,
        office_hours=form.office_hours.built() if form.office_hours else None,
        client_id_env=form.client_id_env or f"{prefix}_CLIENT_ID",
        client_secret_env=form.client_secret_env or f"{prefix}_CLIENT_SECRET",
        **settings,
    )


def _check_address(page: Page, place: tuple[str, ...], url: str) -> None:
    parts = _split(url)
    if parts is None or parts.scheme not in {"http", "https"} or not parts.hostname:
        page.note(place, "This is no web address.", "Write it as https://host/path.", code="wrong_address")
    elif parts.scheme == "http" and not _is_loopback(parts.hostname):
        page.note(place, "Plain http is accepted for this machine only.", "Write https://.", code="wrong_address")
    elif parts.username or parts.password or parts.query or parts.fragment:
        page.note(place, "The address holds more than host and path.", "Remove the rest.", code="wrong_address")


def _check_state(page: Page, place: tuple[str, ...], url: str) -> None:
    parts = _split(url)
    if parts is None or parts.scheme not in _STATE_SCHEMES or not parts.path.strip("/"):
        hint = "Write it as postgresql://user@host/database, or leave it out to keep the state in a file."
        page.note(place, "This is no address of a PostgreSQL database.", hint, code="wrong_address")
    elif parts.password or "password=" in parts.query:
        # Messages show the address; one written out was noted with the other secrets already.
        hint = "Keep it in the variable CASEBOOK_<PROFILE>_STATE_PASSWORD, or in a file named by it with _FILE added."
        if not any(each.code == "secret_in_yaml" for each in page.found):
            page.note(place, "The address holds a password.", hint, code="secret_in_yaml")


def _split(url: str) -> SplitResult | None:
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018 - reading it checks it
    except ValueError:
        return None
    return parts


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
