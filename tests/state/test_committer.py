"""What was reported durable is durable, and after a write error nothing more is written."""

from __future__ import annotations

import sqlite3

import pytest

from etl.core.changes import Intend, MarkCreated, MarkRejected
from etl.core.errors import StateError
from etl.core.keys import RecordKey
from etl.core.records import TargetId
from etl.state import open_reader
from etl.state.reserve import RESERVE_BYTES

ANN, BOB = RecordKey("a" * 32), RecordKey("b" * 32)
COMMIT_AND_PRINT = """
with opened() as store:
    for number in range(10**6):
        key = RecordKey(f"{number:032x}")
        store.commit(Intend(key, "person", "people", "f", b"h")).result()
        print("intent", key, flush=True)
        store.commit(MarkCreated(key, TargetId(key))).result()
        print("created", key, flush=True)
"""


def intend(key: RecordKey) -> Intend:
    return Intend(key, "person", "people", "f", b"h")


@pytest.mark.parametrize("lines", [1, 40, 301])
def test_a_killed_process_loses_nothing_that_it_was_told_is_durable(spawn, opened, lines):
    process = spawn(COMMIT_AND_PRINT)
    said = [process.stdout.readline() for _ in range(lines)]
    process.kill()
    said += process.stdout.readlines()
    reported = {line.split()[1]: line.split()[0] for line in said if line.endswith("\n")}
    with opened() as store:
        found = store.known([RecordKey(key) for key in reported])
        assert found.keys() == reported.keys()
        for key, state in reported.items():
            assert found[RecordKey(key)].state in {state, "created"}


def test_a_holder_that_was_overtaken_writes_nothing_more(opened, path):
    store = opened()
    store.commit(intend(ANN)).result(timeout=10)
    thief = sqlite3.connect(path)
    thief.execute("UPDATE lease SET epoch = epoch + 1")
    thief.commit()
    thief.close()
    with pytest.raises(StateError, match="taken over"):
        store.commit(intend(BOB)).result(timeout=10)
    with pytest.raises(StateError, match="taken over"):
        store.commit(MarkRejected(ANN, 422, "")).result(timeout=10)
    with pytest.raises(StateError, match="taken over"):
        store.close()
    with open_reader(path) as reader:
        assert {record.key: record.state for record in reader.in_state()} == {ANN: "intent"}


def fill_the_disk(store) -> None:
    """Lets the database grow no further, which SQLite reports exactly as a full disk."""
    connection = store._connection.connection.driver_connection
    pages = connection.execute("PRAGMA page_count").fetchone()[0]
    connection.execute(f"PRAGMA max_page_count={pages}")


def test_on_a_full_disk_outcomes_are_still_written_and_nothing_new_is_begun(opened, path):
    with opened() as store:
        store.commit(intend(ANN)).result(timeout=10)
        fill_the_disk(store)
        big = Intend(BOB, "person", "people", "f", b"h" * 100_000)
        with pytest.raises(StateError, match="nothing new is sent") as caught:
            store.commit(big).result(timeout=10)
        assert "Make room" in caught.value.hint
        store.commit(MarkCreated(ANN, TargetId("1"))).result(timeout=10)
        with pytest.raises(StateError, match="nothing new is sent"):
            store.commit(intend(BOB)).result(timeout=10)
        assert not path.with_name(path.name + ".reserve").exists()
    with opened() as store:
        assert store.known([ANN])[ANN].state == "created"
        assert path.with_name(path.name + ".reserve").stat().st_size == RESERVE_BYTES


def test_a_full_disk_without_a_reserve_fails_those_who_wait_and_everything_later(opened, path):
    store = opened()
    store.commit(intend(ANN)).result(timeout=10)
    path.with_name(path.name + ".reserve").unlink()
    fill_the_disk(store)
    big = [Intend(RecordKey(f"{number:032x}"), "person", "people", "f", b"h" * 4000) for number in range(50)]
    errors = [future.exception(timeout=10) for future in [store.commit(change) for change in big]]
    assert isinstance(errors[-1], StateError)
    with pytest.raises(StateError, match="SQLITE_FULL") as caught:
        store.commit(MarkRejected(ANN, 422, "")).result(timeout=10)
    assert "then run again" in caught.value.hint
    with pytest.raises(StateError, match="SQLITE_FULL"):
        store.close()
    with opened() as store:
        written = [change.key for change, error in zip(big, errors, strict=True) if error is None]
        assert list(store.known([change.key for change in big])) == written
        assert store.known([ANN])[ANN].state == "intent"


