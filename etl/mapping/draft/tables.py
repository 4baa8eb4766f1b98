"""Which entity each table most likely holds: by its name, its columns, and what it points to and is pointed at by.

Names alone mislead (a table of services may be what providers offer or what people received), so tables are judged
together: each takes the entity that fits best while the others stay as they are, until nothing changes any more.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from etl.catalog.model import Catalog, Entity, Link
from etl.core.column_names import is_key_name, subject_words
from etl.core.intake import Column, Reference, Table
from etl.mapping.draft.groups import groups_in
from etl.mapping.draft.matching import Match, field_matches
from etl.mapping.draft.terms import Fit, Terms, Words

_BY_NAME, _BY_FIELDS, _BY_LINK, _ORPHAN, _REPEATED = 1.0, 1.0, 0.35, 0.6, 0.4
_LEAST = 0.7
_ROUNDS = 20
_MOST_OWNERS = 8
_TELLING = 3
"""So many fields tell an entity even where the table's name does not."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """An entity for a table, judged by the table alone."""

    entity: Entity
    score: float
    name: Fit
    matches: tuple[Match, ...]


@dataclass(frozen=True, slots=True)
class Placed:
    """The entity that a table was taken for. ``links`` says how many of its references the entity has a link for."""

    table: Table
    candidate: Candidate
    score: float

    @property
    def entity(self) -> Entity:
        """The entity."""
        return self.candidate.entity


def placed_tables(
    tables: Sequence[Table], references: Sequence[Reference], catalog: Catalog, terms: Terms
) -> dict[str, Placed]:
    """The tables that can be placed, by name, in the order given."""
    judged = {table.name: _candidates(table, catalog, terms) for table in tables if table.rows and table.columns}
    owners = {table.name: owner_columns(table, terms) for table in tables}
    grouped = {
        table.name: {each.entity.name for each in groups_in(table, references, catalog, terms)} for table in tables
    }
    board = _Board(judged, references, catalog, owners, grouped)
    board.settle()
    chosen = {name: board.chosen(name) for name in judged}
    by_name = {table.name: table for table in tables}
    return {
        name: Placed(by_name[name], found, board.score(name, found))
        for name, found in chosen.items()
        if found is not None
    }


def table_words(table: Table, terms: Terms) -> Words:
    """The words of a table's own name."""
    return terms.words(table.name.partition(".")[2] or table.name)


def owner_columns(table: Table, terms: Terms) -> tuple[Column, Column] | None:
    """A column with few codes and one with keys that are named after the same thing: OWNER_TYPE and OWNER_ID."""
    keys = [each for each in table.columns if is_key_name(each.name) and each.distinct > _MOST_OWNERS]
    kinds = [each for each in table.columns if 0 < len(each.codes) <= _MOST_OWNERS]
    for key in keys:
        about = subject_words(key.name)
        for kind in kinds:
            if about and about == terms.words(kind.name) - terms.storage - {"type", "kind"}:
                return kind, key
    return None


def _candidates(table: Table, catalog: Catalog, terms: Terms) -> list[Candidate]:
    words = table_words(table, terms)
    known = (each for each in catalog.entities.values() if each.creatable or each.match_on)
    made = (_candidate(table, words, each, catalog, terms) for each in known)
    return [each for each in made if each.name or len(each.matches) >= _TELLING]


def _candidate(table: Table, words: Words, entity: Entity, catalog: Catalog, terms: Terms) -> Candidate:
    """By the name of the table and by the share of the entity's fields that its columns can fill."""
    name = terms.entity_fit(words, entity.name)
    matches = tuple(field_matches(table, entity, words, catalog, terms))
    fillable = len([each for each in entity.attributes.values() if not each.read_only]) or 1
    filled = sum(each.fit.score for each in matches if each.column_score)
    return Candidate(entity, _BY_NAME * name.score + _BY_FIELDS * min(1.0, filled / max(3, fillable)), name, matches)


class _Board:
    """The choice for every table at one moment; None leaves a table out."""

    def __init__(
        self,
        judged: Mapping[str, Sequence[Candidate]],
        references: Sequence[Reference],
        catalog: Catalog,
        owners: Mapping[str, tuple[Column, Column] | None],
        grouped: Mapping[str, Collection[str]],
    ) -> None:
        self._judged = judged
        self._catalog = catalog
        self._owners = owners
        self._grouped = grouped
        self._out = {name: [each for each in references if each.table == name] for name in judged}
        self._into = {name: [each for each in references if each.parent == name] for name in judged}
        self._choice: dict[str, Candidate | None] = {name: _first(each) for name, each in judged.items()}

    def chosen(self, name: str) -> Candidate | None:
        return self._choice[name]

    def settle(self) -> None:
        """Lets every table choose in turn until none changes its mind."""
        for _ in range(_ROUNDS):
            changed = [name for name in self._judged if self._choose(name)]
            if not changed:
                return

    def _choose(self, name: str) -> bool:
        before = self._choice[name]
        scored = [(self.score(name, each), -at, each) for at, each in enumerate(self._judged[name])]
        best = max(scored, key=lambda each: each[:2], default=None)
        self._choice[name] = best[2] if best is not None and best[0] >= _LEAST else None
        return self._choice[name] is not before

    def score(self, name: str, candidate: Candidate) -> float:
        """A candidate's worth beside the present choices of the other tables."""
        entity = candidate.entity
        out = [self._entity_of(each.parent, name, entity) for each in self._out[name] if not _is_own_key(each)]
        out += [each for each in self._grouped[name] if each not in out and not self._is_taken(each)]
        pointed = sum(any(found in link.to for link in entity.links.values()) for found in out if found)
        into = [self._entity_of(each.table, name, entity) for each in self._into[name] if each.table != name]
        pointed += sum(self._links(found, entity.name) for found in into if found)
        orphan = sum(not self._is_reachable(link, out, name) for link in self._required_links(entity))
        others = sum(each is not None and each.entity is entity for key, each in self._choice.items() if key != name)
        return candidate.score + _BY_LINK * pointed - _ORPHAN * orphan - _REPEATED * others

    def _is_taken(self, entity: str) -> bool:
        """Whether a table was taken for an entity, so that no group of rows need be it."""
        return any(each is not None and each.entity.name == entity for each in self._choice.values())

    def _entity_of(self, table: str, name: str, entity: Entity) -> str | None:
        if table == name:
            return entity.name
        choice = self._choice.get(table)
        return choice.entity.name if choice else None

    def _links(self, child: str, parent: str) -> bool:
        return any(parent in link.to for link in self._catalog.entity(child).links.values())

    def _required_links(self, entity: Entity) -> list[Link]:
        return [each for each in self._catalog.reference_links(entity.name) if each.required]

    def _is_reachable(self, link: Link, found: Sequence[str | None], name: str) -> bool:
        return any(each in link.to for each in found) or (len(link.to) > 1 and self._owners[name] is not None)


def _first(candidates: Sequence[Candidate]) -> Candidate | None:
    return max(candidates, key=lambda each: each.score, default=None)


def _is_own_key(reference: Reference) -> bool:
    return reference.table == reference.parent and reference.column == reference.parent_column
