"""A refusal is told at the field that the mapping names, whatever the tenant calls it or carries it in."""

from __future__ import annotations

from dataclasses import replace

import pytest

from etl.catalog.loader import load_catalog
from etl.catalog.pointers import field_pointed_to


@pytest.fixture(scope="module")
def person():
    entity = load_catalog("sandbox").entity("person")
    renamed = {"ssn": "social_security_number", "first_name": "given"}
    attributes = {name: replace(each, wire=renamed.get(name, each.wire)) for name, each in entity.attributes.items()}
    return replace(entity, attributes=attributes)


@pytest.mark.parametrize(
    ("detail", "field"),
    [
        ("422 VALIDATION_ERROR /data/attributes/social_security_number", "ssn"),
        ("422 TOO_LONG /given; TOO_LONG /data/attributes/last_name", "first_name"),
        ("422 UNKNOWN_OPTION /data/relationships/gender", "gender"),
        ("422 UNKNOWN_OPTION /data/relationships/gender/data/id", "gender"),
        ("422 WRONG /data/attributes/custom_fields/legacyCounty", "custom_fields.legacyCounty"),
        ("422 WRONG /data/attributes/custom_fields.motherId", "mother"),
        ("422 WRONG /data/attributes/nobody_knows", ""),
        ("409 CONFLICT", ""),
        ("", ""),
    ],
)
def test_a_pointer_is_turned_back_into_the_field_of_the_mapping(person, detail, field):
    assert field_pointed_to(person, detail) == field
