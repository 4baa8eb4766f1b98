"""Attachment bytes: a signed address that knows no bearer token."""

import hashlib
import re

import pytest

from etl.sandbox import FaultRule

BYTES = b"%PDF-1.7 a scan"


@pytest.fixture
def attachment(sandbox):
    return attach(sandbox)


def attach(sandbox):
    person = sandbox.person()
    path = "/attachments/attachments"
    record_id = sandbox.create(path, {"file_name": "scan.pdf", "target_id": person, "target_type": "people"})
    return f"{path}/{record_id}"


def shown(sandbox, path):
    return sandbox.get(path).json()["data"]["attributes"]


def put(sandbox, url, body=BYTES, **headers):
    return sandbox.raw("PUT", url, content=body, headers=headers)


def test_uploaded_bytes_are_known_by_their_size_and_hash(sandbox, attachment):
    before = shown(sandbox, attachment)
    assert (before["byte_size"], before["sha256"]) == (None, None)
    assert put(sandbox, before["upload_url"]).status_code == 200
    after = shown(sandbox, attachment)
    assert (after["byte_size"], after["sha256"]) == (len(BYTES), hashlib.sha256(BYTES).hexdigest())


def test_a_request_with_a_bearer_token_is_refused(sandbox, attachment):
    answer = put(sandbox, shown(sandbox, attachment)["upload_url"], **sandbox.bearer)
    assert (answer.status_code, "InvalidArgument" in answer.text) == (400, True)


def test_an_altered_signature_or_another_records_address_is_refused(sandbox, attachment):
    url = shown(sandbox, attachment)["upload_url"]
    other = attach(sandbox).rsplit("/", 1)[1]
    for wrong in (
        url[:-1] + ("0" if url[-1] != "0" else "1"),
        re.sub(r"_uploads/[^?]+", f"_uploads/{other}", url),
        url.partition("&")[0],
    ):
        assert put(sandbox, wrong).status_code == 403
    assert put(sandbox, re.sub(r"expires=\d+", "expires=99999999999", url)).status_code == 403


def test_an_expired_address_is_refused_and_a_read_gives_a_fresh_one(sandbox_of):
    sandbox = sandbox_of(upload_ttl_s=-1)
    path = attach(sandbox)
    answer = put(sandbox, shown(sandbox, path)["upload_url"])
    assert (answer.status_code, "AccessDenied" in answer.text) == (403, True)


def test_more_than_ten_megabytes_are_refused(sandbox, attachment):
    url = shown(sandbox, attachment)["upload_url"]
    assert put(sandbox, url, bytes(10 * 1024 * 1024)).status_code == 200
    assert put(sandbox, url, bytes(10 * 1024 * 1024 + 1)).status_code == 413


def test_the_length_must_be_declared_and_true(sandbox, attachment):
    url = shown(sandbox, attachment)["upload_url"]
    assert put(sandbox, url, BYTES, **{"Content-Length": str(len(BYTES) + 1)}).status_code == 400

    async def pieces():
        yield BYTES

    assert put(sandbox, url, pieces()).status_code == 411
    assert shown(sandbox, attachment)["byte_size"] is None


def test_the_address_offers_put_alone(sandbox, attachment):
    assert sandbox.raw("GET", shown(sandbox, attachment)["upload_url"]).status_code == 405


def test_an_upload_meets_only_faults_that_name_it(sandbox_of):
    sandbox = sandbox_of(
        faults=(FaultRule("status", methods=("PUT",)), FaultRule("status", entity="upload", first=1, status=500))
    )
    url = shown(sandbox, attach(sandbox))["upload_url"]
    assert [put(sandbox, url).status_code for _ in range(2)] == [500, 200]


def test_the_journal_tells_whether_a_bearer_header_came_along_and_keeps_no_signature(sandbox, attachment):
    put(sandbox, shown(sandbox, attachment)["upload_url"], **sandbox.bearer)
    (entry,) = sandbox.oracle.journal("PUT")
    assert (entry.authorized, entry.status, "signature" in entry.path) == (True, 400, False)
