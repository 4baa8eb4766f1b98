"""Records without a marker and without a parent: looked for among all that our application created, by whole content."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.load.test_lost_answers import fail_first
from tests.load.world import World, mapping_of

ORGANISATIONS = mapping_of("parent_organization", "name")


def organisation(name: str) -> dict[str, str]:
    return {"id": name, "name": name}


@pytest.mark.parametrize("fault", ["lost", "lost_after", "late"])
def test_one_whose_answer_was_lost_ends_as_one(world: World, fault: str) -> None:
    world.plan((ORGANISATIONS, [organisation(name) for name in "abc"]))
    world.target.faults = fail_first(fault, "parent_organization")
    world.load()
    assert world.names("parent_organization") == ["a", "b", "c"]
    assert set(world.states().values()) == {"created"}


@pytest.mark.parametrize("fault", ["lost", "lost_after"])
def test_two_of_the_same_name_stay_two(world: World, fault: str) -> None:
    world.plan((ORGANISATIONS, [organisation("a"), organisation("b"), {"id": "b2", "name": "b"}]))
    world.target.faults = lambda _number, document: fault if document.attributes["name"] == "b" else None
    world.load()
    world.target.faults = lambda _number, _document: None
    world.load()
    assert world.names("parent_organization") == ["a", "b", "b"]
    assert len(set(world.states())) == 3


def test_one_that_a_person_made_is_never_taken_for_ours(world: World) -> None:
    world.plan((ORGANISATIONS, [organisation("a")]))
    world.load()
    made = next(iter(world.target.records.values()))
    by_hand = replace(made, id="by-hand", attributes={**made.attributes, "name": "b", "created_by": "A person"})
    world.target.records[by_hand.id] = by_hand
    world.plan((ORGANISATIONS, [organisation("a"), organisation("b")]))
    world.target.faults = lambda number, _document: "lost" if number == 2 else None
    world.load()
    assert world.names("parent_organization") == ["a", "b", "b"]
    assert set(world.states().values()) == {"created"}


def test_without_any_record_of_ours_nobody_can_say_whose_it_is(world: World) -> None:
    by_hand = organisation("a")
    world.plan((ORGANISATIONS, [by_hand]))
    world.target.faults = lambda _number, _document: "lost_after"
    world.load()
    assert set(world.states().values()) == {"uncertain"}
    assert len(world.target.creates) == 1


@pytest.mark.parametrize("ask", ["created", "hold"])
def test_a_double_under_our_name_is_found_by_reading_back_also_where_lost_answers_are_held(
    world: World, ask: str
) -> None:
    entity = world.catalog.entity("parent_organization")
    assert entity.marker is not None
    asked = replace(entity, marker=replace(entity.marker, ask=ask))
    world.catalog = replace(world.catalog, entities={**world.catalog.entities, asked.name: asked})
    world.plan((ORGANISATIONS, [organisation("a")]))
    world.load()
    made = next(iter(world.target.records.values()))
    world.target.records["twin"] = replace(made, id="twin")
    by_hand = replace(made, id="by-hand", attributes={**made.attributes, "created_by": "A person"})
    world.target.records["by-hand"] = by_hand
    found = world.verify().findings
    assert [(each.code, each.target_id) for each in found] == [("duplicate_in_target", "twin")]
