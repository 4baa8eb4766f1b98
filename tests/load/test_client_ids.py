"""Ids of our choice, and markers that the tenant keeps unique: what they make certain, and what happens where they do not hold."""

from __future__ import annotations

import tempfile
import uuid
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from etl.catalog.model import Catalog
from etl.core.errors import Finding, RecordRejected
from etl.core.keys import RecordKey
from etl.core.records import Document
from etl.load.client_ids import client_id, is_there_already
from tests.load.test_crashes import FAULTS, WHOLE_LOAD, assert_complete, assert_nothing_doubled, rows
from tests.load.world import CASES, CATALOG, PEOPLE, World, case, key_of, person

TAKING = ("person", "case", "case_person", "person_address", "note", "attachment")


def taking_ids(*names: str) -> Catalog:
    """A tenant that is said to take ids of our choice for these entities."""
    changed = {name: replace(CATALOG.entity(name), client_ids=True) for name in names}
    return replace(CATALOG, entities={**CATALOG.entities, **changed})


def unique_markers(*names: str) -> Catalog:
    """A tenant that is said to refuse a second record with the same marker."""
    changed = {}
    for name in names:
        entity = CATALOG.entity(name)
        assert entity.marker
        changed[name] = replace(entity, marker=replace(entity.marker, unique=True))
    return replace(CATALOG, entities={**CATALOG.entities, **changed})


@pytest.fixture
def taking(tmp_path: Path) -> World:
    """A tenant that takes our ids for all entities in use."""
    world = World(tmp_path / "taking", taking_ids(*TAKING))
    world.folder.mkdir()
    world.target.takes_ids = set(TAKING)
    return world


@pytest.fixture
def ignoring(tmp_path: Path) -> World:
    """A tenant that is said to take our ids and gives its own."""
    world = World(tmp_path / "ignoring", taking_ids(*TAKING))
    world.folder.mkdir()
    return world


def fail(fault: str, *names: str):
    """The first create of each of these people goes wrong."""
    left = set(names)

    def choose(_number: int, document: Document) -> str | None:
        name = str(document.attributes.get("last_name"))
        if name not in left:
            return None
        left.discard(name)
        return fault

    return choose


def test_a_client_id_is_a_name_based_uuid_of_the_record_key_alone():
    one, other = client_id(RecordKey("a" * 32)), client_id(RecordKey("b" * 32))
    assert uuid.UUID(one).version == 5
    assert one == client_id(RecordKey("a" * 32)) != other


def test_records_have_the_ids_that_we_chose(taking):
    taking.plan((PEOPLE, [person("a"), person("b")]))
    taking.load()
    assert {record.id for record in taking.target.of("person")} == {client_id(key_of(PEOPLE, each)) for each in "ab"}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_lost_answer_is_settled_without_a_quiet_period(taking, fault):
    taking.concurrency = 1
    taking.plan((PEOPLE, [person("a"), person("b"), person("c")]))
    taking.target.faults = fail(fault, "b")
    taking.load()
    assert taking.names() == ["a", "b", "c"]
    assert taking.clock.time == (0 if fault != "late" else taking.clock.time)


def test_a_second_post_that_meets_the_first_one_is_a_conflict_and_no_second_record(taking):
    taking.plan((PEOPLE, [person("a"), person("b")]))
    taking.load()
    taking.plan((PEOPLE, [person("a"), person("b"), person("c")]))
    taking.target.faults = fail("late", "c")
    taking.load()
    assert taking.names() == ["a", "b", "c"]
    assert set(taking.states().values()) == {"created"}


def test_a_conflict_over_a_record_that_cannot_be_seen_yet_waits_and_doubles_nothing(taking, monkeypatch):
    taking.plan((PEOPLE, [person("a"), person("b"), person("c")]))
    taking.target.faults = fail("lost_after", "b")
    taking.target.lag_s = 30.0
    hidden = type(taking.target).get

    async def lagging(self, entity, target_id):
        seen = self._seen_at.get(target_id, 0.0) <= self.clock.time
        return await hidden(self, entity, target_id) if seen else None

    monkeypatch.setattr(type(taking.target), "get", lagging)
    taking.load()
    assert taking.names() == ["a", "b", "c"]
    assert set(taking.states().values()) == {"created"}


def test_dying_at_any_point_is_harmless_with_ids_of_our_choice(taking, tmp_path):
    taking.plan(*rows("w"))
    taking.load()
    for at in range(1, WHOLE_LOAD, 7):
        again = taking.copy(tmp_path / str(at))
        again.plan(*rows("1"))
        died = again.load_dying_at(at)
        again.load()
        assert_complete(again, "w", "1")
        if not died:
            return
    pytest.fail("the load has more fail-points than this test tries")


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    faults=st.dictionaries(st.integers(1, 40), st.sampled_from(FAULTS), max_size=12),
    dies_at=st.lists(st.integers(1, 90), max_size=3),
    honours=st.booleans(),
)
def test_nothing_is_lost_or_doubled_whether_the_server_honours_our_ids_or_not(faults, dies_at, honours):
    with tempfile.TemporaryDirectory() as folder:
        world = World(Path(folder), taking_ids(*TAKING))
        world.target.takes_ids = set(TAKING) if honours else set()
        world.target.faults = lambda number, _document: faults.get(number)
        world.plan(*rows("1"))
        for at in dies_at:
            world.load_dying_at(at)
        for _ in range(3):
            world.load()
        assert_nothing_doubled(world)


# ---------------------------------------------------------------- a server that ignores our ids


