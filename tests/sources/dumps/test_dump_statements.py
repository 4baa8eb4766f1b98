"""What stands between the rows of a dump: harmless statements are passed over, and those that could write are refused."""

# ruff: noqa: S608 - scripts in sight, run nowhere

import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from etl.core.errors import SourceUnreadable
from etl.sources.dumps.source import DumpSource

ROW = "INSERT INTO T (a, b) VALUES (2, 'y')"
TABLE = "CREATE TABLE T (a int, b varchar(9))"
END = {"tsql": "\nGO\n", "mysql": ";\n", "postgres": ";\n"}


def read(folder, dialect, *statements):
    """The cells of table T after these statements."""
    path = Path(folder) / "dump.sql"
    path.write_text("".join(each + END[dialect] for each in statements), encoding="utf-8")
    source = DumpSource("old", str(path), dialect=dialect)
    return [tuple(row.values()) for batch in source.read("T", 100) for row in batch.to_pylist()]


def cells(folder, dialect, *statements):
    rows = read(folder, dialect, *statements)
    assert [damage for _, _, damage, *_ in rows if damage] == []
    return [row[3:] for row in rows]


# ---------------------------------------------------------------- rows without separators

IN_ONE_BREATH = [
    f"SET IDENTITY_INSERT [dbo].[T] ON {ROW}",
    f"BEGIN TRAN {ROW} COMMIT",
    f"BEGIN TRANSACTION\n{ROW}\nCOMMIT TRANSACTION",
    f"PRINT 'x' {ROW}",
    f"PRINT 'INSERT' {ROW} PRINT 'y'",
    f"BEGIN {ROW} END",
    f"BEGIN TRY {ROW} END TRY BEGIN CATCH IF @@TRANCOUNT > 0 ROLLBACK TRAN END CATCH",
    f"IF EXISTS (SELECT 1 FROM x) PRINT 'there' {ROW}",
    f"IF @@ERROR <> 0 SET NOEXEC ON {ROW}",
    f"DECLARE @n int = CASE WHEN 1 = 1 THEN 2 ELSE 3 END {ROW}",
    f"GRANT SELECT, INSERT, UPDATE ON T TO somebody {ROW}",
    f"ALTER TABLE T ADD CONSTRAINT f FOREIGN KEY (a) REFERENCES U (a) ON DELETE SET NULL ON UPDATE CASCADE {ROW}",
    f"ALTER TABLE T NOCHECK CONSTRAINT ALL {ROW}",
    f"DROP TABLE IF EXISTS U {ROW}",
    f"CREATE INDEX i ON T (a) WITH (FILLFACTOR = 80) {ROW}",
    f"DBCC CHECKIDENT ('T', RESEED, 0) {ROW}",
    f"DISABLE TRIGGER ALL ON T {ROW}",
    f"WAITFOR DELAY '00:00:01' {ROW}",
    f"EXEC sys.sp_addextendedproperty @name = N'D', @value = N'INSERT' {ROW}",
    f"DELETE FROM T {ROW}",
    f"TRUNCATE TABLE [dbo].[T]; {ROW}",
]


@pytest.mark.parametrize("text", IN_ONE_BREATH)
def test_rows_of_sql_server_need_no_separator(tmp_path, text):
    assert cells(tmp_path, "tsql", TABLE, text) == [("2", "y")]


@pytest.mark.parametrize("before", ["", "; ALTER TABLE T CHECK CONSTRAINT ALL", "; ALTER TABLE T ENABLE TRIGGER ALL"])
def test_an_alteration_needs_no_separator_from_what_stands_before_it(tmp_path, before):
    altered = f"{TABLE}{before} ALTER TABLE T DROP COLUMN b INSERT INTO T VALUES (2)"
    assert cells(tmp_path, "tsql", altered) == [("2",)]


def test_rows_may_follow_each_other_without_separators(tmp_path):
    assert cells(tmp_path, "tsql", f"{TABLE} {ROW} {ROW} {ROW}") == [("2", "y")] * 3


# ---------------------------------------------------------------- statements that could write

