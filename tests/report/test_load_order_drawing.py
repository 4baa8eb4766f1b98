"""The load order as a drawing and as text for documents."""

from __future__ import annotations

import re
from itertools import pairwise
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from etl.report.facts import OrderFact
from etl.report.graph import mermaid, svg
from etl.report.layout import Box, lay_out

from .conftest import ORDER, edge

SVG = "{http://www.w3.org/2000/svg}"
LATER = ORDER | {
    "edges": [*ORDER["edges"], edge("person", "mother", "person"), edge("person", "case", "case")],
    "deferred": [{"mapping": "person", "field": "case", "why": "it closes a cycle"}],
}


def texts(drawing: str) -> list[str]:
    return [each.text or "" for each in ET.fromstring(drawing).iter(f"{SVG}text")]  # noqa: S314 - our own drawing


def test_the_drawing_names_waves_entities_and_references() -> None:
    assert {"WAVE 1", "WAVE 2", "WAVE 3", "person", "case", "note"} <= set(texts(svg(ORDER)))


def test_one_reference_is_one_arrow_however_often_it_is_used() -> None:
    twice = ORDER | {"edges": [*ORDER["edges"], *ORDER["edges"]]}
    assert mermaid(twice) == mermaid(ORDER)


def test_the_drawing_can_be_read_aloud() -> None:
    drawing = ET.fromstring(svg(ORDER))  # noqa: S314 - our own drawing
    assert drawing.get("role") == "img"
    spoken = drawing.findtext(f"{SVG}desc") or ""
    assert "Wave 2: case. Wave 3: note." in spoken
    assert "note refers to case by case." in spoken


def test_a_link_that_is_set_later_is_dashed() -> None:
    drawing = ET.fromstring(svg(LATER))  # noqa: S314 - our own drawing
    dashed = [each.findtext(f"{SVG}title") for each in drawing.iter(f"{SVG}path") if "later" in each.get("class", "")]
    assert dashed == ["person.case refers to case"]


def test_no_order_draws_an_empty_frame() -> None:
    assert texts(svg({})) == []
    assert mermaid({}) == "flowchart LR\n"


def test_the_same_order_gives_the_same_drawing() -> None:
    assert svg(LATER) == svg(OrderFact.model_validate(LATER))


@pytest.mark.parametrize("name", ["<script>alert(1)</script>", '"><b>', "a&b", "nul\0", "\ufffe", "ä" * 400])
def test_hostile_names_leave_the_drawing_well_formed(name: str) -> None:
    drawing = svg({"waves": [[name], ["child"]], "edges": [edge("child", name, name)]})
    assert "<script" not in drawing
    assert len(texts(drawing)) >= 4


def test_mermaid_tells_waves_arrows_and_what_is_set_later() -> None:
    lines = mermaid(LATER).splitlines()
    assert lines[:4] == ["flowchart LR", "  subgraph w1[Wave 1]", '    e0["person"]', "  end"]
    assert '  e1 -->|"case"| e2' in lines
    assert '  e1 -.->|"case"| e0' in lines


def test_mermaid_keeps_hostile_names_inside_their_quotes() -> None:
    text = mermaid({"waves": [['a"] --> b["#<x>\nend']], "edges": []})
    assert re.fullmatch(r'flowchart LR\n  subgraph w1\[Wave 1\]\n    e0\["[^"<>\n]*"\]\n  end\n', text)


names = st.lists(st.text("abcdef", min_size=1, max_size=9), min_size=1, max_size=9, unique=True)


@given(names, st.data())
def test_no_box_covers_another_and_every_arrow_ends_at_its_line(entities: list[str], data) -> None:
    waves = [entities[start : start + 3] for start in range(0, len(entities), 3)]
    pairs = st.tuples(st.sampled_from(entities), st.sampled_from(entities), st.sampled_from(["x", "y"]))
    edges = [edge(child, field, parent) for child, parent, field in data.draw(st.lists(pairs, max_size=12))]
    layout = lay_out(OrderFact.model_validate({"waves": waves, "edges": edges}))
    assert {box.entity for box in layout.boxes} == set(entities)
    for number in range(len(waves)):
        column = sorted((box for box in layout.boxes if box.column == number), key=lambda box: box.y)
        assert all(upper.y + upper.height < lower.y for upper, lower in pairwise(column))
    assert all(box.x >= 0 and box.x + box.width <= layout.width for box in layout.boxes)
    assert all(box.y >= 0 and box.y + box.height <= layout.height for box in layout.boxes)
    assert len(layout.routes) == len({(each["child"], each["field"], each["parent"]) for each in edges})
    for route in layout.routes:
        assert any(_touches(box, route.points[-1].x, route.points[-1].y) for box in layout.boxes)


def _touches(box: Box, x: float, y: float) -> bool:
    return x in {box.x, box.x + box.width} and box.y < y < box.y + box.height
