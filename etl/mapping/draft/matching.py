"""Which column of a table fills which field of an entity, by what both are called and by what the column holds.

Every column fills at most one field and every field takes at most one column; the best fits are given away first.
References are not matched here: where a column points is measured, not read out of its name.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from etl.catalog.model import Attribute, Catalog, Entity, Kind, Link
from etl.core import intake
from etl.core.intake import Column, Table
from etl.mapping.draft.terms import Fit, Terms, Words

Shape = intake.Kind
Part: TypeAlias = "Attribute | Link"
DATES = (Shape.DATE_ISO, Shape.DATE_LONG, Shape.DATE_SHORT, Shape.DATE_DIGITS, Shape.DATE_NAMED)
NUMBERS = (Shape.INTEGER, Shape.NUMBER)
_MOST_CODES = 60
_MOST_FLAGS = 4
_MOSTLY = 0.5
_KEY_WORDS = frozenset(("id", "key", "number"))


@dataclass(frozen=True, slots=True)
class Match:
    """A column for a field. ``column_score`` says how much its values speak for it: 1, or 0.5 where it holds none."""

    field: str
    column: Column
    fit: Fit
    column_score: float
    is_required: bool = False

    @property
    def score(self) -> float:
        """How much speaks for the match."""
        return self.fit.score * (0.75 + 0.25 * self.column_score)


def field_matches(table: Table, entity: Entity, around: Words, catalog: Catalog, terms: Terms) -> list[Match]:
    """The matches of a table with an entity's attributes and lookups, by the place of their columns."""
    parts = list(_fillable(entity, catalog))
    found = [match for column in table.columns for match in _of_column(column, entity.name, parts, around, terms)]
    ranked = sorted(found, key=lambda each: (*_rank(each), table.columns.index(each.column)))
    kept: list[Match] = []
    for match in ranked:
        if all(match.field != each.field and match.column is not each.column for each in kept):
            kept.append(match)
    return sorted(kept, key=lambda each: table.columns.index(each.column))


def _rank(match: Match) -> tuple[float, ...]:
    """Best first: the better fit, what must be filled, a column mostly filled, the longer term, the fuller column."""
    is_full = 2 * match.column.filled >= match.column.filled + match.column.blank + match.column.null
    return -match.score, -match.is_required, -is_full, -len(match.fit.term.split()), -match.column.filled


def _of_column(column: Column, entity: str, parts: Sequence[Part], around: Words, terms: Terms) -> Iterator[Match]:
    words = _telling(terms.words(column.name), around, terms)
    if words & terms.technical:
        return
    for part in parts:
        named = words - _KEY_WORDS if isinstance(part, Link) else words
        fit = terms.field_fit(named, entity, part.name, around)
        held = held_score(column, part) if fit else 0.0
        if held:
            yield Match(part.name, column, fit, held, is_required=bool(part.required))


def _telling(words: Words, around: Words, terms: Terms) -> Words:
    """The words of a column; a code named after its table alone tells the type of the table's things."""
    is_bare_code = "code" in words and not words - around - terms.storage
    return words | {"type"} if is_bare_code else words


def _fillable(entity: Entity, catalog: Catalog) -> Iterator[Part]:
    """What a column may fill: attributes that can be written, and links to one row of a list."""
    slot = entity.marker.slot if entity.marker and entity.marker.place == "value" else None
    for attribute in entity.attributes.values():
        if not attribute.read_only and attribute.name != slot and attribute.kind is not Kind.OBJECT:
            yield attribute
    yield from (link for link in entity.links.values() if not link.many and catalog.is_lookup(link.to[0]))


def held_score(column: Column, part: Part) -> float:
    """How well what a column holds goes with a field: 1, 0.5 where it holds nothing, 0 where it cannot be."""
    if not column.filled:
        return 0.5
    if isinstance(part, Link) or part.kind in (Kind.ENUM, Kind.DROPDOWN):
        return float(column.distinct <= _MOST_CODES)
    return float(_holds(column, part))


def _holds(column: Column, attribute: Attribute) -> bool:
    is_dated = share(column, DATES) >= _MOSTLY
    match attribute.kind:
        case Kind.DATE | Kind.DATETIME:
            return is_dated
        case Kind.BOOLEAN:
            return column.distinct <= _MOST_FLAGS
        case Kind.INTEGER | Kind.NUMBER:
            return share(column, NUMBERS) >= _MOSTLY
        case Kind.UUID:
            return False
        case _:
            return not _is_moment(column) and not (attribute.pii == "name" and share(column, NUMBERS) >= _MOSTLY)


def _is_moment(column: Column) -> bool:
    return share(column, (Shape.DATE_ISO, Shape.DATE_LONG, Shape.DATE_SHORT, Shape.DATE_NAMED)) >= _MOSTLY


def share(column: Column, kinds: Sequence[Shape]) -> float:
    """The share of a column's filled rows that are of one of these kinds."""
    return sum(column.kinds.get(kind, 0) for kind in kinds) / column.filled if column.filled else 0.0