def test_an_error_inside_the_block_is_not_hidden_by_the_one_on_closing(opened):
    with pytest.raises(ValueError, match="mine"), opened() as store:  # noqa: PT012 - the block is what is tested
        fill_the_disk(store)
        store.commit(Intend(ANN, "person", "people", "f", b"h" * 100_000)).exception(timeout=10)
        raise ValueError("mine")


def test_the_lock_is_free_after_a_write_error(opened, path):
    store = opened()
    path.with_name(path.name + ".reserve").unlink()
    fill_the_disk(store)
    store.commit(Intend(ANN, "person", "people", "f", b"h" * 100_000)).exception(timeout=10)
    with pytest.raises(StateError):
        store.close()
    store.close()
    with opened() as store:
        assert store.epoch == 2


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_nobody_waits_for_ever_when_the_writer_meets_a_defect(opened):
    store = opened()
    lonely = store.commit("no change at all")
    assert isinstance(lonely.exception(timeout=10), StateError)
    assert isinstance(store.commit(intend(ANN)).exception(timeout=10), StateError)
    with pytest.raises(StateError, match="ended"):
        store.close()


def attempts(path) -> list[tuple[object, ...]]:
    connection = sqlite3.connect(path)
    rows = connection.execute("SELECT attempt, epoch, class, status, error FROM attempts ORDER BY attempt").fetchall()
    connection.close()
    return rows


def test_every_attempt_stays_on_record_once_its_outcome_is_known(opened, path):
    with opened() as store:
        store.commit(intend(ANN), MarkRejected(ANN, 422, "blank")).result(timeout=10)
        store.commit(intend(ANN)).result(timeout=10)
    with opened() as store:
        store.commit(intend(ANN)).result(timeout=10)
        assert attempts(path)[1:] == [(2, 1, "uncertain", None, "absent")]
        store.commit(MarkCreated(ANN, TargetId("1"))).result(timeout=10)
    assert attempts(path) == [
        (1, 1, "rejected", 422, "blank"),
        (2, 1, "uncertain", None, "absent"),
        (3, 2, "committed", None, ""),
    ]


@pytest.fixture
def asked(opened):
    """A store, and every question about records that its writer puts to the database."""
    with opened() as store:
        said = []
        store._connection.connection.driver_connection.set_trace_callback(said.append)
        yield store, lambda: [text for text in said if text.startswith("SELECT records")]


def test_an_outcome_is_written_without_reading_the_intent_again(asked):
    store, questions = asked
    store.commit(intend(ANN), intend(BOB)).result(timeout=10)
    before = len(questions())
    store.commit(MarkCreated(ANN, TargetId("1")), MarkRejected(BOB, 422, "blank")).result(timeout=10)
    assert (before, len(questions())) == (1, 1)


def test_a_record_that_is_settled_is_not_kept_in_memory(asked):
    store, _ = asked
    store.commit(intend(ANN)).result(timeout=10)
    assert store._committer._intents.keys() == {ANN}
    store.commit(MarkCreated(ANN, TargetId("1"))).result(timeout=10)
    assert not store._committer._intents


def test_an_outcome_that_was_refused_leaves_the_intent_as_it_is_stored(opened, path):
    with opened() as store:
        store.commit(intend(ANN), MarkCreated(ANN, TargetId("1"))).result(timeout=10)
        store.commit(intend(BOB)).result(timeout=10)
        with pytest.raises(StateError, match="belongs to record"):
            store.commit(MarkCreated(BOB, TargetId("1"))).result(timeout=10)
        store.commit(MarkCreated(BOB, TargetId("2"))).result(timeout=10)
        assert store.known([BOB])[BOB].target_id == "2"
    assert [row[2] for row in attempts(path)] == ["committed", "committed"]
