"""A lost answer: asked about, never followed by a second POST on a guess, and settled as exactly one record."""

from __future__ import annotations

import itertools

import pytest

from etl.core.outcomes import SEND_AGAIN
from etl.load.unclear import ROUNDS
from tests.load.world import CASES, MEMBERS, PEOPLE, QUIET_S, World, case, key_of, person

LOST = ["lost", "lost_after", "late"]


def fail_first(fault: str, entity: str = "person"):
    """The first create of an entity goes wrong, all others are well."""
    seen: list[object] = []

    def choose(_number: int, document) -> str | None:
        if document.entity != entity:
            return None
        seen.append(document)
        return fault if len(seen) == 1 else None

    return choose


@pytest.mark.parametrize("fault", LOST)
def test_a_record_with_a_marker_ends_as_one(world: World, fault: str) -> None:
    world.plan((PEOPLE, [person("a"), person("b"), person("c")]))
    world.target.faults = fail_first(fault)
    world.load()
    assert world.names() == ["a", "b", "c"]
    assert set(world.states().values()) == {"created"}


@pytest.mark.parametrize("fault", LOST)
def test_no_second_post_leaves_before_the_quiet_period_is_over(world: World, fault: str) -> None:
    world.plan((PEOPLE, [person("a"), person("b")]))
    world.target.faults = fail_first(fault)
    world.load()
    sent = [at for at, document in world.target.creates if document.attributes["last_name"] == "a"]
    assert len(sent) == (2 if fault == "lost" else 1)
    assert all(later - earlier >= QUIET_S for earlier, later in itertools.pairwise(sent))


@pytest.mark.parametrize("fault", LOST)
def test_a_record_without_a_marker_is_found_under_its_parent(world: World, fault: str) -> None:
    world.plan((CASES, [case("1")]), (PEOPLE, [person("a"), person("b")]), (MEMBERS, members("ab")))
    world.target.faults = fail_first(fault, "case_person")
    world.load()
    assert len(world.target.of("case_person")) == 2
    assert set(world.states().values()) == {"created"}


def members(people: str, **more: object) -> list[dict[str, object]]:
    return [
        {"id": f"{at}", "case": key_of(CASES, "1"), "person": key_of(PEOPLE, who), "role": "Child", **more}
        for at, who in enumerate(people)
    ]


@pytest.mark.parametrize("fault", LOST)
@pytest.mark.parametrize("count", [2, 3])
def test_twins_end_as_exactly_as_many_as_there_are_rows(world: World, fault: str, count: int) -> None:
    world.plan((CASES, [case("1")]), (PEOPLE, [person("a"), person("b")]), (MEMBERS, members("a" * count + "b")))
    world.target.faults = fail_first(fault, "case_person")
    world.load()
    assert len(world.target.of("case_person")) == count + 1


def test_every_answer_of_twins_lost_after_commit_still_makes_two(world: World) -> None:
    world.plan((CASES, [case("1")]), (PEOPLE, [person("a")]), (MEMBERS, members("aa")))
    world.target.faults = lambda _number, document: "lost_after" if document.entity == "case_person" else None
    world.load()
    assert len(world.target.of("case_person")) == 2
    assert set(world.states().values()) == {"created"}


def test_records_listed_late_are_not_sent_twice(world: World) -> None:
    world.plan((PEOPLE, [person(name) for name in "abcdef"]))
    world.target.lag_s = QUIET_S / 2
    world.target.faults = lambda number, _document: "lost_after" if number % 2 else None
    world.load()
    assert world.names() == list("abcdef")


def test_a_witness_that_is_listed_late_still_proves_sight(world: World) -> None:
    world.plan((PEOPLE, [person("a"), person("b")]))
    world.target.lag_s = QUIET_S / 2
    world.target.faults = fail_first("lost")
    world.concurrency = 1
    world.load()
    assert world.names() == ["a", "b"]


def test_what_nobody_shows_us_is_held_and_never_sent_again(world: World) -> None:
    world.plan((PEOPLE, [person("a"), person("b")]))
    world.target.faults = fail_first("lost")
    world.target.blind = {"person"}
    world.load()
    assert len(world.target.creates) == 2
    assert (world.state_of(PEOPLE, "a"), world.state_of(PEOPLE, "b")) == ("uncertain", "created")


