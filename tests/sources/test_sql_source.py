"""What is special about databases: declared types, damage, what may be asked of them, and what errors may say."""

import sqlite3
import sys
from contextlib import closing
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects.mysql import BIT, TINYINT

from etl.core.errors import SettingsError, SourceUnavailable, SourceUnreadable
from etl.sources.sql import SqlSource
from etl.sources.sql_text import NoTextForm, renderer, text_of


def database(folder: Path, *statements: str) -> str:
    with closing(sqlite3.connect(folder / "old.db")) as connection:
        connection.executescript(";".join(statements))
    return f"sqlite:///{folder / 'old.db'}"


def rows_of(source: SqlSource, table: str) -> list[tuple[object, ...]]:
    rows = [tuple(row.values()) for batch in source.read(table, 2) for row in batch.to_pylist()]
    return [(row[0], row[2], *row[3:]) for row in rows]


@pytest.mark.parametrize(
    ("declared", "stored", "text"),
    [
        (sa.Boolean(), 1, "true"),
        (sa.Boolean(), False, "false"),
        (sa.Boolean(), 2, "2"),
        (sa.Boolean(), "Y", "Y"),
        (TINYINT(display_width=1), 0, "false"),
        (TINYINT(display_width=4), 1, "1"),
        (BIT(1), b"\x01", "true"),
        (sa.Numeric(10, 2), 1.5, "1.50"),
        (sa.Numeric(10, 2), 1, "1.00"),
        (sa.Numeric(10, 2), Decimal("1.50"), "1.50"),
        (sa.Numeric(10, 2), "1.5", "1.50"),
        (sa.Numeric(10, 2), 1.234, "1.234"),
        (sa.Numeric(10, 2), "about 3", "about 3"),
        (sa.Numeric(10, 2), "NaN", "NaN"),
        (sa.Numeric(10, 0), 1e9, "1000000000"),
        (sa.Numeric(), Decimal("1.500"), "1.500"),
        (sa.Numeric(38, 2), Decimal("9" * 36 + ".10"), "9" * 36 + ".10"),
        (sa.Float(), 12.0, "12"),
        (sa.Float(), 1e22, "10000000000000000000000"),
        (sa.Double(), 0.1, "0.1"),
        (sa.Float(), float("inf"), "Infinity"),
        (sa.Integer(), 9007199254740993, "9007199254740993"),
        (sa.Date(), date(1, 1, 1), "0001-01-01"),
        (sa.Date(), "2011-02-09", "2011-02-09"),
        (sa.Date(), "0000-00-00", "0000-00-00"),
        (sa.DateTime(), datetime(2024, 3, 1, 8, 30), "2024-03-01 08:30:00"),  # noqa: DTZ001 - legacy columns have no zone
        (sa.DateTime(), "2024-03-01T08:30:00.000000", "2024-03-01 08:30:00"),
        (sa.DateTime(), "2024-03-01 08:30:00.5", "2024-03-01 08:30:00.500000"),
        (sa.DateTime(), "2024-03-01 08:30:00+00", "2024-03-01 08:30:00+00:00"),
        (sa.DateTime(), "yesterday", "yesterday"),
        (sa.Time(), time(8, 30, 0, 500000), "08:30:00.500000"),
        (sa.Time(), timedelta(hours=-30, minutes=-5), "-30:05:00"),
        (sa.CHAR(5), "AB   ", "AB"),
        (sa.CHAR(5), "  AB", "  AB"),
        (sa.VARCHAR(5), "AB ", "AB "),
        (sa.Text(), None, None),
        (sa.Boolean(), None, None),
        (sa.Numeric(10, 2), None, None),
        (sa.DateTime(), None, None),
        (sa.CHAR(5), None, None),
    ],
)
def test_a_value_has_one_text_form_by_its_declared_type(declared, stored, text):
    assert renderer(declared)(stored) == text


@pytest.mark.parametrize("value", [b"x", bytearray(b"x"), memoryview(b"x")])
def test_bytes_have_no_text_form(value):
    with pytest.raises(NoTextForm):
        text_of(value)


def test_damage_in_a_database_is_kept_as_rows(tmp_path):
    url = database(
        tmp_path,
        "create table T (ID integer primary key, NM text)",
        "insert into T values (1, 'ok'), (2, x'ff00'), (3, cast(x'c328' as text)), (4, 'bell' || char(7)), (5, 'ok')",
    )
    assert rows_of(SqlSource("old", url), "T") == [
        (1, None, "1", "ok"),
        (2, "undecodable_row", None, None),
        (3, "undecodable_row", None, None),
        (4, "control_character", None, None),
        (5, None, "5", "ok"),
    ]


def test_rows_come_in_the_order_of_the_primary_key(tmp_path):
    url = database(
        tmp_path,
        "create table T (A text, B integer, primary key (B, A))",
        "insert into T values ('b', 2), ('a', 10), ('a', 2)",
    )
    assert [row[2:] for row in rows_of(SqlSource("old", url), "T")] == [("a", "2"), ("b", "2"), ("a", "10")]