UNKNOWN = {
    "tsql": [
        f"IF NOT EXISTS (SELECT 1 FROM T WHERE a = 2) {ROW}",
        f"IF NOT EXISTS (SELECT 1 FROM T WHERE a = 2)\nBEGIN\n{ROW}\nEND",
        f"IF 1 = 1 PRINT 'x' ELSE {ROW}",
        f"ALTER TABLE T CHECK CONSTRAINT ALL SET NOEXEC ON {ROW}",
        f"WHILE @i < 3 {ROW}",
        f"WHILE @i < 3 BEGIN BEGIN TRAN {ROW} COMMIT END",
        f"BEGIN TRY PRINT 'x' END TRY BEGIN CATCH {ROW} END CATCH",
        "BULK INSERT T FROM 'x.csv'",
        f"EXEC(N'{ROW.replace(chr(39), chr(39) * 2)}')",
        "EXEC (@sql)",
        "EXECUTE dbo.fill_the_table",
        "EXEC sp_executesql N'TRUNCATE TABLE T'",
        "EXEC sp_executesql @statement = N'DELETE FROM T'",
        "EXEC sp_MSforeachtable 'DELETE FROM ?'",
        "fill_the_table 1, 2",
        "EXEC sp_rename N'dbo.T.b', N'c', N'COLUMN'",
        "sp_rename 'T.b', 'c', 'COLUMN'",
        f"{ROW}\nGO 3",
        f"{ROW}\nGO 0",
        "MERGE T USING U ON T.a = U.a WHEN NOT MATCHED THEN INSERT (a) VALUES (U.a);",
        "UPDATE t SET b = 'x' FROM T t",
        f"{ROW} TRUNCATE TABLE T",
        f"{ROW} IF 1 = 1 DELETE T",
        f"{ROW} DELETE t FROM T t",
        f"{ROW}; WITH x AS (SELECT a FROM T) DELETE FROM x",
        "SELECT a, b INTO T2 FROM T",
        f"{ROW} ROLLBACK",
        f"RETURN {ROW}",
        f"SET NOEXEC ON {ROW}",
        f"IF 1 = 2 SET NOEXEC ON {ROW}",
        f"GOTO done {ROW} done:",
        ":r more.sql",
        "ALTER TABLE T SWITCH TO U",
        f"{ROW} DROP TABLE T",
        f"{ROW} DROP DATABASE Agency",
        f"/* open /* closed */ {ROW}",
    ],
    "mysql": [
        "LOAD DATA INFILE 'x.csv' INTO TABLE T",
        "CALL fill_the_table()",
        "PREPARE s FROM 'x'; EXECUTE s",
        "RENAME TABLE T TO U",
        "MERGE INTO T USING U",
        f"{ROW}; TRUNCATE T",
        f"{ROW}; TRUNCATE TABLE `T`",
        f"{ROW}; DELETE T FROM T JOIN U",
        f"{ROW}; UPDATE U, T SET T.b = 'x'",
        f"{ROW}; /*!40000 DELETE FROM T */",
        f"/*!40000 {ROW} */",
        f"{ROW}; /*!50000 ALTER TABLE T DROP COLUMN b */",
        f"{ROW}; DROP TABLE T",
        f"{ROW}; ROLLBACK",
        f"COMMIT {ROW}",
        f"LOCK TABLES T WRITE {ROW}",
        "WITH x AS (SELECT 1) DELETE FROM T",
        "CREATE TABLE U AS SELECT * FROM T",
        "CREATE TABLE U (a int) SELECT * FROM T",
        f"DELIMITER ;;\n{ROW};;\nDELIMITER ;\n",
        f"DELIMITER $$\nCREATE TRIGGER x BEFORE INSERT ON T FOR EACH ROW SET @x = 1$$ {ROW}$$\nDELIMITER ;\n",
        f"CREATE TRIGGER x BEFORE INSERT ON T FOR EACH ROW BEGIN SET @x = 1; {ROW}; END",
        "source more.sql",
        "ALTER TABLE T TRUNCATE PARTITION p",
        f"/* never closed {ROW}",
    ],
    "postgres": [
        "WITH x AS (SELECT 1) INSERT INTO T SELECT * FROM x",
        "WITH x AS (DELETE FROM T RETURNING *) SELECT 1",
        f"DO $$ BEGIN {ROW}; END $$",
        "DO LANGUAGE plpgsql $x$ BEGIN EXECUTE 'TRUNCATE T'; END $x$",
        "CALL fill_the_table()",
        "SELECT fill_the_table()",
        "SELECT public.fill_the_table(1)",
        "EXECUTE s",
        "COPY T FROM '/data/x.csv'",
        "COPY T FROM stdin WITH (FORMAT csv);\n1,x\n\\.\n",
        "\\i more.sql\n",
        "\\copy T from x.csv\n",
        f"{ROW}; TRUNCATE ONLY public.T",
        f"{ROW}; DELETE FROM ONLY T USING U",
        "MERGE INTO T USING U ON true WHEN NOT MATCHED THEN DO NOTHING",
        "SELECT * INTO U FROM T",
        "CREATE TABLE U AS SELECT * FROM T",
        "CREATE TABLE U AS TABLE T",
        f"{ROW}; ROLLBACK",
        f"{ROW}; DROP TABLE T CASCADE",
        f"{ROW}; DROP SCHEMA public CASCADE",
        f"COMMENT ON TABLE T IS 'x' {ROW}",
        f"EXPLAIN ANALYZE {ROW}",
        "ALTER TABLE T RENAME TO U",
        "ALTER TABLE T SET SCHEMA x",
        f"/* open /* closed */ {ROW}",
    ],
}


