"""Changes of records that are there, links that are set later, and bytes of attachments."""

from __future__ import annotations

import asyncio
from io import BytesIO

import pytest

from etl.core.changes import Intend
from etl.core.errors import Interrupted, RecordRejected, SourceUnavailable, TargetRefused
from etl.core.keys import marker
from etl.core.records import Document, Ref
from etl.load.executor import Loader
from etl.mapping.model import EntityMapping, SendNull
from tests.load.world import CASES, PEOPLE, MemoryFiles, World, case, key_of, mapping_of, person

FILES = mapping_of("attachment", "file_name", "target", "file", refer_to=[CASES])
NUMBERED = mapping_of("person", "first_name", "last_name", "custom_fields.legacyNumber", "mother", on_missing="empty")
PROVIDERS = mapping_of("provider", "name", "visits", "license")
VISITS = mapping_of("visit", "provider")
CLEARED = mapping_of(
    "person", "first_name", "last_name", "middle_name", "mother", on_missing="empty", send_null=SendNull.CLEAR
)


def marker_of(mapping: EntityMapping, legacy_id: str) -> str:
    return marker(key_of(mapping, legacy_id))


def test_an_update_sends_the_changed_field_alone(world: World) -> None:
    world.plan((PEOPLE, [person("a", middle_name="B")]))
    world.load()
    world.plan((PEOPLE, [person("a", middle_name="C")]))
    world.load()
    assert [document for _, document in world.target.updates] == [Document("person", {"middle_name": "C"}, {})]


def test_a_field_that_became_empty_is_left_alone(world: World) -> None:
    world.plan((PEOPLE, [person("a", middle_name="B"), person("b")]))
    world.load()
    world.plan((PEOPLE, [person("a"), person("b", middle_name="C")]))
    world.load()
    assert [document for _, document in world.target.updates] == [Document("person", {"middle_name": "C"}, {})]


def test_a_field_that_became_empty_is_cleared_where_the_mapping_says_so(world: World) -> None:
    rows = [person("a", middle_name="B", mother=key_of(CLEARED, "b")), person("b")]
    world.plan((CLEARED, rows))
    world.load()
    assert all(None not in document.attributes.values() for _, document in world.target.creates), (
        "a create sends no null"
    )
    world.plan((CLEARED, [person("a"), person("b")]))
    world.load()
    assert [document for _, document in world.target.updates] == [
        Document("person", {"middle_name": None}, {"mother": None})
    ]
    world.plan((CLEARED, [person("a"), person("b")]))
    world.load()
    assert len(world.target.updates) == 1, "once"


@pytest.mark.parametrize(("mapping", "told"), [("cleared", ["middle_name", "mother"]), ("left", [])])
def test_reading_back_expects_what_was_cleared_to_be_empty_and_nothing_of_what_was_left(
    world: World, mapping: str, told: list[str]
) -> None:
    people = CLEARED if mapping == "cleared" else PEOPLE
    mother = key_of(people, "b")
    world.plan((people, [person("a", middle_name="B", mother=mother), person("b")]))
    world.load()
    for _ in range(2):
        world.plan((people, [person("a"), person("b")]))
        world.load()
    assert world.verify().findings == []
    changed, other = sorted(world.target.of("person"), key=lambda each: str(each.attributes["last_name"]))
    edit = Document("person", {"middle_name": "Z"}, {"mother": Ref("person", other.id)})
    asyncio.run(world.target.update(changed.id, edit))
    assert sorted(str(each.field) for each in world.verify().findings) == told


def test_an_update_of_custom_fields_keeps_the_marker_and_what_others_wrote(world: World) -> None:
    legacy = "custom_fields.legacyNumber"
    world.plan((NUMBERED, [person("a", **{legacy: "7"})]))
    world.load()
    only = world.target.of("person")[0]
    mine = only.attributes["custom_fields"]
    assert isinstance(mine, dict)
    mine["needsInterpreter"] = True
    world.plan((NUMBERED, [person("a", **{legacy: "8"})]))
    world.load()
    there = world.target.of("person")[0].attributes["custom_fields"]
    assert there == {"legacyNumber": "8", "migrationKey": marker_of(NUMBERED, "a"), "needsInterpreter": True}


