"""The tables of one old agency, written in every form in which agencies deliver them; each declares itself as a source."""

from __future__ import annotations

import csv
import datetime as dt
import json
import zipfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import sqlalchemy as sa

from tests.sources.workbooks import Cell, write_workbook

Rows: TypeAlias = "Sequence[tuple[str | None, ...]]"
Declaration: TypeAlias = "Mapping[str, Any]"
"""A source as project.yaml declares it."""


class Table:
    """A table of the sample database: declared types, values as stored and as the source tells them."""

    def __init__(self, name: str, declared: Sequence[tuple[str, str]], rows: Rows) -> None:
        self.name = name
        self.declared = declared
        self.rows = rows

    @property
    def columns(self) -> list[str]:
        return [name for name, _ in self.declared]

    def types(self) -> dict[str, str]:
        """The types to declare where the form itself has none."""
        wanted = {"TIMESTAMP": "datetime", "BOOLEAN": "boolean", "DATE": "date"}
        return {
            name: wanted.get(kind, kind.lower()) for name, kind in self.declared if kind in wanted or "DECIMAL" in kind
        }


Agency: TypeAlias = Sequence[Table]


def sql(cell: str | None, *, escape: str = "'", truth: Sequence[str] = ("true", "false")) -> str:
    if cell in ("true", "false"):
        return truth[cell == "false"]
    return "NULL" if cell is None else "'" + cell.replace("'", escape + "'") + "'"


def as_csv(folder: Path, agency: Agency) -> Declaration:
    for table in agency:
        with (folder / f"{table.name}.csv").open("w", newline="", encoding="utf-8") as stream:
            csv.writer(stream, quoting=csv.QUOTE_ALL).writerows([table.columns, *table.rows])
    return {"csv": str(folder / "*.csv")}


def as_zip(folder: Path, agency: Agency) -> Declaration:
    as_csv(folder, agency)
    with zipfile.ZipFile(folder / "drop.zip", "w") as archive:
        for table in agency:
            archive.write(folder / f"{table.name}.csv", f"drop/{table.name}.csv")
    return {"zip": str(folder / "drop.zip"), "csv": "*.csv"}


def as_tsql(folder: Path, agency: Agency) -> Declaration:
    lines = ["SET ANSI_NULLS ON", "GO"]
    kinds = {"BOOLEAN": "[bit]", "TIMESTAMP": "[datetime2](7)", "DATE": "[date]"}
    for table in agency:
        types = ", ".join(f"[{name}] {kinds.get(kind, kind)} NULL" for name, kind in table.declared)
        lines += [f"CREATE TABLE [dbo].[{table.name}]({types}) ON [PRIMARY]", "GO"]
        for row in table.rows:
            cells = [
                f"CAST(N{sql(cell)} AS DateTime2)" if kind == "TIMESTAMP" and cell else sql(cell, truth=("1", "0"))
                for cell, (_, kind) in zip(row, table.declared, strict=True)
            ]
            lines.append(f"INSERT [dbo].[{table.name}] VALUES ({', '.join(cells)})")  # noqa: S608 - a script in sight
        lines.append("GO")
    (folder / "agency.sql").write_bytes("\r\n".join([*lines, ""]).encode("utf-16"))
    return {"dump": str(folder / "agency.sql")}


def in_dump(cell: str | None) -> str | None:
    """A text as dumps write it, with escapes for what parts cells and lines."""
    return cell and cell.replace("\\", "\\\\").replace("\n", "\\n").replace("\t", "\\t")


def as_mysqldump(folder: Path, agency: Agency) -> Declaration:
    text = "-- MySQL dump 10.13\n"
    kinds = {"BOOLEAN": "tinyint(1)", "TIMESTAMP": "datetime(6)"}
    for table in agency:
        types = ",\n".join(f"  `{name}` {kinds.get(kind, kind.lower())}" for name, kind in table.declared)
        rows = [[sql(in_dump(cell), escape="\\", truth=("1", "0")) for cell in row] for row in table.rows]
        values = ",".join(f"({','.join(row)})" for row in rows)
        text += (
            f"CREATE TABLE `{table.name}` (\n{types}\n) ENGINE=InnoDB;\nINSERT INTO `{table.name}` VALUES {values};\n"
        )
    (folder / "agency.sql").write_text(text + "-- Dump completed\n", encoding="utf-8")
    return {"dump": str(folder / "agency.sql")}


def as_pg_dump(folder: Path, agency: Agency) -> Declaration:
    text = "-- PostgreSQL database dump\nSET client_encoding = 'UTF8';\n"
    truth = {"true": "t", "false": "f", None: "\\N"}
    for table in agency:
        types = ",\n".join(f'    "{name}" {kind.lower()}' for name, kind in table.declared)
        rows = ["\t".join(truth.get(cell, in_dump(cell) or "") for cell in row) for row in table.rows]
        columns = ", ".join(f'"{name}"' for name in table.columns)
        copied = "\n".join([f'COPY public."{table.name}" ({columns}) FROM stdin;', *rows, "\\."])
        text += f'CREATE TABLE public."{table.name}" (\n{types}\n);\n{copied}\n\n'
    (folder / "agency.sql").write_text(text + "-- PostgreSQL database dump complete\n", encoding="utf-8")
    return {"dump": str(folder / "agency.sql")}


def all_types(agency: Agency) -> dict[str, str]:
    return {name: kind for table in agency for name, kind in table.types().items()}