@pytest.mark.parametrize(("dialect", "text"), [(dialect, text) for dialect in UNKNOWN for text in UNKNOWN[dialect]])
def test_what_could_write_in_a_way_that_is_not_followed_is_refused(tmp_path, dialect, text):
    with pytest.raises(SourceUnreadable, match=r"dump.sql\) is no plain dump: the statement in line \d") as caught:
        read(tmp_path, dialect, TABLE, text)
    assert "'y'" not in str(caught.value)
    assert "data only" in caught.value.hint


# ---------------------------------------------------------------- harmless statements

CODE = "AS BEGIN INSERT INTO T VALUES (9, 'z'); DELETE FROM T; UPDATE T SET a = 1 END"
HARMLESS = {
    "tsql": [
        "SET ANSI_NULLS ON", "SET ROWCOUNT 0", "PRINT N'DELETE FROM T'", "-- TRUNCATE TABLE T",
        "/* DELETE FROM T /* nested */ INSERT INTO T VALUES (9, 'z') */", "GRANT INSERT, DELETE ON [T] TO [x]",
        "DENY DELETE ON T TO x", "REVOKE UPDATE ON T FROM x", f"CREATE PROCEDURE p {CODE}", f"CREATE OR ALTER PROC p {CODE}",
        f"ALTER PROCEDURE p {CODE}", f"CREATE TRIGGER t ON T AFTER INSERT, DELETE, UPDATE {CODE}",
        "EXEC dbo.sp_executesql @statement = N'\n-- x\nCREATE PROCEDURE p AS DELETE FROM T'", "DROP PROCEDURE p",
        "EXEC('CREATE SCHEMA [hr]')", "EXEC sp_MSforeachtable 'ALTER TABLE ? NOCHECK CONSTRAINT all'",
        "EXEC sys.sp_addextendedproperty @name=N'MS_Description', @value=N'DELETE' , @level0type=N'SCHEMA',@level0name=N'dbo'",
        "IF (1 = FULLTEXTSERVICEPROPERTY('IsFullTextInstalled'))\nbegin\nEXEC [A].[dbo].[sp_fulltext_database] @action = 'enable'\nend",
        "IF NOT EXISTS (SELECT * FROM sys.indexes WHERE name = 'i')\nCREATE NONCLUSTERED INDEX [i] ON [dbo].[T] ([a] ASC)",
        "IF NOT EXISTS (SELECT * FROM sys.objects)\nBEGIN\nCREATE TABLE [dbo].[T](a int, b varchar(9))\nEND",
        "IF EXISTS (SELECT * FROM sys.objects)\nDROP TABLE [dbo].[Other]", "CREATE UNIQUE INDEX i ON T(a)",
        "ALTER TABLE [dbo].[T] ADD  DEFAULT ((0)) FOR [a]", "ALTER TABLE [dbo].[T] ADD  CONSTRAINT [D]  DEFAULT ('x') FOR [b]",
        "ALTER TABLE [dbo].[T]  WITH CHECK ADD  CONSTRAINT [F] FOREIGN KEY([a])\nREFERENCES [dbo].[U] ([a])\nON UPDATE CASCADE\nON DELETE CASCADE",
        "ALTER TABLE [dbo].[T] CHECK CONSTRAINT [F]", "ALTER TABLE T ENABLE TRIGGER ALL", "DISABLE TRIGGER ALL ON T",
        "ALTER DATABASE [A] SET RECOVERY SIMPLE", "ALTER DATABASE [A]\nSET ANSI_NULLS OFF", "UPDATE STATISTICS T",
        "CREATE SECURITY POLICY p ADD BLOCK PREDICATE f(a) ON T AFTER INSERT", "ALTER ROLE r ADD MEMBER m",
        "DECLARE c CURSOR FOR SELECT a FROM T FOR UPDATE OF a", "EXEC sp_rename 'i', 'j', 'INDEX'", "GO", "GO 1", ";",
        "CREATE TYPE [dbo].[K] AS TABLE (a int)", "IF @@TRANCOUNT > 0 COMMIT", "IF @@ERROR <> 0 AND @@TRANCOUNT > 0 ROLLBACK",
        "CREATE VIEW [dbo].[v]\nAS\nSELECT a FROM T", "SELECT CASE WHEN a = 1 THEN 2 ELSE 3 END FROM T", ":setvar x y",
        "EXECUTE AS USER = 'x'", "CREATE USER [x] FOR LOGIN [x] WITH DEFAULT_SCHEMA=[dbo]", "BACKUP LOG A TO DISK = 'x'",
    ],
    "mysql": [
        "SET NAMES utf8mb4", "LOCK TABLES `T` WRITE", "UNLOCK TABLES", "/*!40000 ALTER TABLE `T` DISABLE KEYS */",
        "/*!50001 CREATE VIEW `v` AS SELECT 1 AS `a`*/", "/*!50001 DROP VIEW IF EXISTS `v`*/", "START TRANSACTION", "COMMIT",
        "-- DELETE FROM T", "# DELETE FROM T", "/* DELETE FROM T */", "DROP TABLE IF EXISTS `Other`", "FLUSH PRIVILEGES",
        "DROP VIEW IF EXISTS `v`", "CREATE INDEX i ON T (a)", "GRANT INSERT, DELETE ON x.* TO y", "FLUSH TABLES",
        "/*!50003 SET sql_mode = 'x' */", "CREATE DATABASE /*!32312 IF NOT EXISTS*/ `x`", "SELECT 1", "ANALYZE TABLE T",
        "DELIMITER ;;\n/*!50003 CREATE*/ /*!50017 DEFINER=`r`@`%`*/ /*!50003 TRIGGER x BEFORE INSERT ON T FOR EACH ROW BEGIN\nINSERT INTO T VALUES (9,'z');\nEND */;;\nDELIMITER ;\n",
        "delimiter $$\nCREATE PROCEDURE p() BEGIN\nDELETE FROM T;\nEND$$\ndelimiter ;\n",
        "CREATE TRIGGER x AFTER DELETE ON T FOR EACH ROW INSERT INTO U VALUES (1)", "CREATE EVENT e DO DELETE FROM T",
        "CREATE VIEW v AS SELECT a FROM T", "ALTER TABLE T ADD PRIMARY KEY (a), ADD KEY k (b), AUTO_INCREMENT=5",
        "ALTER TABLE T MODIFY a int NOT NULL AUTO_INCREMENT, AUTO_INCREMENT=5", "CHANGE MASTER TO MASTER_LOG_FILE='x'",
        "ALTER TABLE T ADD CONSTRAINT f FOREIGN KEY (a) REFERENCES U (a) ON DELETE SET NULL ON UPDATE CASCADE",
        "CREATE TABLE IF NOT EXISTS T (a int, b varchar(9))", "CREATE TABLE IF NOT EXISTS U (a int REFERENCES T (a) ON DELETE CASCADE)",
    ],
    "postgres": [
        "SET client_encoding = 'UTF8'", "SELECT pg_catalog.set_config('search_path', '', false)", "BEGIN", "COMMIT",
        "SELECT pg_catalog.setval('public.t_seq', 3, true)", "-- DELETE FROM T", "/* DELETE /* FROM */ INSERT INTO T VALUES (9) */",
        "GRANT INSERT, DELETE ON TABLE T TO x", "REVOKE ALL ON T FROM x", "COMMENT ON TABLE T IS 'DELETE FROM T'",
        "ALTER TABLE T OWNER TO x", "ALTER DEFAULT PRIVILEGES GRANT INSERT, UPDATE ON TABLES TO x", "DROP TABLE IF EXISTS other",
        "CREATE FUNCTION f() RETURNS void LANGUAGE sql BEGIN ATOMIC INSERT INTO T VALUES (9, CASE WHEN true THEN 'a' END); DELETE FROM T; END",
        "CREATE FUNCTION f() RETURNS void LANGUAGE sql AS $$ DELETE FROM T; INSERT INTO T VALUES (9) $$", "\\connect - x\n",
        "CREATE RULE r AS ON INSERT TO T DO ALSO (INSERT INTO U VALUES (1); DELETE FROM T;)", "ANALYZE T", "LOCK TABLE T",
        "CREATE RULE r AS ON DELETE TO T DO INSTEAD NOTHING", "REFRESH MATERIALIZED VIEW v", "CREATE VIEW v AS SELECT a FROM T",
        "CREATE TRIGGER t BEFORE INSERT OR UPDATE OR DELETE ON T FOR EACH ROW EXECUTE FUNCTION f()", "\\unrestrict x\n",
        "CREATE POLICY p ON T FOR INSERT WITH CHECK (true)", "DO $$ BEGIN CREATE ROLE x; END $$", "CREATE SEQUENCE s START 1",
        "ALTER TABLE ONLY T ALTER COLUMN a SET DEFAULT nextval('s'::regclass)", "ALTER SEQUENCE s OWNED BY T.a",
        "ALTER TABLE T ALTER COLUMN a ADD GENERATED ALWAYS AS IDENTITY (\n SEQUENCE NAME s START WITH 1\n)",
        "ALTER TABLE ONLY T ADD CONSTRAINT p PRIMARY KEY (a)", "ALTER TABLE ONLY T REPLICA IDENTITY FULL",
        "ALTER TABLE ONLY T ADD CONSTRAINT f FOREIGN KEY (a) REFERENCES u(a) ON UPDATE CASCADE ON DELETE SET NULL NOT VALID",
        "ALTER TABLE ONLY p ATTACH PARTITION T FOR VALUES FROM (1) TO (2)", "ALTER TABLE T ENABLE ROW LEVEL SECURITY",
        "COPY T (a, b) TO stdout", "CREATE MATERIALIZED VIEW v AS SELECT a FROM T WITH NO DATA", "SELECT lo_x.a FROM lo_x FOR UPDATE",
    ],
}  # fmt: skip