def test_a_held_record_is_settled_when_sight_comes_back(world: World) -> None:
    world.plan((PEOPLE, [person("a"), person("b")]))
    world.target.faults = fail_first("lost")
    world.target.blind = {"person"}
    world.load()
    world.target.blind = set()
    world.load()
    assert world.names() == ["a", "b"]
    assert set(world.states().values()) == {"created"}


def test_a_server_that_answers_any_question_with_a_record_is_not_believed(world: World) -> None:
    world.plan((PEOPLE, [person("a"), person("b")]))
    world.target.faults = fail_first("lost")
    world.target.echoes = True
    world.load()
    assert len(world.target.creates) == 2


def test_absence_is_not_concluded_where_no_record_of_ours_was_ever_seen(world: World) -> None:
    world.plan((PEOPLE, [person("a")]))
    world.target.faults = fail_first("lost")
    world.load()
    assert world.state_of(PEOPLE, "a") == "uncertain"
    assert len(world.target.creates) == 1


def test_a_process_that_dies_before_the_first_record_is_there_leaves_one_unclear(tmp_path) -> None:
    for point in itertools.count(1):
        world = World(tmp_path / str(point))
        world.folder.mkdir()
        world.plan((PEOPLE, [person(name) for name in "abcdef"]))
        if not world.load_dying_at(point) or world.names():
            break
        assert list(world.states().values()).count("intent") <= 1
    assert point > 2


def test_an_outage_that_eats_every_post_ends_and_holds_everything(world: World) -> None:
    world.plan((PEOPLE, [person(f"p{number}") for number in range(150)]))
    world.target.faults = lambda _number, _document: "lost"
    world.load()
    assert world.names() == []
    assert set(world.states().values()) == {"uncertain"}


def test_a_record_that_the_server_fails_on_each_time_is_refused_in_the_end(world: World) -> None:
    world.plan((PEOPLE, [person("a"), person("b")]))
    world.target.faults = lambda _number, document: "failed" if document.attributes["last_name"] == "a" else None
    world.load()
    assert world.state_of(PEOPLE, "a") == "rejected"
    assert error_of(world, "a") == "server_error"
    assert len(world.target.creates) == 1 + 1 + ROUNDS


def test_a_line_that_is_cut_each_time_says_nothing_about_the_record(world: World) -> None:
    world.plan((PEOPLE, [person("a"), person("b")]))
    world.target.faults = lambda _number, document: "lost" if document.attributes["last_name"] == "a" else None
    world.load()
    assert error_of(world, "a").startswith(SEND_AGAIN)
    world.target.faults = lambda _number, _document: None
    world.load()
    assert world.state_of(PEOPLE, "a") == "created"
    assert sorted(world.names()) == ["a", "b"]


def error_of(world: World, legacy_id: str) -> str:
    key = key_of(PEOPLE, legacy_id)
    with world.open() as store:
        return store.known([key])[key].error


def test_two_records_with_one_marker_are_a_duplicate_and_children_use_the_older(world: World) -> None:
    world.plan((CASES, [case("1")]), (PEOPLE, [person("a"), person("b")]), (MEMBERS, members("a")))

    def twice(number: int, document) -> str | None:
        return "lost_after" if document.entity == "person" and document.attributes["last_name"] == "a" else None

    world.target.faults = twice
    world.target.doubles = {"person"}
    world.load()
    assert world.state_of(PEOPLE, "a") == "duplicate"
    oldest = min(record.id for record in world.target.of("person") if record.attributes["last_name"] == "a")
    assert world.target.of("case_person")[0].links["person"].id == oldest


def test_a_witness_that_a_person_has_deleted_gives_way_to_another_one(world: World) -> None:
    known = [person(str(number)) for number in range(6)]
    world.plan((PEOPLE, known))
    world.load()
    with world.open() as store:
        newest = store.latest("person", 1)[0]
    world.target._seen_at[newest.target_id] = float("inf")
    world.plan((PEOPLE, [*known, person("new")]))
    lost = iter(["lost"])
    world.target.faults = lambda _number, _document: next(lost, None)
    world.load()
    assert set(world.states().values()) == {"created"}
    assert [each.attributes["last_name"] for each in world.target.of("person")].count("new") == 1
