"""Why a table or a column is not in the draft, in words that its data owner can answer."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from etl.catalog.model import Catalog
from etl.core.intake import Column, Reference, Table
from etl.mapping.draft.tables import Placed
from etl.mapping.draft.terms import Terms
from etl.mapping.ignore import UNDECIDED


def left_table(table: Table, placed: Placed | None, catalog: Catalog, terms: Terms) -> str:
    """The reason for a table that no mapping reads."""
    if not table.rows:
        return f"{UNDECIDED} it holds no rows"
    if terms.words(table.name.partition(".")[2]) & terms.technical:
        return f"{UNDECIDED} seems technical by its name"
    if placed is None:
        return f"{UNDECIDED} neither its name nor its columns tell what it is in Casebook"
    if placed.entity.match_on:
        return f"{UNDECIDED} users are made in Casebook's Admin; a crosswalk names them"
    if placed.entity.step("upload"):
        return f"{UNDECIDED} looks like {placed.entity.name}: declare the folder of the files under `sources`"
    wanted = [link.name for link in catalog.reference_links(placed.entity.name) if link.required]
    needs = f", but not all that it needs was found ({', '.join(wanted)})" if wanted else ", but it has no key"
    return f"{UNDECIDED} looks like {placed.entity.name}{needs}"


def left_columns(table: Table, read: Collection[str], references: Sequence[Reference], terms: Terms) -> dict[str, str]:
    """The reasons for the columns of a table that its mappings do not read."""
    pointing = {each.column: each for each in references if each.table == table.name}
    return {each.name: _reason(each, pointing, terms) for each in table.columns if each.name not in read}


def _reason(column: Column, pointing: dict[str, Reference], terms: Terms) -> str:
    if not column.filled:
        return f"{UNDECIDED} it holds nothing"
    if terms.words(column.name) & terms.technical:
        return f"{UNDECIDED} seems technical by its name"
    if column.name in pointing:
        return f"{UNDECIDED} points to {pointing[column.name].parent}, for which there is no link here"
    if column.distinct == 1:
        return f"{UNDECIDED} it holds one value in all rows"
    return f"{UNDECIDED} no field was found for it"
