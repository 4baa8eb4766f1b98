"""Places the boxes of the load order: waves as columns, long arrows led between the boxes they pass.

An arrow over several waves takes a narrow slot in each column on its way, and slots and boxes are ordered by where their
neighbours stand, so that few arrows cross and none runs through a box.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeAlias

from etl.report.facts import OrderFact

MARGIN = 14
HEAD = 28
LINE = 20
_TOP = 30
_GAP_X = 84
_GAP_Y = 22
_SLOT = 6
_LETTER = 7.0
_NARROWEST = 120
_WIDEST = 260
_BULGE = 42
_SWEEPS = 6

Slot: TypeAlias = "tuple[str, str, str]"
"""A stop of a long arrow: child, field, parent. A box is a slot with its entity and two empty texts."""
Neighbours: TypeAlias = "dict[tuple[int, Slot], list[tuple[int, Slot]]]"
"""What hangs together with what, each by column and slot."""


@dataclass(frozen=True, slots=True)
class Point:
    """A point of the drawing, in pixels from its upper left corner."""

    x: float
    y: float


@dataclass(slots=True)
class Port:
    """A reference of an entity: one line of its box. ``parents`` are the entities it points to."""

    field: str
    parents: dict[str, None]
    count: int = 0
    later: bool = False


@dataclass(slots=True)
class Box:
    """An entity's box with its references."""

    entity: str
    column: int
    ports: list[Port]
    x: float = 0.0
    y: float = 0.0
    width: float = 0.0

    @property
    def height(self) -> float:
        """Head and lines."""
        return HEAD + LINE * len(self.ports) + (4 if self.ports else 0)


@dataclass(frozen=True, slots=True)
class Route:
    """An arrow's way; ``bulge`` is how far it swings out where it ends on the side on which it began."""

    points: tuple[Point, ...]
    label: str
    later: bool
    arrives_left: bool
    bulge: float = 0.0


@dataclass(frozen=True, slots=True)
class Layout:
    """The drawing: its size, the left edge of every column, boxes and arrows."""

    width: float
    height: float
    columns: tuple[float, ...]
    boxes: tuple[Box, ...]
    routes: tuple[Route, ...]


def lay_out(order: OrderFact) -> Layout:
    """Places everything; the same order gives the same drawing."""
    boxes = _boxes(order)
    columns = _ordered(_columns(order, boxes), _neighbours(boxes))
    lefts, width = _across(columns, boxes)
    middles, height = _down(columns, boxes)
    routes = tuple(_routes(boxes, middles, lefts))
    return Layout(width, height, tuple(lefts), tuple(boxes.values()), routes)


def _boxes(order: OrderFact) -> dict[str, Box]:
    boxes = {entity: Box(entity, column, []) for column, wave in enumerate(order.waves) for entity in wave}
    later = {(each.mapping, each.field) for each in order.deferred}
    ports: dict[tuple[str, str], Port] = {}
    for edge in order.edges:
        if edge.child not in boxes or edge.parent not in boxes:
            continue
        port = ports.get((edge.child, edge.field))
        if port is None:
            port = ports[edge.child, edge.field] = Port(edge.field, {})
            boxes[edge.child].ports.append(port)
        port.parents[edge.parent] = None
        port.count = max(port.count, edge.count)
        port.later = port.later or edge.later or (edge.mapping, edge.field) in later
    for box in boxes.values():
        letters = max([len(box.entity) + 1, *(len(port.field) + len(f"{port.count:,}") + 3 for port in box.ports)])
        box.width = min(max(_NARROWEST, letters * _LETTER + 20), _WIDEST)
    return boxes


def _links(boxes: dict[str, Box]) -> Iterator[tuple[Box, Port, Box]]:
    for child in boxes.values():
        for port in child.ports:
            for parent in port.parents:
                yield child, port, boxes[parent]


def _between(one: int, other: int) -> range:
    return range(min(one, other) + 1, max(one, other))


def _columns(order: OrderFact, boxes: dict[str, Box]) -> list[list[Slot]]:
    columns: list[list[Slot]] = [[(entity, "", "") for entity in wave] for wave in order.waves]
    for child, port, parent in _links(boxes):
        for column in _between(child.column, parent.column):
            columns[column].append((child.entity, port.field, parent.entity))
    return columns


