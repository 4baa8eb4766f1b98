"""A text in a dump that is too long to be held is one damaged record, and nothing that stands inside it begins another."""

from __future__ import annotations

import pytest

GHOST = "INSERT INTO `T` VALUES (9,7);"
STEP = 50


@pytest.fixture
def _short_rows(monkeypatch):
    """Rows are too long from 10,000 bytes on, and read by 1,000."""
    monkeypatch.setattr("etl.sources.dumps.lexer.LONGEST_ROW", 10_000)
    monkeypatch.setattr("etl.sources.dumps.rows.LONGEST_ROW", 10_000)
    monkeypatch.setattr("etl.sources.opened.BLOCK_BYTES", 1_000)


@pytest.mark.usefixtures("_short_rows")
@pytest.mark.parametrize("start", range(0, STEP, 2))
def test_a_statement_inside_a_text_without_end_is_no_statement(reads, start):
    long = "x" * start + GHOST.ljust(STEP) * 2_000
    script = (
        "-- MySQL dump 10.13\nCREATE TABLE `T` (`A` int, `B` text);\nINSERT INTO `T` VALUES (1,2);\n"
        f"INSERT INTO `T` VALUES (2,'{long}');\nINSERT INTO `T` VALUES (3,4);\n-- Dump completed\n"
    )
    assert reads(script, "mysql") == [(1, 3, "", "1", "2"), (2, 4, "broken_record", None, None), (3, 5, "", "3", "4")]


@pytest.mark.usefixtures("_short_rows")
def test_lines_that_follow_a_broken_record_are_let_go_however_long_they_are(reads):
    script = (
        "-- MySQL dump 10.13\nCREATE TABLE `T` (`A` int, `B` text);\nINSERT INTO `T` VALUES (1,2);\n"
        f"INSERT INTO `T` VALUES (2,'{'y' * 20_000}\n{'z' * 50_000}\n{GHOST.lower()[1:] * 500}');\n"
        "INSERT INTO `T` VALUES (3,4);\n-- Dump completed\n"
    )
    assert reads(script, "mysql") == [(1, 3, "", "1", "2"), (2, 4, "broken_record", None, None), (3, 7, "", "3", "4")]