def test_a_record_that_is_gone_is_told_and_not_made_again(world: World) -> None:
    world.plan((PEOPLE, [person("a")]))
    world.load()
    world.target.records.clear()
    world.plan((PEOPLE, [person("a", middle_name="B")]))
    loader = world.load()
    assert loader.notes.failures[key_of(PEOPLE, "a")][0] == "lost_in_target"
    assert len(world.target.creates) == 1


def test_a_changed_row_of_a_duplicate_stops_nobody(world: World) -> None:
    world.plan((PEOPLE, [person("a"), person("b")]))
    world.target.doubles = {"person"}
    world.target.faults = lambda _number, document: "lost_after" if document.attributes["last_name"] == "a" else None
    world.load()
    world.plan((PEOPLE, [person("a", middle_name="X"), person("b", middle_name="Y")]))
    world.load()
    assert [document.attributes for _, document in world.target.updates] == [{"middle_name": "Y"}]


def test_links_of_a_loop_are_set_after_both_records_exist(world: World) -> None:
    rows = [person(one, mother=key_of(PEOPLE, other), deferred=["mother"]) for one, other in ("ab", "ba")]
    world.plan((PEOPLE, rows))
    world.load()
    a, b = sorted(world.target.of("person"), key=lambda record: str(record.attributes["last_name"]))
    assert (a.links["mother"], b.links["mother"]) == (Ref("person", b.id), Ref("person", a.id))
    assert all("mother" not in document.links for _, document in world.target.creates)


def test_a_link_that_holds_many_is_set_as_a_whole_later(world: World) -> None:
    visits = [{"id": name, "provider": key_of(PROVIDERS, "p")} for name in "xyz"]
    provider = {"id": "p", "name": "P", "visits": [key_of(VISITS, name) for name in "xyz"]}
    world.plan((PROVIDERS, [provider]), (VISITS, visits), deferred={"provider": ["visits"]})
    world.load()
    linked = world.target.of("provider")[0].links["visits"]
    assert isinstance(linked, tuple)
    assert {ref.id for ref in linked} == {record.id for record in world.target.of("visit")}
    with world.open() as store:
        assert not list(store.pending_links())


def test_a_deferred_link_is_not_lost_with_an_answer_whose_row_then_changed(world: World) -> None:
    rows = [person("a", mother=key_of(PEOPLE, "b"), deferred=["mother"]), person("b")]
    world.plan((PEOPLE, rows))
    with pytest.raises(Interrupted):
        world.load(during=lambda loader: interrupt_after(world, loader))
    world.target.faults = lambda _number, _document: None
    world.plan((PEOPLE, [rows[0] | {"middle_name": "X"}, rows[1]]))
    world.load()
    people = {record.attributes["last_name"]: record for record in world.target.of("person")}
    assert people["a"].links["mother"].id == people["b"].id


def interrupt_after(world: World, loader: Loader) -> None:
    """The answer to "a" is lost after it took effect, and then the run is interrupted: an intent is left."""

    def lose(_number: int, document: Document) -> str | None:
        if document.attributes["last_name"] != "a":
            return None
        loader.interrupt()
        return "lost_after"

    world.target.faults = lose


def plan_file(world: World, path: str = "scan.pdf") -> None:
    attachment = {"id": "f", "file_name": "scan.pdf", "target": key_of(CASES, "1"), "file": path}
    world.plan((CASES, [case("1")]), (FILES, [attachment]))


def test_bytes_are_uploaded_once_and_the_name_carries_the_marker(world: World) -> None:
    plan_file(world)
    world.load()
    assert list(world.target.uploads.values()) == [b"scan.pdf"]
    assert world.target.of("attachment")[0].attributes["file_name"] == f"scan.{marker_of(FILES, 'f')}.pdf"


