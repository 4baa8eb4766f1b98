"""Records without a marker that look alike: none of them answers for another, whatever is lost and whenever."""

from __future__ import annotations

from collections import Counter

import pytest

from etl.core.errors import ResponseLost
from etl.core.records import Document, Ref, RemoteRecord, TargetId
from etl.load.compare import additions, differences, same_content
from etl.load.twins import Twins
from tests.load.world import CASES, MEMBERS, PEOPLE, World, case, key_of, mapping_of, person

ADDRESSES = mapping_of("person_address", "person", "city", "zip_code")
ALIKE = {"person": key_of(PEOPLE, "a"), "city": "Dayton"}


def plan_addresses(world: World, *rows: dict[str, object]) -> None:
    numbered = [{"id": str(number), **row} for number, row in enumerate(rows)]
    world.plan((PEOPLE, [person("a"), person("b")]), (ADDRESSES, numbered))


def zips(world: World) -> Counter[object]:
    return Counter(record.attributes.get("zip_code") for record in world.target.of("person_address"))


@pytest.mark.parametrize("fault", ["lost", "lost_after", "late"])
def test_a_record_that_another_one_contains_is_not_answered_for_by_it(world: World, fault: str) -> None:
    other = {"person": key_of(PEOPLE, "b"), "city": "Troy"}
    plan_addresses(world, other)
    world.load()
    plan_addresses(world, other, ALIKE, ALIKE | {"zip_code": "45402"})
    seen: list[Document] = []

    def first_two(_number: int, document: Document) -> str | None:
        if document.entity == "person_address":
            seen.append(document)
        return fault if document.entity == "person_address" and len(seen) <= 2 else None

    world.target.faults = first_two
    world.load()
    assert zips(world) == {None: 2, "45402": 1}
    assert set(world.states().values()) == {"created"}


def test_records_that_look_different_do_not_wait_for_each_other() -> None:
    home, twins = ("person_address", TargetId("7")), Twins()
    twins.hold(home, key_of(PEOPLE, "a"), Document("person_address", {"city": "Dayton"}, {}))
    assert twins.rival(home, Document("person_address", {"city": "Troy"}, {})) is None
    assert twins.rival(home, Document("person_address", {"city": "Dayton"}, {})) == key_of(PEOPLE, "a")


@pytest.mark.parametrize("fault", ["lost", "lost_after"])
def test_twins_that_an_earlier_run_held_are_settled_one_after_the_other(world: World, fault: str) -> None:
    plan_addresses(world, ALIKE, ALIKE, ALIKE, {"person": key_of(PEOPLE, "b"), "city": "Troy"})
    world.target.faults = lambda _number, document: fault if document.attributes.get("city") == "Dayton" else None
    world.target.blind = {"person_address"}
    world.load()
    assert Counter(world.states().values()) == {"created": 3, "uncertain": 3}
    world.target.blind = set()
    world.target.faults = lambda _number, _document: None
    world.load()
    assert len(world.target.of("person_address")) == 4
    assert set(world.states().values()) == {"created"}


def test_a_new_twin_waits_for_an_old_one(world: World) -> None:
    troy = {"person": key_of(PEOPLE, "b"), "city": "Troy"}
    plan_addresses(world, troy, ALIKE)
    world.target.faults = lambda _number, document: (
        "lost_after" if document.attributes.get("city") == "Dayton" else None
    )
    world.target.blind = {"person_address"}
    world.load()
    world.target.blind = set()
    plan_addresses(world, troy, ALIKE, ALIKE)
    world.load()
    assert len(world.target.of("person_address")) == 3
    assert set(world.states().values()) == {"created"}


def cut_lists(world: World, monkeypatch: pytest.MonkeyPatch, times: int) -> None:
    """Lets the first questions about addresses fail, so many times."""
    shown, failed = type(world.target).list, Counter[str]()

    async def cut(self, entity: str, **how):
        if entity == "person_address" and not how.get("newest_first") and failed[entity] < times:
            failed[entity] += 1
            raise ResponseLost("The list came to nobody.", status=503)
        async for record in shown(self, entity, **how):
            yield record

    monkeypatch.setattr(type(world.target), "list", cut)


TROY = {"person": key_of(PEOPLE, "b"), "city": "Troy"}
FULL = ALIKE | {"zip_code": "45402"}


def full_arrives_plain_does_not(_number: int, document: Document) -> str | None:
    if document.attributes.get("city") != "Dayton":
        return None
    return "lost_after" if document.attributes.get("zip_code") else "lost"


