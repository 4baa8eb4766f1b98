"""What every Source promises, asked of every adapter with the same legacy rows."""

import json
import sqlite3
import zipfile
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
import sqlalchemy as sa

from etl.core.errors import SourceError, SourceUnavailable
from etl.core.ports import Source
from etl.core.records import DAMAGE, LINE, ROW, SNAPSHOT_COLUMNS
from etl.sources.bcp import BcpSource
from etl.sources.csv import CsvSource
from etl.sources.dumps.source import DumpSource
from etl.sources.excel import ExcelSource
from etl.sources.fixed_width import FixedWidthSource
from etl.sources.json_lines import JsonLinesSource
from etl.sources.parquet_files import ParquetSource
from etl.sources.sql import SqlSource
from etl.sources.zipped import ZipSource
from tests.sources.workbooks import Cell, write_workbook

COLUMNS = ["ID", "LAST_NM", "CODE", "BORN", "SEEN_AT", "AMOUNT", "WHOLE", "RATE", "ACTIVE", "NOTE"]
CELLS = [
    ("1", "Núñez", "A1", "2011-02-09", "2024-03-01 08:30:00", "1.50", "7", "0.1", "true", 'said "no", left'),
    ("2", "O'Brien", "B", "1999-12-31", "2024-03-01 08:30:00.120000", "-0.05", "0", "2.5", "false", "line\nbreak"),
    ("3", "NULL", "0042", "0001-01-01", "1970-01-01 00:00:00", "12345678.90", "-12", "12", "true", " outer blanks "),
]
NULL_ROW = ("4", None, None, None, None, None, None, None, None, None)
DECLARED = {
    "ID": "integer primary key",
    "LAST_NM": "varchar(40)",
    "CODE": "char(6)",
    "BORN": "date",
    "SEEN_AT": "{moment}",
    "AMOUNT": "decimal(10,2)",
    "WHOLE": "decimal(8,0)",
    "RATE": "double precision",
    "ACTIVE": "boolean",
    "NOTE": "text",
}
EXCEL_TYPES = {"AMOUNT": "decimal(10,2)", "SEEN_AT": "datetime"}
BCP_TYPES = {"CODE": "char", "ACTIVE": "boolean"}


def held(kind: str, cell: str | None) -> str | None:
    """The cell as far as this kind of file can hold it: a fixed-width line has no line ends and ends in blanks."""
    return cell if cell is None or kind != "fixed_width" else cell.replace("\n", " ").rstrip(" ")


def literal(cell: str | None) -> str:
    if cell is None:
        return "null"
    return cell if cell in ("true", "false") else "'" + cell.replace("'", "''") + "'"


def script(moment: str, quote: str = '"') -> list[str]:
    columns = ", ".join(f"{quote}{name}{quote} {form.format(moment=moment)}" for name, form in DECLARED.items())
    rows = [f"({', '.join(map(literal, row))})" for row in [*reversed(CELLS), NULL_ROW]]
    return [
        f"create table {quote}PERSONS{quote} ({columns})",
        f"insert into {quote}PERSONS{quote} values {', '.join(rows)}",  # noqa: S608 - the rows stand above
        f"create table {quote}EMPTY_ONE{quote} ({quote}A{quote} integer, {quote}B{quote} text)",
    ]


def quietly_run(url: str, statements: list[str]) -> None:
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    with engine.begin() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement.replace("%", "%%"))


@pytest.fixture
def csv_source(tmp_path: Path) -> Source:
    lines = [",".join('"' + cell.replace('"', '""') + '"' for cell in row) for row in [tuple(COLUMNS), *CELLS]]
    (tmp_path / "PERSONS.csv").write_text("\n".join([*lines, "4" + "," * 9]), encoding="utf-8")
    (tmp_path / "EMPTY_ONE.csv").write_text("A,B\n", encoding="utf-8")
    return CsvSource("legacy", str(tmp_path / "*.csv"))


@pytest.fixture
def sqlite_source(tmp_path: Path) -> Source:
    with sqlite3.connect(tmp_path / "legacy.db") as connection:
        connection.executescript(";".join(script("datetime")))
    connection.close()
    return SqlSource("legacy", f"sqlite:///{tmp_path / 'legacy.db'}")


