"""Which adapter reads which kind of source: the one place that knows both the declaration and the adapters.

An adapter is imported when a project names it: most of them bring a library along that takes longer to load than a small
project takes to be read.
"""

# ruff: noqa: PLC0415 - see above

from __future__ import annotations

import glob
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeAlias

from etl.core.ports import Source
from etl.mapping.model import SourceSpec
from etl.sources.csv import CsvSource
from etl.sources.editions import EditionSource
from etl.sources.variable_place import VariableSource
from etl.sources.zipped import ZipSource

Options: TypeAlias = "Mapping[str, object]"

_MANY_TABLES = ("dump", "excel")
"""The kinds of which one file holds tables of its own."""


def opened_source(spec: SourceSpec) -> Source:
    """The adapter for a declared source; nothing is read yet. Raises SettingsError."""
    source: Source = _ADAPTERS[spec.kind](spec.name, spec.location, spec.options)
    if spec.variables:
        source = VariableSource(source, spec.variables)
    return EditionSource(source, spec.varies) if spec.varies else source


def _csv(name: str, location: str, options: Options) -> Source:
    return CsvSource(
        name,
        location,
        encoding=_text(options.get("encoding")),
        delimiter=_text(options.get("delimiter")),
        quote=_text(options.get("quote")) or '"',
        numbers_nameless=options.get("nameless") == "number",
    )


def _sql(name: str, location: str, options: Options) -> Source:
    from etl.sources.sql import SqlSource

    queries, tables = options.get("queries"), options.get("tables")
    return SqlSource(
        name,
        location,
        tables=list(map(str, tables)) if isinstance(tables, list | tuple) else None,
        queries=dict(queries) if isinstance(queries, Mapping) else {},
    )


def _dump(name: str, location: str, options: Options) -> Source:
    from etl.sources.dumps.source import DumpSource

    return DumpSource(name, location, encoding=_text(options.get("encoding")), dialect=_text(options.get("dialect")))


def _fixed_width(name: str, location: str, options: Options) -> Source:
    from etl.sources.fixed_width import FixedWidthSource

    layout = str(options["layout"])
    return FixedWidthSource(name, location, layout, encoding=_text(options.get("encoding")))


def _excel(name: str, location: str, options: Options) -> Source:
    from etl.sources.excel import ExcelSource

    row = options.get("header_row")
    return ExcelSource(
        name,
        location,
        header_row=row if isinstance(row, int) else None,
        types=_types(options),
        numbers_nameless=options.get("nameless") == "number",
    )


def _json_lines(name: str, location: str, _: Options) -> Source:
    from etl.sources.json_lines import JsonLinesSource

    return JsonLinesSource(name, location)


def _parquet(name: str, location: str, _: Options) -> Source:
    from etl.sources.parquet_files import ParquetSource

    return ParquetSource(name, location)


def _bcp(name: str, location: str, options: Options) -> Source:
    from etl.sources.bcp import BcpSource

    encoding = _text(options.get("encoding"))
    return BcpSource(name, location, str(options["format"]), encoding=encoding, types=_types(options))


def _access(name: str, location: str, options: Options) -> Source:
    from etl.sources.access import AccessSource

    return AccessSource(name, location, types=_types(options))


def _zip(name: str, location: str, options: Options) -> Source:
    kind = str(options["kind"])

    def opened(path: Path) -> Source:
        return _ADAPTERS[kind](name, str(path) if kind == "dump" else glob.escape(str(path)), options)

    return ZipSource(name, location, str(options["members"]), opened, many=kind in _MANY_TABLES)


def _types(options: Options) -> Mapping[str, str]:
    types = options.get("types")
    return {str(column): str(each) for column, each in types.items()} if isinstance(types, Mapping) else {}


def _text(value: object) -> str | None:
    return None if value is None else str(value)


_ADAPTERS: Mapping[str, Callable[[str, str, Options], Source]] = {
    "csv": _csv,
    "sql": _sql,
    "dump": _dump,
    "fixed_width": _fixed_width,
    "excel": _excel,
    "json_lines": _json_lines,
    "parquet": _parquet,
    "bcp": _bcp,
    "access": _access,
    "zip": _zip,
}