@pytest.mark.parametrize(("dialect", "text"), [(dialect, text) for dialect in HARMLESS for text in HARMLESS[dialect]])
def test_what_dumps_hold_beside_rows_is_passed_over(tmp_path, dialect, text):
    row = ROW.replace("2", "1")
    assert cells(tmp_path, dialect, TABLE, row, text, ROW) == [("1", "y"), ("2", "y")]


@settings(deadline=None, max_examples=60)
@given(data=st.data(), dialect=st.sampled_from([*HARMLESS]))
def test_all_rows_are_read_whatever_harmless_statements_stand_between(data, dialect):
    between = st.one_of(st.sampled_from(HARMLESS[dialect]), st.just(""))
    gaps = data.draw(st.lists(between, max_size=12))
    statements = [TABLE]
    for number, gap in enumerate(gaps):
        statements += [*filter(None, [gap]), f"INSERT INTO T VALUES ({number}, 'n{number}')"]
    with tempfile.TemporaryDirectory() as folder:
        assert cells(folder, dialect, *statements) == [(str(each), f"n{each}") for each in range(len(gaps))]


# ---------------------------------------------------------------- definitions that change

FOLLOWED = [
    ("tsql", "ALTER TABLE T DROP COLUMN b", "INSERT INTO T VALUES (1)", [("1",)]),
    ("tsql", "ALTER TABLE T ADD c int, d int", "INSERT INTO T VALUES (1, 'x', 3, 4)", [("1", "x", "3", "4")]),
    ("tsql", "ALTER TABLE T DROP COLUMN a, b ALTER TABLE T ADD c int", "INSERT INTO T VALUES (3)", [("3",)]),
    ("tsql", "DROP TABLE T CREATE TABLE T (b varchar(9), a int)", "INSERT INTO T VALUES ('x', 1)", [("x", "1")]),
    ("tsql", "ALTER TABLE T ALTER COLUMN a decimal(5, 2)", "INSERT INTO T VALUES (1, 'x')", [("1.00", "x")]),
    ("mysql", "ALTER TABLE T DROP b", "INSERT INTO T VALUES (1)", [("1",)]),
    ("mysql", "ALTER TABLE T ADD COLUMN c int, DROP COLUMN a", "INSERT INTO T VALUES ('x', 3)", [("x", "3")]),
    ("mysql", "ALTER TABLE T CHANGE b c varchar(5)", "INSERT INTO T (c, a) VALUES ('x', 1)", [("1", "x")]),
    ("mysql", "ALTER TABLE T RENAME COLUMN a TO z", "INSERT INTO T (z) VALUES (1)", [("1", None)]),
    ("mysql", "DROP TABLE T; CREATE TABLE T (b int, a int)", "INSERT INTO T VALUES (1, 2)", [("1", "2")]),
    ("postgres", "ALTER TABLE T DROP COLUMN IF EXISTS b CASCADE", "INSERT INTO T VALUES (1)", [("1",)]),
    ("postgres", "ALTER TABLE T DROP COLUMN IF EXISTS z", "INSERT INTO T VALUES (1, 'x')", [("1", "x")]),
    ("postgres", "ALTER TABLE T ADD COLUMN c text", "INSERT INTO T VALUES (1, 'x', 'y')", [("1", "x", "y")]),
    ("postgres", "ALTER TABLE T RENAME a TO z", "INSERT INTO T (z) VALUES (1)", [("1", None)]),
    ("postgres", "ALTER TABLE T ALTER a TYPE numeric(5, 2)", "INSERT INTO T VALUES (1, 'x')", [("1.00", "x")]),
    ("postgres", "DROP TABLE T; CREATE TABLE T (b int, a int)", "INSERT INTO T VALUES (1, 2)", [("1", "2")]),
]