@pytest.fixture
def postgres_source(postgres_database: str) -> Source:
    quietly_run(postgres_database, script("timestamp"))
    return SqlSource("legacy", postgres_database)


@pytest.fixture
def mariadb_source(mariadb_database: str) -> Source:
    quietly_run(mariadb_database, script("datetime(6)", "`"))
    return SqlSource("legacy", mariadb_database)


def insert(opening: str, write: Callable[[str | None], str] = literal) -> list[str]:
    """One statement a row, each in one line but for line ends inside cells."""
    return [f"{opening} ({', '.join(map(write, row))})" for row in [*CELLS, NULL_ROW]]


@pytest.fixture
def tsql_source(tmp_path: Path) -> Source:
    types = ", ".join(f"[{name}] {form.format(moment='[datetime2](7)')}" for name, form in DECLARED.items())
    types = types.replace("boolean", "[bit]").replace("double precision", "[float]")
    lines = [
        f"CREATE TABLE [dbo].[PERSONS] ({types}) ON [PRIMARY]",
        "GO",
        *insert(
            "INSERT [dbo].[PERSONS] VALUES", lambda cell: {"true": "1", "false": "0"}.get(cell or "", literal(cell))
        ),
        "GO",
        "CREATE TABLE [dbo].[EMPTY_ONE] ([A] [int] NULL, [B] [ntext] NULL)",
        "GO",
    ]
    (tmp_path / "agency.sql").write_bytes("\r\n".join(lines).replace("line\r\n", "line\n").encode("utf-16"))
    return DumpSource("legacy", str(tmp_path / "agency.sql"))


@pytest.fixture
def mysqldump_source(tmp_path: Path) -> Source:
    statements = script("datetime(6)", "`")
    statements[0] = statements[0].replace("boolean", "tinyint(1)")
    statements[1:2] = insert("INSERT INTO `PERSONS` VALUES", lambda cell: literal(cell).replace("\n", "\\n"))
    text = "".join(f"{each};\n" for each in ["SET NAMES utf8mb4", *statements])
    (tmp_path / "agency.sql").write_text(text, encoding="utf-8")
    return DumpSource("legacy", str(tmp_path / "agency.sql"), dialect="mysql")


@pytest.fixture
def pg_dump_source(tmp_path: Path) -> Source:
    statements = script("timestamp without time zone")
    copied = [
        "\t".join("\\N" if cell is None else cell.replace("\n", "\\n") for cell in row) for row in [*CELLS, NULL_ROW]
    ]
    statements[1] = "\n".join(['COPY "PERSONS" FROM stdin;', *copied, "\\.\n\nSELECT 1"])
    text = "".join(f"{each};\n" for each in ["SET client_encoding = 'UTF8'", *statements])
    (tmp_path / "agency.sql").write_text(text, encoding="utf-8")
    return DumpSource("legacy", str(tmp_path / "agency.sql"))


@pytest.fixture
def fixed_width_source(tmp_path: Path) -> Source:
    kinds = {"AMOUNT": "decimal(10,2)", "WHOLE": "integer"}
    layout = [f"{name},{position * 30 + 1},30,{kinds.get(name, 'text')}" for position, name in enumerate(COLUMNS)]
    (tmp_path / "PERSONS.layout").write_text("\n".join(["column,start,length,type", *layout]))
    (tmp_path / "EMPTY_ONE.layout").write_text("column,start,length\nA,1,3\nB,4,3\n")
    rows = ["".join((held("fixed_width", cell) or "").ljust(30) for cell in row) for row in [*CELLS, NULL_ROW]]
    (tmp_path / "PERSONS.txt").write_text("\n".join(rows), encoding="utf-8")
    (tmp_path / "EMPTY_ONE.txt").write_text("")
    return FixedWidthSource("legacy", str(tmp_path / "*.txt"), str(tmp_path / "{table}.layout"))


def typed(name: str, cell: str | None) -> Cell:
    """The cell as a spreadsheet holds it; its days begin in 1900."""
    if cell is None or (name == "BORN" and cell < "1900"):
        return cell
    makes: dict[str, Callable[[str], Cell]] = {
        "ID": int, "BORN": date.fromisoformat, "SEEN_AT": datetime.fromisoformat,
        "AMOUNT": float, "WHOLE": int, "RATE": float, "ACTIVE": "true".__eq__,
    }  # fmt: skip
    return makes.get(name, str)(cell)


