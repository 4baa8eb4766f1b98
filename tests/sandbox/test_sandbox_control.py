"""The sandbox's own paths: its journal, its counts, its page."""

import orjson

PEOPLE = "/people/people"
KEY = "mg1-bcdefghijklmnop2"


def test_the_journal_tells_what_every_request_did(sandbox, kit):
    person = sandbox.person(custom_fields={"migrationKey": KEY})
    sandbox.get(PEOPLE, sort="id")
    sandbox.post(PEOPLE, kit.document(PEOPLE))
    sandbox.delete(f"{PEOPLE}/{person}")
    rows = sandbox.raw("GET", "/_sandbox/journal").json()
    facts = [
        (row["number"], row["method"], row["path"], row["entity"], row["status"], row["record_id"], row["marker"])
        for row in rows
    ]
    assert facts == [
        (1, "POST", "/oauth2/token", "token", 200, None, None),
        (2, "POST", PEOPLE, "person", 201, person, KEY),
        (3, "GET", f"{PEOPLE}?sort=id", "person", 200, None, None),
        (4, "POST", PEOPLE, "person", 400, None, None),
        (5, "DELETE", f"{PEOPLE}/{person}", "person", 204, person, None),
    ]
    assert [row["authorized"] for row in rows] == [False, True, True, True, True]
    assert rows[1]["content_type"] == kit.JSON_API


def test_the_journal_can_be_asked_for_one_method(sandbox):
    sandbox.person()
    assert [row["number"] for row in sandbox.raw("GET", "/_sandbox/journal?method=POST").json()] == [1, 2]
    assert [entry.number for entry in sandbox.oracle.journal("GET")] == []


def test_credentials_never_reach_the_journal(sandbox, kit):
    sandbox.raw("POST", "/oauth2/token", params={**kit.CREDENTIALS, "client_secret": "hush"})
    assert b"hush" not in sandbox.raw("GET", "/_sandbox/journal").content


def test_counts_and_records_tell_the_truth_in_the_process_and_outside(sandbox):
    person = sandbox.person()
    assert sandbox.raw("GET", "/_sandbox/counts").json() == sandbox.oracle.counts() == {"person": 1}
    (row,) = sandbox.raw("GET", "/_sandbox/records/person").json()
    assert (row["id"], row["attributes"]) == (person, {"first_name": "Ann", "last_name": "Quill"})
    assert sandbox.raw("GET", "/_sandbox/records/case").json() == []


def test_control_paths_are_not_journalled_and_meet_no_faults(sandbox):
    sandbox.raw("PUT", "/_sandbox/faults", content=orjson.dumps([{"kind": "status_503"}]))
    assert sandbox.raw("GET", "/_sandbox/counts").status_code == 200
    assert sandbox.oracle.journal() == []


def test_the_page_shows_records_by_entity_and_escapes_what_they_hold(sandbox):
    assert "No records yet" in sandbox.raw("GET", "/").text
    sandbox.person("<script>alert(1)</script>")
    case = sandbox.case("Household & Co")
    page = sandbox.raw("GET", "/")
    assert page.headers["content-type"].startswith("text/html")
    assert "<script>" not in page.text
    assert "&lt;script&gt;alert(1)" in page.text
    assert "Household &amp; Co" in page.text
    only_cases = sandbox.raw("GET", "/?entity=case").text
    assert case in only_cases
    assert "alert(1)" not in only_cases
    assert "Household" in sandbox.raw("GET", "/?entity=<nothing>").text
