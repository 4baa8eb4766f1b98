"""Killed loads where the state is on a server, and where the tenant takes ids of our choice: nothing lost, none doubled."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from dataclasses import replace

import pytest
import sqlalchemy as sa
import yaml

from etl.catalog.loader import load_catalog
from etl.catalog.model import Catalog
from etl.load.client_ids import client_id
from etl.sandbox.oracle import Oracle
from etl.state import ServerPlace, open_reader
from etl.state.postgres import schema_name
from tests.e2e.harness import ROOT, Place, etl, finished, sandbox, sandbox_catalog, small, start, writes
from tests.e2e.pictures import known
from tests.e2e.test_kills import SEED, assert_exact_after

MANY_PERSONS = "ID,FIRST,LAST,BORN,MOTHER\n" + "".join(f"{number},Ada,Vale,1961-02-03,\n" for number in range(1, 61))


@pytest.fixture
def ended_sessions(postgres_database: str) -> Iterator[sa.Connection]:
    """An administrator at that database, who can end everybody's session."""
    engine = sa.create_engine(postgres_database, poolclass=sa.NullPool, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        yield connection


def on_server(place: Place, url: str) -> Place:
    """The place with its state on a server instead of in a file."""
    path = place.project / "project.yaml"
    document = yaml.safe_load(path.read_text("utf-8"))
    document["profiles"]["sandbox"]["state"] = url
    path.write_text(yaml.safe_dump(document, sort_keys=False, width=1000), "utf-8")
    return replace(place, server=ServerPlace(url, schema_name(document["project"], "sandbox")))


def taking_ids(place: Place, monkeypatch: pytest.MonkeyPatch) -> Catalog:
    """The catalogue of a tenant like the sandbox's that takes ids of our choice; the place's profile means it."""
    overlay = yaml.safe_load((ROOT / "etl" / "catalog" / "tenants" / "sandbox.yaml").read_text("utf-8"))
    for name, entity in sandbox_catalog().entities.items():
        if entity.creatable:
            overlay["entities"].setdefault(name, {})["client_ids"] = True
    path = place.project / "tenants" / "taking.yaml"
    path.parent.mkdir()
    path.write_text(yaml.safe_dump(overlay, sort_keys=False), "utf-8")
    project = place.project / "project.yaml"
    project.write_text(project.read_text("utf-8").replace("tenant: sandbox", "tenant: tenants/taking.yaml", 1), "utf-8")
    monkeypatch.setenv("CASEBOOK_SANDBOX_CLIENT_ID", "sandbox")
    monkeypatch.setenv("CASEBOOK_SANDBOX_CLIENT_SECRET", "sandbox")
    return load_catalog(path)


def ids_are_ours(place: Place) -> list[bool]:
    return [each.target_id == client_id(each.key) for each in known(place.state) if each.target_id]


# ---------------------------------------------------------------- a state on a server


@pytest.mark.timeout(240)
def test_a_killed_load_with_its_state_on_a_server_is_exact(agency, reference, postgres_database, proof_line):
    place = on_server(agency, postgres_database)
    assert_exact_after(3, SEED + 5, place, reference, proof_line)
    assert not list(place.runs.glob("*.db"))


@pytest.mark.e2e
@pytest.mark.timeout(1200)
def test_a_load_killed_twelve_times_with_its_state_on_a_server_is_exact(
    agency, reference, postgres_database, proof_line
):
    assert_exact_after(12, SEED + 6, on_server(agency, postgres_database), reference, proof_line)


def test_every_command_reads_a_state_on_a_server(tmp_path, postgres_database):
    with sandbox() as quiet:
        place = on_server(small(tmp_path, quiet.base_url), postgres_database)
        commands = [("status",), ("run", "--progress", "none"), ("status",), ("report",), ("verify",), ("resolve",)]
        ended = [etl(name, place.project, *more) for name, *more in commands]
        assert [each.code for each in ended] == [0] * len(commands), "\n".join(each.text for each in ended)
        assert "nothing was loaded yet" in ended[0].out
        assert f"schema {place.server.schema}" in ended[2].out
        assert etl("where", "C1", "--project", place.project).code == 0
        assert etl("state", "adopt", place.project, "--yes").code == 0


def test_a_second_run_from_anywhere_is_refused_and_told_who_holds_the_state(tmp_path, postgres_database):
    with sandbox(latency_s=0.2) as slow:
        place = on_server(small(tmp_path, slow.base_url), postgres_database)
        first = start("run", place.project, "--progress", "none")
        wait_until_held(place.server)
        second = etl("run", place.project, "--progress", "none")
        assert finished(first).code == 0
    assert second.code == 3
    assert f"in use by process {first.pid} on host" in second.err


def wait_until_held(place: ServerPlace) -> None:
    """Waits until a run has begun to write."""
    for _ in range(3000):
        with open_reader(place) as reader:
            if reader.open_run() is not None:
                return
        time.sleep(0.02)
    pytest.fail("no run began")


def test_a_run_whose_session_is_ended_sends_nothing_more_and_the_next_one_goes_on(
    tmp_path, postgres_database, ended_sessions
):
    with sandbox(latency_s=0.3) as slow:
        place = on_server(small(tmp_path, slow.base_url), postgres_database)
        first = start("run", place.project, "--progress", "none")
        wait_until_created(slow.oracle)
        end = "select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid() and client_port is not null"
        ended_sessions.exec_driver_sql(end)
        stopped = finished(first)
        sent = writes(slow.oracle)
        assert etl("run", place.project, "--progress", "none").code == 0
        assert slow.oracle.counts() == {"case": 3, "case_person": 4, "person": 4}
    assert stopped.code == 3
    assert "state database" in stopped.text
    assert len(sent) < 11


def test_a_run_that_slept_while_another_one_finished_its_work_sends_nothing_when_it_wakes(
    tmp_path, postgres_database, ended_sessions
):
    """Stopped as by a laptop's lid: the server ends its session, another run takes over and loads everything."""
    with sandbox(latency_s=0.2) as slow:
        place = on_server(small(tmp_path, slow.base_url, {"data/PERSONS.csv": MANY_PERSONS}), postgres_database)
        sleeper = start("run", place.project, "--progress", "none")
        wait_until_created(slow.oracle)
        time.sleep(0.5)
        sleeper.send_signal(signal.SIGSTOP)
        end = "select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid() and client_port is not null"
        ended_sessions.exec_driver_sql(end)
        assert etl("run", place.project, "--progress", "none").code == 0
        loaded = slow.oracle.counts()
        sleeper.send_signal(signal.SIGCONT)
        woken = finished(sleeper)
        assert slow.oracle.counts() == loaded == {"case": 3, "case_person": 4, "person": 60}
    assert woken.code == 3
    assert "state database" in woken.text


def wait_until_created(oracle: Oracle) -> None:
    for _ in range(6000):
        if oracle.counts():
            return
        time.sleep(0.01)
    pytest.fail("nothing was sent")


def test_the_password_of_the_state_stands_nowhere(tmp_path, postgres_database, monkeypatch):
    with sandbox() as quiet:
        place = on_server(small(tmp_path, quiet.base_url), postgres_database)
        monkeypatch.setenv("CASEBOOK_SANDBOX_STATE_PASSWORD", "hunter-22")
        ended = [etl("run", place.project, "--progress", "none"), etl("status", place.project)]
    assert [each.code for each in ended] == [0, 0]
    assert not any("hunter-22" in each.text for each in ended)
    assert not any(b"hunter-22" in path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())


@pytest.mark.parametrize("password", ["hunter-22", "${TEAM_PASSWORD}"])
def test_a_password_in_the_address_is_refused(tmp_path, monkeypatch, password):
    monkeypatch.setenv("TEAM_PASSWORD", "hunter-22")
    place = on_server(small(tmp_path), f"postgresql://clerk:{password}@db.example/team")
    ended = etl("status", place.project, "--json")
    assert ended.code == 2
    assert "hunter-22" not in ended.text
    assert len(ended.answer["error"]["mistakes"]) == 1


# ---------------------------------------------------------------- ids of our choice


@pytest.mark.timeout(240)
def test_a_killed_load_with_ids_of_our_choice_is_exact(agency, reference, monkeypatch, proof_line):
    catalog = taking_ids(agency, monkeypatch)
    assert_exact_after(3, SEED + 7, agency, reference, proof_line, catalog=catalog)
    assert all(ids_are_ours(agency))


@pytest.mark.e2e
@pytest.mark.timeout(1200)
def test_a_load_killed_twelve_times_at_a_tenant_that_ignores_our_ids_is_exact(
    agency, reference, monkeypatch, proof_line
):
    taking_ids(agency, monkeypatch)
    assert_exact_after(12, SEED + 8, agency, reference, proof_line)
    assert not any(ids_are_ours(agency))


def test_a_server_that_ignores_our_ids_is_found_out_by_its_first_answer(tmp_path, monkeypatch):
    with sandbox() as ignoring:
        place = small(tmp_path, ignoring.base_url)
        taking_ids(place, monkeypatch)
        ended = etl("run", place.project)
    assert ended.code == 0
    assert ended.err.count("\nperson: Casebook gave an id of its own") == 1
    assert not any(ids_are_ours(place))
