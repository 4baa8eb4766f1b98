"""What every state store must do, whatever database is behind it. A new store joins by one more opener below."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeAlias

import pytest

from etl.core.changes import (
    Intend,
    MarkBlocked,
    MarkCreated,
    MarkDuplicate,
    MarkLinked,
    MarkRejected,
    MarkUncertain,
    MarkUpdated,
    MarkUploaded,
    PendingLink,
    StoreAttribute,
)
from etl.core.errors import StateError, StateLocked, WrongTarget
from etl.core.keys import RecordKey
from etl.core.outcomes import RecordState
from etl.core.records import RunId, TargetId
from etl.core.state_port import KnownRecord
from etl.state import ServerPlace, SqlStore, open_store
from etl.state.postgres import schema_name

Opener: TypeAlias = Callable[..., SqlStore]

ANN, BOB, CAS = (RecordKey(letter * 32) for letter in "abc")
ONE, TWO = TargetId("id-1"), TargetId("id-2")
JULY = RunId("2026-07-01-a")


class StillClock:
    """A clock that stands still."""

    def now(self):
        return datetime(2026, 7, 1, 12, 0, tzinfo=UTC)

    def monotonic(self):
        return 0.0

    async def sleep(self, delay_s):
        raise AssertionError("nothing here waits")


def sqlite_opener(folder: Path) -> Opener:
    def opened(**other):
        facts = {"project": "intake", "target": "sandbox as app", "key_check": "0011", "run_command": "run"} | other
        return open_store(folder / "runs" / "intake.state.db", clock=StillClock(), **facts)

    return opened


def postgres_opener(place: ServerPlace) -> Opener:
    def opened(**other):
        facts = {"project": "intake", "target": "sandbox as app", "key_check": "0011", "run_command": "run"} | other
        return open_store(place, clock=StillClock(), **facts)

    return opened


@pytest.fixture(params=["sqlite", "postgres"])
def opener(request, tmp_path) -> Opener:
    if request.param == "sqlite":
        return sqlite_opener(tmp_path)
    url = request.getfixturevalue("postgres_url")
    return postgres_opener(ServerPlace(url, schema_name(str(tmp_path), "contract")))


@pytest.fixture
def store(opener) -> Iterator[SqlStore]:
    with opener() as opened:
        yield opened


def intend(key: RecordKey, fingerprint: str = "f1", entity: str = "person") -> Intend:
    return Intend(key, entity, "people", fingerprint, b"hashes", scope=None)


def do(store: SqlStore, *changes) -> None:
    for change in changes:
        store.commit(change).result(timeout=10)


def state_of(store: SqlStore, key: RecordKey) -> KnownRecord:
    return store.known([key])[key]


def refused(store: SqlStore, *changes) -> str:
    error = store.commit(*changes).exception(timeout=10)
    assert isinstance(error, StateError)
    assert error.hint
    return error.message


def test_an_intent_is_remembered_with_everything_it_said(store):
    store.start_run(JULY, "run", "2026-07-01", {})
    do(store, Intend(ANN, "case_person", "members", "f1", b"\x00\x01", scope=BOB))
    assert state_of(store, ANN) == KnownRecord(
        key=ANN,
        entity="case_person",
        mapping="members",
        state=RecordState.INTENT,
        fingerprint="f1",
        field_hashes=b"\x00\x01",
        attempt=1,
        target_id=None,
        scope=BOB,
        error="",
        run_id=JULY,
        intent_at="2026-07-01T12:00:00.000+00:00",
        updated_at="2026-07-01T12:00:00.000+00:00",
    )


def test_a_record_that_was_never_named_is_not_known(store):
    assert store.known([ANN]) == {}


def test_each_new_intent_counts_one_attempt_more(store):
    do(store, intend(ANN), intend(ANN), MarkRejected(ANN, 422, "too_long"), intend(ANN, "f2"))
    record = state_of(store, ANN)
    assert (record.attempt, record.fingerprint, record.state, record.error) == (3, "f2", RecordState.INTENT, "")


def test_a_created_record_has_its_id_its_links_and_its_upload_at_once(store):
    created = MarkCreated(ANN, ONE, (PendingLink("mother", BOB), PendingLink("father", CAS)), upload_bytes=0)
    do(store, intend(ANN), created)
    assert state_of(store, ANN).target_id == ONE
    assert list(store.pending_links()) == [(ANN, PendingLink("father", CAS)), (ANN, PendingLink("mother", BOB))]
    assert list(store.pending_uploads()) == [ANN]


def test_links_and_uploads_that_are_done_are_pending_no_more(store):
    do(store, intend(ANN), MarkCreated(ANN, ONE, (PendingLink("mother", BOB),), upload_bytes=9))
    do(store, MarkLinked(ANN, "mother"), MarkUploaded(ANN))
    assert list(store.pending_links()) == []
    assert list(store.pending_uploads()) == []


def test_an_update_may_make_a_link_pending_again(store):
    do(store, intend(ANN), MarkCreated(ANN, ONE, (PendingLink("mother", BOB),)), MarkLinked(ANN, "mother"))
    do(store, MarkUpdated(ANN, "f2", b"new", (PendingLink("mother", CAS),)))
    assert list(store.pending_links()) == [(ANN, PendingLink("mother", CAS))]
    assert (state_of(store, ANN).fingerprint, state_of(store, ANN).field_hashes) == ("f2", b"new")


def test_rejected_uncertain_and_blocked_records_tell_why(store):
    do(store, intend(ANN), MarkRejected(ANN, 422, "blank /data/attributes/last_name"))
    do(store, intend(BOB), MarkUncertain(BOB, "no_answer"), MarkBlocked(CAS, "case", "cases", ANN))
    why = {record.key: (record.state, record.error) for record in store.known([ANN, BOB, CAS]).values()}
    assert why == {
        ANN: (RecordState.REJECTED, "blank /data/attributes/last_name"),
        BOB: (RecordState.UNCERTAIN, "no_answer"),
        CAS: (RecordState.BLOCKED, f"parent {ANN}"),
    }


def test_an_uncertain_record_can_turn_out_to_be_created(store):
    do(store, intend(ANN), MarkUncertain(ANN, "no_answer"), MarkCreated(ANN, ONE))
    assert (state_of(store, ANN).state, state_of(store, ANN).error) == (RecordState.CREATED, "")


def test_a_duplicate_keeps_the_oldest_id_for_its_dependents(store):
    do(store, intend(ANN), MarkDuplicate(ANN, ONE))
    assert store.by_target_id("person", [ONE, TWO]) == {ONE: ANN}
    assert state_of(store, ANN).state == RecordState.DUPLICATE


def test_the_id_of_a_duplicate_never_changes(store):
    do(store, intend(ANN), MarkDuplicate(ANN, ONE), MarkDuplicate(ANN, ONE))
    assert ONE in refused(store, MarkDuplicate(ANN, TWO))
    assert refused(store, MarkDuplicate(ANN, TWO), MarkDuplicate(ANN, ONE))
    assert state_of(store, ANN).target_id == ONE


def test_a_blocked_record_can_be_sent_when_its_parent_is_there(store):
    do(store, MarkBlocked(ANN, "person", "people", BOB), intend(ANN))
    assert (state_of(store, ANN).state, state_of(store, ANN).attempt) == (RecordState.INTENT, 1)


def test_blocking_never_touches_a_record_that_is_in_casebook(store):
    do(store, intend(ANN), MarkCreated(ANN, ONE), MarkBlocked(ANN, "person", "people", BOB))
    assert (state_of(store, ANN).state, state_of(store, ANN).target_id) == (RecordState.CREATED, ONE)


@pytest.mark.parametrize(
    ("before", "change"),
    [
        ([intend(ANN), MarkCreated(ANN, ONE)], intend(ANN)),
        ([intend(ANN), MarkDuplicate(ANN, ONE)], intend(ANN)),
        ([], MarkCreated(ANN, ONE)),
        ([intend(ANN), MarkCreated(ANN, ONE)], MarkCreated(ANN, TWO)),
        ([intend(ANN), MarkRejected(ANN, 422, "")], MarkCreated(ANN, ONE)),
        ([MarkBlocked(ANN, "person", "people", BOB)], MarkCreated(ANN, ONE)),
        ([intend(ANN)], MarkUpdated(ANN, "f2", b"")),
        ([intend(ANN), MarkCreated(ANN, ONE)], MarkRejected(ANN, 422, "")),
        ([intend(ANN), MarkCreated(ANN, ONE)], MarkUncertain(ANN, "")),
        ([intend(ANN)], MarkBlocked(ANN, "person", "people", BOB)),
        ([intend(ANN), MarkUncertain(ANN, "")], MarkBlocked(ANN, "person", "people", BOB)),
        ([intend(ANN)], StoreAttribute(ANN, "assignment_id", "7")),
        ([intend(ANN), MarkCreated(ANN, ONE)], MarkLinked(ANN, "mother")),
        ([intend(ANN), MarkCreated(ANN, ONE)], MarkUploaded(ANN)),
    ],
    ids=lambda value: "-".join(type(one).__name__ for one in value) or "nothing" if isinstance(value, list) else None,
)
def test_an_illegal_change_is_refused_by_name_and_changes_nothing(store, before, change):
    do(store, *before)
    was = store.known([ANN])
    assert ANN in refused(store, change)
    assert store.known([ANN]) == was


def test_a_record_never_becomes_another_entity(store):
    do(store, intend(ANN), MarkRejected(ANN, 422, ""))
    assert "cannot become case" in refused(store, intend(ANN, entity="case"))


def test_one_casebook_id_never_belongs_to_two_records_of_an_entity(store):
    do(store, intend(ANN), MarkCreated(ANN, ONE), intend(BOB))
    message = refused(store, MarkCreated(BOB, ONE))
    assert all(part in message for part in ("person", ANN, BOB))
    assert state_of(store, BOB).state == RecordState.INTENT


def test_the_same_id_in_two_entities_is_no_conflict(store):
    do(store, intend(ANN), MarkCreated(ANN, ONE), intend(BOB, entity="case"), MarkCreated(BOB, ONE))
    assert store.by_target_id("case", [ONE]) == {ONE: BOB}


def test_changes_of_one_commit_are_written_all_or_none(store):
    refused(store, intend(ANN), intend(BOB), MarkUploaded(BOB))
    assert store.known([ANN, BOB]) == {}


@pytest.mark.parametrize("count", [511, 512, 513, 1300])
def test_more_changes_than_one_statement_takes_are_written_all_or_none(store, count):
    keys = [RecordKey(f"{number:032x}") for number in range(count)]
    ids = {key: TargetId(f"id of {key}") for key in keys}
    store.commit(*(intend(key) for key in keys)).result(timeout=20)
    doubled = MarkCreated(keys[-1], ids[keys[0]])
    refused(store, *(MarkCreated(key, ids[key]) for key in keys[:-1]), doubled)
    assert {each.state for each in store.known(keys).values()} == {RecordState.INTENT}
    links = (PendingLink("mother", ANN),)
    store.commit(*(MarkCreated(key, ids[key], links, 7) for key in keys)).result(timeout=20)
    assert {key: each.target_id for key, each in store.known(keys).items()} == ids
    assert [key for key, _ in store.pending_links()] == list(store.pending_uploads()) == keys
    assert sum(1 for _ in store.created_by(RunId(""))) == count


@pytest.mark.parametrize("bad", [MarkUploaded(BOB), intend(BOB, "\ud800"), MarkDuplicate(CAS, ONE)])
def test_a_bad_change_fails_alone_however_it_was_grouped(store, bad):
    do(store, intend(ANN), MarkCreated(ANN, ONE), intend(CAS))
    others = [RecordKey(f"{number:032x}") for number in range(200)]
    futures = [store.commit(intend(key)) for key in others[:100]]
    lonely = store.commit(bad)
    futures += [store.commit(intend(key)) for key in others[100:]]
    assert [future.exception(timeout=10) for future in futures] == [None] * 200
    assert isinstance(lonely.exception(timeout=10), StateError)
    assert len(store.known(others)) == 200


def test_changes_of_one_group_see_those_before_them(store):
    futures = [store.commit(change) for _ in range(20) for change in (intend(ANN), MarkRejected(ANN, 422, "blank"))]
    assert [future.exception(timeout=10) for future in futures] == [None] * 40
    assert state_of(store, ANN).attempt == 20


def test_many_threads_may_commit_at_once(store):
    keys = [RecordKey(f"{number:032x}") for number in range(300)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda key: do(store, intend(key), MarkCreated(key, TargetId(key))), keys))
    assert store.counts() == {("person", "created"): 300}


def test_what_was_committed_is_there_after_opening_again(opener):
    with opener() as store:
        do(store, intend(ANN), MarkCreated(ANN, ONE), StoreAttribute(ANN, "assignment_id", "7"))
    with opener() as store:
        assert state_of(store, ANN).target_id == ONE
        assert store.attribute(ANN, "assignment_id") == "7"


def test_closing_writes_what_is_still_queued(opener):
    keys = [RecordKey(f"{number:032x}") for number in range(500)]
    with opener() as store:
        for key in keys:
            store.commit(intend(key))
    with opener() as store:
        assert len(store.known(keys)) == 500


def test_a_commit_after_closing_fails_and_says_so(opener):
    with opener() as store:
        pass
    assert "closed" in refused(store, intend(ANN))


def test_a_queued_commit_cannot_be_cancelled(store):
    future = store.commit(intend(ANN))
    assert not future.cancel()
    future.result(timeout=10)
    assert ANN in store.known([ANN])


def test_records_are_listed_by_state_ordered_by_entity_and_key(store):
    do(store, intend(CAS), intend(ANN), intend(BOB, entity="case"), MarkCreated(ANN, ONE), MarkUncertain(CAS, ""))
    assert [record.key for record in store.in_state()] == [BOB, ANN, CAS]
    assert [record.key for record in store.in_state(RecordState.CREATED, RecordState.UNCERTAIN)] == [ANN, CAS]
    assert [record.key for record in store.in_state(RecordState.INTENT)] == [BOB]
    assert store.counts() == {("case", "intent"): 1, ("person", "created"): 1, ("person", "uncertain"): 1}


def test_a_listing_is_a_snapshot_even_while_records_change(store):
    keys = [RecordKey(f"{number:032x}") for number in range(2500)]
    store.commit(*map(intend, keys)).result(timeout=10)
    seen = []
    for record in store.in_state(RecordState.INTENT):
        seen.append(record.key)
        if len(seen) == 1:
            store.commit(*(MarkRejected(key, 422, "") for key in keys)).result(timeout=10)
    assert seen == keys


def test_more_keys_than_one_statement_takes_are_found(store):
    keys = [RecordKey(f"{number:032x}") for number in range(1201)]
    store.commit(*map(intend, keys)).result(timeout=10)
    store.commit(*(MarkCreated(key, TargetId(key)) for key in keys)).result(timeout=10)
    assert list(store.known(keys)) == keys
    assert len(store.by_target_id("person", [TargetId(key) for key in keys])) == 1201


def test_the_keys_of_created_records_and_no_others_come_in_long_texts(store):
    assert "".join(store.created_keys()) == ""
    do(store, intend(ANN), MarkCreated(ANN, ONE), intend(BOB), MarkRejected(BOB, 422, ""), intend(CAS))
    assert "".join(store.created_keys()) == ANN
    assert store.size() == 3


def test_keys_of_every_beginning_are_among_the_created_ones(store):
    keys = {RecordKey(f"{number:02x}" * 16) for number in range(256)}
    store.commit(*map(intend, keys)).result(timeout=10)
    store.commit(*(MarkCreated(key, TargetId(key)) for key in keys)).result(timeout=10)
    text = "".join(store.created_keys())
    assert {text[start : start + 32] for start in range(0, len(text), 32)} == keys
    assert len(text) == 256 * 32


def test_an_attribute_is_replaced_when_read_back_again(store):
    do(store, intend(ANN), MarkCreated(ANN, ONE), StoreAttribute(ANN, "assignment_id", "7"))
    do(store, StoreAttribute(ANN, "assignment_id", "8"))
    assert store.attribute(ANN, "assignment_id") == "8"
    assert store.attribute(ANN, "other") is None
    assert store.attribute(BOB, "assignment_id") is None
    assert list(store.attributed("assignment_id")) == [ANN]
    do(store, StoreAttribute(ANN, "assignment_id", ""))
    assert list(store.attributed("assignment_id")) == list(store.attributed("other")) == []


def test_the_newest_unfinished_run_is_the_one_to_continue(opener):
    with opener() as store:
        store.start_run(RunId("r1"), "run", "2026-07-02", {"plan": "aa"})
        store.set_stage(RunId("r1"), "load")
        store.finish_run(RunId("r1"), "2026-07-02T01", 1)
        store.start_run(RunId("r2"), "run", "2026-07-01", {"plan": "bb"})
    with opener() as store:
        assert [(run.run_id, run.stage, run.ended, run.exit_code) for run in store.runs()] == [
            ("r2", "extract", None, None),
            ("r1", "done", "2026-07-02T01", 1),
        ]
        run = store.open_run()
        assert run
        assert run.run_id == "r2"
        assert store.run_fingerprints(RunId("r1")) == {"plan": "aa"}


def test_records_changed_after_reopening_belong_to_the_open_run(opener):
    with opener() as store:
        store.start_run(JULY, "run", "2026-07-01", {})
    with opener() as store:
        do(store, intend(ANN))
        assert state_of(store, ANN).run_id == JULY


def test_runs_that_are_not_known_or_known_already_are_refused(store):
    store.start_run(JULY, "run", "2026-07-01", {})
    with pytest.raises(StateError, match="exists already"):
        store.start_run(JULY, "run", "2026-07-01", {})
    with pytest.raises(StateError, match="not known"):
        store.set_stage(RunId("other"), "load")
    with pytest.raises(StateError, match="not known"):
        store.finish_run(RunId("other"), "2026-07-01", 0)
    do(store, intend(ANN))
    assert state_of(store, ANN).run_id == JULY


def test_a_watermark_is_kept_for_each_column(store):
    store.set_watermark("legacy", "CLIENT", "CHANGED", "2026-06-30", JULY)
    store.set_watermark("legacy", "CLIENT", "CHANGED", "2026-07-01", JULY)
    assert store.watermark("legacy", "CLIENT", "CHANGED") == "2026-07-01"
    assert store.watermark("legacy", "CLIENT", "ID") is None


def test_a_second_opener_is_refused_while_the_first_holds_the_state(opener):
    with opener(), pytest.raises(StateLocked):
        opener()
    with opener() as store:
        assert store.epoch == 2


@pytest.mark.parametrize(
    ("other", "parts"),
    [
        ({"target": "production as app"}, ("sandbox as app", "production as app")),
        ({"project": "housing"}, ("intake", "housing")),
        ({"key_check": "ffee"}, ("0011", "ffee")),
    ],
)
def test_the_state_of_another_target_is_refused_naming_both(opener, other, parts):
    with opener() as store:
        do(store, intend(ANN))
    with pytest.raises(WrongTarget) as caught:
        opener(**other)
    assert all(part in caught.value.message for part in parts)
    with opener() as store:
        assert store.epoch == 2


def test_a_state_that_sent_nothing_follows_a_corrected_client_id(opener):
    with opener(target="sandbox/mistyped"):
        pass
    with opener(target="sandbox/right") as store:
        do(store, intend(ANN))
    with pytest.raises(WrongTarget):
        opener(target="sandbox/mistyped")


def test_a_person_who_looked_may_settle_an_uncertain_record_as_absent(store):
    do(
        store,
        intend(ANN),
        MarkUncertain(ANN, "blind"),
        MarkRejected(ANN, None, "send_again decided absent"),
        intend(ANN),
    )
    assert state_of(store, ANN).attempt == 2
