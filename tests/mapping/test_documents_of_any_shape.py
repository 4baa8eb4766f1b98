"""Whatever stands in a document, the answer is a project or its mistakes, and the shipped projects have none."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from etl.core.errors import MappingError
from etl.mapping.project import load_project

MAPPINGS = Path(__file__).parents[2] / "mappings"
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.sampled_from(["", "A", "a.b", "${A}", "{", "'", "person"]),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(
            st.sampled_from(["from", "do", "ref", "key", "const", "choose", "many", "when", "take"]), inner, max_size=3
        )
    ),
    max_leaves=5,
)
DOCUMENT = {
    "mapping": "people",
    "target": "person",
    "source": {
        "from": "legacy.PERSONS",
        "join": {"home": {"table": "legacy.HOMES", "match": "ID", "pick": {"order": "SINCE"}}},
        "where": "GONE is null",
        "group": {"by": "FAMILY", "order": ["ROLE"]},
    },
    "key": ["PERSON_ID"],
    "fields": {
        "first_name": "FIRST",
        "last_name": {"from": ["LAST"], "do": [{"length": {"max": 9}}], "take": "first"},
        "races": {"many": [{"when": "A = 1", "const": "White"}]},
        "marital_status": {"choose": [{"from": "M"}]},
        "mother": {"ref": "person", "key": "MOTHER"},
    },
}


def places(value, place=()):
    yield place
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield from places(inner, (*place, key))


def replaced(value, place, new):
    if not place:
        return new
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[place[0]] = replaced(copy[place[0]], place[1:], new)
    return copy


@settings(
    max_examples=25, deadline=None, phases=[Phase.generate], suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(place=st.sampled_from(list(places(DOCUMENT))), new=ANYTHING)
def test_a_document_of_any_shape_gives_mistakes_and_never_a_crash(desk, place, new):
    found = ()
    try:
        desk.load({"people.yaml": json.dumps(replaced(DOCUMENT, place, new))})
    except MappingError as error:
        found = error.mistakes
    assert all(each.line >= 1 and each.column >= 1 and each.message for each in found)


def test_the_document_of_these_tests_is_sound(desk):
    assert len(desk.load({"people.yaml": json.dumps(DOCUMENT)}).mappings) == 1


@pytest.mark.parametrize("text", ["", "- a\n", "text\n", "7\n"])
def test_a_document_that_is_no_mapping_is_told(desk, text):
    desk.marks.append("people.yaml:1:1")
    assert desk.only_mistake({"people.yaml": text}).message == "Expected a mapping of names to values."


@pytest.mark.parametrize("project", sorted(path.parent.name for path in MAPPINGS.glob("*/project.yaml")))
def test_the_shipped_projects_load_without_a_mistake(project):
    assert load_project(MAPPINGS / project, environ={}).mappings
