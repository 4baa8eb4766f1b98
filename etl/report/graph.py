"""Draws the load order: Mermaid for documents, SVG for reports and browsers.

Waves are columns. A box is an entity with a line for each of its references, and an arrow ends at that line, so no label
lies on an arrow. Boxes are placed by :mod:`etl.report.layout`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import pairwise
from xml.etree.ElementTree import Element, SubElement, tostring

from etl.report.facts import EdgeFact, OrderFact
from etl.report.layout import HEAD, LINE, MARGIN, Box, Layout, Point, Route, lay_out

STYLE = """
.graph{--ink:#1f2933;--soft:#5f6c7b;--line:#8a97a6;--box:#fff;--head:#e6eef3;--later:#9a5b13}
.graph text{font:12px system-ui,-apple-system,"Segoe UI",sans-serif;fill:var(--ink)}
.graph .wave{fill:var(--soft);font-size:11px;letter-spacing:.06em}
.graph .name{font-weight:600}
.graph .count{fill:var(--soft)}
.graph .box{fill:var(--box);stroke:var(--line)}
.graph .head{fill:var(--head)}
.graph .edge{fill:none;stroke:var(--line);stroke-width:1.4}
.graph .later{stroke:var(--later);stroke-dasharray:5 4}
.graph .tip{fill:var(--line)}
.graph .tip.later{fill:var(--later);stroke:none}
.graph text.later{fill:var(--later);stroke:none;font-style:italic}
@media (prefers-color-scheme:dark){
.graph{--ink:#e4e8ec;--soft:#9aa7b4;--line:#76838f;--box:#1d242b;--head:#2a343d;--later:#e0a45c}}
"""
_UNSAFE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")
_TIP = 6
_LONGEST = 30


def mermaid(order: OrderFact | Mapping[str, object]) -> str:
    """The order as a Mermaid flowchart, waves as groups; dotted arrows are links that are set later."""
    order = OrderFact.model_validate(order)
    numbers = {entity: f"e{number}" for number, entity in enumerate(entity for wave in order.waves for entity in wave)}
    lines = ["flowchart LR"]
    for number, wave in enumerate(order.waves, 1):
        lines += [f"  subgraph w{number}[Wave {number}]"]
        lines += [f'    {numbers[entity]}["{_quoted(entity)}"]' for entity in wave]
        lines += ["  end"]
    later = {(each.mapping, each.field) for each in order.deferred}
    arrows: dict[str, None] = {}
    for edge in order.edges:
        if edge.parent in numbers and edge.child in numbers:
            arrow = "-.->" if edge.later or (edge.mapping, edge.field) in later else "-->"
            arrows[f'  {numbers[edge.parent]} {arrow}|"{_quoted(edge.field)}"| {numbers[edge.child]}'] = None
    return "\n".join([*lines, *arrows]) + "\n"


def svg(order: OrderFact | Mapping[str, object], *, standalone: bool = True) -> str:
    """The order as an SVG drawing; ``standalone`` puts :data:`STYLE` inside, else the page around has it."""
    order = OrderFact.model_validate(order)
    layout = lay_out(order)
    drawing = Element("svg", _frame(layout))
    _add(drawing, "title", id="graph-title").text = "Load order of the entities"
    _add(drawing, "desc", id="graph-desc").text = _safe(" ".join(_sentences(order)))
    if standalone:
        drawing.set("xmlns", "http://www.w3.org/2000/svg")
        _add(drawing, "style").text = STYLE
    for number, x in enumerate(layout.columns, 1):
        _text(drawing, Point(x, MARGIN), f"WAVE {number}", "wave")
    for route in layout.routes:
        _draw_route(drawing, route)
    for box in layout.boxes:
        _draw_box(drawing, box)
    return tostring(drawing, encoding="unicode")


def _frame(layout: Layout) -> dict[str, str]:
    width, height = f"{layout.width:.0f}", f"{layout.height:.0f}"
    return {
        "class": "graph",
        "role": "img",
        "aria-labelledby": "graph-title graph-desc",
        "viewBox": f"0 0 {width} {height}",
        "width": width,
        "height": height,
    }


def _sentences(order: OrderFact) -> Iterator[str]:
    for number, wave in enumerate(order.waves, 1):
        yield f"Wave {number}: {', '.join(wave)}."
    for edge in order.edges:
        yield f"{edge.child} refers to {edge.parent} by {edge.field}{' (set later)' if _later(edge, order) else ''}."


def _later(edge: EdgeFact, order: OrderFact) -> bool:
    return edge.later or any((each.mapping, each.field) == (edge.mapping, edge.field) for each in order.deferred)


def _draw_box(drawing: Element, box: Box) -> None:
    group = _add(drawing, "g")
    _add(group, "title").text = _safe(box.entity)
    size = {"x": box.x, "y": box.y, "width": box.width, "rx": 5}
    _add(group, "rect", **{"class": "box"}, **size, height=box.height)
    _add(
        group,
        "rect",
        **{"class": "head"},
        **{**size, "x": box.x + 1, "y": box.y + 1, "width": box.width - 2},
        height=HEAD - 2,
    )
    _text(group, Point(box.x + 10, box.y + HEAD / 2 + 4), box.entity, "name")
    for number, port in enumerate(box.ports):
        y = box.y + HEAD + number * LINE + LINE / 2 + 4
        _text(group, Point(box.x + 10, y), port.field, "later" if port.later else "field")
        _text(group, Point(box.x + box.width - 10, y), f"{port.count:,}" if port.count else "", "count", anchor="end")


def _draw_route(drawing: Element, route: Route) -> None:
    kind = " later" if route.later else ""
    path = _add(drawing, "path", **{"class": f"edge{kind}"}, d=_curve(route))
    _add(path, "title").text = _safe(route.label)
    end = route.points[-1]
    back = _TIP if route.arrives_left else -_TIP
    corners = f"{end.x:.1f},{end.y:.1f} {end.x - back:.1f},{end.y - 4:.1f} {end.x - back:.1f},{end.y + 4:.1f}"
    _add(drawing, "polygon", **{"class": f"tip{kind}"}, points=corners)


def _curve(route: Route) -> str:
    """A smooth path through the points; one that ends on the side where it began bulges out."""
    start = route.points[0]
    parts = [f"M{start.x:.1f} {start.y:.1f}"]
    for here, there in pairwise(route.points):
        if route.bulge:
            first, second = max(here.x, there.x) + route.bulge, max(here.x, there.x) + route.bulge
        else:
            first = second = (here.x + there.x) / 2
        parts.append(f"C{first:.1f} {here.y:.1f} {second:.1f} {there.y:.1f} {there.x:.1f} {there.y:.1f}")
    return " ".join(parts)


def _add(parent: Element, tag: str, **attributes: object) -> Element:
    return SubElement(parent, tag, {name: str(value) for name, value in attributes.items()})


def _text(parent: Element, at: Point, text: str, kind: str, anchor: str = "start") -> None:
    place = {"x": f"{at.x:.1f}", "y": f"{at.y:.1f}", "class": kind, "text-anchor": anchor}
    SubElement(parent, "text", place).text = _safe(text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…")


def _safe(text: str) -> str:
    """A text without the characters that XML cannot hold."""
    return _UNSAFE.sub("\N{REPLACEMENT CHARACTER}", text)


def _quoted(text: str) -> str:
    """A text inside Mermaid's quotes, where ``#`` starts an entity."""
    return (
        _safe(text)
        .replace("#", "#35;")
        .replace('"', "#quot;")
        .replace("<", "#lt;")
        .replace(">", "#gt;")
        .replace("\n", " ")
    )
