"""Tables that are shown by one name are never made into one: they have names of their own, or the script is refused."""

import pytest

from etl.core.errors import SourceUnreadable
from etl.sources.dumps.source import DumpSource


def tables(tmp_path, dialect, text):
    """The keys that each table of a script holds."""
    path = tmp_path / "dump.sql"
    path.write_text(text, encoding="utf-8")
    source = DumpSource("old", str(path), dialect=dialect)
    return {
        table: [row["ID"] for batch in source.read(table, 100) for row in batch.to_pylist()]
        for table in source.tables()
    }


def copied(table, key):
    return f'COPY {table} ("ID") FROM stdin;\n{key}\n\\.\n'


MYSQL = "INSERT INTO {} (`ID`) VALUES ({});\n"
TSQL = "INSERT {} ([ID]) VALUES ({})\nGO\n"
TWO_TABLES = [
    ("mysql", MYSQL.format("`a`.`T`", 1) + MYSQL.format("`b`.`T`", 2), 2),
    ("mysql", f"USE `a`;\n{MYSQL.format('`T`', 1)}USE `b`;\n{MYSQL.format('`T`', 2)}", 4),
    ("mysql", f"USE a\n{MYSQL.format('T', 1)}USE b\n{MYSQL.format('T', 2)}", 4),
    ("mysql", f"USE a;\n{MYSQL.format('T', 1)}{MYSQL.format('b.T', 2)}", 3),
    ("mysql", MYSQL.format("T", 1) + MYSQL.format("b.T", 2), 2),
    ("mysql", MYSQL.format("`T`", 1) + MYSQL.format("`t`", 2), 2),
    (
        "mysql",
        f"CREATE TABLE IF NOT EXISTS a.T (ID int);\nCREATE TABLE IF NOT EXISTS b.T (ID int);\n{MYSQL.format('b.T', 2)}",
        2,
    ),
    (
        "mysql",
        "USE a;\nCREATE TABLE T (ID int);\nINSERT INTO T VALUES (1);\nUSE b;\nDROP TABLE IF EXISTS T;\nCREATE TABLE T (ID int);\n",
        6,
    ),
    ("tsql", TSQL.format("[a].[dbo].[T]", 1) + TSQL.format("[b].[dbo].[T]", 2), 3),
    ("tsql", TSQL.format("a..T", 1) + TSQL.format("b..T", 2), 3),
    ("tsql", TSQL.format("x.a.dbo.T", 1) + TSQL.format("y.a.dbo.T", 2), 3),
    ("tsql", f"USE [a]\nGO\n{TSQL.format('T', 1)}USE [b]\nGO\n{TSQL.format('T', 2)}", 7),
    ("tsql", TSQL.format("dbo.T", 1) + TSQL.format("[public].T", 2), 3),
    (
        "tsql",
        "USE [a]\nCREATE TABLE T (ID int, X int)\nALTER TABLE [b].[dbo].[T] DROP COLUMN X\nINSERT T VALUES (1)\n",
        3,
    ),
    ("postgres", copied('public."T"', 1) + copied('dbo."T"', 2), 4),
    ("postgres", copied('public."T"', 1) + copied("public.T", 2), 4),
    ("postgres", f"\\connect a\n{copied('public.t', 1)}\\connect b\n{copied('public.t', 2)}", 6),
    ("postgres", f'\\c a\n{copied("public.t", 1)}\n\\c -reuse-previous=on "b"\n{copied("public.t", 2)}', 7),
    ("postgres", copied('public."a.T"', 1) + copied('a."T"', 2), 4),
]


@pytest.mark.parametrize(("dialect", "text", "line"), TWO_TABLES)
def test_two_tables_of_one_name_are_refused(tmp_path, dialect, text, line):
    match = rf"\(dump.sql\) is no plain dump: the statement in line {line} names a table that, by its database"
    with pytest.raises(SourceUnreadable, match=match) as caught:
        tables(tmp_path, dialect, text)
    assert "Dump each database or schema by itself" in caught.value.hint


PATH = "SET search_path = {};\n"
ONE_NAME_EACH = [
    (
        "postgres",
        f"{PATH.format('a, pg_catalog')}{copied('t', 1)}{PATH.format('b')}{copied('t', 2)}",
        {"a.t": ["1"], "b.t": ["2"]},
    ),
    (
        "postgres",
        f"{PATH.format('a, pg_catalog')}{copied('t', 1)}{PATH.format('public')}{copied('t', 2)}",
        {"a.t": ["1"], "t": ["2"]},
    ),
    (
        "postgres",
        f"SELECT pg_catalog.set_config('search_path', 'a, pg_catalog', false);\n{copied('t', 1)}SET SCHEMA 'b';\n{copied('t', 2)}",
        {"a.t": ["1"], "b.t": ["2"]},
    ),
    ("postgres", copied("a.t", 1) + copied("public.t", 2), {"a.t": ["1"], "t": ["2"]}),
    ("tsql", TSQL.format("a.T", 1) + TSQL.format("T", 2), {"a.T": ["1"], "T": ["2"]}),
]


@pytest.mark.parametrize(("dialect", "text", "expected"), ONE_NAME_EACH)
def test_tables_of_two_schemas_have_two_names(tmp_path, dialect, text, expected):
    assert tables(tmp_path, dialect, text) == expected


ONE_TABLE = [
    ("mysql", f"USE `a`;\n{MYSQL.format('`T`', 1)}{MYSQL.format('a.T', 2)}", "T"),
    ("mysql", f"USE `a`\n{MYSQL.format('`T`', 1)}{MYSQL.format('`T`', 2)}", "T"),
    ("mysql", f"USE a;\n{MYSQL.format('T', 1)}USE b;\nDROP TABLE IF EXISTS T;\nUSE a;\n{MYSQL.format('T', 2)}", "T"),
    ("tsql", f"USE [Agency] {TSQL.format('T', 1)}{TSQL.format('[AGENCY]..[t]', 2)}", "T"),
    ("tsql", f"USE [a];\n{TSQL.format('#T', 1)}USE [b]\n{TSQL.format('#T', 2)}", "#T"),
    ("postgres", copied("T", 1) + copied('public."t"', 2), "T"),
    ("postgres", copied("t", 1) + PATH.format('"$user", public') + copied("t", 2), "t"),
    ("postgres", copied("t", 1) + PATH.format("''") + copied("public.t", 2), "t"),
    ("postgres", f"\\connect a\n{copied('t', 1)}\\connect - somebody\n{copied('t', 2)}", "t"),
    ("postgres", copied("t", 1) + "SELECT 1; \\echo x\n" + copied("t", 2), "t"),
]


@pytest.mark.parametrize(("dialect", "text", "table"), ONE_TABLE)
def test_one_table_may_be_named_in_several_ways(tmp_path, dialect, text, table):
    assert tables(tmp_path, dialect, text) == {table: ["1", "2"]}


def test_references_name_tables_as_they_are_shown(tmp_path):
    path = tmp_path / "dump.sql"
    script = "CREATE TABLE t (id int);\nCREATE TABLE u (id int, t int);\nALTER TABLE ONLY u ADD FOREIGN KEY (t) REFERENCES t(id);\n"
    path.write_text(PATH.format("a, pg_catalog") + script, encoding="utf-8")
    schema = DumpSource("old", str(path), dialect="postgres").schema_of("a.u")
    assert [each.table for each in schema.references] == ["a.t"]
