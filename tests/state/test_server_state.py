"""A state on a server: one writer among all machines, nothing written without the lock, nothing that can be lost."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from etl.core.changes import Intend, MarkCreated
from etl.core.errors import SettingsError, StateError, StateLocked, StateTooNew
from etl.core.keys import RecordKey
from etl.core.records import RunId, TargetId
from etl.state import ServerPlace, SqlStore, open_reader, open_store, opening, state_exists
from etl.state.backing import POSTGRES
from etl.state.postgres import schema_name

NOTICED_S = 10
"""How long the server may take to notice that a session was closed."""
ANN, BOB = RecordKey("a" * 32), RecordKey("b" * 32)
HOLD = """
import sys
from datetime import UTC, datetime
from etl.core.changes import Intend, MarkCreated
from etl.core.keys import RecordKey
from etl.core.records import TargetId
from etl.state import ServerPlace, open_store

class Clock:
    def now(self):
        return datetime(2026, 7, 1, 12, 0, tzinfo=UTC)

    def monotonic(self):
        return 0.0

place = ServerPlace(sys.argv[1], sys.argv[2])
store = open_store(place, project="p", target="t", key_check="k", run_command="run", clock=Clock())
for number in range(10**6):
    key = RecordKey(f"{number:032x}")
    store.commit(Intend(key, "person", "people", "f", b"h")).result()
    print("intent", key, flush=True)
    store.commit(MarkCreated(key, TargetId(key))).result()
    print("created", key, flush=True)
"""


class StillClock:
    """A clock that stands still."""

    def now(self):
        return datetime(2026, 7, 1, 12, 0, tzinfo=UTC)

    def monotonic(self):
        return 0.0

    async def sleep(self, delay_s):
        raise AssertionError("nothing here waits")


@pytest.fixture
def place(postgres_url, tmp_path) -> ServerPlace:
    return ServerPlace(postgres_url, schema_name(str(tmp_path), "t"))


@pytest.fixture
def server(postgres_url) -> Iterator[sa.Connection]:
    """What an administrator sees of the server."""
    engine = sa.create_engine(postgres_url, poolclass=sa.NullPool, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        yield connection


@pytest.fixture
def opened(place) -> Callable[..., SqlStore]:
    def opener(where: ServerPlace = place, **other):
        facts = {"project": "p", "target": "t", "key_check": "k", "run_command": "run"} | other
        return open_store(where, clock=StillClock(), **facts)

    return opener


@pytest.fixture
def holder(place) -> Iterator[subprocess.Popen[str]]:
    """Another process that holds the state and writes to it."""
    command = [sys.executable, "-c", HOLD, place.url, place.schema]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603 - our own interpreter
        yield process
        process.kill()


def intend(key: RecordKey) -> Intend:
    return Intend(key, "person", "people", "f", b"h")


def alter(server: sa.Connection, place: ServerPlace, change: str) -> None:
    server.exec_driver_sql(f"update {place.schema}.{change}")


def end_sessions(server: sa.Connection) -> int:
    """Ends every session but the administrator's own, as a restart or a failing line does."""
    query = "select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid() and client_port is not null"
    return len(server.exec_driver_sql(query).all())


# ---------------------------------------------------------------- one writer


def test_a_second_run_is_refused_and_told_who_holds_the_state(opened):
    with opened() as store:
        store.start_run(RunId("run-7"), "run", "2026-07-01", {})
        with pytest.raises(StateLocked) as caught:
            opened()
    for part in (socket.gethostname(), str(os.getpid()), "run-7", "2026-07-01T12:00"):
        assert part in caught.value.message
    with opened() as store:
        assert store.epoch == 2


def test_a_run_of_another_machine_is_refused_by_the_same_lock(opened, holder, server, place):
    holder.stdout.readline()
    alter(server, place, "lease set host = 'the-other-machine'")
    with pytest.raises(StateLocked, match=f"process {holder.pid} on host the-other-machine"):
        opened()


@pytest.mark.parametrize("lines", [1, 40])
def test_the_server_lets_go_when_a_process_is_killed_and_nothing_told_durable_is_lost(opened, holder, lines):
    said = [holder.stdout.readline() for _ in range(lines)]
    holder.kill()
    said += holder.stdout.readlines()
    reported = {line.split()[1]: line.split()[0] for line in said if line.endswith("\n")}
    assert 2 * len(reported) >= lines
    with opened() as store:
        assert store.epoch == 2
        found = store.known([RecordKey(key) for key in reported])
        assert found.keys() == reported.keys()
        assert all(found[RecordKey(key)].state in {state, "created"} for key, state in reported.items())


