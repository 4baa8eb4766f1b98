"""What is true of dumps of any dialect: schemas, several tables, dialects and encodings, and clear refusals."""

# ruff: noqa: S608 - scripts in sight, run nowhere

import pytest

from etl.core.errors import SettingsError, SourceUnavailable, SourceUnreadable
from etl.sources.dumps.source import DumpSource
from etl.sources.table_schema import DeclaredColumn, DeclaredType, Reference

TSQL = """CREATE TABLE [dbo].[PERSONS]([ID] [int] NOT NULL PRIMARY KEY, [NM] [nvarchar](max) NULL, [LEN]  AS (len([NM])))
GO
CREATE TABLE [dbo].[NOTES](
	[ID] [int] IDENTITY(1,1) NOT NULL, [PERSON] [int] NOT NULL, [AMT] [decimal](10, 2) NULL,
 CONSTRAINT [PK] PRIMARY KEY CLUSTERED ([ID] ASC, [PERSON] DESC) WITH (PAD_INDEX = OFF) ON [PRIMARY]
) ON [PRIMARY]
GO
ALTER TABLE [dbo].[NOTES]  WITH CHECK ADD  CONSTRAINT [FK] FOREIGN KEY([PERSON]) REFERENCES [dbo].[PERSONS] ([ID])
GO
"""


def source(folder, text, **options):
    (folder / "dump.sql").write_text(text, encoding="utf-8")
    return DumpSource("old", str(folder / "dump.sql"), **options)


def cells(source, table):
    return [tuple(row.values())[2:] for batch in source.read(table, 100) for row in batch.to_pylist()]


def test_the_definition_gives_columns_key_and_references(tmp_path):
    old = source(tmp_path, TSQL)
    persons, notes = old.schema_of("PERSONS"), old.schema_of("NOTES")
    assert [each.name for each in persons.columns] == ["ID", "NM"]
    assert persons.key == ("ID",)
    assert notes.columns[2] == DeclaredColumn("AMT", DeclaredType("decimal", (10, 2)))
    assert notes.columns[1].is_required
    assert notes.key == ("ID", "PERSON")
    assert notes.references == (Reference(("PERSON",), "PERSONS", ("ID",)),)


def test_a_reference_that_stands_behind_its_column_is_known(tmp_path):
    text = "CREATE TABLE a (x int PRIMARY KEY); CREATE TABLE b (y integer REFERENCES a (x) ON DELETE CASCADE, z text);"
    schema = source(tmp_path, text, dialect="postgres").schema_of("b")
    assert schema.references == (Reference(("y",), "a", ("x",)),)
    assert [each.name for each in schema.columns] == ["y", "z"]


def test_rows_of_several_tables_may_stand_in_any_order(tmp_path):
    inserts = "".join(f"INSERT INTO {name} VALUES ({row});\n" for row, name in enumerate("abaabbba"))
    old = source(tmp_path, f"CREATE TABLE a (x int);\nCREATE TABLE b (x int);\n{inserts}", dialect="postgres")
    assert [row[1] for row in cells(old, "a")] == ["0", "2", "3", "7"]
    assert [row[1] for row in cells(old, "b")] == ["1", "4", "5", "6"]


def test_names_differ_in_case_without_harm(tmp_path):
    old = source(
        tmp_path, "CREATE TABLE [dbo].[Persons]([Id] [int])\nGO\nINSERT dbo.PERSONS (ID) VALUES (1)\n", dialect="tsql"
    )
    assert list(old.tables()) == ["Persons"]
    assert cells(old, "Persons") == [(None, "1")]


def test_other_schemas_stay_in_the_name(tmp_path):
    old = source(tmp_path, "CREATE TABLE [hr].[T]([A] [int])\nGO\nCREATE TABLE [dbo].[T]([A] [int])\nGO\n")
    assert list(old.tables()) == ["T", "hr.T"]


def test_rows_without_a_definition_take_their_columns_from_the_statement(tmp_path):
    old = source(tmp_path, "INSERT INTO T (A, B) VALUES (1.50, 'x');", dialect="postgres")
    assert cells(old, "T") == [(None, "1.50", "x")]
    assert old.schema_of("T") is None


def test_rows_without_any_names_are_refused(tmp_path):
    with pytest.raises(SourceUnreadable, match="no columns' names"):
        cells(source(tmp_path, "INSERT INTO T VALUES (1);", dialect="postgres"), "T")


@pytest.mark.parametrize(
    "statement", ["UPDATE T SET A = 2", "DELETE FROM T WHERE A = 1", "MERGE INTO T USING x ON 1 = 1"]
)
def test_a_script_that_changes_rows_is_no_dump(tmp_path, statement):
    text = f"CREATE TABLE T (A int);\nINSERT INTO T VALUES (1);\n{statement};\n"
    with pytest.raises(SourceUnreadable, match=r"statement in line 3 changes rows \((?:UPDATE|DELETE|MERGE)\)"):
        source(tmp_path, text, dialect="postgres").tables()


