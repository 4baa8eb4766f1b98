"""Where a marker sits in a record, and that it is read back whatever surrounds it."""

from __future__ import annotations

import pytest

from etl.core.keys import marker
from etl.core.records import JsonValue
from etl.load.markers import place_marker, read_marker
from tests.load.world import CATALOG, PEOPLE, key_of

OURS = marker(key_of(PEOPLE, "a"))
THEIRS = marker(key_of(PEOPLE, "b"))


def placed(entity: str, **attributes: JsonValue) -> dict[str, JsonValue]:
    place_marker(CATALOG.entity(entity), attributes, OURS)
    return attributes


@pytest.mark.parametrize(
    ("entity", "before", "after"),
    [
        ("person", {}, {"custom_fields": {"migrationKey": OURS}}),
        ("person", {"custom_fields": {"x": 1}}, {"custom_fields": {"x": 1, "migrationKey": OURS}}),
        ("person", {"custom_fields": None}, {"custom_fields": {"migrationKey": OURS}}),
        ("note", {"body": "text"}, {"body": f"text\n{OURS}"}),
        ("note", {}, {"body": OURS}),
        ("attachment", {"file_name": "scan.pdf"}, {"file_name": f"scan.{OURS}.pdf"}),
        ("attachment", {"file_name": "archive.tar.gz"}, {"file_name": f"archive.tar.{OURS}.gz"}),
        ("attachment", {"file_name": "plain"}, {"file_name": f"plain.{OURS}"}),
        ("case_person", {}, {}),
    ],
)
def test_a_marker_is_put_where_the_catalogue_says(entity: str, before: dict, after: dict) -> None:
    assert placed(entity, **before) == after
    expected = None if entity == "case_person" else OURS
    assert read_marker(CATALOG.entity(entity), after) == expected


def test_a_text_that_quotes_another_marker_still_carries_its_own() -> None:
    attributes = placed("note", body=f"copied from {THEIRS}")
    assert read_marker(CATALOG.entity("note"), attributes) == OURS


@pytest.mark.parametrize("attributes", [{}, {"custom_fields": None}, {"custom_fields": {"migrationKey": 7}}])
def test_a_record_without_a_marker_has_none(attributes: dict[str, JsonValue]) -> None:
    assert read_marker(CATALOG.entity("person"), attributes) is None