def as_excel(folder: Path, agency: Agency) -> Declaration:
    sheets = {table.name: [table.columns, *table.rows] for table in agency}
    write_workbook(folder / "agency.xlsx", sheets)
    return {"excel": str(folder / "agency.xlsx"), "types": all_types(agency)}


def as_typed_excel(folder: Path, agency: Agency) -> Declaration:
    """The same workbook as a program writes it that knows its columns: days, moments, numbers and truths as such."""
    sheets = {
        table.name: [
            table.columns,
            *([*map(typed_cell, row, (kind for _, kind in table.declared))] for row in table.rows),
        ]
        for table in agency
    }
    write_workbook(folder / "agency.xlsx", sheets)
    return {"excel": str(folder / "agency.xlsx"), "types": all_types(agency)}


def typed_cell(cell: str | None, kind: str) -> Cell:
    if cell is None:
        return None
    typed: dict[str, Callable[[str], Cell]] = {
        "DATE": dt.date.fromisoformat, "TIMESTAMP": dt.datetime.fromisoformat, "BOOLEAN": lambda text: text == "true",
        "INTEGER": float, "DECIMAL": float,
    }  # fmt: skip
    return typed.get(kind.partition("(")[0], str)(cell)


def as_json_lines(folder: Path, agency: Agency) -> Declaration:
    for table in agency:
        lines = [json.dumps(dict(zip(table.columns, row, strict=True))) for row in table.rows]
        (folder / f"{table.name}.jsonl").write_text("\n".join(lines))
    return {"json_lines": str(folder / "*.jsonl")}


def as_parquet(folder: Path, agency: Agency) -> Declaration:
    for table in agency:
        columns = [pa.array(column, pa.string()) for column in zip(*table.rows, strict=True)]
        pq.write_table(pa.table(dict(zip(table.columns, columns, strict=True))), folder / f"{table.name}.parquet")
    return {"parquet": str(folder / "*.parquet")}


def as_fixed_width(folder: Path, agency: Agency) -> Declaration:
    for table in agency:
        types = table.types()
        start = [position * 420 + 1 for position, _ in enumerate(table.columns)]
        layout = [f"{name},{at},420,{types.get(name, 'text')}" for name, at in zip(table.columns, start, strict=True)]
        (folder / f"{table.name}.layout").write_text("\n".join(["column,start,length,type", *layout]))
        lines = ["".join((cell or "").ljust(420) for cell in row) for row in table.rows]
        (folder / f"{table.name}.txt").write_text("\n".join(lines), encoding="utf-8")
    return {"fixed_width": str(folder / "*.txt"), "layout": str(folder / "{table}.layout")}


def as_bcp(folder: Path, agency: Agency) -> Declaration:
    truth = {"true": "1", "false": "0"}
    for table in agency:
        ends = ["|~|"] * (len(table.columns) - 1) + ["|#|\\r\\n"]
        fields = [
            f'{n} SQLCHAR 0 0 "{end}" {n} {name} ""'
            for n, (name, end) in enumerate(zip(table.columns, ends, strict=True), 1)
        ]
        (folder / f"{table.name}.fmt").write_text("\n".join(["14.0", str(len(fields)), *fields]))
        rows = ["|~|".join(truth.get(cell or "", cell or "") for cell in row) + "|#|\r\n" for row in table.rows]
        (folder / f"{table.name}.dat").write_bytes("".join(rows).encode("utf-8"))
    return {"bcp": str(folder / "*.dat"), "format": str(folder / "{table}.fmt"), "types": all_types(agency)}


def as_sqlite(folder: Path, agency: Agency) -> Declaration:
    return as_database(f"sqlite:///{folder / 'agency.db'}", "timestamp", agency)


def as_database(url: str, moment: str, agency: Agency) -> Declaration:
    """The tables in a database, with the types they were declared with and their first column as the key."""
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    quoted = engine.dialect.identifier_preparer.quote_identifier
    truth = {"true": True, "false": False}
    with engine.begin() as connection:
        for table in agency:
            types = [f"{quoted(name)} {moment if kind == 'TIMESTAMP' else kind}" for name, kind in table.declared]
            key = f"primary key ({quoted(table.columns[0])})"
            connection.exec_driver_sql(f"create table {quoted(table.name)} ({', '.join([*types, key])})")
            rows = [
                dict(zip(table.columns, (truth.get(cell, cell) for cell in row), strict=True)) for row in table.rows
            ]
            connection.execute(sa.insert(sa.table(table.name, *map(sa.column, table.columns))), rows)
    return {"sql": url}


def on_server(url: str, moment: str, agency: Agency, patch: pytest.MonkeyPatch) -> Declaration:
    """The same on a server, whose address holds a password and is therefore no text for a project."""
    as_database(url, moment, agency)
    patch.setenv("OLD_SQL", url)
    return {"sql": "${OLD_SQL}"}


DELIVERIES: Mapping[str, Callable[[Path, Agency], Declaration]] = {
    "sqlite": as_sqlite, "csv": as_csv, "zip": as_zip, "tsql": as_tsql, "mysqldump": as_mysqldump, "pg_dump": as_pg_dump,
    "excel": as_excel, "typed_excel": as_typed_excel, "json_lines": as_json_lines, "parquet": as_parquet,
    "fixed_width": as_fixed_width, "bcp": as_bcp,
}  # fmt: skip
