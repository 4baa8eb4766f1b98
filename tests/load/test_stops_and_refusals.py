"""What one refusal stops: a record, an entity, or the run; and what is left to go on with."""

from __future__ import annotations

import contextlib
import sqlite3
from concurrent.futures import Future
from pathlib import Path
from string import ascii_lowercase

import pytest

from etl.core.changes import Change
from etl.core.errors import EtlError, Interrupted, StateError, TargetBusy, TargetRefused
from etl.core.outcomes import Bucket
from etl.core.records import Document
from etl.core.state_port import Told
from etl.load.notes import LoadNotes
from etl.load.outcomes import outcomes
from etl.state import SqlStore
from tests.load.world import (
    CASES,
    KEYS,
    MEMBERS,
    PEOPLE,
    QUIET_S,
    StandingClock,
    World,
    case,
    key_of,
    mapping_of,
    person,
)

ADDRESSES = mapping_of("person_address", "person", "city")


def fault_for(entity: str, kind: str):
    return lambda _number, document: kind if document.entity == entity else None


def healthy(_number: int, _document: object) -> None:
    return None


def plan_family(world: World) -> None:
    member = {"id": "m", "case": key_of(CASES, "1"), "person": key_of(PEOPLE, "a"), "role": "Child"}
    address = {"id": "x", "person": key_of(PEOPLE, "a"), "city": "Dayton"}
    world.plan((PEOPLE, [person("a")]), (CASES, [case("1")]), (MEMBERS, [member]), (ADDRESSES, [address]))


def buckets(world: World, failures=None) -> dict[str, tuple[str, str]]:
    with world.open() as store:
        rows = [
            row
            for batch in outcomes(world.planned, store, LoadNotes(failures=failures or {}), KEYS)
            for row in batch.to_pylist()
        ]
    return {row["mapping"]: (row["bucket"], row["reason"]) for row in rows}


def stopped_by(world: World, kind: type[EtlError]) -> EtlError:
    """The error that ends a load, however deep it sits in a group."""
    try:
        world.load()
    except kind as error:
        return error
    except BaseExceptionGroup as group:
        found = group.subgroup(kind)
        assert found is not None
        raise
    pytest.fail("nothing stopped the load")


def test_a_refused_record_blocks_its_children_and_nobody_else(world: World) -> None:
    plan_family(world)
    world.target.faults = fault_for("person", "rejected")
    world.load()
    assert buckets(world) == {
        "person": (Bucket.REJECTED, "rejected_by_target"),
        "case": (Bucket.CREATED, ""),
        "case_person": (Bucket.BLOCKED, "parent_not_loadable"),
        "person_address": (Bucket.BLOCKED, "parent_not_loadable"),
    }


def test_a_refused_record_is_sent_again_only_when_it_changed_or_when_asked(world: World) -> None:
    world.plan((PEOPLE, [person("a")]))
    world.target.faults = fault_for("person", "rejected")
    world.load()
    world.target.faults = healthy
    world.plan((PEOPLE, [person("a")]))
    world.load()
    assert len(world.target.creates) == 1
    world.plan((PEOPLE, [person("a", middle_name="B")]))
    world.load()
    assert world.names() == ["a"]


def test_a_refused_record_is_sent_again_when_asked(world: World) -> None:
    world.plan((PEOPLE, [person("a")]))
    world.target.faults = fault_for("person", "rejected")
    world.load()
    world.target.faults = healthy
    world.plan((PEOPLE, [person("a")]), retry_rejected=True)
    world.load()
    assert world.names() == ["a"]


def test_what_is_forbidden_stops_its_entity_and_those_below_it(world: World) -> None:
    plan_family(world)
    world.target.faults = fault_for("person", "forbidden")
    loader = world.load()
    assert list(loader.notes.stopped) == ["person"]
    assert {name: bucket for name, (bucket, _) in buckets(world).items()} == {
        "person": Bucket.PENDING,
        "case": Bucket.CREATED,
        "case_person": Bucket.BLOCKED,
        "person_address": Bucket.BLOCKED,
    }