def test_a_process_of_another_host_that_died_needs_no_adopting(opened, server, place):
    opened().close()
    alter(server, place, "lease set host = 'gone', released = 0")
    with opened() as store:
        assert store.epoch == 2


def test_two_projects_and_two_tenants_share_a_server(opened, postgres_url, tmp_path):
    pairs = [("one", "a"), ("one", "b"), ("two", "a")]
    places = [ServerPlace(postgres_url, schema_name(f"{tmp_path}{project}", tenant)) for project, tenant in pairs]
    stores = [opened(place) for place in places]
    stores[0].commit(intend(ANN)).result(timeout=10)
    assert [len(store.known([ANN])) for store in stores] == [1, 0, 0]
    for store in stores:
        store.close()


# ---------------------------------------------------------------- a lost session


def test_after_its_session_ended_a_store_writes_nothing_more(opened, server):
    store = opened()
    store.commit(intend(ANN)).result(timeout=10)
    end_sessions(server)
    with pytest.raises(StateError, match="57P01") as caught:
        store.commit(intend(BOB)).result(timeout=10)
    assert "server" in caught.value.hint
    assert isinstance(store.broken.exception(timeout=10), StateError)
    with pytest.raises(StateError, match="57P01"):
        store.commit(intend(BOB)).result(timeout=10)
    with pytest.raises(StateError):
        store.close()
    with opened() as other:
        assert other.known([ANN, BOB]).keys() == {ANN}


def test_a_store_that_rests_notices_that_its_session_ended(opened, server, monkeypatch):
    monkeypatch.setattr(opening, "POSTGRES", replace(POSTGRES, beat_s=0.05))
    store = opened()
    end_sessions(server)
    assert isinstance(store.broken.exception(timeout=10), StateError)
    with pytest.raises(StateError):
        store.close()


def test_a_store_that_rests_notices_that_another_took_over(opened, server, place, monkeypatch):
    monkeypatch.setattr(opening, "POSTGRES", replace(POSTGRES, beat_s=0.05))
    store = opened()
    alter(server, place, "lease set epoch = epoch + 1")
    error = store.broken.exception(timeout=10)
    assert isinstance(error, StateError)
    assert "taken over" in error.message
    with pytest.raises(StateError):
        store.close()


def test_a_writer_at_work_is_never_broken(opened, monkeypatch):
    monkeypatch.setattr(opening, "POSTGRES", replace(POSTGRES, beat_s=0.01))
    with opened() as store:
        for number in range(50):
            store.commit(intend(RecordKey(f"{number:032x}"))).result(timeout=10)
        assert not store.broken.done()


def test_reading_from_a_server_that_ended_the_session_is_an_error_with_a_remedy(opened, server):
    store = opened()
    store.known([ANN])
    end_sessions(server)
    with pytest.raises(StateError, match="cannot be read") as caught:
        store.known([ANN])
    assert caught.value.hint
    with suppress(StateError):
        store.close()


# ---------------------------------------------------------------- what is refused


@pytest.mark.parametrize("value", ["off", "local"])
def test_a_server_that_may_forget_commits_is_refused(opened, server, value):
    server.exec_driver_sql(f"alter role postgres set synchronous_commit = {value}")
    try:
        with pytest.raises(StateError, match=f"synchronous_commit = {value}") as caught:
            opened()
    finally:
        server.exec_driver_sql("alter role postgres reset synchronous_commit")
    assert "on" in caught.value.hint
    opened().close()


def test_a_schema_made_by_an_administrator_is_filled(opened, server, place):
    server.exec_driver_sql(f"create schema {place.schema}")
    assert not state_exists(place)
    with open_reader(place) as reader:
        assert reader.counts() == {}
    opened().close()
    assert state_exists(place)


def test_a_schema_with_tables_of_others_is_refused(opened, server, place):
    server.exec_driver_sql(f"create schema {place.schema}")
    server.exec_driver_sql(f"create table {place.schema}.orders (id int)")
    with pytest.raises(StateError, match="no state"):
        opened()
    with pytest.raises(StateError, match="no state"):
        open_reader(place)


def test_a_state_of_a_newer_version_is_refused_by_writer_and_reader(opened, server, place):
    opened().close()
    alter(server, place, "meta set value = '99' where name = 'schema_version'")
    with pytest.raises(StateTooNew, match="99"):
        opened()
    with pytest.raises(StateTooNew, match="99"):
        open_reader(place)


def test_a_state_that_came_to_another_server_is_refused_until_a_person_says_that_nothing_is_missing(
    opened, server, place
):
    opened().close()
    alter(server, place, "meta set value = '1/000000FF' where name = 'server'")
    with pytest.raises(StateError, match="another server") as caught:
        opened()
    assert "adopt" in caught.value.hint
    opened(adopt=True).close()
    opened().close()


