"""Variables and secrets in project.yaml: ``${NAME}`` is filled in from the environment, a secret written out is refused.

A message never repeats a value, neither one from the environment nor one that may be a secret.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import urlsplit

from etl.core.records import JsonValue
from etl.core.strict_yaml import Path as Place
from etl.mapping.page import Page

_VARIABLE = re.compile(r"\$\{(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?::-(?P<default>[^}]*))?\}")
_BROKEN = re.compile(r"\$\{")
_SECRET = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY|\bBearer\s+[\w.~+/-]{16,}|\beyJ[\w-]{10,}\.eyJ[\w-]{10,}|\b(?:AKIA|ASIA)[A-Z0-9]{16}\b"
)
_QUERY_SECRET = re.compile(r"[?&](?:password|passwd|pwd|secret|token|client_secret)=[^&$]", re.IGNORECASE)
_LONG_TOKEN = re.compile(r"[A-Za-z0-9+/_=-]{32,}")
_HINT = "Put it into the environment and write ${NAME}."


def filled_in(page: Page, place: Place, raw: JsonValue, environ: Mapping[str, str]) -> JsonValue:
    """The part with its variables replaced; a missing variable and a malformed one are noted, by name."""
    if isinstance(raw, dict):
        return {key: filled_in(page, (*place, key), each, environ) for key, each in raw.items()}
    if isinstance(raw, list):
        return [filled_in(page, (*place, index), each, environ) for index, each in enumerate(raw)]
    if isinstance(raw, str) and "${" in raw:
        return _filled_in_text(page, place, raw, environ)
    return raw


def variables_in(raw: JsonValue) -> tuple[str, ...]:
    """The variables that a text is filled in from, in its order."""
    return tuple(each["name"] for each in _VARIABLE.finditer(raw)) if isinstance(raw, str) else ()


def lacks_a_variable(raw: JsonValue, environ: Mapping[str, str]) -> bool:
    """Whether some text in this part needs a variable that the environment does not have."""
    if isinstance(raw, dict):
        return any(lacks_a_variable(each, environ) for each in raw.values())
    if isinstance(raw, list):
        return any(lacks_a_variable(each, environ) for each in raw)
    return isinstance(raw, str) and bool(_missing(raw, environ))


def note_secrets(page: Page, place: Place, raw: JsonValue, *, strict: bool = False) -> None:
    """Notes every text that looks like a secret; ``strict`` also refuses long random-looking tokens."""
    if isinstance(raw, dict):
        for key, each in raw.items():
            note_secrets(page, (*place, key), each, strict=strict)
    elif isinstance(raw, list):
        for index, each in enumerate(raw):
            note_secrets(page, (*place, index), each, strict=strict)
    elif isinstance(raw, str) and _is_secret(raw, strict=strict):
        page.note(place, "A secret seems to be written here.", _HINT, code="secret_in_yaml")


def _missing(text: str, environ: Mapping[str, str]) -> list[str]:
    return [
        each["name"] for each in _VARIABLE.finditer(text) if each["default"] is None and each["name"] not in environ
    ]


def _filled_in_text(page: Page, place: Place, text: str, environ: Mapping[str, str]) -> str:
    for name in _missing(text, environ):
        hint = f"Set it, or write ${{{name}:-default}}."
        page.note(place, f"The environment variable {name} is not set.", hint, code="missing_variable")
    if _BROKEN.search(_VARIABLE.sub("", text)):
        page.note(place, "`${` starts no variable.", "Write ${NAME} or ${NAME:-default}.", code="wrong_variable")
    return _VARIABLE.sub(lambda each: environ.get(each["name"], _without(each)), text)


def _without(variable: re.Match[str]) -> str:
    """What stands for a variable that is not set; one without a default (noted) stays as it is written."""
    return variable["default"] if variable["default"] is not None else variable[0]


def _is_secret(text: str, *, strict: bool) -> bool:
    return bool(_SECRET.search(text)) or _holds_password(text) or (strict and _is_random(text))


def _holds_password(text: str) -> bool:
    """Whether a URL spells out a password; variables without a default do not count."""
    plain = _VARIABLE.sub(lambda each: each["default"] or "", text)
    if "://" not in plain:
        return False
    return bool(_url_password(plain) or _QUERY_SECRET.search(plain))


def _url_password(url: str) -> str | None:
    try:
        return urlsplit(url).password
    except ValueError:
        return None


def _is_random(text: str) -> bool:
    kinds = (str.isupper, str.islower, str.isdigit)
    return bool(_LONG_TOKEN.fullmatch(text)) and all(any(kind(each) for each in text) for kind in kinds)
