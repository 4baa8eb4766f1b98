"""What an attempt meant: one pure table from a reply to *created*, *certainly refused* or *perhaps applied*.

Only an error body in the API's own form proves that the API itself refused a create. The same status with a foreign
body may come from something in front of a create that was committed, so it counts as lost. Findings keep code, title
and pointer; an error's detail usually quotes the value and is dropped here, before anybody could log it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TypeAlias

from etl.casebook.connection import Answer, Reply, Silence
from etl.casebook.retry import retry_after_s
from etl.casebook.strict_json import NotStrictJson, read_object
from etl.core.errors import Finding, RecordRejected, ResponseLost, TargetBusy, TargetError, TargetRefused
from etl.core.ports import Created
from etl.core.records import JsonValue, TargetId

UNAUTHORIZED, FORBIDDEN, NOT_FOUND, CONFLICT, TOO_MANY, UNAVAILABLE = 401, 403, 404, 409, 429, 503
_REFUSES_A_RECORD = frozenset({400, 404, 405, 413, 414, 415, 422})
_SEE_OTHER = 303
_MAX_FINDINGS = 100
_MAX_TEXT = 200
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._~-]{0,127}")
_CONTROL = re.compile(r"[^\x20-\x7e\xa0-\u200d\u2010-\u2027\u2030-\u2065\u2070-\ud7ff\uf900-\ufffd]")


@dataclass(frozen=True, slots=True)
class Located:
    """A create took effect and the answer names only where the record is; the address is unchecked."""

    address: str


Verdict: TypeAlias = Created | Located | TargetError


def judge_create(reply: Reply, *, type_name: str, place: str) -> Verdict:
    """What became of a POST. An error comes back as a value: TargetBusy, RecordRejected, ResponseLost or TargetRefused."""
    if isinstance(reply, Answer) and reply.succeeded:
        return _created(reply, type_name) or _located(reply) or _without_id(reply, place)
    return failure(reply, safe=False, place=place) or ResponseLost(f"{place}: no answer.")


def judge_change(reply: Reply, *, place: str) -> TargetError | None:
    """What became of a PATCH or DELETE: None where it took effect.

    A success with a foreign body proves nothing, since something in front of the API may have sent it.
    """
    error = failure(reply, safe=True, place=place)
    if error is None and isinstance(reply, Answer) and not _is_empty_or_object(reply):
        return _lost(reply.status, place)
    return error


def failure(reply: Reply, *, safe: bool, place: str, setting: str = "base_url") -> TargetError | None:
    """The error a reply stands for, None for a 2xx. ``safe``: repeating the request cannot double anything.

    ``place`` says what was tried, in words without values, such as ``POST person``; ``setting`` is the profile's for the
    address.
    """
    if isinstance(reply, Silence):
        return _silence(reply, place, setting)
    if reply.succeeded:
        return None
    if 300 <= reply.status < 400:  # noqa: PLR2004 - the class of redirects
        return _redirect(reply, safe, place, setting)
    return _refusal(reply, safe, place) or _lost(reply.status, place)


def is_from_api(answer: Answer) -> bool:
    """Whether an error answer has the API's own form: a JSON object with a list of error objects.

    A bare 401 that names the bearer scheme counts too: only the API's own door asks for a token.
    """
    return bool(_errors(answer)) or _asks_for_token(answer)


def is_id(value: JsonValue | object) -> bool:
    """Whether a value can be a record's id: text that is safe as a path segment."""
    return isinstance(value, str) and _ID.fullmatch(value) is not None


def _silence(reply: Silence, place: str, setting: str) -> TargetError:
    if reply.untrusted:
        return TargetRefused(
            f"{place}: the server's certificate or TLS version was not accepted.",
            hint="Check the address of the profile and the certificate with whoever runs the network.",
        )
    if not reply.sent:
        return TargetBusy(
            f"{place}: no connection ({reply.reason}).", hint=f"Check the network and the profile's {setting}."
        )
    return ResponseLost(f"{place}: the answer was lost ({reply.reason}).")