def test_what_was_forbidden_is_sent_without_being_asked_once_it_is_allowed(world: World) -> None:
    plan_family(world)
    world.target.faults = fault_for("person", "forbidden")
    world.load()
    world.target.faults = healthy
    world.load()
    assert set(world.states().values()) == {"created"}


def test_children_of_what_was_blocked_before_wait_for_it_in_any_order(world: World) -> None:
    plan_family(world)
    world.target.faults = fault_for("person", "rejected")
    world.load()
    world.target.faults = healthy
    member = {"id": "m", "case": key_of(CASES, "1"), "person": key_of(PEOPLE, "a"), "role": "Child"}
    many = [person(f"p{number}") for number in range(100)]
    people = (PEOPLE, [*many, person("a")])  # fed last, when the child was looked at long ago
    world.plan((MEMBERS, [member]), (CASES, [case("1")]), people, retry_rejected=True)
    world.load()
    assert world.state_of(MEMBERS, "m") == "created"


@pytest.mark.parametrize(("fault", "error"), [("unauthorised", TargetRefused), ("busy", TargetBusy)])
def test_what_concerns_everything_stops_the_run_and_the_next_one_finishes(
    world: World, fault: str, error: type[EtlError]
) -> None:
    world.plan((PEOPLE, [person(name) for name in ascii_lowercase]))
    world.target.faults = lambda number, _document: fault if number == 3 else None
    stopped_by(world, error)
    assert len(world.target.creates) < len(ascii_lowercase)
    world.target.faults = healthy
    world.load()
    assert world.names() == list(ascii_lowercase)


def test_an_interruption_drains_what_is_under_way_and_sends_nothing_new(world: World) -> None:
    world.plan((PEOPLE, [person(f"p{number:03}") for number in range(200)]))

    def interrupt_at_ten(loader) -> None:
        world.target.faults = lambda number, _document: loader.interrupt() if number == 10 else None

    with pytest.raises(Interrupted):
        world.load(during=interrupt_at_ten)
    assert 10 <= len(world.target.creates) <= 10 + 2 * world.concurrency
    assert len(world.target.records) == len(world.target.creates)
    # Of what was prepared and not sent the intent is taken back, so that the next run has nothing to ask and wait for.
    assert set(world.states().values()) <= {"created", "rejected"}
    world.target.faults = healthy
    world.load()
    assert len(world.names()) == 200
    assert world.clock.time == 0


def test_an_interruption_ends_the_quiet_period_and_keeps_the_intent(tmp_path: Path) -> None:
    world = World(tmp_path, clock=StandingClock())
    world.plan((PEOPLE, [person("a"), person("b")]))

    def interrupt_when_asked(loader) -> None:
        def lose(number: int, _document: object) -> str | None:
            if number == 2:
                loader.interrupt()
            return "lost" if number == 1 else None

        world.target.faults = lose

    with pytest.raises(Interrupted):
        world.load(during=interrupt_when_asked)
    assert sorted(world.states().values()) == ["created", "intent"]


def test_an_entity_whose_first_records_are_all_refused_is_stopped(world: World) -> None:
    world.concurrency = 1
    world.plan((PEOPLE, [person(f"p{number}") for number in range(60)]))
    world.target.faults = fault_for("person", "rejected")
    loader = world.load()
    assert 20 <= len(world.target.creates) <= 20 + 2 * world.concurrency
    assert "person" in loader.notes.stopped


def test_a_label_that_the_tenant_does_not_offer_is_refused_here(world: World) -> None:
    world.plan((CASES, [case("1", case_status="Dormant"), case("2")]))
    loader = world.load()
    assert loader.notes.failures == {key_of(CASES, "1"): ("unknown_option", "case_status: case_status")}
    assert world.names("case") == ["2"]


