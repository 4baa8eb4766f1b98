"""The same agency, delivered in every form that can hold it, gives the same cells."""

import csv
import json
import sqlite3
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import sqlalchemy as sa

from etl.core.ports import Source
from etl.sources.bcp import BcpSource
from etl.sources.csv import CsvSource
from etl.sources.dumps.source import DumpSource
from etl.sources.excel import ExcelSource
from etl.sources.fixed_width import FixedWidthSource
from etl.sources.json_lines import JsonLinesSource
from etl.sources.parquet_files import ParquetSource
from etl.sources.sql import SqlSource
from etl.sources.zipped import ZipSource
from tests.sources.workbooks import write_workbook

SAMPLE = Path(__file__).parents[2] / "sample_data"
TABLES = ("STAFF", "PERSON_EXTRA", "VISITS", "PARENT_ORGS")
MOST_ROWS = 200

Rows = Sequence[tuple[str | None, ...]]


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


def sample_tables() -> list[Table]:
    source = SqlSource("old", f"sqlite:///{SAMPLE / 'legacy.db'}")
    connection = sqlite3.connect(SAMPLE / "legacy.db")
    tables = []
    for name in TABLES:
        declared = [(row[1], row[2]) for row in connection.execute(f"pragma table_info({name})")]
        batch = next(source.read(name, MOST_ROWS))
        tables.append(Table(name, declared, [tuple(row.values())[3:] for row in batch.to_pylist()]))
    connection.close()
    return tables


AGENCY = sample_tables()


def sql(cell: str | None, *, escape: str = "'", truth: Sequence[str] = ("true", "false")) -> str:
    if cell in ("true", "false"):
        return truth[cell == "false"]
    return "NULL" if cell is None else "'" + cell.replace("'", escape + "'") + "'"


def as_csv(folder: Path) -> Source:
    for table in AGENCY:
        with (folder / f"{table.name}.csv").open("w", newline="", encoding="utf-8") as stream:
            csv.writer(stream, quoting=csv.QUOTE_ALL).writerows([table.columns, *table.rows])
    return CsvSource("old", str(folder / "*.csv"))


def as_zip(folder: Path) -> Source:
    as_csv(folder)
    with zipfile.ZipFile(folder / "drop.zip", "w") as archive:
        for table in AGENCY:
            archive.write(folder / f"{table.name}.csv", f"drop/{table.name}.csv")
    return ZipSource("old", str(folder / "drop.zip"), "*.csv", lambda path: CsvSource("old", str(path)))


def as_tsql(folder: Path) -> Source:
    lines = ["SET ANSI_NULLS ON", "GO"]
    kinds = {"BOOLEAN": "[bit]", "TIMESTAMP": "[datetime2](7)", "DATE": "[date]"}
    for table in AGENCY:
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
    return DumpSource("old", str(folder / "agency.sql"))


def as_mysqldump(folder: Path) -> Source:
    text = "-- MySQL dump 10.13\n"
    kinds = {"BOOLEAN": "tinyint(1)", "TIMESTAMP": "datetime(6)"}
    for table in AGENCY:
        types = ",\n".join(f"  `{name}` {kinds.get(kind, kind.lower())}" for name, kind in table.declared)
        rows = [[sql(cell, escape="\\", truth=("1", "0")).replace("\n", "\\n") for cell in row] for row in table.rows]
        values = ",".join(f"({','.join(row)})" for row in rows)
        text += (
            f"CREATE TABLE `{table.name}` (\n{types}\n) ENGINE=InnoDB;\nINSERT INTO `{table.name}` VALUES {values};\n"
        )
    (folder / "agency.sql").write_text(text + "-- Dump completed\n", encoding="utf-8")
    return DumpSource("old", str(folder / "agency.sql"))


def as_pg_dump(folder: Path) -> Source:
    text = "-- PostgreSQL database dump\nSET client_encoding = 'UTF8';\n"
    truth = {"true": "t", "false": "f", None: "\\N"}
    for table in AGENCY:
        types = ",\n".join(f'    "{name}" {kind.lower()}' for name, kind in table.declared)
        rows = ["\t".join(truth.get(cell, (cell or "").replace("\n", "\\n")) for cell in row) for row in table.rows]
        columns = ", ".join(f'"{name}"' for name in table.columns)
        copied = "\n".join([f'COPY public."{table.name}" ({columns}) FROM stdin;', *rows, "\\."])
        text += f'CREATE TABLE public."{table.name}" (\n{types}\n);\n{copied}\n\n'
    (folder / "agency.sql").write_text(text + "-- PostgreSQL database dump complete\n", encoding="utf-8")
    return DumpSource("old", str(folder / "agency.sql"))


def all_types() -> dict[str, str]:
    return {name: kind for table in AGENCY for name, kind in table.types().items()}


def as_excel(folder: Path) -> Source:
    sheets = {table.name: [table.columns, *table.rows] for table in AGENCY}
    write_workbook(folder / "agency.xlsx", sheets)
    return ExcelSource("old", str(folder / "agency.xlsx"), types=all_types())


