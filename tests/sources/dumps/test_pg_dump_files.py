"""Plain files of pg_dump, each with the rows it must give."""

import pytest

from etl.sources.dumps.source import DumpSource

HEAD = """--
-- PostgreSQL database dump
--
\\restrict 3Fk9
SET client_encoding = 'UTF8';
SELECT pg_catalog.set_config('search_path', '', false);
CREATE FUNCTION public.f() RETURNS trigger AS $_$ begin insert into "T" values (9, ';'); end; $_$ LANGUAGE plpgsql;
CREATE TABLE public."T" (
    "ID" integer NOT NULL,
    "NM" character varying(40) DEFAULT 'a, (b'::character varying,
    "AT" timestamp(6) with time zone
);
"""
TAIL = """ALTER TABLE ONLY public."T"
    ADD CONSTRAINT "T_pkey" PRIMARY KEY ("ID");
\\unrestrict 3Fk9
-- PostgreSQL database dump complete
"""
COPY = 'COPY public."T" ("ID", "NM", "AT") FROM stdin;\n'
FILES = {
    "copied rows": (COPY + "1\ta\t\\N\n2\tb\t\\N\n\\.\n\n", [(1, 14, "", "1", "a", None), (2, 15, "", "2", "b", None)]),
    "no rows": (COPY + "\\.\n", []),
    "escapes": (COPY + "1\ta\\tb\\nc\\\\d\\x41\t\\N\n\\.\n", [(1, 14, "", "1", "a\tb\nc\\dA", None)]),
    "an escaped byte of no known character": (COPY + "1\ta\\351\t\\N\n\\.\n", [(1, 14, "undecodable_row", None, None, None)]),
    "what looks like null": (COPY + "1\t\\\\N\t\\N\n\\.\n", [(1, 14, "", "1", "\\N", None)]),
    "blank text": (COPY + "1\t\t\\N\n\\.\n", [(1, 14, "", "1", "", None)]),
    "statements inside a text": (COPY + "1\t'; DROP TABLE x; --\t\\N\n\\.\n", [(1, 14, "", "1", "'; DROP TABLE x; --", None)]),
    "points in time in UTC": (COPY + "1\ta\t2024-03-01 08:30:00.5-05\n\\.\n", [(1, 14, "", "1", "a", "2024-03-01 13:30:00.500000+00:00")]),
    "too few cells": (COPY + "1\ta\n2\tb\t\\N\n\\.\n", [(1, 14, "ragged_row", None, None, None), (2, 15, "", "2", "b", None)]),
    "too many cells": (COPY + "1\ta\tb\t\\N\n\\.\n", [(1, 14, "ragged_row", None, None, None)]),
    "inserted rows": (
        "INSERT INTO public.\"T\" VALUES (1, 'O''Brien', NULL);\nINSERT INTO public.\"T\" (\"NM\", \"ID\") VALUES (E'a\\nb', 2);\n",
        [(1, 13, "", "1", "O'Brien", None), (2, 14, "", "2", "a\nb", None)],
    ),
    "a backslash that escapes nothing": ("INSERT INTO public.\"T\" VALUES (1, 'a\\', NULL);\n", [(1, 13, "", "1", "a\\", None)]),
    "casts": (
        "INSERT INTO public.\"T\" VALUES (1, 'a'::character varying(40), '2024-03-01 08:30:00+00'::timestamp with time zone);\n",
        [(1, 13, "", "1", "a", "2024-03-01 08:30:00+00:00")],
    ),
    "dollar quotes": ("INSERT INTO public.\"T\" VALUES (1, $a$it's $$ here$a$, NULL);\n", [(1, 13, "", "1", "it's $$ here", None)]),
}  # fmt: skip


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_a_file_gives_exactly_these_rows(reads, name, line_end):
    text, expected = FILES[name]
    assert reads((HEAD + text + TAIL).replace("\n", line_end)) == expected


def test_a_copy_that_never_ends_is_damage_at_the_cut(reads):
    rows = reads(HEAD + COPY + "1\ta\t\\N\n2\tb")
    assert rows[:2] == [(1, 14, "", "1", "a", None), (2, 15, "broken_record", None, None, None)]


def test_a_copied_line_that_ends_in_an_open_escape_is_damage_and_no_shorter_text(reads):
    rows = reads(HEAD + COPY + "1\ta\\\nb\t\\N\n2\tc\\\\\t\\N\n3\td\t\\\\\n\\.\n")
    assert [(row[1], row[2]) for row in rows[:2]] == [(14, "broken_record"), (15, "ragged_row")]
    assert [row[4:] for row in rows[2:4]] == [("c\\", None), ("d", "\\")]


def test_reading_goes_on_with_the_copied_rows_behind_a_broken_statement(tmp_path):
    path = tmp_path / "dump.sql"
    path.write_text(
        "INSERT INTO a (id) VALUES (1 'x');\nCOPY b (id) FROM stdin;\n7\n\\.\nCREATE TABLE c (id int);\n", "utf-8"
    )
    source = DumpSource("old", str(path), dialect="postgres")
    assert source.tables() == ["a", "b", "c"]
    assert [row["id"] for batch in source.read("b", 9) for row in batch.to_pylist()] == ["7"]


def test_a_command_of_psql_may_follow_copied_rows_at_once(tmp_path):
    path = tmp_path / "dump.sql"
    copied = "COPY {} (id) FROM stdin;\n7\n\\.\n"
    path.write_text(f"{copied.format('a')}\\echo done\n{copied.format('b')}", "utf-8")
    assert DumpSource("old", str(path), dialect="postgres").tables() == ["a", "b"]
