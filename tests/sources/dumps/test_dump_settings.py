"""What a script sets decides what its quotes mean, from that place on."""

# ruff: noqa: S608 - scripts in sight, run nowhere

import pytest

from etl.core.errors import SourceUnreadable
from etl.sources.dumps.lexer import Lexer
from etl.sources.dumps.settings import Settings, initial_settings
from etl.sources.dumps.source import DumpSource

MYSQL = "CREATE TABLE `T` (`ID` int, `A` text, `B` text);\n"
OTHER = "INSERT INTO `U` (`X`) VALUES (1);\n"
ESCAPED = (1, "C:\temp", "it's")
PLAIN = (1, "C:\\temp", "it\\")


def cells(rows):
    assert [damage for _, _, damage, *_ in rows if damage] == []
    return [(int(key), *rest) for _, _, _, key, *rest in rows]


def with_backslashes(number=1, last="it\\'s"):
    return f"INSERT INTO `T` VALUES ({number},'C:\\temp','{last}');\n"


# ---------------------------------------------------------------- MySQL

WITHOUT_ESCAPES = [
    "SET SQL_MODE='NO_BACKSLASH_ESCAPES';",
    'set session sql_mode = "STRICT_ALL_TABLES, no_backslash_escapes";',
    "SET @@sql_mode := 'NO_BACKSLASH_ESCAPES';",
    "SET @@SESSION.sql_mode = NO_BACKSLASH_ESCAPES;",
    "SET NAMES utf8mb4;\nSET global_x = 1, LOCAL `sql_mode` = 'NO_BACKSLASH_ESCAPES';",
    "/*!40101 SET @OLD_SQL_MODE=@@SQL_MODE, SQL_MODE='NO_AUTO_VALUE_ON_ZERO,NO_BACKSLASH_ESCAPES' */;",
    "/*!40101 SET SQL_MODE='NO_BACKSLASH_ESCAPES'*/",
    "/*M!100000 SET SQL_MODE='NO_BACKSLASH_ESCAPES' */;",
    "SET @mode = 'NO_BACKSLASH_ESCAPES';\nSET sql_mode = @mode;",
    "SET sql_mode = 'NO_BACKSLASH_ESCAPES';\nSET sql_mode = @never_set;",
    "SET @o=@@sql_mode, sql_mode='NO_BACKSLASH_ESCAPES', @o=@@sql_mode, sql_mode='';\nSET SQL_MODE=IFNULL(@O, '');",
    "SET SQL_MODE=IFNULL(@never_set, 'NO_BACKSLASH_ESCAPES');",
    "SET sql_mode = 'NO_BACKSLASH_ESCAPES';\nSET GLOBAL sql_mode = '';\nSET @@GLOBAL.sql_mode = '', time_zone = 'x';",
    "DELIMITER ;;\n/*!50003 SET sql_mode = 'NO_BACKSLASH_ESCAPES' */ ;;\nDELIMITER ;",
]
WITH_ESCAPES = [
    "SET SQL_MODE='ANSI_QUOTES';",
    "SET sql_mode = 'NO_BACKSLASH_ESCAPES';\nSET sql_mode = '';",
    "SET sql_mode = 'NO_BACKSLASH_ESCAPES';\nSET sql_mode = DEFAULT;",
    (
        "/*!50003 SET @saved_sql_mode = @@sql_mode */ ;\n/*!50003 SET sql_mode = 'NO_BACKSLASH_ESCAPES' */ ;\n"
        "DELIMITER ;;\n/*!50003 CREATE TRIGGER x BEFORE INSERT ON T FOR EACH ROW SET @x = 1 */;;\nDELIMITER ;\n"
        "/*!50003 SET sql_mode = @saved_sql_mode */ ;"
    ),
    "DELIMITER ;;\nCREATE PROCEDURE p()\nBEGIN\nSET sql_mode = 'NO_BACKSLASH_ESCAPES';\nEND ;;\nDELIMITER ;",
    "SET GLOBAL sql_mode = 'NO_BACKSLASH_ESCAPES';",
    (
        "/*!40101 SET @OLD_SQL_MODE=@@SQL_MODE, SQL_MODE='NO_BACKSLASH_ESCAPES' */;\n"
        "/*!40101 SET SQL_MODE=IFNULL(@OLD_SQL_MODE, '') */;"
    ),
]


@pytest.mark.parametrize("setting", WITHOUT_ESCAPES)
def test_a_backslash_is_a_character_of_mysql_where_the_script_says_so(reads, setting):
    script = f"{MYSQL}{setting}\n{with_backslashes(last='it' + chr(92))}"
    assert cells(reads(script, "mysql")) == [PLAIN]


