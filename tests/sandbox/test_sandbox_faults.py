"""Faults: how they are written, whom they hit, and where each stands relative to the commit."""

import contextlib
import time
from email.utils import parsedate_to_datetime

import httpx
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from etl.core.errors import SettingsError
from etl.sandbox import FaultRule, parse_faults
from etl.sandbox.faults import KINDS, FaultPlan

PEOPLE = "/people/people"
KEY = "mg1-aaaaaaaaaaaaaaaa"


@pytest.fixture
def faulty(sandbox_of):
    """A sandbox with faults written as text, and the bearer token taken beforehand."""

    def make(text, **settings):
        sandbox = sandbox_of(faults=parse_faults(text), **settings)
        return sandbox.login()

    return make


def post(sandbox, kit, last_name="Quill"):
    return sandbox.post(
        PEOPLE,
        kit.document(PEOPLE, {"first_name": "A", "last_name": last_name, "custom_fields": {"migrationKey": KEY}}),
    )


def last(sandbox):
    entry = sandbox.oracle.journal()[-1]
    return entry.status, bool(entry.record_id), entry.fault


# ---------------------------------------------------------------- writing them


def test_the_first_may_be_spared_and_the_same_request_comes_through_the_second_time():
    (rule,) = parse_faults("reset_after_commit(spared=1;once=true)@POST person")
    plan = FaultPlan([rule], seed=1)
    hit = [plan.choose("POST", PEOPLE, "person", body) is not None for body in "abbcac"]
    assert hit == [False, True, False, True, True, False]


def test_a_short_text_says_kind_arguments_place_and_amount():
    text = "reset_after_commit:0.1, status_429(retry_after=date:2)@POST /people/*:first=3,status_503_after_commit@person:nth=2;5,delay(delay_s=0.5):every=4"
    reset, busy, late, slow = parse_faults(text)
    assert reset == FaultRule("reset_after_commit", methods=("POST", "PATCH", "DELETE"), probability=0.1)
    assert busy == FaultRule("status", methods=("POST",), path="/people/*", first=3, status=429, retry_after="date:2")
    assert (late.status, late.after_commit, late.entity, late.nth) == (503, True, "person", (2, 5))
    assert slow == FaultRule("delay", delay_s=0.5, every=4)


@pytest.mark.parametrize("suffix", ["yaml", "json"])
def test_rules_can_be_a_file(tmp_path, suffix):
    path = tmp_path / f"faults.{suffix}"
    path.write_bytes(
        orjson.dumps(
            {"faults": [{"kind": "status_503", "method": "GET", "probability": 0.5}, {"kind": "lag", "delay_s": 2}]}
        )
    )
    first, second = parse_faults(str(path))
    assert first == FaultRule("status", methods=("GET",), probability=0.5, status=503)
    assert (second.kind, second.delay_s) == ("lag", 2)


@pytest.mark.parametrize("text", ["", " , "])
def test_no_text_means_no_faults(text):
    assert parse_faults(text) == ()


@pytest.mark.parametrize(
    "text",
    [
        "reset:0.1",
        "reset_after_commit:1.5",
        "reset_after_commit:often",
        "delay(delay_s=long)",
        "delay(delay_s=-1)",
        "status_999",
        "status_503:first=0",
        "status_503:nth=0",
        "status_503:colour=3",
        "status_503:every=x",
        "a b c",
        "missing.yaml",
    ],
)
def test_a_wrong_rule_is_a_settings_error_that_lists_the_kinds(text):
    with pytest.raises(SettingsError) as caught:
        parse_faults(text)
    assert caught.value.hint


@pytest.mark.parametrize(
    "text", ["{", "3", "- 7", "- {method: GET}", "- {kind: delay, colour: red}", "- {kind: delay, first: many}"]
)
def test_a_wrong_file_of_faults_is_a_settings_error(tmp_path, text):
    path = tmp_path / "faults.yaml"
    path.write_text(text)
    with pytest.raises(SettingsError):
        parse_faults(str(path))


@given(st.text(max_size=30))
def test_any_text_is_rules_or_a_settings_error(text):
    try:
        rules = parse_faults(text)
    except SettingsError:
        return
    assert all(rule.kind in KINDS for rule in rules)


# ---------------------------------------------------------------- whom they hit


def hits(rule, count=40, seed=7):
    plan = FaultPlan((rule,), seed)
    return [number for number in range(1, count + 1) if plan.choose("POST", PEOPLE, "person")]


