"""Whether a column of a snapshot looks like somebody's work: something in every row, and many different values.

Each question ends at the first row that answers it, so that no column is counted to its end for nothing.
"""

# ruff: noqa: S608 - this module exists to write SQL; its parts are our own words, numbers and quoted names

from __future__ import annotations

from etl.sources.engine import quoted
from etl.sources.intake.columns import BLANKS
from etl.sources.tables import DuckTables

_UUID = r"'(?i)\{?[0-9a-f]{8}(-?[0-9a-f]{4}){3}-?[0-9a-f]{12}\}?'"


def is_filled_and_varied(tables: DuckTables, relation: str, column: str, many: int) -> bool:
    """Whether no cell of a column is blank and more than ``many`` values are in it; keys that machines made (UUIDs) tell
    nothing of people and are passed over.
    """
    bare, rows = f"trim({quoted(column)}, {BLANKS})", tables.relation(relation)
    blank = f"exists (select 1 from {rows} where coalesce({bare}, '') = '')"
    varied = f"(select count(*) from (select distinct {bare} from {rows} limit {many + 1})) > {many}"
    written = f"exists (select 1 from {rows} where not regexp_full_match({bare}, {_UUID}))"
    asked = tables.select(f"select not {blank} and {varied} and {written} as told")
    return any(told for batch in asked for told in batch["told"].to_pylist())