@pytest.mark.parametrize("setting", WITH_ESCAPES)
def test_a_backslash_escapes_in_mysql_otherwise(reads, setting):
    assert cells(reads(f"{MYSQL}{setting}\n{with_backslashes()}", "mysql")) == [ESCAPED]


def test_each_part_of_a_table_is_read_by_the_settings_of_its_place(reads):
    script = (
        f"{MYSQL}{with_backslashes(1)}{OTHER}/*!40101 SET @OLD=@@SQL_MODE, SQL_MODE='NO_BACKSLASH_ESCAPES' */;\n"
        f"{OTHER}{with_backslashes(2, 'it' + chr(92))}{OTHER}{with_backslashes(3, 'it' + chr(92))}"
        f"SET SQL_MODE=@OLD;\n{with_backslashes(4)}"
    )
    assert cells(reads(script, "mysql")) == [ESCAPED, (2, *PLAIN[1:]), (3, *PLAIN[1:]), (4, *ESCAPED[1:])]


@pytest.mark.parametrize(
    ("literal", "value"),
    [
        ('"a"', "a"),
        ("\"it's, ''so''\"", "it's, ''so''"),
        (r'"a\"b"', 'a"b'),
        ('"a""b"', 'a"b'),
        ('_utf8mb4 "a"', "a"),
        ("'a\"b'", 'a"b'),
    ],
)
def test_double_quotes_enclose_a_text_in_mysql(reads, literal, value):
    assert cells(reads(f"{MYSQL}INSERT INTO `T` VALUES (1,{literal},'b');\n", "mysql")) == [(1, value, "b")]


def test_bytes_in_double_quotes_are_bytes(reads):
    rows = reads(f"{MYSQL}INSERT INTO `T` VALUES (1,_binary \"it's\",'b');\n", "mysql")
    assert [damage for _, _, damage, *_ in rows] == ["undecodable_row"]


@pytest.mark.parametrize("mode", ["ANSI_QUOTES", "ansi", "NO_AUTO_VALUE_ON_ZERO,ANSI", "ORACLE", "MSSQL", None])
def test_double_quotes_enclose_names_in_mysql_where_only_a_name_can_stand(reads, mode):
    setting = f"/*!40101 SET SQL_MODE='{mode}' */;\n" if mode else ""
    script = f'{setting}CREATE TABLE "T" ("ID" int, "A" text, PRIMARY KEY ("ID"));\nINSERT INTO "T" ("A", "ID") VALUES (\'x\',1);\n'
    assert cells(reads(script, "mysql")) == [(1, "x")]


def test_a_name_of_ansi_quotes_is_no_text(reads):
    script = f'SET SQL_MODE="ANSI_QUOTES";\n{MYSQL}INSERT INTO `T` VALUES (1,"A",\'b\');\n'
    assert [damage for _, _, damage, *_ in reads(script, "mysql")] == ["broken_record"]


@pytest.mark.parametrize(
    "setting",
    [
        "SET sql_mode = CONCAT(@@sql_mode, ',ANSI_QUOTES');",
        "SET sql_mode = 4;",
        "SET sql_mode = (SELECT @@sql_mode);",
        "/*!40101 SET SQL_MODE=CONCAT('ANSI_','QUOTES') */;",
        "SET @m = CONCAT('ANSI_','QUOTES');\nSET sql_mode = @m;",
        "SET /*!40101 SQL_MODE='ANSI_QUOTES' */;",
        "DELIMITER ;;\nSET sql_mode =\n'ANSI_QUOTES';;\nDELIMITER ;",
    ],
)
def test_a_mode_that_only_a_server_could_work_out_is_refused(reads, setting):
    with pytest.raises(
        SourceUnreadable, match=r"in line \d sets what quotes or names mean in a way that is not followed"
    ):
        reads(f"{MYSQL}{setting}\n{with_backslashes()}", "mysql")


# ---------------------------------------------------------------- PostgreSQL

TABLE = 'CREATE TABLE public."T" ("ID" int, "A" text, "B" text);\n'
ROW = "INSERT INTO public.\"T\" VALUES ({}, 'C:\\temp', '{}');\n"
OFF = [
    "SET standard_conforming_strings = off;",
    "SET SESSION standard_conforming_strings TO 'off';",
    "set STANDARD_CONFORMING_STRINGS = FALSE;",
    "SELECT pg_catalog.set_config('standard_conforming_strings', 'off', false);",
]
ON = [
    "SET standard_conforming_strings = on;",
    f"{OFF[0]}\nSET standard_conforming_strings = on;",
    f"{OFF[0]}\nRESET standard_conforming_strings;",
    f"{OFF[0]}\nRESET ALL;",
    f"{OFF[0]}\n\\connect - somebody",
    "ALTER DATABASE x SET standard_conforming_strings = off;",
]


