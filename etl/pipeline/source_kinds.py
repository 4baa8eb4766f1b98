"""Which adapter reads which kind of source: the one place that knows both the declaration and the adapters."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

from etl.core.ports import Source
from etl.mapping.model import SourceSpec
from etl.sources.csv import CsvSource
from etl.sources.dumps.source import DumpSource
from etl.sources.sql import SqlSource

Options: TypeAlias = "Mapping[str, object]"


def opened_source(spec: SourceSpec) -> Source:
    """The adapter for a declared source; nothing is read yet. Raises SettingsError."""
    return _ADAPTERS[spec.kind](spec.name, spec.location, spec.options)


def _csv(name: str, location: str, options: Options) -> Source:
    return CsvSource(
        name,
        location,
        encoding=_text(options.get("encoding")),
        delimiter=_text(options.get("delimiter")),
        quote=_text(options.get("quote")) or '"',
    )


def _sql(name: str, location: str, options: Options) -> Source:
    queries, tables = options.get("queries"), options.get("tables")
    return SqlSource(
        name,
        location,
        tables=list(map(str, tables)) if isinstance(tables, list | tuple) else None,
        queries=dict(queries) if isinstance(queries, Mapping) else {},
    )


def _dump(name: str, location: str, options: Options) -> Source:
    return DumpSource(name, location, encoding=_text(options.get("encoding")), dialect=_text(options.get("dialect")))


def _text(value: object) -> str | None:
    return None if value is None else str(value)


_ADAPTERS: Mapping[str, Callable[[str, str, Options], Source]] = {
    "csv": _csv,
    "sql": _sql,
    "dump": _dump,
}