def as_json_lines(folder: Path) -> Source:
    for table in AGENCY:
        lines = [json.dumps(dict(zip(table.columns, row, strict=True))) for row in table.rows]
        (folder / f"{table.name}.jsonl").write_text("\n".join(lines))
    return JsonLinesSource("old", str(folder / "*.jsonl"))


def as_parquet(folder: Path) -> Source:
    for table in AGENCY:
        columns = [pa.array(column, pa.string()) for column in zip(*table.rows, strict=True)]
        pq.write_table(pa.table(dict(zip(table.columns, columns, strict=True))), folder / f"{table.name}.parquet")
    return ParquetSource("old", str(folder / "*.parquet"))


def as_fixed_width(folder: Path) -> Source:
    for table in AGENCY:
        types = table.types()
        start = [position * 420 + 1 for position, _ in enumerate(table.columns)]
        layout = [f"{name},{at},420,{types.get(name, 'text')}" for name, at in zip(table.columns, start, strict=True)]
        (folder / f"{table.name}.layout").write_text("\n".join(["column,start,length,type", *layout]))
        lines = ["".join((cell or "").ljust(420) for cell in row) for row in table.rows]
        (folder / f"{table.name}.txt").write_text("\n".join(lines), encoding="utf-8")
    return FixedWidthSource("old", str(folder / "*.txt"), str(folder / "{table}.layout"))


def as_bcp(folder: Path) -> Source:
    truth = {"true": "1", "false": "0"}
    for table in AGENCY:
        ends = ["|~|"] * (len(table.columns) - 1) + ["|#|\\r\\n"]
        fields = [
            f'{n} SQLCHAR 0 0 "{end}" {n} {name} ""'
            for n, (name, end) in enumerate(zip(table.columns, ends, strict=True), 1)
        ]
        (folder / f"{table.name}.fmt").write_text("\n".join(["14.0", str(len(fields)), *fields]))
        rows = ["|~|".join(truth.get(cell or "", cell or "") for cell in row) + "|#|\r\n" for row in table.rows]
        (folder / f"{table.name}.dat").write_bytes("".join(rows).encode("utf-8"))
    return BcpSource("old", str(folder / "*.dat"), str(folder / "{table}.fmt"), types=all_types())


def as_sqlite(folder: Path) -> Source:
    return as_database(f"sqlite:///{folder / 'agency.db'}", "timestamp")


def as_database(url: str, moment: str) -> Source:
    """The tables in a database, with the types they were declared with and their first column as the key."""
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    quoted = engine.dialect.identifier_preparer.quote_identifier
    truth = {"true": True, "false": False}
    with engine.begin() as connection:
        for table in AGENCY:
            types = [f"{quoted(name)} {moment if kind == 'TIMESTAMP' else kind}" for name, kind in table.declared]
            key = f"primary key ({quoted(table.columns[0])})"
            connection.exec_driver_sql(f"create table {quoted(table.name)} ({', '.join([*types, key])})")
            rows = [
                dict(zip(table.columns, (truth.get(cell, cell) for cell in row), strict=True)) for row in table.rows
            ]
            connection.execute(sa.insert(sa.table(table.name, *map(sa.column, table.columns))), rows)
    return SqlSource("old", url)


DELIVERIES: dict[str, Callable[[Path], Source]] = {
    "sqlite": as_sqlite, "csv": as_csv, "zip": as_zip, "tsql": as_tsql, "mysqldump": as_mysqldump, "pg_dump": as_pg_dump,
    "excel": as_excel, "json_lines": as_json_lines, "parquet": as_parquet, "fixed_width": as_fixed_width, "bcp": as_bcp,
}  # fmt: skip
KNOW_ONLY_BLANKS = {"csv", "zip", "fixed_width"}


@pytest.mark.parametrize("delivery", DELIVERIES)
def test_the_same_agency_gives_the_same_cells(tmp_path, delivery):
    assert_same_cells(DELIVERIES[delivery](tmp_path), "" if delivery in KNOW_ONLY_BLANKS else None)


def test_postgresql_gives_the_same_cells(postgres_database):
    assert_same_cells(as_database(postgres_database, "timestamp"))


@pytest.mark.mariadb
def test_mariadb_gives_the_same_cells(mariadb_database):
    assert_same_cells(as_database(mariadb_database, "datetime(6)"))


def assert_same_cells(source: Source, null: str | None = None) -> None:
    assert list(source.tables()) == sorted(TABLES)
    for table in AGENCY:
        cells = [tuple(row.values())[2:] for batch in source.read(table.name, 64) for row in batch.to_pylist()]
        expected = [(None, *(null if cell is None else cell for cell in row)) for row in table.rows]
        assert cells == expected


def test_the_agency_is_worth_comparing():
    kinds = {kind.partition("(")[0] for table in AGENCY for _, kind in table.declared}
    assert kinds == {"VARCHAR", "DATE", "BOOLEAN", "TIMESTAMP", "INTEGER", "DECIMAL"}
    cells = [cell for table in AGENCY for row in table.rows for cell in row]
    assert None in cells
    assert len(cells) > 1000