@pytest.mark.parametrize("setting", OFF)
def test_a_backslash_escapes_in_postgres_where_the_script_says_so(reads, setting):
    script = f"{TABLE}{setting}\n" + ROW.format(1, "it\\'s")
    assert cells(reads(script, "postgres")) == [ESCAPED]


@pytest.mark.parametrize("setting", ON)
def test_a_backslash_is_a_character_of_postgres_otherwise(reads, setting):
    script = f"{TABLE}{setting}\n" + ROW.format(1, "it\\")
    assert cells(reads(script, "postgres")) == [PLAIN]


def test_copied_rows_have_escapes_of_their_own_whatever_is_set(reads):
    copied = 'COPY public."T" FROM stdin;\n{}\tC:\\\\temp\ta\n\\.\n'
    script = f"{TABLE}{copied.format(1)}{OFF[0]}\n{copied.format(2)}"
    assert cells(reads(script, "postgres")) == [(1, "C:\\temp", "a"), (2, "C:\\temp", "a")]


@pytest.mark.parametrize(
    "setting",
    [
        "SET LOCAL standard_conforming_strings = off;",
        "SET standard_conforming_strings = somehow;",
        "SELECT set_config('standard_conforming_strings', 'off', true);",
        "SELECT pg_catalog.set_config('search_path', current_user, false);",
    ],
)
def test_a_setting_of_postgres_that_cannot_be_followed_is_refused(reads, setting):
    with pytest.raises(SourceUnreadable, match="in line 2 sets what quotes or names mean"):
        reads(f"{TABLE}{setting}\n" + ROW.format(1, "a"), "postgres")


def test_a_setting_that_is_taken_back_is_refused(reads):
    with pytest.raises(SourceUnreadable, match=r"in line 4 .*ROLLBACK"):
        reads(f"{TABLE}BEGIN;\n{OFF[0]}\nROLLBACK;\n" + ROW.format(1, "a"), "postgres")


# ---------------------------------------------------------------- SQL Server

TSQL = "CREATE TABLE [dbo].[T] ([ID] int, [A] varchar(40))\nGO\n"


@pytest.mark.parametrize(
    "setting", ["SET QUOTED_IDENTIFIER OFF", "SET ANSI_NULLS, QUOTED_IDENTIFIER OFF;", "SET ANSI_DEFAULTS OFF"]
)
@pytest.mark.parametrize("gap", ["\nGO\n", "\n", " "])
def test_double_quotes_enclose_a_text_in_sql_server_where_the_script_says_so(reads, setting, gap):
    script = f'{TSQL}{setting}{gap}INSERT [dbo].[T] VALUES (1, "it\'s ""so""")\nSET QUOTED_IDENTIFIER ON\n'
    script += 'INSERT [dbo].[T] ("ID", "A") VALUES (2, \'b\')\n'
    assert cells(reads(script, "tsql")) == [(1, 'it\'s "so"'), (2, "b")]


def test_a_setting_holds_for_what_was_looked_at_already():
    lexer = Lexer(iter([b'SET\n  "b"']), initial_settings("tsql"))
    lexer.take()
    assert lexer.peek().kind == "name"
    lexer.settings = Settings(lexer.settings.quoting._replace(has_quoted_names=False))
    assert lexer.take()[:4] == ("string", b'"b"', 2, True)


def test_a_name_in_double_quotes_is_no_text_while_the_setting_is_on(reads):
    script = f'SET QUOTED_IDENTIFIER OFF\nSET QUOTED_IDENTIFIER ON\n{TSQL}INSERT [dbo].[T] VALUES (1, "A")\n'
    assert [damage for _, _, damage, *_ in reads(script, "tsql")] == ["broken_record"]


def test_a_text_in_double_quotes_that_is_run_is_looked_at(reads):
    script = f"{TSQL}SET QUOTED_IDENTIFIER OFF\nEXEC ('PRINT 1 ' + \"DELETE FROM T\")\n"
    with pytest.raises(SourceUnreadable, match=r"in line 4 calls code that may write rows \(EXEC\)"):
        reads(script, "tsql")


def test_a_setting_without_its_value_is_refused(reads):
    with pytest.raises(SourceUnreadable, match="in line 3 sets what quotes or names mean"):
        reads(f"{TSQL}SET QUOTED_IDENTIFIER @x\nINSERT [dbo].[T] VALUES (1, 'a')\n", "tsql")


def test_no_value_stands_in_a_refusal(tmp_path):
    path = tmp_path / "dump.sql"
    path.write_text("SET sql_mode = CONCAT('Quenby');\n", encoding="utf-8")
    with pytest.raises(SourceUnreadable) as caught:
        DumpSource("old", str(path), dialect="mysql").tables()
    assert "Quenby" not in f"{caught.value} {caught.value.hint}"