def test_an_optional_link_to_what_was_refused_is_left_out_and_follows_later(world: World) -> None:
    mother = person("m")
    child = person("c", mother=key_of(PEOPLE, "m"))
    world.plan((PEOPLE, [mother, child]))
    world.target.faults = lambda _number, document: "rejected" if document.attributes["last_name"] == "m" else None
    world.load()
    assert "mother" not in world.target.of("person")[0].links
    world.target.faults = healthy
    world.plan((PEOPLE, [mother, child]), retry_rejected=True)
    world.load()
    people = {record.attributes["last_name"]: record for record in world.target.of("person")}
    assert people["c"].links["mother"].id == people["m"].id


def test_a_link_that_an_update_left_out_is_not_forgotten(world: World) -> None:
    child = person("c", mother=key_of(PEOPLE, "m"))
    world.plan((PEOPLE, [person("c")]))
    world.load()
    world.target.faults = lambda _number, document: "rejected" if document.attributes["last_name"] == "m" else None
    world.plan((PEOPLE, [person("m"), child]))
    world.load()
    world.target.faults = healthy
    world.plan((PEOPLE, [person("m"), child]), retry_rejected=True)
    world.load()
    people = {record.attributes["last_name"]: record for record in world.target.of("person")}
    assert people["c"].links["mother"].id == people["m"].id


# ---------------------------------------------------------------- a process that slept


def test_nothing_leaves_under_intents_of_before_a_sleep_in_which_another_run_took_over(world: World) -> None:
    """It sleeps in the middle of the tenth request, with other intents in hand."""
    world.plan((PEOPLE, [person(str(number)) for number in range(40)]))

    def sleep_then(number: int, _document: Document) -> None:
        if number == 10:
            take_over(world)
            world.clock.time += 3 * QUIET_S

    world.target.faults = sleep_then
    with pytest.raises(ExceptionGroup) as ended:
        world.load()
    assert ended.group_contains(StateError, match="taken over")
    assert len(world.target.creates) == 10
    with contextlib.closing(sqlite3.connect(world.folder / "state.db")) as database:
        ((promised,),) = database.execute("select count(*) from records where state = 'intent'")
    assert promised > 1, "without intents in hand there was nothing to hold back"


def test_an_answer_of_before_the_sleep_is_no_answer_after_it(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """It asks whether the state is ours, and sleeps between the transaction that says so and hearing of it."""
    world.plan((PEOPLE, [person(str(number)) for number in range(40)]))
    commit, asked = SqlStore.commit_telling, []

    def asleep_after(store: SqlStore, told: Told, *changes: Change) -> None:
        if changes or asked:
            commit(store, told, *changes)
            return
        durable: Future[None] = Future()
        commit(store, durable)
        durable.result()
        asked.append(len(world.target.creates))
        take_over(world)
        world.clock.time += 3 * QUIET_S
        told.set_result(None)

    def long(number: int, _document: Document) -> None:
        # Again and again, for a commit that happens to lie between would answer without being asked.
        world.clock.time += QUIET_S if number >= 10 and not asked else 0

    monkeypatch.setattr(SqlStore, "commit_telling", asleep_after)
    world.target.faults = long
    with pytest.raises(ExceptionGroup) as ended:
        world.load()
    assert ended.group_contains(StateError, match="taken over")
    assert len(world.target.creates) == asked[0]


def test_after_a_sleep_in_which_nobody_took_over_the_load_goes_on(world: World) -> None:
    world.plan((PEOPLE, [person(str(number)) for number in range(40)]))

    def sleep_then(_number: int, _document: Document) -> None:
        world.clock.time += QUIET_S

    world.target.faults = sleep_then
    world.load()
    assert len(world.target.creates) == 40


def take_over(world: World) -> None:
    with contextlib.closing(sqlite3.connect(world.folder / "state.db")) as database:
        database.execute("update lease set epoch = epoch + 1")
        database.commit()
