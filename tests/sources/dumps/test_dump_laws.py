"""Laws of reading dumps: any text survives, and neither the size of blocks nor of batches means anything."""

# ruff: noqa: S608 - scripts in sight, run nowhere

import tempfile
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from etl.sources import encoding
from etl.sources.dumps.lexer import Lexer
from etl.sources.dumps.rows import Rows
from etl.sources.dumps.script import Script
from etl.sources.dumps.settings import initial_settings
from etl.sources.dumps.source import DumpSource

PIECES = ["'", "''", "\\", "\n", "\r\n", ";", "--", "/*", "*/", "GO", "\nGO\n", "(", ")", ",", "é", "日", "a b", "$$", "#",
          "INSERT INTO T", "\nx"]  # fmt: skip
SETTINGS = ['"', "SET SQL_MODE='ANSI_QUOTES';", "/*!40101 SET SQL_MODE='NO_BACKSLASH_ESCAPES' */;", "USE a ",
            "SET QUOTED_IDENTIFIER OFF ", "SET standard_conforming_strings=off;", "SET search_path=a;", '_utf8 "']  # fmt: skip
texts = st.lists(st.sampled_from(PIECES), max_size=8).map("".join)


def tsql(value: str) -> str:
    return "N'" + value.replace("'", "''") + "'"


def mysql(value: str) -> str:
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n").replace("\r", "\\r") + "'"


def postgres(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


WRITERS = {"tsql": tsql, "mysql": mysql, "postgres": postgres}


def script(dialect: str, values: list[str]) -> str:
    end = "\nGO\n" if dialect == "tsql" else ";\n"
    rows = "".join(f"INSERT INTO T VALUES ({row}, {WRITERS[dialect](value)}){end}" for row, value in enumerate(values))
    return f"CREATE TABLE T (A int, B varchar(400)){end}{rows}"


def rows_in_blocks(text: bytes, dialect: str, size: int) -> list[object]:
    blocks = (text[at : at + size] for at in range(0, len(text), size))
    statements = Script(Lexer(blocks, initial_settings(dialect))).statements()
    return [list(each.rows) if isinstance(each, Rows) else each for each in statements]


@pytest.mark.parametrize("dialect", WRITERS)
@settings(deadline=None)
@given(values=st.lists(texts, max_size=6))
def test_every_text_that_is_written_is_read(dialect, values):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "dump.sql"
        path.write_bytes(script(dialect, values).encode())
        source = DumpSource("old", str(path), dialect=dialect)
        cells = [tuple(row.values())[2:] for batch in source.read("T", 3) for row in batch.to_pylist()]
    assert cells == [(None, str(row), value) for row, value in enumerate(values)]


@pytest.mark.parametrize("dialect", WRITERS)
@example(text="--\nx'", size=1)
@example(text='INSERT INTO T VALUES (1, _utf8 "' + "a" * 99 + '");', size=1)
@example(text="INSERT INTO T VALUES (1 'a');\nINSERT INTO T", size=4)
@settings(deadline=None)
@given(
    text=st.lists(
        st.sampled_from([*PIECES, *SETTINGS, "INSERT INTO T VALUES (1, 'a');\n", "CREATE TABLE T (A int);"])
    ).map("".join),
    size=st.integers(1, 7),
)
def test_the_size_of_blocks_changes_nothing_even_in_broken_scripts(dialect, text, size):
    whole = text.encode()
    assert rows_in_blocks(whole, dialect, size) == rows_in_blocks(whole, dialect, len(whole) + 1)


@settings(deadline=None)
@given(values=st.lists(texts, min_size=1, max_size=6), size=st.integers(1, 9))
def test_tables_are_found_again_at_their_places_whatever_the_blocks(values, size):
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(encoding, "BLOCK_BYTES", size)
        path = Path(folder) / "dump.sql"
        path.write_bytes((script("tsql", values) + "INSERT INTO U (A) VALUES (7)\nGO\n").encode())
        source = DumpSource("old", str(path), dialect="tsql")
        cells = [row["A"] for batch in source.read("U", 3) for row in batch.to_pylist()]
    assert cells == ["7"]
