"""A label travels as an option's id, so where its list is has to be known; all that is missing is told when compiling."""

from __future__ import annotations

import pytest

OWN_TENANT = """\
project: small
timezone: America/New_York
sources:
  legacy: {csv: "data/*.csv", encoding: cp1252}
profiles:
  ours: {base_url: "https://a.example", token_url: "https://a.example/t", tenant: tenant/ours.yaml}
"""
OVERLAY = """\
version: 1
tenant: ours
entities:
  person:
    custom_fields:
      shelterArea: {type: dropdown, options: [North, South]}
"""
PATHS = {
    "gender": "lookups:\n  gender: {path: /people/genders}\n",
    "options": "  custom_field_option: {path: /people/options, type: options}\n",
}


def documents(desk, *fields, overlay=OVERLAY):
    return {"project.yaml": OWN_TENANT, "tenant/ours.yaml": overlay, "people.yaml": desk.people(*fields)}


def test_every_list_without_an_address_is_told_at_once_at_its_field(desk):
    found = desk.mistakes(
        documents(desk, "gender: {const: Female}", "custom_fields.shelterArea: AREA", "marital_status: MARRIED")
    )
    assert [(each.line, each.code) for each in found] == [
        (8, "unknown_list"),
        (9, "unknown_list"),
        (10, "unknown_list"),
    ]
    assert "path of `gender`" in found[0].message
    assert "`custom_field_option`" in found[1].hint
    assert "path and type of `marital_status`" in found[2].message


@pytest.mark.parametrize(
    ("overlay", "told"),
    [
        (OVERLAY + PATHS["gender"], ["custom_fields.shelterArea"]),
        (OVERLAY + "lookups:\n" + PATHS["options"], ["gender"]),
        (OVERLAY + "lookups:\n  gender: {options: [{label: Female, id: '7'}]}\n" + PATHS["options"], []),
        (OVERLAY + "lookups:\n  gender: {options: [Female]}\n" + PATHS["options"], ["gender"]),
    ],
)
def test_an_address_or_options_with_ids_are_enough(desk, overlay, told):
    files = documents(desk, "gender: {const: Female}", "custom_fields.shelterArea: AREA", overlay=overlay)
    if not told:
        assert desk.load(files).mappings
        return
    found = desk.mistakes(files)
    assert [each.message.split("`")[1] for each in found] == told


def test_a_list_that_no_field_uses_needs_no_address(desk):
    assert desk.load(documents(desk)).mappings