def _neighbours(boxes: dict[str, Box]) -> Neighbours:
    """What hangs together with what in the next columns."""
    neighbours: Neighbours = defaultdict(list)
    for child, port, parent in _links(boxes):
        first, last = sorted((child, parent), key=lambda box: box.column)
        slot = (child.entity, port.field, parent.entity)
        stops = [(first.column, (first.entity, "", ""))]
        stops += [(column, slot) for column in _between(first.column, last.column)]
        stops += [(last.column, (last.entity, "", ""))]
        for here, there in pairwise(stops):
            neighbours[here].append(there)
            neighbours[there].append(here)
    return neighbours


def _ordered(columns: list[list[Slot]], neighbours: Neighbours) -> list[list[Slot]]:
    """The slots of each column, moved towards the middle of their neighbours, back and forth."""
    for sweep in range(_SWEEPS):
        step = 1 if sweep % 2 == 0 else -1
        for number in range(len(columns))[::step]:
            columns[number] = _towards(columns, number, number - step, neighbours)
    return columns


def _towards(columns: list[list[Slot]], number: int, side: int, neighbours: Neighbours) -> list[Slot]:
    """One column in the order of what stands beside it in the column ``side``; what has nothing there keeps its place."""
    beside = columns[side] if 0 <= side < len(columns) else []
    ranks = {slot: rank / len(beside) for rank, slot in enumerate(beside)}
    middles = {}
    for rank, slot in enumerate(columns[number]):
        near = [ranks[other] for column, other in neighbours[number, slot] if column == side]
        middles[slot] = sum(near) / len(near) if near else rank / len(columns[number])
    return sorted(columns[number], key=middles.__getitem__)


def _across(columns: Sequence[list[Slot]], boxes: dict[str, Box]) -> tuple[list[float], float]:
    lefts, x = [], float(MARGIN)
    for slots in columns:
        ours = [boxes[slot[0]] for slot in slots if not slot[1]]
        lefts.append(x)
        widest = max([box.width for box in ours], default=_NARROWEST)
        for box in ours:
            box.x, box.width = x, widest
        x += widest + _GAP_X
    return lefts, x - _GAP_X + MARGIN + _BULGE


def _down(columns: Sequence[list[Slot]], boxes: dict[str, Box]) -> tuple[dict[tuple[int, Slot], float], float]:
    """Stacks every column around the common middle; gives the height of the slots of long arrows."""
    heights = [sum(_height(slot, boxes) + _GAP_Y for slot in slots) - _GAP_Y for slots in columns]
    tallest = max(heights, default=0.0)
    middles: dict[tuple[int, Slot], float] = {}
    for number, slots in enumerate(columns):
        y = _TOP + (tallest - heights[number]) / 2
        for slot in slots:
            middles[number, slot] = y + _height(slot, boxes) / 2
            if not slot[1]:
                boxes[slot[0]].y = y
            y += _height(slot, boxes) + _GAP_Y
    return middles, _TOP + tallest + MARGIN


def _height(slot: Slot, boxes: dict[str, Box]) -> float:
    return _SLOT if slot[1] else boxes[slot[0]].height


def _routes(boxes: dict[str, Box], middles: dict[tuple[int, Slot], float], lefts: Sequence[float]) -> Iterator[Route]:
    for child, port, parent in _links(boxes):
        y = child.y + HEAD + child.ports.index(port) * LINE + LINE / 2
        label = f"{child.entity}.{port.field} refers to {parent.entity}"
        forward = parent.column < child.column
        start = Point(parent.x + (parent.width if parent.column <= child.column else 0), parent.y + HEAD / 2)
        end = Point(child.x + (0 if forward else child.width), y)
        stops = [
            Point(lefts[column] + across, middles[column, (child.entity, port.field, parent.entity)])
            for column in sorted(_between(child.column, parent.column), reverse=not forward)
            for across in _crossing(column, boxes, forward=forward)
        ]
        bulge = _BULGE if parent.column == child.column else 0.0
        yield Route((start, *stops, end), label, port.later, forward, bulge)


def _crossing(column: int, boxes: dict[str, Box], *, forward: bool) -> tuple[float, float]:
    """The edges of a column, in the order in which an arrow passes them."""
    width = max((box.width for box in boxes.values() if box.column == column), default=float(_NARROWEST))
    return (0.0, width) if forward else (width, 0.0)