def _redirect(answer: Answer, safe: bool, place: str, setting: str) -> TargetError:
    if answer.status == _SEE_OTHER and not safe:
        return _lost(answer.status, place)
    return TargetRefused(
        f"{place}: the server redirects (status {answer.status}); redirects are never followed.",
        status=answer.status,
        hint=f"Set the profile's {setting} to the final address.",
    )


def _refusal(answer: Answer, safe: bool, place: str) -> TargetError | None:
    """The error where the request certainly had no effect (or may be sent again without harm)."""
    certain = is_from_api(answer)
    if answer.status in {UNAUTHORIZED, FORBIDDEN} and (certain or safe):
        return _not_allowed(answer.status, place)
    if answer.status == TOO_MANY and (certain or safe):
        return TargetBusy(
            f"{place}: the server asks to slow down (status 429).",
            retry_after_s=retry_after_s(answer.headers),
            hint="Lower the profile's rate_per_s or concurrency.",
        )
    if certain and (answer.status in _REFUSES_A_RECORD or (answer.status == CONFLICT and safe)):
        return RecordRejected(
            f"{place} was refused (status {answer.status}).", status=answer.status, findings=_findings(answer)
        )
    return None


def _not_allowed(status: int, place: str) -> TargetRefused:
    hint = (
        "Give the registered application the role that this needs, or use another application."
        if status == FORBIDDEN
        else "The token is not accepted even after it was renewed: check the application's client id and secret."
    )
    return TargetRefused(f"{place} is not allowed (status {status}).", status=status, hint=hint)


def _lost(status: int, place: str) -> ResponseLost:
    return ResponseLost(f"{place}: the answer (status {status}) does not say what took effect.", status=status)


def _created(answer: Answer, type_name: str) -> Created | None:
    data = _data(answer)
    if data is None or data.get("type") != type_name or not is_id(data.get("id")):
        return None
    attributes = data.get("attributes")
    return Created(TargetId(str(data["id"])), attributes if isinstance(attributes, dict) else {})


def _data(answer: Answer) -> dict[str, JsonValue] | None:
    try:
        data = read_object(answer.body).get("data")
    except NotStrictJson:
        return None
    return data if isinstance(data, dict) else None


def _is_empty_or_object(answer: Answer) -> bool:
    if not answer.body:
        return True
    try:
        read_object(answer.body)
    except NotStrictJson:
        return False
    return True


def _located(answer: Answer) -> Located | None:
    address = answer.headers.get("location", "")
    return Located(address) if answer.status == 201 and address and not answer.body else None  # noqa: PLR2004 - Created


def _without_id(answer: Answer, place: str) -> ResponseLost:
    return ResponseLost(f"{place}: the answer (status {answer.status}) holds no id.", status=answer.status)


def _asks_for_token(answer: Answer) -> bool:
    scheme = answer.headers.get("www-authenticate", "").lower()
    return answer.status == UNAUTHORIZED and not answer.body and scheme.startswith("bearer")


def _errors(answer: Answer) -> list[dict[str, JsonValue]]:
    try:
        errors = read_object(answer.body).get("errors")
    except NotStrictJson:
        return []
    return [each for each in errors if isinstance(each, dict)] if isinstance(errors, list) else []


def _findings(answer: Answer) -> list[Finding]:
    return [_finding(each) for each in _errors(answer)[:_MAX_FINDINGS]]


def _finding(error: dict[str, JsonValue]) -> Finding:
    source = error.get("source")
    place = source if isinstance(source, dict) else {}
    return Finding(
        _text(error.get("code")), _text(error.get("title")), _text(place.get("pointer") or place.get("parameter"))
    )


def _text(value: JsonValue) -> str:
    """A short single line without control or direction characters, which could forge a line of a log."""
    if not isinstance(value, str | int):
        return ""
    return _CONTROL.sub(" ", str(value))[:_MAX_TEXT]
