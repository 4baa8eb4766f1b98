"""Documents to the wire and back, in both body formats."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from etl.casebook import form, jsonapi
from etl.casebook.strict_json import NotStrictJson, read_json
from etl.catalog.loader import load_catalog
from etl.catalog.model import Attribute, Catalog, Kind, Link
from etl.core.records import Document, JsonValue, LinkValue, Ref, TargetId

CATALOG = load_catalog("sandbox")
ID = TargetId("0d5e6c1e-7a43-4a0b-9f0e-3b1c2d4e5f60")
ENTITIES = sorted(name for name, entity in CATALOG.entities.items() if entity.creatable)
TEXT = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20)


def values(attribute: Attribute) -> st.SearchStrategy[JsonValue]:
    kinds: dict[Kind, st.SearchStrategy[JsonValue]] = {
        Kind.BOOLEAN: st.booleans(),
        Kind.INTEGER: st.integers(-(10**9), 10**9),
        Kind.NUMBER: st.floats(allow_nan=False, allow_infinity=False),
    }
    return kinds.get(attribute.kind, TEXT)


def link_values(link: Link, *, kinds: bool) -> st.SearchStrategy[LinkValue]:
    tells = kinds and (link.carried_as is None or link.type_as is not None)
    one = st.builds(Ref, st.sampled_from(link.to if tells else link.to[:1]), st.uuids().map(str).map(TargetId))
    return st.lists(one, max_size=3).map(tuple) if link.many else st.none() | one


@st.composite
def documents(draw: st.DrawFn, catalog: Catalog = CATALOG, *, kinds: bool = True) -> Document:
    entity = catalog.entity(draw(st.sampled_from(ENTITIES)))
    names = [name for name, each in entity.attributes.items() if each.kind is not Kind.OBJECT]
    attributes: dict[str, JsonValue] = {}
    for name in draw(st.lists(st.sampled_from(names), unique=True)) if names else []:
        value = draw(st.none() | values(entity.attributes[name]))
        head, _, key = name.partition(".")
        attributes[head] = {**attributes.get(head, {}), key: value} if key else value
    chosen = draw(st.lists(st.sampled_from(sorted(entity.links)), unique=True)) if entity.links else []
    links = {name: draw(link_values(entity.links[name], kinds=kinds)) for name in chosen}
    return Document(entity.name, attributes, links)


def decoded(body: bytes, document: Document, catalog: Catalog = CATALOG) -> Document:
    data = json.loads(body)["data"] | {"id": ID}
    record = jsonapi.decode(catalog, document.entity, data)
    return Document(record.entity, record.attributes, record.links)


@given(documents())
def test_decoding_undoes_encoding(document: Document) -> None:
    assert decoded(jsonapi.encode(CATALOG, document), document) == document


@given(documents(kinds=False))
def test_a_form_says_the_same(document: Document) -> None:
    assert read_form(form.encode(CATALOG, document), document.entity) == document


def test_a_create_has_no_id_and_an_update_has_one() -> None:
    document = Document("person", {"last_name": "A"})
    assert json.loads(jsonapi.encode(CATALOG, document)) == {
        "data": {"type": "people", "attributes": {"last_name": "A"}}
    }
    assert json.loads(jsonapi.encode(CATALOG, document, ID))["data"]["id"] == ID


def test_links_travel_as_the_catalogue_says() -> None:
    document = Document("person", {"custom_fields": {"legacyNumber": "7"}}, {"mother": Ref("person", ID), "races": ()})
    assert json.loads(jsonapi.encode(CATALOG, document))["data"] == {
        "type": "people",
        "attributes": {"custom_fields": {"legacyNumber": "7", "motherId": ID}},
        "relationships": {"races": {"data": []}},
    }
    note = Document("note", {"body": "b"}, {"target": Ref("intake_report", ID)})
    assert json.loads(jsonapi.encode(CATALOG, note))["data"]["attributes"] == {
        "body": "b",
        "target_id": ID,
        "target_type": CATALOG.entity("intake_report").type,
    }


def test_encoding_leaves_the_document_alone() -> None:
    custom: dict[str, JsonValue] = {"legacyNumber": "7"}
    document = Document("person", {"custom_fields": custom}, {"mother": Ref("person", ID)})
    jsonapi.encode(CATALOG, document, ID, {"migrationKey": "mg1-a"})
    assert custom == {"legacyNumber": "7"}


def test_a_link_that_is_not_shown_is_absent_and_an_empty_one_is_none() -> None:
    data = {"type": "people", "id": ID, "relationships": {"gender": {"data": None}, "races": {"links": {}}}}
    assert jsonapi.decode(CATALOG, "person", data).links == {"gender": None}


@pytest.mark.parametrize(
    "data",
    [
        None,
        [],
        "x",
        {},
        {"type": "people"},
        {"type": "cases", "id": ID},
        {"type": "people", "id": 7},
        {"type": "people", "id": ID, "relationships": {"gender": {"data": {"type": "genders"}}}},
    ],
)
def test_a_resource_of_another_form_is_refused(data: Any) -> None:
    with pytest.raises(jsonapi.UnknownShape):
        jsonapi.decode(CATALOG, "person", data)


def test_a_tenants_own_names_stay_on_the_wire() -> None:
    renamed = renaming(CATALOG)
    custom = {"legacyNumber": "7", "needsInterpreter": True}
    document = Document("person", {"last_name": "A", "custom_fields": custom}, {"gender": Ref("gender", ID)})
    data = json.loads(jsonapi.encode(renamed, document))["data"]
    assert data["attributes"] == {"surname": "A", "custom_fields": {"oldNumber": "7", "needsInterpreter": True}}
    assert list(data["relationships"]) == ["sex"]
    assert decoded(jsonapi.encode(renamed, document), document, renamed) == document


@pytest.mark.parametrize(
    "text",
    [
        *(b'{"a":1,"a":2}', b"NaN", b"[Infinity]", b'"\xff"', b"", b"{"),
        *(b"[" * 101 + b"]" * 101, b"[" * 99_999, b"[" * 100 + b"1" + b"]" * 100),
    ],
)
def test_json_that_two_readers_could_read_differently_is_refused(text: bytes) -> None:
    with pytest.raises(NotStrictJson):
        read_json(text)


def test_json_a_hundred_levels_deep_is_read() -> None:
    assert read_json(b"[" * 100 + b"]" * 100)


def renaming(catalog: Catalog) -> Catalog:
    person = catalog.entity("person")
    attributes = dict(person.attributes)
    for name, wire in {"last_name": "surname", "custom_fields.legacyNumber": "custom_fields.oldNumber"}.items():
        attributes[name] = replace(attributes[name], wire=wire)
    links = {**person.links, "gender": replace(person.links["gender"], wire="sex")}
    return replace(
        catalog, entities={**catalog.entities, "person": replace(person, attributes=attributes, links=links)}
    )


# ---------------------------------------------------------------- an independent reader of forms


def read_form(body: bytes, entity_name: str) -> Document:
    """Reads a form by the catalogue's types; empty means None."""
    entity = CATALOG.entity(entity_name)
    given: dict[str, list[str]] = {}
    for name, value in parse_qsl(body.decode(), keep_blank_values=True, strict_parsing=bool(body)):
        given.setdefault(name, []).append(value)
    links = {link.name: value for link in entity.links.values() if (value := form_link(link, given)) != "absent"}
    attributes: dict[str, Any] = {}
    for name, values_given in given.items():
        dotted = name.replace("[", ".").rstrip("]")
        if dotted in entity.attributes:
            put(attributes, dotted, form_value(entity.attributes[dotted], values_given[0]))
    return Document(entity_name, attributes, links)  # type: ignore[arg-type] # "absent" was left out