def test_what_could_not_be_asked_about_is_not_taken_for_a_record_that_it_contains(world: World, monkeypatch) -> None:
    plan_addresses(world, TROY, FULL, ALIKE)
    world.target.faults = full_arrives_plain_does_not
    with monkeypatch.context() as patch:
        cut_lists(world, patch, times=1)
        world.load()
    world.target.faults = lambda _number, _document: None
    world.load()
    assert zips(world) == {None: 2, "45402": 1}
    assert set(world.states().values()) == {"created"}


def test_neither_is_what_an_earlier_run_could_not_ask_about(world: World, monkeypatch) -> None:
    plan_addresses(world, TROY, FULL)
    world.target.faults = full_arrives_plain_does_not
    with monkeypatch.context() as patch:
        cut_lists(world, patch, times=99)
        world.load()
    plan_addresses(world, TROY, FULL, ALIKE)
    with monkeypatch.context() as patch:
        cut_lists(world, patch, times=1)
        world.load()
    world.target.faults = lambda _number, _document: None
    world.load()
    assert zips(world) == {None: 2, "45402": 1}
    assert set(world.states().values()) == {"created"}


def test_beside_a_record_of_which_nobody_knows_what_was_sent_nothing_is_told_by_its_content(
    world: World, monkeypatch
) -> None:
    plan_addresses(world, TROY, FULL)
    world.target.faults = full_arrives_plain_does_not
    with monkeypatch.context() as patch:
        cut_lists(world, patch, times=99)
        world.load()
    plan_addresses(world, TROY, FULL | {"zip_code": "45403"}, ALIKE)  # the source has changed since
    world.load()
    assert zips(world) == {None: 1, "45402": 1}
    assert Counter(world.states().values()) == {"created": 3, "uncertain": 2}


def test_twins_under_different_parents_are_no_twins(world: World) -> None:
    members = [
        {"id": name, "case": key_of(CASES, name), "person": key_of(PEOPLE, "a"), "role": "Child"} for name in "12"
    ]
    world.plan((PEOPLE, [person("a")]), (CASES, [case("1"), case("2")]), (MEMBERS, members))
    world.target.faults = lambda _number, document: "lost" if document.entity == "case_person" else None
    world.load()
    sent = [document.links["case"] for _, document in world.target.creates if document.entity == "case_person"]
    assert sent[0] != sent[1], "neither waits until the other is settled"


def shown(attributes: dict[str, object], **links: object) -> RemoteRecord:
    return RemoteRecord("person", TargetId("1"), attributes, links)


@pytest.mark.parametrize(
    ("sent", "there"),
    [
        ("2026-01-31T10:00:00Z", "2026-01-31T05:00:00.000-05:00"),
        ("2026-01-31T10:00:00Z", "2026-01-31T10:00:00+00:00"),
        (12, 12.0),
        (None, ""),
        ("", None),
        (True, "true"),
        (["a"], ["a"]),
    ],
)
def test_what_a_server_may_legally_write_otherwise_is_the_same(sent: object, there: object) -> None:
    assert same_content(Document("person", {"x": sent}), shown({"x": there}))


@pytest.mark.parametrize(
    ("sent", "there"),
    [
        ("2026-01-31", "2026-02-01"),
        ("7", "07"),
        ("a", "A"),
        (True, "false"),
        (1, 2),
        ("x", None),
        (0, None),
        (False, ""),
    ],
)
def test_what_is_another_value_is_told(sent: object, there: object) -> None:
    assert told(Document("person", {"x": sent}), shown({"x": there})) == [("x", "altered")]


def test_nested_fields_and_links_are_told_by_name() -> None:
    sent = Document("person", {"custom_fields": {"a": 1, "b": 2}}, {"m": Ref("person", TargetId("7")), "n": None})
    there = shown({"custom_fields": {"a": 1, "b": 3, "c": 4}}, m=Ref("person", TargetId("8")))
    assert told(sent, there) == [("custom_fields.b", "altered"), ("m", "mislinked")]


def test_links_that_hold_many_are_compared_as_sets() -> None:
    one, two = Ref("race", TargetId("1")), Ref("race", TargetId("2"))
    assert same_content(Document("person", {}, {"races": (one, two)}), shown({}, races=(two, one)))
    assert not same_content(Document("person", {}, {"races": (one,)}), shown({}, races=(two, one)))


def test_additions_count_what_was_never_sent() -> None:
    there = shown({"a": 1, "b": 2, "c": None, "d": ""}, m=Ref("person", TargetId("7")), n=None)
    assert additions(Document("person", {"a": 1}), there) == 2


def told(sent: Document, there: RemoteRecord) -> list[tuple[str, str]]:
    return [(each.field, each.kind) for each in differences(sent, there)]