def test_an_expired_address_leaves_the_upload_pending_and_no_second_record(world: World) -> None:
    plan_file(world)
    world.target.expired.add("https://files.example/00000000-0000-4000-8000-000000000002")
    world.load()
    with world.open() as store:
        assert list(store.pending_uploads()) == [key_of(FILES, "f")]
    world.target.expired.clear()
    world.load()
    assert list(world.target.uploads.values()) == [b"scan.pdf"]
    assert len(world.target.of("attachment")) == 1


def test_a_file_that_went_away_after_planning_is_one_records_loss(world: World) -> None:
    class Emptied(MemoryFiles):
        def open(self, source: str, path: str) -> BytesIO:
            raise SourceUnavailable("gone")

    world.files = Emptied()
    plan_file(world)
    world.load()
    with world.open() as store:
        assert list(store.pending_uploads()) == [key_of(FILES, "f")]


@pytest.mark.parametrize("now", [b"scan.pdf and more", b"scan", b"", b"SCAN.PDF"])
def test_bytes_that_are_not_the_planned_ones_are_not_uploaded(world: World, now: bytes) -> None:
    class Replaced(MemoryFiles):
        def open(self, source: str, path: str) -> BytesIO:
            return BytesIO(now)

    kept, world.files = world.files, Replaced()
    plan_file(world)
    world.load()
    assert list(world.target.uploads.values()) == []
    with world.open() as store:
        assert list(store.pending_uploads()) == [key_of(FILES, "f")]
    world.files = kept
    world.load()
    assert list(world.target.uploads.values()) == [b"scan.pdf"]


def test_a_changed_file_is_uploaded_again(world: World) -> None:
    plan_file(world)
    world.load()
    plan_file(world, "better.pdf")
    world.load()
    assert list(world.target.uploads.values()) == [b"better.pdf"]


def test_a_changed_file_that_cannot_be_uploaded_is_tried_again_by_the_next_run(world: World) -> None:
    plan_file(world)
    world.load()
    plan_file(world, "better.pdf")
    world.target.expired |= world.target.uploads.keys()
    loader = world.load()
    assert list(loader.notes.failures) == [key_of(FILES, "f")]
    world.target.expired.clear()
    plan_file(world, "better.pdf")
    world.load()
    assert list(world.target.uploads.values()) == [b"better.pdf"]


def test_links_that_may_not_be_patched_leave_the_uploads_alone(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [person(one, mother=key_of(PEOPLE, other), deferred=["mother"]) for one, other in ("ab", "ba")]
    attachment = {"id": "f", "file_name": "scan.pdf", "target": key_of(CASES, "1"), "file": "scan.pdf"}
    world.plan((PEOPLE, rows), (CASES, [case("1")]), (FILES, [attachment]))

    async def forbidden(*_: object) -> None:
        raise TargetRefused("Not allowed.", status=403)

    monkeypatch.setattr(world.target, "update", forbidden)
    world.load()
    with world.open() as store:
        assert len(list(store.pending_links())) == 2
    assert list(world.target.uploads.values()) == [b"scan.pdf"]


def test_a_refused_link_stays_pending(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [person(one, mother=key_of(PEOPLE, other), deferred=["mother"]) for one, other in ("ab", "ba")]
    world.plan((PEOPLE, rows))

    async def refused(*_: object) -> None:
        raise RecordRejected("Refused.", status=422)

    monkeypatch.setattr(world.target, "update", refused)
    world.load()
    monkeypatch.undo()
    world.load()
    with world.open() as store:
        assert not list(store.pending_links())


def test_an_intent_whose_record_left_the_plan_is_still_asked_about(world: World) -> None:
    key = key_of(PEOPLE, "gone")
    with world.open() as store:
        store.commit(Intend(key, "person", "person", "f", b"")).result()
    world.plan((PEOPLE, [person("a")]))
    world.load()
    assert world.state_of(PEOPLE, "gone") == "uncertain"
    assert world.names() == ["a"]