@pytest.fixture
def excel_source(tmp_path: Path) -> Source:
    rows = [[typed(name, cell) for name, cell in zip(COLUMNS, row, strict=True)] for row in [*CELLS, NULL_ROW]]
    write_workbook(tmp_path / "agency.xlsx", {"PERSONS": [COLUMNS, *rows], "Sheet3": [], "EMPTY_ONE": [["A", "B"]]})
    return ExcelSource("legacy", str(tmp_path / "*.xlsx"), types=EXCEL_TYPES)


@pytest.fixture
def json_lines_source(tmp_path: Path) -> Source:
    bare = {"AMOUNT", "WHOLE", "RATE", "ACTIVE"}
    texts = [
        [
            "null" if cell is None else cell if name in bare else json.dumps(cell)
            for name, cell in zip(COLUMNS, row, strict=True)
        ]
        for row in [*CELLS, NULL_ROW]
    ]
    rows = [", ".join(f'"{name}": {text}' for name, text in zip(COLUMNS, row, strict=True)) for row in texts]
    (tmp_path / "PERSONS.jsonl").write_text("".join(f"{{{row}}}\n" for row in rows), encoding="utf-8")
    (tmp_path / "EMPTY_ONE.jsonl").write_text('{"A": null}')
    return JsonLinesSource("legacy", str(tmp_path / "*.jsonl"))


@pytest.fixture
def parquet_source(tmp_path: Path) -> Source:
    types = {
        "ID": pa.int32(), "BORN": pa.date32(), "SEEN_AT": pa.timestamp("us"), "AMOUNT": pa.decimal128(10, 2),
        "WHOLE": pa.decimal128(8, 0), "RATE": pa.float64(), "ACTIVE": pa.bool_(),
    }  # fmt: skip
    columns = [pa.array(column, pa.string()) for column in zip(*CELLS, NULL_ROW, strict=True)]
    made = {name: pc.cast(column, types.get(name, pa.string())) for name, column in zip(COLUMNS, columns, strict=True)}
    pq.write_table(pa.table(made), tmp_path / "PERSONS.parquet")
    pq.write_table(
        pa.table({"A": pa.array([], pa.int64()), "B": pa.array([], pa.string())}), tmp_path / "EMPTY_ONE.parquet"
    )
    return ParquetSource("legacy", str(tmp_path / "*.parquet"))


def bcp_format(columns: list[str]) -> str:
    fields = [
        f'{number} SQLCHAR 0 100 "{"|~|" if name != columns[-1] else "|#|"}{chr(92) + "n" if name == columns[-1] else ""}" {number} {name} ""'
        for number, name in enumerate(columns, 1)
    ]
    return "\n".join(["14.0", str(len(fields)), *fields])


@pytest.fixture
def bcp_source(tmp_path: Path) -> Source:
    (tmp_path / "PERSONS.fmt").write_text(bcp_format(COLUMNS))
    (tmp_path / "EMPTY_ONE.fmt").write_text(bcp_format(["A", "B"]))
    as_bcp = {"true": "1", "false": "0", None: ""}
    rows = ["|~|".join(as_bcp.get(cell, cell or "") for cell in row) + "|#|\n" for row in [*CELLS, NULL_ROW]]
    (tmp_path / "PERSONS.dat").write_text("".join(rows), encoding="utf-8")
    (tmp_path / "EMPTY_ONE.dat").write_text("")
    return BcpSource("legacy", str(tmp_path / "*.dat"), str(tmp_path / "{table}.fmt"), types=BCP_TYPES)


@pytest.fixture
def zip_source(csv_source: Source, tmp_path: Path) -> Source:
    with zipfile.ZipFile(tmp_path / "drop.zip", "w") as archive:
        for name in ("PERSONS.csv", "EMPTY_ONE.csv"):
            archive.write(tmp_path / name, f"export/{name}")
            (tmp_path / name).unlink()
    return ZipSource("legacy", str(tmp_path / "drop.zip"), "*.csv", lambda path: CsvSource("legacy", str(path)))


