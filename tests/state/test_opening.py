"""Opening refuses whatever would make the state untrue, and leaves nothing held when it does."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import event, select

from etl.core.changes import Intend, MarkCreated
from etl.core.errors import StateDamaged, StateError, StateTooNew
from etl.core.keys import RecordKey
from etl.core.outcomes import RecordState
from etl.core.records import TargetId
from etl.state import open_reader, places
from etl.state.migrations import STEPS
from etl.state.tables import RECORDS

ANN = RecordKey("a" * 32)


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def pragma(path: Path, statement: str) -> None:
    connection = sqlite3.connect(path)
    connection.execute(f"PRAGMA {statement}")
    connection.commit()
    connection.close()


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such modes")
def test_folder_and_files_are_for_this_user_alone(opened, path):
    before = os.umask(0)
    try:
        with opened() as store:
            store.commit(Intend(ANN, "person", "people", "f", b"")).result(timeout=10)
            assert mode(path.parent) == 0o700
            assert {file.name: mode(file) for file in path.parent.iterdir()} == {
                "intake.state.db": 0o600,
                "intake.state.db-wal": 0o600,
                "intake.state.db-shm": 0o600,
                "intake.state.db.lock": 0o600,
                "intake.state.db.reserve": 0o600,
            }
    finally:
        os.umask(before)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such modes")
def test_a_file_that_others_could_read_is_closed_to_them(opened, path):
    with opened():
        pass
    path.chmod(0o644)
    with opened():
        assert mode(path) == 0o600


def test_the_writing_connection_is_set_for_durability_and_secrecy(opened):
    expected = {
        "journal_mode": "wal",
        "synchronous": 2,
        "foreign_keys": 1,
        "mmap_size": 0,
        "trusted_schema": 0,
        "secure_delete": 1,
        "busy_timeout": 10000,
    }
    with opened() as store:
        connection = store._connection.connection.driver_connection
        found = {name: (connection.execute(f"PRAGMA {name}").fetchone() or [0])[0] for name in expected}
    assert found == expected


def test_the_file_says_whose_it_is_and_in_which_form(opened, path):
    with opened():
        pass
    head = path.read_bytes()[:100]
    assert head[68:72] == b"CBSE"
    assert int.from_bytes(head[60:64], "big") == len(STEPS)


def test_a_file_of_a_newer_version_is_refused_by_writer_and_reader(opened, path):
    with opened():
        pass
    pragma(path, "user_version = 99")
    with pytest.raises(StateTooNew, match="99"):
        opened()
    with pytest.raises(StateTooNew, match="99"):
        open_reader(path)


@pytest.mark.parametrize("content", [b"", b"\0" * 4096, b"this is no database at all, but a letter" * 200])
def test_a_file_that_lost_its_content_is_damage_and_never_begun_anew(opened, path, content):
    path.parent.mkdir()
    path.write_bytes(content)
    with pytest.raises(StateDamaged) as caught:
        opened()
    assert "never delete" in caught.value.hint
    assert path.read_bytes() == content
    with pytest.raises(StateDamaged):
        open_reader(path)


def test_a_broken_page_is_found_before_anything_is_written(opened, path):
    with opened() as store:
        keys = [RecordKey(f"{number:032x}") for number in range(500)]
        store.commit(*(Intend(key, "person", "people", "f" * 32, b"h" * 80) for key in keys)).result(timeout=10)
    content = bytearray(path.read_bytes())
    last_page = len(content) - 4096
    content[last_page : last_page + 64] = b"\xff" * 64
    path.write_bytes(content)
    with pytest.raises(StateDamaged) as caught:
        opened()
    assert "never delete" in caught.value.hint


def test_a_log_without_its_database_is_damage(opened, path):
    path.parent.mkdir()
    path.with_name(path.name + "-wal").write_bytes(b"something")
    with pytest.raises(StateDamaged, match="-wal"):
        opened()


def test_a_beginning_that_was_cut_short_is_repeated(opened, path):
    path.parent.mkdir()
    path.with_name(path.name + ".new").write_bytes(b"half a database")
    with opened() as store:
        assert store.counts() == {}


def test_another_programs_database_is_left_alone(opened, path):
    path.parent.mkdir()
    other = sqlite3.connect(path)
    other.execute("CREATE TABLE mine (x)")
    other.close()
    content = path.read_bytes()
    with pytest.raises(StateError, match="no state database"):
        opened()
    with pytest.raises(StateError, match="no state database"):
        open_reader(path)
    assert path.read_bytes() == content


def test_nothing_stays_held_when_opening_is_refused(opened, path):
    with opened():
        pass
    pragma(path, "user_version = 99")
    with pytest.raises(StateTooNew):
        opened()
    pragma(path, f"user_version = {len(STEPS)}")
    with opened() as store:
        assert store.epoch == 2


def test_two_names_of_one_file_are_one_state(opened, path, tmp_path):
    with opened() as store:
        store.commit(Intend(ANN, "person", "people", "f", b"")).result(timeout=10)
    other_name = tmp_path / "link.db"
    other_name.symlink_to(path)
    with open_reader(other_name) as reader:
        assert list(reader.known([ANN])) == [ANN]


def test_a_reader_of_no_file_sees_an_empty_state_and_makes_no_file(path):
    with open_reader(path) as reader:
        assert list(reader.in_state()) == []
        assert reader.open_run() is None
        assert reader.known([ANN]) == {}
    assert not path.parent.exists()


def test_a_reader_works_beside_a_writer_and_sees_what_is_durable(opened, path):
    with opened() as store, open_reader(path) as reader:
        store.commit(Intend(ANN, "person", "people", "f", b"")).result(timeout=10)
        assert reader.counts() == {("person", "intent"): 1}
        store.commit(MarkCreated(ANN, TargetId("1"))).result(timeout=10)
        assert [record.target_id for record in reader.in_state(RecordState.CREATED)] == ["1"]


def test_a_reader_works_when_no_writer_does(opened, path):
    with opened() as store:
        store.commit(Intend(ANN, "person", "people", "f", b"")).result(timeout=10)
    with open_reader(path) as reader:
        assert reader.counts() == {("person", "intent"): 1}


def test_a_reader_that_meets_damage_says_how_to_come_out_of_it(opened, path):
    keys = [RecordKey(f"{number:032x}") for number in range(300)]
    with opened() as store:
        store.commit(*(Intend(key, "person", "people", "f" * 32, b"h" * 60) for key in keys)).result(timeout=10)
    content = bytearray(path.read_bytes())
    page = int.from_bytes(content[16:18], "big")
    # Only the first page, by which the file is known, and the one that the schema begins in stay whole.
    content[2 * page :] = b"\xff" * (len(content) - 2 * page)
    path.write_bytes(content)
    with open_reader(path) as reader, pytest.raises(StateDamaged) as caught:
        reader.counts()
    assert "SQLITE_CORRUPT" in caught.value.message
    assert "state rebuild" in caught.value.hint


def test_a_stream_that_is_given_up_is_silent_though_its_connection_is_gone(opened, path):
    with opened() as store:
        store.commit(*(Intend(RecordKey(f"{each:032x}"), "person", "people", "f", b"h") for each in range(3))).result()
    connections: list[sqlite3.Connection] = []
    with open_reader(path) as reader:
        event.listen(reader._engine, "connect", lambda raw, _: connections.append(raw))
        reader._engine.dispose()
        stream = reader._stream(select(RECORDS.c.rk))
        next(stream)
        (raw,) = connections
        raw.close()
        stream.close()


def test_a_reader_cannot_write(opened, path):
    with opened():
        pass
    with open_reader(path) as reader, reader._engine.connect() as connection:
        raw = connection.connection.driver_connection
        with pytest.raises(sqlite3.OperationalError, match="readonly"):
            raw.execute("DELETE FROM meta")


def test_a_network_drive_is_refused_before_anything_is_made(opened, path, monkeypatch, tmp_path):
    mounts = tmp_path / "mounts"
    mounts.write_text(f"/dev/sda / ext4 rw 0 0\nserver:/home {tmp_path} nfs4 rw 0 0\n")
    monkeypatch.setattr(places, "_MOUNTS", mounts)
    with pytest.raises(StateError, match="nfs4") as caught:
        opened()
    assert "disk of this machine" in caught.value.hint
    assert not path.parent.exists()


@pytest.mark.parametrize(
    ("path_text", "kind"),
    [
        ("/home/ann/state.db", "ext4"),
        ("/mnt/share/state.db", "cifs"),
        ("/mnt/shared/state.db", "ext4"),
        ("/mnt/two words/state.db", "fuse.sshfs"),
        ("/twice/state.db", "tmpfs"),
    ],
)
def test_the_longest_and_latest_mount_point_decides(path_text, kind):
    mounts = r"""/dev/sda / ext4 rw 0 0
//server/share /mnt/share cifs rw 0 0
ann@host: /mnt/two\040words fuse.sshfs rw 0 0
server:/x /twice nfs rw 0 0
tmpfs /twice tmpfs rw 0 0"""
    assert places.file_system(Path(path_text), mounts) == kind


def test_the_state_needs_no_pandas():
    script = "import sys, etl.state; print('pandas' in sys.modules, 'duckdb' in sys.modules)"
    answer = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)  # noqa: S603 - our own interpreter
    assert answer.stdout.split() == ["False", "False"]
