"""A file that is as it was closed is not searched again; whatever else happened to it, everything is checked."""

from __future__ import annotations

import hashlib
import sqlite3

import pytest

from etl.core.changes import Intend, MarkCreated
from etl.core.errors import StateDamaged
from etl.core.keys import RecordKey
from etl.core.records import TargetId
from etl.state import open_reader

KEYS = [RecordKey(f"{number:032x}") for number in range(200)]
COMMIT_AND_WAIT = """
with opened() as store:
    store.commit(Intend(RecordKey("a" * 32), "person", "people", "f", b"h")).result()
    print("durable", flush=True)
    sys.stdin.readline()
"""


def note_of(path):
    return path.with_name(path.name + ".closed")


def filled(opened):
    with opened() as store:
        store.commit(*(Intend(key, "person", "people", "f", b"h") for key in KEYS)).result(timeout=10)
        store.commit(*(MarkCreated(key, TargetId(key)) for key in KEYS)).result(timeout=10)


def hide_a_record_from_its_index(path):
    """The quick check passes over this."""
    key = KEYS[77].encode()
    content = path.read_bytes()
    assert content.count(key) > 1
    path.write_bytes(content.replace(key, b"f" * 32, 1))


def vouch_for(path):
    note_of(path).write_text(hashlib.sha256(path.read_bytes()).hexdigest())


def test_a_state_that_ended_well_leaves_a_note_that_others_cannot_read(opened, path):
    filled(opened)
    assert note_of(path).read_text() == hashlib.sha256(path.read_bytes()).hexdigest()
    assert note_of(path).stat().st_mode & 0o077 == 0


def test_the_note_is_gone_while_the_state_is_held(opened, path):
    filled(opened)
    with opened():
        assert not note_of(path).exists()
    assert note_of(path).exists()


def test_a_file_that_is_as_it_was_closed_is_not_searched(opened, path):
    """Told by a damage that only the search would find, under a note that says it was there at the end."""
    filled(opened)
    hide_a_record_from_its_index(path)
    vouch_for(path)
    with opened() as store:
        assert store.size() == len(KEYS)


def test_a_thorough_check_searches_it_all_the_same(opened, path):
    filled(opened)
    hide_a_record_from_its_index(path)
    vouch_for(path)
    with pytest.raises(StateDamaged):
        opened(thorough=True)


def test_a_file_that_is_not_as_it_was_closed_is_searched(opened, path):
    filled(opened)
    hide_a_record_from_its_index(path)
    with pytest.raises(StateDamaged):
        opened()
    assert not note_of(path).exists(), "what was found damaged is never vouched for"
    with pytest.raises(StateDamaged):
        opened()


def test_a_file_without_a_note_is_searched(opened, path):
    filled(opened)
    hide_a_record_from_its_index(path)
    note_of(path).unlink()
    with pytest.raises(StateDamaged):
        opened()


@pytest.mark.parametrize("text", ["", "0" * 64, "\x00" * 64, "ü"])
def test_a_note_that_does_not_fit_is_no_note(opened, path, text):
    filled(opened)
    hide_a_record_from_its_index(path)
    note_of(path).write_bytes(text.encode())
    with pytest.raises(StateDamaged):
        opened()


def test_a_log_beside_the_file_is_no_clean_end(opened, path):
    filled(opened)
    hide_a_record_from_its_index(path)
    vouch_for(path)
    path.with_name(path.name + "-wal").write_bytes(b"left by somebody")
    with pytest.raises(StateDamaged):
        opened()


def test_a_killed_process_leaves_no_note(opened, spawn, path):
    filled(opened)
    process = spawn(COMMIT_AND_WAIT)
    assert process.stdout.readline() == "durable\n"
    process.kill()
    process.wait()
    assert not note_of(path).exists()
    with opened() as store:
        assert store.size() == len(KEYS) + 1


def test_a_state_that_could_not_be_given_back_leaves_no_note(opened, path):
    filled(opened)
    store = opened()
    thief = sqlite3.connect(path)
    thief.execute("UPDATE lease SET epoch = epoch + 1")
    thief.commit()
    thief.close()
    store.commit(Intend(RecordKey("a" * 32), "person", "people", "f", b"h")).exception(timeout=10)
    with pytest.raises(Exception, match="taken over"):
        store.close()
    assert not note_of(path).exists()


def test_a_reader_that_goes_last_leaves_a_file_that_is_searched(opened, path):
    """While somebody reads, the log stays beside the file: what the file alone holds is not the end."""
    filled(opened)
    with opened() as store, open_reader(path) as reader:
        assert reader.size() == len(KEYS)
        rows = reader.in_state()
        next(rows)
        store.commit(Intend(RecordKey("a" * 32), "person", "people", "f", b"h")).result(timeout=10)
        store.close()
        rows.close()
    with opened() as store:
        assert store.size() == len(KEYS) + 1