@pytest.mark.parametrize("fault", FAULTS)
def test_a_server_that_gives_its_own_ids_is_asked_by_the_marker(ignoring, fault):
    ignoring.plan((PEOPLE, [person("a"), person("b"), person("c")]))
    ignoring.target.faults = fail(fault, "b")
    ignoring.load()
    assert ignoring.names() == ["a", "b", "c"]
    assert {record.id for record in ignoring.target.of("person")} == set(by_id(ignoring))


def by_id(world: World) -> dict[str, RecordKey]:
    with world.open() as store:
        return {str(known.target_id): known.key for known in store.in_state()}


def test_a_person_is_told_once_that_the_server_gives_its_own_ids(ignoring, monkeypatch):
    told: list[str] = []
    monkeypatch.setattr("tests.load.world.SilentProgress.note", lambda _self, text: told.append(text))
    ignoring.plan((PEOPLE, [person(each) for each in "abc"]), (CASES, [case("1")]))
    ignoring.load()
    assert Counter(text.partition(":")[0] for text in told) == {"person": 1, "case": 1}
    assert all("client_ids" in text for text in told)


def test_the_first_lost_answer_proves_nothing_about_ids(ignoring):
    ignoring.plan((PEOPLE, [person("a")]))
    ignoring.target.faults = fail("lost_after", "a")
    ignoring.load()
    assert ignoring.names() == ["a"]


def test_an_attempt_made_before_ids_were_chosen_is_not_taken_for_absent(world, tmp_path):
    """The first run sent no ids and was killed; then the overlay says that the tenant takes them."""
    unclear = 0
    for at in range(1, WHOLE_LOAD):
        again = world.copy(tmp_path.with_name(f"{tmp_path.name}-{at}"))
        again.concurrency = 1
        again.plan((PEOPLE, [person("a"), person("b")]))
        again.target.faults = fail("late", "b")
        died = again.load_dying_at(at)
        unclear += "intent" in again.states().values()
        again.catalog = taking_ids("person")
        again.target.takes_ids = {"person"}
        for _ in range(2):
            again.load()
        assert_nothing_doubled(again)
        if not died:
            break
    assert unclear > 3


def test_a_record_held_since_before_ids_were_chosen_is_looked_for_by_its_marker(world):
    world.target.blind = {"person"}
    world.target.faults = fail("lost_after", "b")
    world.plan((PEOPLE, [person("b")]))
    world.load()
    world.catalog, world.target.takes_ids = taking_ids("person"), {"person"}
    world.plan((PEOPLE, [person("b"), person("c")]))
    world.load()
    assert world.state_of(PEOPLE, "b") == "uncertain"
    world.target.blind = set()
    world.load()
    assert world.names() == ["b", "c"]
    assert set(world.states().values()) == {"created"}


# ---------------------------------------------------------------- markers that are unique


@pytest.fixture
def unique(tmp_path: Path) -> World:
    world = World(tmp_path / "unique", unique_markers("person", "case"))
    world.folder.mkdir()
    world.target.unique = {"person", "case"}
    return world


@pytest.mark.parametrize("fault", FAULTS)
def test_a_lost_answer_ends_as_one_record_where_markers_are_unique(unique, fault):
    unique.plan((PEOPLE, [person("a"), person("b"), person("c")]))
    unique.target.faults = fail(fault, "b")
    unique.load()
    assert unique.names() == ["a", "b", "c"]
    assert set(unique.states().values()) == {"created"}


def test_a_refusal_because_the_marker_is_taken_finds_the_record_that_has_it(unique):
    unique.plan((PEOPLE, [person("a"), person("b")]))
    unique.target.faults = fail("repeated", "a", "b")
    unique.load()
    assert unique.names() == ["a", "b"]
    assert set(unique.states().values()) == {"created"}


def test_a_create_that_was_repeated_on_its_way_is_one_record_with_the_id_that_we_chose(taking):
    taking.plan((PEOPLE, [person("a"), person("b")]))
    taking.target.faults = fail("repeated", "a", "b")
    taking.load()
    assert taking.names() == ["a", "b"]
    assert set(taking.states().values()) == {"created"}


def test_without_the_word_of_the_catalogue_such_a_refusal_is_a_refusal(world):
    world.target.unique = {"person"}
    world.plan((PEOPLE, [person("a"), person("b")]))
    world.target.faults = fail("repeated", "b")
    world.load()
    assert world.state_of(PEOPLE, "b") == "rejected"


def test_a_marker_taken_by_a_record_that_we_cannot_see_is_held_for_a_person(unique):
    unique.target.blind = {"person"}
    unique.plan((PEOPLE, [person("a"), person("b")]))
    unique.target.faults = fail("repeated", "b")
    unique.load()
    assert unique.state_of(PEOPLE, "b") == "uncertain"
    assert unique.names() == ["a", "b"]


@pytest.mark.parametrize(
    ("status", "pointer", "is_one"),
    [
        (422, "/data/attributes/custom_fields/migrationKey", True),
        (422, "custom_fields[migrationKey]", True),
        (422, "/data/attributes/last_name", False),
        (422, "", False),
        (400, "/data/attributes/custom_fields/migrationKey", False),
    ],
)
def test_only_a_refusal_that_points_at_the_marker_says_that_the_record_is_there(status, pointer, is_one):
    refused = RecordRejected("Refused.", status=status, findings=[Finding("taken", "taken", pointer)])
    assert is_there_already(unique_markers("person").entity("person"), refused) is is_one
    assert not is_there_already(CATALOG.entity("person"), refused)