def test_amounts_choose_requests_by_number_or_by_chance():
    assert hits(FaultRule("delay", nth=(2, 5))) == [2, 5]
    assert hits(FaultRule("delay", first=3)) == [1, 2, 3]
    assert hits(FaultRule("delay", every=20)) == [20, 40]
    assert hits(FaultRule("delay", probability=0.0)) == []
    assert len(hits(FaultRule("delay", probability=1.0))) == 40


def test_the_same_seed_meets_the_same_requests_and_another_seed_others():
    rule = FaultRule("delay", probability=0.3)
    assert hits(rule) == hits(rule)
    assert hits(rule) != hits(rule, seed=8)


def test_a_further_rule_does_not_shift_what_another_one_hits():
    rule = FaultRule("reset_after_commit", probability=0.3)
    plan = FaultPlan((rule, FaultRule("delay", probability=0.9)), 7)
    chosen = [plan.choose("POST", PEOPLE, "person") for _ in range(40)]
    assert [number for number, one in enumerate(chosen, start=1) if one is rule] == hits(rule)


def test_tokens_meet_only_faults_that_name_them(faulty):
    assert faulty("status_503").raw("POST", "/oauth2/token").status_code == 400
    sandbox = faulty("status_503@token:nth=2")
    assert sandbox.raw("POST", "/oauth2/token").status_code == 503


def test_a_rule_for_an_entity_or_a_method_leaves_the_others_alone(faulty, kit):
    sandbox = faulty("status_503@POST person")
    assert post(sandbox, kit).status_code == 503
    assert sandbox.get(PEOPLE).status_code == 200
    sandbox.case()


def test_faults_can_be_replaced_while_it_runs(sandbox, kit):
    assert sandbox.raw("PUT", "/_sandbox/faults", json=[{"kind": "status_500", "first": 1}]).status_code == 204
    assert [post(sandbox, kit).status_code for _ in range(2)] == [500, 201]
    wrong = sandbox.raw("PUT", "/_sandbox/faults", json=[{"kind": "spell"}])
    assert (wrong.status_code, "kinds:" in wrong.text) == (422, True)
    assert sandbox.raw("PUT", "/_sandbox/faults", content=b"{").status_code == 422


# ---------------------------------------------------------------- what they do


def test_a_status_before_the_commit_leaves_nothing_behind(faulty, kit):
    sandbox = faulty("status_502")
    assert post(sandbox, kit).status_code == 502
    assert sandbox.oracle.counts() == {}
    assert last(sandbox) == (502, False, "status_502")


def test_a_status_after_the_commit_leaves_the_record_behind(faulty, kit):
    sandbox = faulty("status_500_after_commit")
    assert post(sandbox, kit).status_code == 500
    assert sandbox.oracle.counts() == {"person": 1}
    assert last(sandbox) == (500, True, "status_500_after_commit")


def test_a_reset_before_the_commit_cuts_the_line_and_does_nothing(faulty, kit):
    sandbox = faulty("reset_before_commit")
    with pytest.raises(ConnectionResetError):
        post(sandbox, kit)
    assert sandbox.oracle.counts() == {}
    assert last(sandbox) == (None, False, "reset_before_commit")


def test_a_reset_after_the_commit_leaves_a_record_that_the_client_does_not_know(faulty, kit):
    sandbox = faulty("reset_after_commit:first=1")
    with pytest.raises(ConnectionResetError):
        post(sandbox, kit)
    assert last(sandbox) == (None, True, "reset_after_commit")
    assert sandbox.oracle.markers() == {KEY: 1}
    assert sandbox.get(PEOPLE, **{"filter[custom_fields.migrationKey]": KEY}).json()["meta"]["totalResourceCount"] == 1


def test_a_late_commit_happens_after_the_client_gave_up(faulty, kit):
    sandbox = faulty("late_commit(delay_s=0.05):first=1")
    with pytest.raises(ConnectionResetError):
        post(sandbox, kit)
    assert sandbox.oracle.counts() == {}
    sandbox.wait(0.15)
    assert sandbox.oracle.counts() == {"person": 1}
    assert last(sandbox) == (None, True, "late_commit")


def test_a_delay_answers_late_and_well(faulty, kit):
    sandbox = faulty("delay(delay_s=0.1)@POST")
    started = time.monotonic()
    assert post(sandbox, kit).status_code == 201
    assert time.monotonic() - started >= 0.1


def test_latency_slows_every_request(sandbox_of):
    sandbox = sandbox_of(latency_s=0.05).login()
    started = time.monotonic()
    sandbox.get(PEOPLE)
    assert time.monotonic() - started >= 0.05


def test_a_dripped_body_is_whole_in_the_end(faulty, kit):
    answer = post(faulty("drip(delay_s=0.1)@POST"), kit)
    assert answer.json()["data"]["attributes"]["last_name"] == "Quill"