DATABASES = ["sqlite", "postgres", pytest.param("mariadb", marks=pytest.mark.mariadb)]
FILES = {
    "csv": ("PERSONS.csv", [2, 3, 5, 6]),
    "tsql": ("agency.sql", [3, 4, 6, 7]),
    "mysqldump": ("agency.sql", [3, 4, 5, 6]),
    "pg_dump": ("agency.sql", [4, 5, 6, 7]),
    "fixed_width": ("PERSONS.txt", [1, 2, 3, 4]),
    "excel": ("agency.xlsx", [2, 3, 4, 5]),
    "json_lines": ("PERSONS.jsonl", [1, 2, 3, 4]),
    "parquet": ("PERSONS.parquet", [None] * 4),
    "bcp": ("PERSONS.dat", [1, 2, 4, 5]),
    "zip": ("drop.zip: PERSONS.csv", [2, 3, 5, 6]),
}
"""By kind: the origin that facts tell, and the lines of the rows (None: the file has no lines)."""
BLANK_FOR_NULL = {"csv", "zip", "fixed_width"}


@pytest.fixture(params=[*DATABASES, *FILES])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def source(request: pytest.FixtureRequest, kind: str) -> Source:
    made: Source = request.getfixturevalue(f"{kind}_source")
    return made


def rows_of(source: Source, table: str = "PERSONS", batch_rows: int = 100) -> list[tuple[object, ...]]:
    batches = list(source.read(table, batch_rows))
    return [tuple(row.values()) for batch in batches for row in batch.to_pylist()]


def test_tables_are_named_and_sorted(source):
    assert list(source.tables()) == ["EMPTY_ONE", "PERSONS"]


def test_every_source_gives_the_same_text_for_the_same_rows(source, kind):
    assert [row[3:] for row in rows_of(source)][:3] == [tuple(held(kind, cell) for cell in row) for row in CELLS]


def test_rows_are_numbered_from_one_in_order(source):
    assert [row[0] for row in rows_of(source)] == [1, 2, 3, 4]


def test_what_is_missing_is_null_unless_the_form_knows_only_blanks(source, kind):
    missing = "" if kind in BLANK_FOR_NULL else None
    assert rows_of(source)[3][3:] == ("4", *[missing] * 9)


def test_lines_are_known_for_files_alone(source, kind):
    assert [row[1] for row in rows_of(source)] == FILES.get(kind, ("", [None] * 4))[1]


def test_columns_are_text_after_the_snapshot_columns(source):
    batch = next(source.read("PERSONS", 10))
    assert batch.schema == pa.schema([*SNAPSHOT_COLUMNS, *((name, pa.string()) for name in COLUMNS)])


def test_undamaged_rows_say_so(source):
    assert all(batch[DAMAGE].null_count == batch.num_rows for batch in source.read("PERSONS", 10))


@pytest.mark.parametrize("kind", [*DATABASES, *(kind for kind in FILES if kind != "json_lines")])
def test_a_table_without_rows_still_tells_its_columns(source):
    (batch,) = source.read("EMPTY_ONE", 10)
    assert (batch.num_rows, batch.schema.names) == (0, [ROW, LINE, DAMAGE, "A", "B"])


@pytest.mark.parametrize("batch_rows", [1, 3, 4])
def test_batches_have_the_size_asked_for(source, batch_rows):
    sizes = [batch.num_rows for batch in source.read("PERSONS", batch_rows)]
    assert sizes == {1: [1, 1, 1, 1], 3: [3, 1], 4: [4]}[batch_rows]


def test_reading_twice_gives_the_same_rows_and_the_same_hash_whatever_the_batches(source):
    first = rows_of(source, batch_rows=1)
    hashed = source.facts("PERSONS").sha256
    assert rows_of(source, batch_rows=3) == first
    assert source.facts("PERSONS").sha256 == hashed


def test_an_unknown_table_is_an_error_that_names_it(source):
    with pytest.raises(SourceUnavailable, match="legacy has no table NOWHERE"):
        list(source.read("NOWHERE", 10))


def test_facts_never_hold_a_password(source, kind):
    rows_of(source)
    assert source.facts("PERSONS").origin == FILES.get(kind, ("SQL",))[0]


@pytest.mark.parametrize("kind", DATABASES)
def test_a_database_is_never_written_to(request, kind):
    source = request.getfixturevalue(f"{kind}_source")
    with pytest.raises(SourceError), source._database.connected() as connection:
        connection.exec_driver_sql("create table T (A integer)")
    assert len(rows_of(source)) == 4