def test_rows_out_of_a_query_are_damage(tmp_path):
    text = "CREATE TABLE T (A int);\nINSERT INTO T SELECT 1;\nINSERT INTO T VALUES (2);\n"
    assert cells(source(tmp_path, text, dialect="postgres"), "T") == [("broken_record", None), (None, "2")]


@pytest.mark.parametrize("text", ["select 1;", TSQL + "/*!40101 SET NAMES utf8 */;\n"])
def test_a_doubtful_dialect_must_be_declared(tmp_path, text):
    with pytest.raises(SourceUnreadable, match="Declare it: `dialect:`"):
        source(tmp_path, text).tables()


def test_an_unknown_dialect_is_refused_at_once():
    with pytest.raises(SettingsError, match="no such dialect"):
        DumpSource("old", "/nowhere/dump.sql", dialect="oracle")


def test_a_missing_file_is_an_error_that_names_it(tmp_path):
    with pytest.raises(SourceUnavailable, match=r"old \(dump.sql\) cannot be opened"):
        DumpSource("old", str(tmp_path / "dump.sql")).tables()


def test_a_script_broken_before_any_rows_is_refused_with_its_line(tmp_path):
    with pytest.raises(SourceUnreadable, match="broken in line 2"):
        source(tmp_path, "CREATE TABLE T (A int);\nCREATE TABLE U (A int, 'x", dialect="postgres").tables()


@pytest.mark.parametrize(
    ("literal", "kind", "text"),
    [
        ("CAST(0x0000901A00000000 AS DateTime)", "[datetime]", "2001-01-01 00:00:00"),
        ("CAST(0x0000901A008C1360 AS DateTime)", "[datetime]", "2001-01-01 08:30:00"),
        ("CAST(0x901A01FE AS SmallDateTime)", "[smalldatetime]", "2001-01-01 08:30:00"),
        ("CAST(0x07000000000006240B AS DateTime2)", "[datetime2](7)", "1999-12-31 00:00:00"),
        ("CAST(0x07240B00 AS Date)", "[date]", "2000-01-01"),
        ("CAST(0x070074053F47 AS Time)", "[time](7)", "08:30:00"),
        ("CAST(0x0780C3173F47 AS Time)", "[time](7)", "08:30:00.120000"),
        ("CAST(0x00B07700 AS Time)", "[time](0)", "08:30:40"),
        ("CAST(0x070074053F4706240B2CFF AS DateTimeOffset)", "[datetimeoffset](7)", "1999-12-31 04:58:00-03:32"),
        ("CAST(N'2024-03-01T08:30:00.1200000' AS DateTime2)", "[datetime2](7)", "2024-03-01 08:30:00.120000"),
        ("CAST(N'2024-03-01T08:30:00.0000001' AS DateTime2)", "[datetime2](7)", "2024-03-01 08:30:00.0000001"),
        ("CAST(1.5 AS Decimal(10, 2))", "[decimal](10, 2)", "1.50"),
        ("1.0000000000000001E-1", "[float]", "0.1"),
        ("N'A1   '", "[nchar](5)", "A1"),
        ("1", "[bit]", "true"),
        ("1", "[tinyint]", "1"),
        ("-12", "[decimal](8)", "-12"),
    ],
)
def test_values_of_sql_server_take_the_one_text_form(tmp_path, literal, kind, text):
    script = f"CREATE TABLE [dbo].[T]([A] {kind} NULL)\nGO\nINSERT [dbo].[T] ([A]) VALUES ({literal})\nGO\n"
    assert cells(source(tmp_path, script), "T") == [(None, text)]


@pytest.mark.parametrize(
    "literal",
    ["0x07FFFFFFFFFF AS Time", "0x08000000 AS Time", "0x AS Time", "0x07 AS DateTimeOffset", "0xFF AS DateTime2"],
)
def test_bytes_that_are_no_point_in_time_are_damage(tmp_path, literal):
    kind = f"[{literal.split()[-1]}]"
    script = f"CREATE TABLE [dbo].[T]([A] {kind} NULL)\nGO\nINSERT [dbo].[T] ([A]) VALUES (CAST({literal}))\nGO\n"
    assert cells(source(tmp_path, script), "T") == [("undecodable_row", None)]


def test_messages_never_hold_values(tmp_path):
    with pytest.raises(SourceUnreadable) as caught:
        source(tmp_path, "CREATE TABLE T (A int);\nUPDATE T SET A = 'Garcia';\n", dialect="postgres").tables()
    assert "Garcia" not in str(caught.value)