@pytest.mark.parametrize(("dialect", "change", "row", "expected"), FOLLOWED)
def test_a_definition_that_changes_before_the_rows_is_followed(tmp_path, dialect, change, row, expected):
    assert cells(tmp_path, dialect, TABLE, change, row) == expected


CHANGES = {
    "tsql": ["ALTER TABLE T DROP COLUMN b", "ALTER TABLE T ADD c int", "ALTER TABLE t ALTER COLUMN b int",
             "DROP TABLE T", "CREATE TABLE T (b varchar(9), a int)"],
    "mysql": ["ALTER TABLE T DROP b", "ALTER TABLE T ADD c int", "ALTER TABLE T CHANGE b c int", "ALTER TABLE `t` MODIFY b int",
              "ALTER TABLE T RENAME COLUMN a TO z", "DROP TABLE T", "CREATE TABLE IF NOT EXISTS T (b int)"],
    "postgres": ["ALTER TABLE T DROP b", "ALTER TABLE IF EXISTS ONLY T ADD c int", "ALTER TABLE T RENAME a TO z",
                 "ALTER TABLE T ALTER COLUMN a SET DATA TYPE text", "DROP TABLE T", "CREATE TABLE T (a int, b varchar(9))"],
}  # fmt: skip


@pytest.mark.parametrize(("dialect", "change"), [(dialect, text) for dialect in CHANGES for text in CHANGES[dialect]])
def test_a_definition_that_changes_behind_rows_is_refused(tmp_path, dialect, change):
    with pytest.raises(SourceUnreadable, match="is no plain dump: the statement in line"):
        read(tmp_path, dialect, TABLE, ROW, change)


@pytest.mark.parametrize(
    "change",
    ["ALTER TABLE T ADD c int FIRST", "ALTER TABLE T ADD c int AFTER a", "ALTER TABLE T MODIFY b varchar(9) FIRST",
     "ALTER TABLE T ADD (c int, d int)", "CREATE TABLE T (b int)"],
)  # fmt: skip
def test_a_change_whose_order_is_not_followed_is_refused_even_before_rows(tmp_path, change):
    with pytest.raises(SourceUnreadable, match="is no plain dump: the statement in line 2"):
        read(tmp_path, "mysql", TABLE, change, ROW)


@pytest.mark.parametrize("dialect", ["tsql", "postgres"])
def test_comments_in_comments_bring_no_row_back(tmp_path, dialect):
    hidden = f"/* a /* b /* c */ */\n{ROW.replace('2', '9')};\n*/"
    assert cells(tmp_path, dialect, TABLE, hidden, ROW) == [("2", "y")]


def test_comments_of_mysql_do_not_nest(tmp_path):
    assert cells(tmp_path, "mysql", TABLE, f"/* a /* b */ {ROW}") == [("2", "y")]
