"""The class table: what each observation means, row by row."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from etl.casebook.connection import Answer, Silence
from etl.casebook.failures import Located, failure, judge_change, judge_create
from etl.core.errors import RecordRejected, ResponseLost, TargetBusy, TargetError, TargetRefused
from etl.core.ports import Created

ID = "0d5e6c1e-7a43-4a0b-9f0e-3b1c2d4e5f60"
API = json.dumps({"errors": [{"status": "4xx", "code": "c", "title": "t"}]}).encode()
HTML = b"<html>Bad gateway</html>"
GATEWAY = b'{"message": "Too many"}'


def answer(status: int, body: bytes = b"", **headers: str) -> Answer:
    return Answer(status, headers, body)


def create(reply: Answer | Silence) -> Created | Located | TargetError:
    return judge_create(reply, type_name="people", place="POST person")


def resource(**data: object) -> bytes:
    return json.dumps({"data": {"type": "people", "id": ID, "attributes": {"a": 1}, **data}}).encode()


@pytest.mark.parametrize("reason", ["ConnectError", "ConnectTimeout", "PoolTimeout", "InvalidURL"])
def test_a_request_that_never_left_may_be_sent_again(reason: str) -> None:
    assert isinstance(create(Silence(sent=False, reason=reason)), TargetBusy)


def test_an_untrusted_certificate_stops() -> None:
    assert isinstance(create(Silence(sent=False, reason="tls", untrusted=True)), TargetRefused)


@pytest.mark.parametrize("reason", ["ReadTimeout", "ReadError", "WriteError", "RemoteProtocolError", "DecodingError"])
def test_a_request_that_left_without_an_answer_is_lost(reason: str) -> None:
    verdict = create(Silence(sent=True, reason=reason))
    assert isinstance(verdict, ResponseLost)
    assert verdict.status is None


@pytest.mark.parametrize("status", [400, 404, 405, 413, 414, 415, 422])
def test_the_api_refuses_a_record(status: int) -> None:
    verdict = create(answer(status, API))
    assert isinstance(verdict, RecordRejected)
    assert verdict.status == status


@pytest.mark.parametrize("status", [401, 403])
def test_the_api_refuses_the_application(status: int) -> None:
    verdict = create(answer(status, API))
    assert isinstance(verdict, TargetRefused)
    assert verdict.status == status


def test_the_api_asks_to_slow_down() -> None:
    verdict = create(answer(429, API, **{"retry-after": "7"}))
    assert isinstance(verdict, TargetBusy)
    assert verdict.retry_after_s == 7


@pytest.mark.parametrize("body", [HTML, GATEWAY, b"", b'{"errors": []}', b'{"errors": ["text"]}', b"[]"])
@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 413, 415, 422, 429])
def test_the_same_status_with_a_foreign_body_is_lost(status: int, body: bytes) -> None:
    verdict = create(answer(status, body))
    assert isinstance(verdict, ResponseLost)
    assert verdict.status == status


def test_a_bare_401_that_asks_for_a_bearer_token_comes_from_the_api() -> None:
    assert isinstance(create(answer(401, b"", **{"www-authenticate": "Bearer"})), TargetRefused)


@pytest.mark.parametrize("status", [200, 201, 202])
def test_type_and_id_prove_a_create(status: int) -> None:
    verdict = create(answer(status, resource()))
    assert verdict == Created(ID, {"a": 1})


def test_an_empty_201_with_an_address_is_located() -> None:
    assert create(answer(201, b"", location="/people/people/1")) == Located("/people/people/1")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        HTML,
        b'{"data": {"type": "people"}}',
        b'{"data": null}',
        b'{"data": [{"type": "people", "id": "1"}]}',
        resource(id=7),
        resource(id=""),
        resource(id="../cases/1"),
        resource(type="cases"),
        resource()[:-20],
        b'{"data": {"type": "people", "id": "1", "id": "2"}}',
        b'{"data": {"type": "people", "id": "1", "a": ' + b"[" * 100 + b"]" * 100 + b"}}",
        b'{"data": {"type": "people", "id": "1", "a": NaN}}',
        b'{"data": {"type": "people", "id": "1", "a": "\xff"}}',
        b"[" * 100_000,
    ],
)
def test_a_success_without_a_certain_id_is_lost(body: bytes) -> None:
    assert isinstance(create(answer(201, body)), ResponseLost)


def test_a_conflict_of_a_create_is_lost_because_it_may_be_our_own_earlier_attempt() -> None:
    assert isinstance(create(answer(409, API)), ResponseLost)


@pytest.mark.parametrize("status", [300, 301, 302, 304, 307, 308])
def test_a_redirect_stops(status: int) -> None:
    assert isinstance(create(answer(status, b"", location="https://other.example")), TargetRefused)


def test_a_303_after_a_create_is_lost() -> None:
    assert isinstance(create(answer(303, b"", location="/people/people/1")), ResponseLost)


@pytest.mark.parametrize("body", [API, HTML])
@pytest.mark.parametrize("status", [402, 406, 408, 418, 425, 500, 501, 502, 503, 504, 599])
def test_anything_else_is_lost(status: int, body: bytes) -> None:
    assert isinstance(create(answer(status, body)), ResponseLost)


@pytest.mark.parametrize("status", [400, 404, 409, 422])
def test_a_change_that_the_api_refuses_concerns_this_record(status: int) -> None:
    verdict = judge_change(answer(status, API), place="PATCH person")
    assert isinstance(verdict, RecordRejected)
    assert verdict.status == status


@pytest.mark.parametrize("body", [b"", b'{"data": null}', resource()])
def test_a_change_took_effect(body: bytes) -> None:
    assert judge_change(answer(200, body), place="PATCH person") is None


def test_a_change_answered_by_somebody_else_is_lost() -> None:
    assert isinstance(judge_change(answer(200, HTML), place="PATCH person"), ResponseLost)
    assert isinstance(judge_change(answer(404, HTML), place="DELETE person"), ResponseLost)


@given(
    status=st.integers(200, 599),
    body=st.sampled_from([API, HTML, b"", resource()]),
    sent=st.booleans(),
    silent=st.booleans(),
)
def test_every_observation_of_a_create_has_exactly_one_meaning(
    status: int, body: bytes, sent: bool, silent: bool
) -> None:
    verdict = create(Silence(sent=sent, reason="x") if silent else answer(status, body))
    assert isinstance(verdict, Created | TargetBusy | RecordRejected | ResponseLost | TargetRefused)
    may_have_taken_effect = (silent and sent) or (not silent and (status >= 500 or status == 409))
    assert not may_have_taken_effect or isinstance(verdict, ResponseLost)


def test_findings_keep_code_title_and_place_but_never_the_detail() -> None:
    error = {
        "code": "required",
        "title": "Must be \u202e present\r\nFORGED",
        "detail": "value Garcia is bad",
        "source": {"pointer": "/data/attributes/name"},
        "meta": {"value": "Garcia"},
    }
    verdict = failure(answer(422, json.dumps({"errors": [error]}).encode()), safe=False, place="POST person")
    assert isinstance(verdict, RecordRejected)
    (finding,) = verdict.findings
    assert (finding.code, finding.pointer) == ("required", "/data/attributes/name")
    assert finding.title == "Must be   present  FORGED"
    assert "Garcia" not in repr(verdict.findings) + str(verdict)


def test_a_hundred_findings_are_enough() -> None:
    body = json.dumps({"errors": [{"code": 5}] * 300}).encode()
    verdict = failure(answer(422, body), safe=False, place="POST person")
    assert isinstance(verdict, RecordRejected)
    assert len(verdict.findings) == 100
    assert verdict.findings[0].code == "5"