def test_a_server_that_is_not_there_is_named_without_the_password(opened, tmp_path):
    url = f"postgresql://clerk@/postgres?host={tmp_path}"
    with pytest.raises(StateError) as caught:
        opened(ServerPlace(url, "s", "hunter2"))
    assert str(tmp_path) in caught.value.message
    assert "hunter2" not in f"{caught.value.message}{caught.value.hint}{ServerPlace(url, 's', 'hunter2')!r}"


def test_an_address_that_is_none_is_refused(opened):
    with pytest.raises(SettingsError, match="state"):
        opened(ServerPlace("no address", "s"))


def test_nothing_is_held_after_a_refusal(opened, server, place):
    opened().close()
    for _ in range(3):
        with pytest.raises(StateError):
            opened(project="other")
    query = "select count(*) from pg_stat_activity where pid <> pg_backend_pid() and client_port is not null"
    until = time.monotonic() + NOTICED_S
    while (sessions := server.exec_driver_sql(query).scalar()) and time.monotonic() < until:
        time.sleep(0.01)
    assert sessions == 0
    assert server.exec_driver_sql("select count(*) from pg_locks where locktype = 'advisory'").scalar() == 0


# ---------------------------------------------------------------- sessions


def test_a_reader_cannot_write_and_both_notice_a_dead_line_soon(opened, place):
    with opened() as store, open_reader(place) as reader:
        with reader._engine.connect() as connection, pytest.raises(sa.exc.InternalError, match="read-only"):
            connection.exec_driver_sql("delete from meta")
        with store._engine.connect() as connection:
            shown = {
                name: connection.exec_driver_sql(f"show {name}").scalar()
                for name in ("search_path", "lock_timeout", "idle_session_timeout")
            }
    assert shown == {"search_path": place.schema, "lock_timeout": "2s", "idle_session_timeout": "0"}


def test_records_are_ordered_alike_whatever_the_language_of_the_server(opened):
    entities = ["case", "case_person", "caseload", "Case"]
    with opened() as store:
        for number, entity in enumerate(entities):
            store.commit(Intend(RecordKey(f"{number:032x}"), entity, "m", "f", b"")).result(timeout=10)
        assert [record.entity for record in store.in_state()] == sorted(entities)


def test_numbers_of_a_machine_that_never_sleeps_fit(opened, server, place):
    with opened() as store:
        changes = intend(ANN), MarkCreated(ANN, TargetId("id"), upload_bytes=2**40)
        store.commit(*changes).result(timeout=10)
        alter(server, place, f"lease set process_start = {2**40}")


@given(st.tuples(st.text(max_size=90), st.text(max_size=90)), st.tuples(st.text(max_size=90), st.text(max_size=90)))
def test_a_schema_is_a_plain_name_and_belongs_to_one_pair(one, other):
    names = [schema_name(*pair) for pair in (one, other)]
    assert all(name.isascii() and name.isidentifier() and name == name.lower() and len(name) <= 63 for name in names)
    assert (names[0] == names[1]) == (one == other)


# ---------------------------------------------------------------- a pooler in between


@contextmanager
def pooler(url: sa.URL) -> Iterator[sa.URL]:
    """Stands before the server as poolers do: it gives clients a session number of its own."""
    path = Path(str(url.query["host"])) / ".s.PGSQL.5432"
    with socket.create_server(("127.0.0.1", 0)) as door:
        thread = threading.Thread(target=_serve, args=(door, path))
        thread.start()
        yield sa.make_url(f"postgresql://postgres@127.0.0.1:{door.getsockname()[1]}/postgres?sslmode=disable")
        door.shutdown(socket.SHUT_RDWR)
        thread.join()


def _serve(door: socket.socket, path: Path) -> None:
    with suppress(OSError):
        client, _ = door.accept()
        with closing(client), socket.socket(socket.AF_UNIX) as server:
            server.connect(str(path))
            threading.Thread(target=_pump, args=(client, server), daemon=True).start()
            _pump(server, client)


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            head, mark, tail = data.partition(b"K\0\0\0\x0c")
            sink.sendall(head + mark + (b"\0\1\2\3" + tail[4:] if mark else b""))
        sink.shutdown(socket.SHUT_WR)


def test_a_connection_pooler_is_refused_because_no_lock_holds_through_it(opened, postgres_url):
    url = sa.make_url(postgres_url)
    with pooler(url) as pooled, pytest.raises(StateError, match="pooler"):
        opened(ServerPlace(str(pooled), "s"))
