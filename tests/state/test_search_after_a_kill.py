"""How far a state is searched that a killed process left: its keys on the same start of the machine, else everything."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest

from etl.core.changes import Intend, MarkCreated
from etl.core.errors import StateDamaged
from etl.core.keys import RecordKey
from etl.core.records import TargetId
from etl.state.agreement import indexes_agree
from etl.state.sqlite import Search, findings, writer

KEYS = [RecordKey(f"{number * 7919:032x}") for number in range(200)]
COMMIT_AND_WAIT = """
with opened() as store:
    store.commit(Intend(RecordKey("a" * 32), "person", "people", "f", b"h")).result()
    print("durable", flush=True)
    sys.stdin.readline()
"""


@pytest.fixture
def killed(opened, spawn, path):
    """Two hundred records are created and one is promised; the process is gone, its log written back into the file."""
    with opened() as store:
        store.commit(*(Intend(key, "person", "people", "f", b"h") for key in KEYS)).result(timeout=10)
        store.commit(*(MarkCreated(key, TargetId(f"id-{key[-6:]}")) for key in KEYS)).result(timeout=10)
    process = spawn(COMMIT_AND_WAIT)
    assert process.stdout.readline() == "durable\n"
    process.kill()
    process.wait()
    with closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return path


def places_of(path, text: bytes) -> list[int]:
    """Where a text stands: in a row, in an index, in an attempt."""
    content = path.read_bytes()
    return [at for at in range(len(content)) if content.startswith(text, at)]


def overwrite(path, at: int, text: bytes) -> None:
    content = path.read_bytes()
    path.write_bytes(content[:at] + text + content[at + len(text) :])


def says(path, search: Search) -> list[str]:
    engine = writer(path)
    with engine.connect() as connection, connection.begin():
        found = findings(connection, search)
    engine.dispose()
    return found


def out_of_step(path, index: str, statement: str) -> None:
    """Changes rows while an index does not look."""
    with closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA writable_schema=ON")
        (sql,) = database.execute("SELECT sql FROM sqlite_master WHERE name = ?", (index,)).fetchone()
        root = database.execute("SELECT rootpage FROM sqlite_master WHERE name = ?", (index,)).fetchone()[0]
        database.execute("DELETE FROM sqlite_master WHERE name = ?", (index,))
        database.commit()
    with closing(sqlite3.connect(path)) as database:
        database.execute(statement)
        database.commit()
        database.execute("PRAGMA writable_schema=ON")
        database.execute("INSERT INTO sqlite_master VALUES ('index', ?, 'records', ?, ?)", (index, root, sql))
        database.commit()


def start_the_machine_anew(path) -> None:
    """As far as the lease tells: it was taken on an earlier start."""
    with closing(sqlite3.connect(path)) as database:
        database.execute("UPDATE lease SET boot_id = 'an earlier one'")
        database.commit()


def test_after_a_kill_a_state_without_damage_goes_on(opened, killed):
    with opened() as store:
        assert store.size() == len(KEYS) + 1


def test_of_keys_as_much_is_seen_as_the_whole_search_sees(opened, killed):
    """A key is changed, or takes another's place, wherever it stands: in its row, in the index, in its attempt."""
    sound, one, other = killed.read_bytes(), KEYS[77].encode(), KEYS[33].encode()
    seen = []
    for at in places_of(killed, one):
        for text in (b"f" * 32, b"0" * 32, b" " * 32, one.upper(), other):
            overwrite(killed, at, text)
            assert says(killed, Search.STRUCTURE) == []
            seen.append(says(killed, Search.KEYS))
            assert seen[-1] == says(killed, Search.WHOLE)
            killed.write_bytes(sound)
    assert [not each for each in seen].count(True) == 1, "only letters grown in an attempt, which keep their order"


def test_two_keys_that_lead_to_each_others_rows_are_seen(opened, killed):
    one, other = KEYS[77].encode(), KEYS[33].encode()
    sound = killed.read_bytes()
    for first in places_of(killed, one):
        for second in places_of(killed, other):
            overwrite(killed, first, other)
            overwrite(killed, second, one)
            assert says(killed, Search.KEYS) == says(killed, Search.WHOLE)
            killed.write_bytes(sound)


def test_damage_to_a_key_stops_the_next_start(opened, killed):
    overwrite(killed, places_of(killed, KEYS[77].encode())[0], b"f" * 32)
    with pytest.raises(StateDamaged):
        opened()


def test_a_promise_that_is_missing_among_the_open_records_is_seen_after_a_kill(opened, killed):
    out_of_step(killed, "records_open", "UPDATE records SET state = 'intent' WHERE rowid = 6")
    assert says(killed, Search.STRUCTURE) == []
    with pytest.raises(StateDamaged):
        opened()


def test_what_only_the_whole_search_sees_is_seen_after_a_power_cut(opened, killed):
    """An id and its index that tell otherwise of each other."""
    overwrite(killed, places_of(killed, f"id-{KEYS[77][-6:]}".encode())[0], b"id-ffffff")
    assert says(killed, Search.WHOLE)
    assert says(killed, Search.KEYS) == []
    start_the_machine_anew(killed)
    with pytest.raises(StateDamaged):
        opened()


def test_a_state_whose_keys_are_of_another_form_is_searched_as_a_whole(opened, killed):
    with closing(sqlite3.connect(killed)) as database:
        database.execute("UPDATE records SET rk = 'short' WHERE rk = ?", (KEYS[3],))
        database.commit()
    engine = writer(killed)
    with engine.connect() as connection, connection.begin():
        assert not indexes_agree(connection)
    engine.dispose()
    with opened() as store:
        assert store.size() == len(KEYS) + 1
