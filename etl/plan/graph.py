"""The order of entities, from the references that the mappings actually use.

An edge leads from the parent to the entity that refers to it. Cycles are broken at the cheapest optional edge, whose
link is then set by a later PATCH; a cycle of required edges cannot be loaded and is named edge by edge.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from etl.core.errors import MappingError, Mistake
from etl.mapping.model import EntityMapping, Field, Reference

if TYPE_CHECKING:
    import networkx as nx


@dataclass(frozen=True, slots=True)
class Edge:
    """One reference in use: records of ``child`` hold the key of a record of ``parent`` in ``field``."""

    parent: str
    child: str
    mapping: str
    field: str
    required: bool
    later: bool
    count: int
    field_position: tuple[str, int, int]

    def __str__(self) -> str:
        return f"{self.child} -[{self.field}]-> {self.parent}"


@dataclass(frozen=True, slots=True)
class LoadOrder:
    """Entities with parents first, grouped in waves, and the edges whose links are set later with the reason."""

    waves: tuple[tuple[str, ...], ...]
    edges: tuple[Edge, ...]
    deferred: Mapping[tuple[str, str], str]

    @property
    def entities(self) -> tuple[str, ...]:
        """All entities, parents first."""
        return tuple(entity for wave in self.waves for entity in wave)

    @property
    def required(self) -> frozenset[tuple[str, str]]:
        """The (mapping, field) pairs whose link the catalogue requires."""
        return frozenset((edge.mapping, edge.field) for edge in self.edges if edge.required)

    def first_waves(self, depths: Mapping[str, int]) -> dict[str, int]:
        """The number (from 1) of the wave in which an entity's first records can load; ``depths`` is the greatest depth
        of records inside each entity that refers to itself.
        """
        first: dict[str, int] = {}
        number = 1
        for wave in self.waves:
            first |= dict.fromkeys(wave, number)
            number += 1 + max(depths.get(entity, 0) for entity in wave)
        return first


def edges_of(
    mappings: Iterable[EntityMapping], counts: Mapping[tuple[str, str], int] | None = None
) -> tuple[Edge, ...]:
    """The references in use; ``counts`` by (mapping, field) says how many records use each. Several codes that name one
    entity are one reference to it.
    """
    found = (
        _edge(mapping, field, target.entity, (counts or {}).get((mapping.name, field.name), 0))
        for mapping in mappings
        for field in mapping.references
        if isinstance(field.value, Reference)
        for target in field.value.targets
    )
    return tuple(dict.fromkeys(found))


def load_order(entities: Iterable[str], edges: Iterable[Edge]) -> LoadOrder:
    """The load order, which does not depend on the order of the edges. Raises MappingError that names the exact path of
    every cycle of required edges.
    """
    edges = tuple(sorted(edges, key=lambda edge: (edge.mapping, edge.field, edge.parent, edge.count)))
    deferred = {(edge.mapping, edge.field): "the catalogue sets it by a later PATCH" for edge in edges if edge.later}
    between = [edge for edge in edges if not edge.later and edge.parent != edge.child]
    ours = sorted(entities)
    names = {*ours, *(edge.parent for edge in between), *(edge.child for edge in between)}
    waves = _waves(names, between)
    if waves is None:
        _break_cycles(ours, between, deferred)
        waves = _waves(names, [edge for edge in between if (edge.mapping, edge.field) not in deferred])
    return LoadOrder(waves or (), edges, deferred)


def _waves(entities: set[str], edges: Iterable[Edge]) -> tuple[tuple[str, ...], ...] | None:
    """Entities in waves, each as early as its parents allow; None where some wait for each other."""
    parents = {entity: {edge.parent for edge in edges if edge.child == entity} for entity in entities}
    waves = []
    while parents:
        wave = tuple(sorted(entity for entity, waiting in parents.items() if not waiting & parents.keys()))
        if not wave:
            return None
        waves.append(wave)
        for entity in wave:
            del parents[entity]
    return tuple(waves)


def _edge(mapping: EntityMapping, field: Field, parent: str, count: int) -> Edge:
    link = field.link
    place = field.position
    return Edge(
        parent=parent,
        child=mapping.target,
        mapping=mapping.name,
        field=field.name,
        required=bool(link and link.required),
        later=bool(link and link.set_by == "patch"),
        count=count,
        field_position=(place.file, place.line, place.column),
    )


def _break_cycles(entities: Iterable[str], edges: Iterable[Edge], deferred: dict[tuple[str, str], str]) -> None:
    """Defers optional edges until no cycle is left, the cheapest of each cycle first."""
    import networkx as nx  # noqa: PLC0415 - a fifth of a second that only a project with cycles needs

    graph: nx.MultiDiGraph[str] = nx.MultiDiGraph()
    graph.add_nodes_from(entities)
    for edge in edges:
        graph.add_edge(edge.parent, edge.child, edge=edge)
    impossible: list[Mistake] = []
    while (cycle := _some_cycle(graph)) is not None:
        optional = [edge for edge in cycle if not edge.required]
        victims = [min(optional, key=_cost)] if optional else cycle
        if not optional:
            impossible.append(_mistake(cycle))
        path = ", ".join(map(str, cycle))
        for victim in victims:
            deferred[victim.mapping, victim.field] = f"it closes the cycle {path}"
            _remove(graph, victim)
    if impossible:
        raise MappingError(impossible)


def _some_cycle(graph: nx.MultiDiGraph[str]) -> list[Edge] | None:
    """The edges of one cycle, child to parent as a person reads references, or None."""
    import networkx as nx  # noqa: PLC0415 - as above

    try:
        found = nx.find_cycle(graph)
    except nx.NetworkXNoCycle:
        return None
    return [_cheapest_between(graph, parent, child) for parent, child, *_ in reversed(found)]


def _cheapest_between(graph: nx.MultiDiGraph[str], parent: str, child: str) -> Edge:
    parallel: list[Edge] = [data["edge"] for data in graph[parent][child].values()]
    required = [edge for edge in parallel if edge.required]
    return min(required or parallel, key=_cost)


def _cost(edge: Edge) -> tuple[int, str, str]:
    return edge.count, edge.mapping, edge.field


def _remove(graph: nx.MultiDiGraph[str], victim: Edge) -> None:
    """Takes one reference out, towards all entities it may point to: it is deferred as a whole."""
    edges: list[tuple[str, str, int, Edge]] = list(graph.edges(keys=True, data="edge"))
    for parent, child, key, edge in edges:
        if (edge.mapping, edge.field) == (victim.mapping, victim.field):
            graph.remove_edge(parent, child, key)


def _mistake(cycle: list[Edge]) -> Mistake:
    file, line, column = cycle[0].field_position
    path = " ".join(f"{edge};" for edge in cycle).rstrip(";")
    return Mistake(
        file,
        line,
        column,
        f"required references form a cycle, so none of these can be created first: {path}.",
        "Leave one of them out of the mapping, or mark it as not required in the tenant overlay.",
        "required_cycle",
    )


def _orders(order: LoadOrder, edge: Edge, child: str) -> bool:
    """Whether a reference makes an entity wait for another."""
    return edge.child == child != edge.parent and (edge.mapping, edge.field) not in order.deferred


def explain(order: LoadOrder) -> Iterator[str]:
    """The order in sentences, for terminals, with the references that say so."""
    for number, wave in enumerate(order.waves, 1):
        yield f"wave {number}: {', '.join(wave)}"
        for entity in wave:
            parents = sorted({(each.parent, each.field) for each in order.edges if _orders(order, each, entity)})
            if parents:
                yield f"  {entity} after {', '.join(f'{parent} ({field})' for parent, field in parents)}"
    for (mapping, field), why in sorted(order.deferred.items()):
        yield f"later: {mapping}.{field}, because {why}"
