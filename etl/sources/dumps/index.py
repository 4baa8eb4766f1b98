"""Where each table's rows stand in a dump: found in one pass, so that a table is read without reading all others.

Places are offsets into the script as UTF-8, whatever the file's own encoding.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from etl.core.errors import SourceUnreadable
from etl.sources.dumps.lexer import Lexer
from etl.sources.dumps.rows import Rows
from etl.sources.dumps.script import Dropped, Refused, Script
from etl.sources.dumps.settings import Settings, initial_settings
from etl.sources.table_schema import TableSchema


@dataclass(slots=True)
class Segment:
    """Statements for one table with none for another between; ``line`` and ``settings`` are those of its start."""

    start: int
    end: int
    line: int
    settings: Settings


@dataclass(slots=True)
class IndexedTable:
    """What the dump holds of a table; ``lost`` are lines behind its rows where the script is broken."""

    name: str
    schema: TableSchema | None = None
    columns: tuple[str, ...] | None = None
    segments: list[Segment] = field(default_factory=list)
    lost: list[int] = field(default_factory=list)

    def names(self) -> tuple[str, ...] | None:
        """Its columns, as defined or, without a definition, as its first rows name them."""
        return tuple(each.name for each in self.schema.columns) if self.schema else self.columns


class Index:
    """The tables of a dump by name; case does not count."""

    def __init__(self, place: str) -> None:
        self._place = place
        self._tables: dict[str, IndexedTable] = {}
        self._latest: IndexedTable | None = None

    def build(self, blocks: Iterator[bytes], dialect: str, *, is_cut_off: bool) -> Index:
        """Reads the whole script. Raises SourceUnreadable for a script that is no plain dump."""
        lexer = Lexer(blocks, initial_settings(dialect))
        script = Script(lexer, is_counting=True)
        for statement in script.statements():
            if isinstance(statement, TableSchema):
                self._define(statement)
            elif isinstance(statement, Rows):
                self._pass_rows(statement, script)
            elif isinstance(statement, Dropped):
                self._drop(statement.table)
            elif isinstance(statement, Refused):
                self._refuse(statement)
            else:
                self._lose(statement.line)
        if is_cut_off:
            self._lose(lexer.line)
        return self

    def names(self) -> list[str]:
        """The tables' names as first written."""
        return [table.name for table in self._tables.values()]

    def find(self, name: str) -> IndexedTable | None:
        """The table of exactly this name."""
        table = self._tables.get(name.casefold())
        return table if table is not None and table.name == name else None

    def is_of(self, table: IndexedTable, name: str) -> bool:
        """Whether a statement that says ``name`` means this table."""
        return self._tables.get(name.casefold()) is table

    def _define(self, schema: TableSchema) -> None:
        self._entry(schema.table).schema = schema

    def _pass_rows(self, rows: Rows, script: Script) -> None:
        settings = script.settings
        for _ in rows.rows:
            pass
        table = self._entry(rows.table.shown)
        table.columns = table.columns or rows.columns
        if self._latest is table and table.segments:
            table.segments[-1].end = script.end
        else:
            table.segments.append(Segment(rows.start, script.end, rows.line, settings))
        self._latest = table

    def _lose(self, line: int) -> None:
        if self._latest is None:
            hint = "Make the dump again, or repair it at that line."
            raise SourceUnreadable(f"{self._place} is broken in line {line}, before any rows.", hint=hint)
        self._latest.lost.append(line)

    def _drop(self, name: str) -> None:
        table = self._tables.get(name.casefold())
        if table is not None and not table.segments:
            del self._tables[name.casefold()]

    def _refuse(self, refused: Refused) -> None:
        message = f"{self._place} is no plain dump: the statement in line {refused.line} {refused.what}."
        raise SourceUnreadable(message, hint=refused.remedy)

    def _entry(self, name: str) -> IndexedTable:
        return self._tables.setdefault(name.casefold(), IndexedTable(name))