@pytest.mark.parametrize("kind", ["truncated", "foreign_body", "empty_body"])
def test_an_unreadable_answer_still_means_that_the_record_is_there(faulty, kit, kind):
    sandbox = faulty(kind)
    answer = post(sandbox, kit)
    assert answer.status_code == 201
    with pytest.raises(ValueError, match=r"line|Expecting|Unterminated|column"):
        answer.json()
    assert last(sandbox) == (201, True, kind)


def test_a_foreign_body_is_html_and_an_empty_one_keeps_the_address(faulty, kit):
    assert post(faulty("foreign_body"), kit).headers["content-type"].startswith("text/html")
    assert post(faulty("empty_body"), kit).headers["location"]


def test_an_answer_that_is_no_gzip_cannot_be_decoded(faulty, kit):
    sandbox = faulty("bad_encoding")
    with pytest.raises(httpx.DecodingError):
        post(sandbox, kit)
    assert sandbox.oracle.counts() == {"person": 1}


def test_an_answer_can_lack_the_id(faulty, kit):
    answer = post(faulty("no_id"), kit)
    assert "id" not in answer.json()["data"]
    assert "location" not in answer.headers


def test_a_body_cut_amid_ends_the_line(faulty, kit):
    sandbox = faulty("cut_body")
    with pytest.raises(ConnectionResetError):
        post(sandbox, kit)
    assert sandbox.oracle.counts() == {"person": 1}


def test_too_many_requests_tell_when_to_come_back_in_either_form(faulty, kit):
    assert post(faulty("status_429(retry_after=7)"), kit).headers["retry-after"] == "7"
    text = post(faulty("status_429(retry_after=date:60)"), kit).headers["retry-after"]
    assert 50 < parsedate_to_datetime(text).timestamp() - time.time() <= 61
    assert post(faulty("status_429(retry_after=soon)"), kit).headers["retry-after"] == "soon"
    assert "retry-after" not in post(faulty("status_429"), kit).headers


def test_a_redirect_names_its_place(faulty, kit):
    answer = post(faulty("status_303(location=http://elsewhere.example/)"), kit)
    assert (answer.status_code, answer.headers["location"]) == (303, "http://elsewhere.example/")


def test_tokens_can_expire_amid_the_work(faulty, kit):
    sandbox = faulty("expire_tokens:nth=2")
    assert [post(sandbox, kit).status_code for _ in range(3)] == [201, 401, 401]
    assert post(sandbox.login(), kit).status_code == 201


def test_a_record_can_lag_behind_its_answer(faulty, kit):
    sandbox = faulty("lag(delay_s=0.1)")
    answer = post(sandbox, kit)
    path = f"{PEOPLE}/{answer.json()['data']['id']}"
    assert (sandbox.get(path).status_code, sandbox.get(PEOPLE).json()["meta"]["totalResourceCount"]) == (404, 0)
    sandbox.wait(0.12)
    assert (sandbox.get(path).status_code, sandbox.get(PEOPLE).json()["meta"]["totalResourceCount"]) == (200, 1)


def test_a_lag_of_all_records_does_not_hide_a_parent_from_its_child(sandbox_of):
    sandbox = sandbox_of(visibility_lag_s=30)
    sandbox.create("/people/educations", person=("people", sandbox.person()))
    assert sandbox.get(PEOPLE).json()["data"] == []


def test_a_blind_get_finds_nothing(faulty, kit):
    sandbox = faulty("blind_get")
    record_id = post(sandbox, kit).json()["data"]["id"]
    assert sandbox.get(PEOPLE).json()["data"] == []
    assert sandbox.get(f"{PEOPLE}/{record_id}").status_code == 404
    assert last(sandbox) == (404, False, "blind_get")


def test_a_rate_limit_answers_429_and_says_when(sandbox_of, kit):
    sandbox = sandbox_of(requests_per_s=3).login()
    answers = [post(sandbox, kit) for _ in range(6)]
    refused = [answer for answer in answers if answer.status_code == 429]
    assert refused
    assert all(int(answer.headers["retry-after"]) >= 1 for answer in refused)
    assert sandbox.oracle.counts() == {"person": 6 - len(refused)}


def test_every_kind_is_documented_and_can_be_served(sandbox_of, kit):
    for kind in KINDS:
        sandbox = sandbox_of(faults=(FaultRule(kind, delay_s=0.0, methods=("POST",), path=PEOPLE),)).login()
        with contextlib.suppress(ConnectionResetError, httpx.DecodingError):
            post(sandbox, kit)
        sandbox.wait(0.01)
        assert sandbox.oracle.journal("POST")[-1].fault.startswith(kind)