def form_link(link: Link, given: Mapping[str, list[str]]) -> LinkValue | str:
    head, _, key = (link.carried_as or "").partition(".")
    carrier = f"{head}[{key}]" if key else head
    name = (carrier + "[]" * link.many) if carrier else f"{link.name}_ids[]" if link.many else f"{link.name}_id"
    if name not in given:
        return "absent"
    found = tuple(Ref(link.to[0], TargetId(each)) for each in given[name] if each)
    return found if link.many else (found[0] if found else None)


def form_value(attribute: Attribute, text: str) -> JsonValue:
    if text == "":
        return None
    readers = {Kind.BOOLEAN: lambda value: value == "true", Kind.INTEGER: int, Kind.NUMBER: float}
    return readers.get(attribute.kind, str)(text)


def put(attributes: dict[str, Any], dotted: str, value: JsonValue) -> None:
    head, _, key = dotted.partition(".")
    attributes[head] = {**attributes.get(head, {}), key: value} if key else value


def test_an_id_that_we_choose_travels_with_a_create_in_both_forms() -> None:
    document = Document("person", {"last_name": "Vale"}, id=ID)
    assert json.loads(jsonapi.encode(CATALOG, document))["data"]["id"] == ID
    assert parse_qsl(form.encode(CATALOG, document).decode())[0] == ("id", ID)
    plain = Document("person", {"last_name": "Vale"})
    assert "id" not in json.loads(jsonapi.encode(CATALOG, plain))["data"]
    assert b"id=" not in form.encode(CATALOG, plain)
