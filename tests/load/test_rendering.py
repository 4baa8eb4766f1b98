"""A text is sent as it stands only where it is one: never a record key in a parent's place, a label in an option's, or a
custom field under its whole name.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from etl.core.records import Document, LinkValue, Ref, TargetId
from etl.load.render import Renderer
from etl.mapping.model import EntityMapping
from tests.load.world import CATALOG, PEOPLE, World, key_of, mapping_of, person

OPTIONS = {"colour": {"Red": TargetId("17")}}
ANA, ANAS_ID = key_of(PEOPLE, "Ana"), Ref("person", TargetId("51"))


def rendered(world: World, mapping: EntityMapping, parents: dict[str, LinkValue], **more: object) -> Document:
    """The request that makes one person."""
    world.plan((mapping, [person("Bo", **more)]))
    (record,) = next(world.planned.batches())
    return Renderer(CATALOG, OPTIONS).document(record, parents, with_marker=False)


def people_with(field: str, **carrier: object) -> EntityMapping:
    """People, one field of which is in the catalogue a text, and as ``carrier`` says."""
    mapping = mapping_of("person", "last_name", "mother")
    last_name, mother = mapping.fields
    text = replace(CATALOG.entity("person").attributes["last_name"], name=field, **carrier)
    odd = replace(mother if field == mother.name else last_name, name=field, attribute=text)
    return replace(mapping, fields=(last_name, odd))


@pytest.mark.parametrize("parents", [{"mother": ANAS_ID}, {}], ids=["there", "not there"])
def test_a_record_key_never_stands_where_a_parent_should(world: World, parents: dict[str, LinkValue]) -> None:
    document = rendered(world, people_with("mother"), parents, mother=ANA)
    assert (document.attributes, document.links) == ({"last_name": "Bo"}, parents)


def test_a_label_is_sent_as_the_option_that_it_means(world: World) -> None:
    document = rendered(world, people_with("eyes", lookup="colour"), {}, eyes="Red")
    assert document.attributes == {"last_name": "Bo", "eyes": "17"}


def test_a_custom_field_is_sent_inside_the_others(world: World) -> None:
    document = rendered(world, people_with("custom_fields.nick"), {}, **{"custom_fields.nick": "Bobby"})
    assert document.attributes == {"last_name": "Bo", "custom_fields": {"nick": "Bobby"}}
