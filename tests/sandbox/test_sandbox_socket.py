"""The sandbox behind a real socket: cut lines, signals, a killed server."""

import os
import signal
import sqlite3
import subprocess
import sys
import time

import httpx
import pytest

from etl.core.errors import SettingsError
from etl.sandbox import SandboxSettings, parse_faults, running

PEOPLE = "/people/people"


@pytest.fixture
def connect(kit):
    """A running sandbox, and a plain HTTP client that holds a token."""
    opened = []

    def make(faults="", **settings):
        context = running(SandboxSettings(catalog=kit.catalog(), faults=parse_faults(faults), **settings))
        handle = context.__enter__()
        client = httpx.Client(base_url=handle.base_url)
        opened.append((client, context))
        token = client.post(handle.token_url, data=kit.CREDENTIALS).json()["access_token"]
        client.headers["Authorization"] = f"Bearer {token}"
        return handle, client

    yield make
    for client, context in opened:
        client.close()
        context.__exit__(None, None, None)


def post(client, kit):
    body = kit.document(
        PEOPLE, {"first_name": "A", "last_name": "B", "custom_fields": {"migrationKey": "mg1-aaaaaaaaaaaaaaaa"}}
    )
    return client.post(PEOPLE, json=body, headers={"Content-Type": kit.JSON_API})


def test_it_serves_over_a_socket_and_names_itself_in_addresses(connect, kit):
    handle, client = connect()
    answer = post(client, kit)
    assert answer.headers["location"].startswith(handle.base_url + PEOPLE)
    assert client.get(answer.headers["location"]).json()["data"]["id"] == answer.json()["data"]["id"]
    assert handle.oracle.counts() == {"person": 1}


def test_an_answer_lost_after_the_commit_leaves_exactly_one_record(connect, kit):
    handle, client = connect("reset_after_commit:first=1")
    with pytest.raises((httpx.ReadError, httpx.RemoteProtocolError)):
        post(client, kit)
    assert handle.oracle.markers() == {"mg1-aaaaaaaaaaaaaaaa": 1}
    assert client.get(PEOPLE).json()["meta"]["totalResourceCount"] == 1


def test_a_line_cut_before_the_commit_leaves_nothing(connect, kit):
    handle, client = connect("reset_before_commit:first=1")
    with pytest.raises((httpx.ReadError, httpx.RemoteProtocolError)):
        post(client, kit)
    assert handle.oracle.counts() == {}
    assert post(client, kit).status_code == 201


def test_a_body_cut_amid_is_incomplete_on_the_wire(connect, kit):
    handle, client = connect("cut_body:first=1")
    with pytest.raises(httpx.RemoteProtocolError):
        post(client, kit)
    assert handle.oracle.counts() == {"person": 1}


def test_a_late_commit_comes_after_the_line_was_cut(connect, kit):
    handle, client = connect("late_commit(delay_s=0.2):first=1")
    with pytest.raises((httpx.ReadError, httpx.RemoteProtocolError)):
        post(client, kit)
    assert handle.oracle.counts() == {}
    deadline = time.monotonic() + 5
    while not handle.oracle.counts() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert handle.oracle.counts() == {"person": 1}


def test_an_upload_goes_over_the_same_host_without_a_token(connect, kit):
    handle, client = connect()
    person = post(client, kit).json()["data"]["id"]
    body = kit.document(
        "/attachments/attachments", {"file_name": "a.txt", "target_id": person, "target_type": "people"}
    )
    made = client.post("/attachments/attachments", json=body, headers={"Content-Type": kit.JSON_API}).json()["data"]
    url = made["attributes"]["upload_url"]
    assert url.startswith(handle.base_url)
    assert httpx.put(url, content=b"bytes").status_code == 200
    assert handle.oracle.records("attachment")[0].attributes["byte_size"] == 5


def test_a_port_in_use_is_a_settings_error(connect, kit):
    handle, _ = connect()
    port = int(handle.base_url.rsplit(":", 1)[1])
    with (
        pytest.raises(SettingsError, match="cannot listen"),
        running(SandboxSettings(catalog=kit.catalog()), port=port),
    ):
        pass


SERVER = """
import sys
from etl.catalog.loader import load_catalog
from etl.sandbox import SandboxSettings, serve
serve(SandboxSettings(catalog=load_catalog("sandbox"), db=sys.argv[1]), on_ready=lambda port: print(port, flush=True))
print("closed", flush=True)
"""


@pytest.fixture
def process(tmp_path):
    database = tmp_path / "sandbox.db"
    command = [sys.executable, "-c", SERVER, str(database)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as started:  # noqa: S603 - the command is ours
        yield started, database
        if started.poll() is None:
            started.kill()


def filled(process, kit, count):
    with httpx.Client(base_url=f"http://127.0.0.1:{process.stdout.readline().strip()}") as client:
        token = client.post("/oauth2/token", data=kit.CREDENTIALS).json()["access_token"]
        client.headers["Authorization"] = f"Bearer {token}"
        return [post(client, kit).json()["data"]["id"] for _ in range(count)]


def test_sigterm_ends_a_server_cleanly(process, kit):
    started, _ = process
    filled(started, kit, 1)
    started.send_signal(signal.SIGTERM)
    rest, _ = started.communicate(timeout=10)
    assert (rest.strip(), started.returncode) == ("closed", 0)


def test_a_killed_server_has_every_answered_record_and_a_journal_that_agrees(process, kit):
    started, database = process
    answered = filled(started, kit, 20)
    os.kill(started.pid, signal.SIGKILL)
    started.wait(timeout=10)
    connection = sqlite3.connect(database)
    held = [row[0] for row in connection.execute("SELECT id FROM records WHERE entity = 'person' ORDER BY seq")]
    noted = [
        row[0]
        for row in connection.execute("SELECT record_id FROM journal WHERE record_id IS NOT NULL ORDER BY number")
    ]
    connection.close()
    assert held == noted == answered
