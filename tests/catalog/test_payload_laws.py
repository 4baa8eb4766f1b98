"""Laws between the catalogue and the models built from it, for every entity of it."""

import uuid

from hypothesis import given, settings
from hypothesis import strategies as st

from etl.catalog.loader import load_catalog
from etl.catalog.model import Attribute, Entity, Kind, Link
from etl.catalog.payloads import Payloads
from etl.core.records import Document, Ref

CATALOG = load_catalog("sandbox")
PAYLOADS = Payloads(CATALOG)
ENTITIES = st.sampled_from(list(CATALOG.entities.values()))

LEGAL = {
    Kind.STRING: st.text(),
    Kind.TEXT: st.text(),
    Kind.DATE: st.dates().map(lambda day: day.isoformat()),
    Kind.DATETIME: st.datetimes().map(lambda moment: moment.isoformat() + "Z"),
    Kind.BOOLEAN: st.booleans(),
    Kind.UUID: st.uuids().map(str),
    Kind.DROPDOWN: st.uuids().map(str),
}


def legal(attribute: Attribute):
    if attribute.kind is Kind.ENUM:
        return st.sampled_from(attribute.enum)
    if attribute.kind is Kind.INTEGER:
        return st.integers(min_value=int(attribute.minimum or -(2**53)))
    if attribute.kind is Kind.NUMBER:
        return st.floats(float(attribute.minimum or -1e12), float(attribute.maximum or 1e12))
    return LEGAL[attribute.kind]


def illegal(attribute: Attribute):
    wrong = st.just({}) | st.just([1])
    return wrong if attribute.kind in {Kind.STRING, Kind.TEXT} else wrong | st.just("no such value")


def linked(link: Link):
    one = st.sampled_from(link.to).map(lambda target: Ref(target, str(uuid.uuid4())))
    return st.lists(one, min_size=1, max_size=3).map(tuple) if link.many else one


@st.composite
def legal_documents(draw, entity: Entity):
    attributes = {}
    for attribute in entity.attributes.values():
        if not attribute.read_only and (attribute.required or draw(st.booleans())):
            put(attributes, attribute.name, draw(legal(attribute)))
    links = {each.name: draw(linked(each)) for each in entity.links.values() if each.required or draw(st.booleans())}
    return Document(entity.name, attributes, links)


def put(attributes, name, value):
    part, _, key = name.rpartition(".")
    target = attributes.setdefault(part, {}) if part else attributes
    target[key] = value


@settings(deadline=None)
@given(st.data())
def test_whatever_the_catalogue_allows_passes(data):
    assert PAYLOADS.check(data.draw(legal_documents(data.draw(ENTITIES)))) == []


@settings(deadline=None)
@given(st.data())
def test_one_wrong_value_gives_exactly_one_finding_at_its_place(data):
    entity = data.draw(ENTITIES.filter(lambda each: any(not one.read_only for one in each.attributes.values())))
    document = data.draw(legal_documents(entity))
    attribute = data.draw(st.sampled_from([each for each in entity.attributes.values() if not each.read_only]))
    attributes = {key: dict(each) if isinstance(each, dict) else each for key, each in document.attributes.items()}
    put(attributes, attribute.name, data.draw(illegal(attribute)))
    found = PAYLOADS.check(Document(entity.name, attributes, document.links))
    assert [each.pointer for each in found] == ["/data/attributes/" + attribute.name.replace(".", "/")]


@settings(deadline=None)
@given(st.data())
def test_leaving_out_one_required_field_is_found_and_an_update_may_leave_it_out(data):
    entity = data.draw(ENTITIES.filter(lambda each: any(one.required for one in each.attributes.values())))
    document = data.draw(legal_documents(entity))
    name = data.draw(
        st.sampled_from([each.name for each in entity.attributes.values() if each.required and "." not in each.name])
    )
    rest = {key: each for key, each in document.attributes.items() if key != name}
    lacking = Document(entity.name, rest, document.links)
    assert [(each.code, each.pointer) for each in PAYLOADS.check(lacking)] == [
        ("required_missing", f"/data/attributes/{name}")
    ]
    assert PAYLOADS.check(lacking, partial=True) == []


@settings(deadline=None)
@given(ENTITIES, st.text(min_size=1))
def test_a_name_that_the_catalogue_does_not_know_never_passes(entity, name):
    if name not in entity.attributes and name != "custom_fields":
        codes = [each.code for each in PAYLOADS.check(Document(entity.name, {name: None}), partial=True)]
        assert codes == ["unknown_attribute"]
