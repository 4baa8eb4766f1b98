"""Things that no table holds, but whose key stands in another table's rows: the households of a table of stays."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from etl.catalog.model import Catalog, Entity, Kind
from etl.core.column_names import is_key_name
from etl.core.intake import Column, Reference, Table
from etl.mapping.draft.terms import Terms

_ROWS_A_GROUP = 0.98


@dataclass(frozen=True, slots=True)
class Group:
    """The rows of a table that agree in a column are one thing."""

    entity: Entity
    table: Table
    column: Column


def groups_of(
    tables: Sequence[Table],
    entities: Collection[str],
    references: Sequence[Reference],
    catalog: Catalog,
    terms: Terms,
) -> list[Group]:
    """At most one group for each entity that no table was taken for and that others link to, from the fullest table."""
    found: dict[str, Group] = {}
    for table in sorted(tables, key=lambda each: -each.rows):
        for group in groups_in(table, references, catalog, terms):
            name = group.entity.name
            if name not in entities and _is_linked(name, entities, catalog):
                found.setdefault(name, group)
    return list(found.values())


def groups_in(table: Table, references: Sequence[Reference], catalog: Catalog, terms: Terms) -> list[Group]:
    """Every group that a column of a table may tell."""
    pointing = {each.column for each in references if each.table == table.name and not _is_repeated(each, references)}
    return list(_of_table(table, pointing, catalog, terms))


def _of_table(table: Table, pointing: Collection[str], catalog: Catalog, terms: Terms) -> Iterator[Group]:
    for column in table.columns:
        if column.name not in pointing and _tells_groups(column):
            words = terms.words(column.name) - {"id", "key", "number", "guid", "uuid"}
            for entity in catalog.entities.values():
                if (
                    entity.creatable
                    and not _needs_more(entity, catalog)
                    and terms.entity_fit(words, entity.name).score == 1
                ):
                    yield Group(entity, table, column)


def _is_repeated(reference: Reference, references: Sequence[Reference]) -> bool:
    """Whether the other table hangs on this one by another column: then it only repeats our column and is no parent of it."""
    return not reference.is_declared and any(
        each.table == reference.parent
        and each.parent == reference.table
        and each.parent_column != reference.column
        and each.column != reference.parent_column
        and not each.missing_values
        for each in references
    )


def _tells_groups(column: Column) -> bool:
    """Named like a key, filled everywhere, and mostly of more rows than values."""
    is_whole = column.filled > 0 and not column.blank and not column.null
    return is_whole and is_key_name(column.name) and 1 < column.distinct <= _ROWS_A_GROUP * column.filled


def _needs_more(entity: Entity, catalog: Catalog) -> bool:
    """Whether a key alone cannot make it: it needs parents, or more than one text (a person needs a real name)."""
    needs_parents = any(link.required for link in catalog.reference_links(entity.name))
    texts = [each for each in entity.attributes.values() if each.required and each.kind in (Kind.STRING, Kind.TEXT)]
    return needs_parents or len(texts) > 1


def _is_linked(name: str, entities: Collection[str], catalog: Catalog) -> bool:
    links = (link for each in entities for link in catalog.entity(each).links.values())
    return any(name in link.to for link in links)