def test_hostile_names_are_only_names(tmp_path):
    url = database(
        tmp_path,
        'create table "people""; drop table x;--" ("a ""b"" %s :c" text)',
        """insert into "people""; drop table x;--" values ('1')""",
        "create table x (y text)",
    )
    source = SqlSource("old", url)
    assert list(source.tables()) == ['people"; drop table x;--', "x"]
    (batch,) = source.read('people"; drop table x;--', 10)
    assert batch.schema.names[3:] == ['a "b" %s :c']
    assert batch.num_rows == 1


def test_views_are_read_when_named_and_not_otherwise(tmp_path):
    url = database(
        tmp_path,
        "create table T (ID integer)",
        "insert into T values (1)",
        "create view V as select ID + 1 as N from T",
    )
    assert list(SqlSource("old", url).tables()) == ["T"]
    named = SqlSource("old", url, tables=["V"])
    assert list(named.tables()) == ["V"]
    assert rows_of(named, "V") == [(1, None, "2")]


def test_names_are_spelt_as_the_catalogue_spells_them(tmp_path):
    url = database(tmp_path, "create table Persons (ID integer)")
    with pytest.raises(SourceUnavailable, match="has no table PERSONS"):
        SqlSource("old", url, tables=["PERSONS"]).tables()


def test_a_named_query_is_a_table(tmp_path):
    url = database(
        tmp_path, "create table T (ID integer, NM text)", "insert into T values (1, 'a:b'), (2, '50%'), (3, null)"
    )
    query = "select ID as N, NM, NM like '%:%' as HAS -- a ; in a comment\nfrom T where NM <> ';' order by ID desc;"
    source = SqlSource("old", url, tables=[], queries={"RECENT": query})
    assert list(source.tables()) == ["RECENT"]
    assert rows_of(source, "RECENT") == [(1, None, "2", "50%", "0"), (2, None, "1", "a:b", "1")]


@pytest.mark.parametrize(
    "query",
    [
        "",
        "delete from T",
        "select 1; drop table T",
        "select 1; commit; drop table T",
        "begin",
        "-- select",
        "select E'\\'; drop table T --'",
        "pragma writable_schema",
    ],
)
def test_a_query_that_is_not_one_select_is_refused_at_once(query):
    with pytest.raises(SettingsError, match="is not one SELECT"):
        SqlSource("old", "sqlite:///old.db", queries={"Q": query})


def test_columns_of_a_query_must_differ(tmp_path):
    source = SqlSource("old", database(tmp_path, "create table T (A text)"), queries={"Q": "select A, A from T"})
    with pytest.raises(SourceUnreadable, match="columns 1 and 2 are both named A"):
        list(source.read("Q", 10))


def test_a_missing_sqlite_file_is_an_error_and_is_not_made(tmp_path):
    with pytest.raises(SourceUnavailable, match=r"SQLite file .* of source old does not exist"):
        SqlSource("old", f"sqlite:///{tmp_path / 'none.db'}").tables()
    assert not (tmp_path / "none.db").exists()


def test_a_file_that_is_no_database_is_an_error_without_its_content(tmp_path):
    (tmp_path / "old.db").write_text("Garcia " * 1000)
    with pytest.raises(SourceUnreadable, match="SQLITE_NOTADB") as caught:
        SqlSource("old", f"sqlite:///{tmp_path / 'old.db'}").tables()
    assert "Garcia" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_a_query_that_fails_does_not_tell_values(tmp_path):
    url = database(tmp_path, "create table T (NM text)", "insert into T values ('Garcia')")
    source = SqlSource("old", url, queries={"Q": "select json_extract(NM, '$') as J from T"})
    with pytest.raises(SourceUnreadable) as caught:
        list(source.read("Q", 10))
    assert "Garcia" not in str(caught.value)


@pytest.mark.parametrize("url", ["postgresql://agency:S3CRET@127.0.0.1:1/old", "mysql://agency:S3CRET@127.0.0.1:1/old"])
def test_an_unreachable_server_is_named_but_its_password_is_not(url):
    with pytest.raises(SourceUnavailable, match=r"at 127\.0\.0\.1, port 1, as user agency cannot be reached") as caught:
        SqlSource("old", url).tables()
    assert "S3CRET" not in str(caught.value)
    assert caught.value.hint


@pytest.mark.parametrize("url", ["S3CRET", "postgresql://user:S3CRET@host:port/x", "nothing+else://u:S3CRET@host/x"])
def test_a_url_that_cannot_be_used_is_refused_without_telling_it(url):
    with pytest.raises(SettingsError) as caught:
        SqlSource("old", url).tables()
    assert "S3CRET" not in str(caught.value)


def test_a_table_and_a_query_of_one_name_are_refused(tmp_path):
    source = SqlSource("old", database(tmp_path, "create table T (A text)"), queries={"t": "select 1 as N"})
    with pytest.raises(SourceUnreadable, match="two tables named"):
        source.tables()


@pytest.mark.parametrize(
    ("url", "driver", "extra"),
    [("mssql://u@host/db", "pymssql", "sqlserver"), ("oracle://u@host/db", "oracledb", "oracle")],
)
def test_a_missing_driver_is_told_with_the_extra_that_brings_it(monkeypatch, url, driver, extra):
    monkeypatch.setitem(sys.modules, driver, None)
    with pytest.raises(SettingsError) as caught:
        SqlSource("old", url).tables()
    assert f"casebook-etl[{extra}]" in str(caught.value.hint)
