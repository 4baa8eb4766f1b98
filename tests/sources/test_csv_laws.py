"""Laws of the CSV reader: one meaning, whatever way and in whatever pieces a file is read."""

import csv
import io
import tempfile
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from etl.sources import opened
from etl.sources.csv import CsvSource
from etl.sources.csv_blocks import plain_rows
from etl.sources.csv_rows import RowReader
from etl.sources.dialect import Dialect

COMMA = Dialect(",")
PIECES = [
    "a",
    "bc",
    '"',
    '""',
    ",",
    ",",
    "\n",
    "\n",
    "\r\n",
    "\r",
    "é",
    "\x07",
    '"x"',
    '"x,y"',
    "1,2\n",
    '"p","q"\n',
    " ",
]
texts = st.lists(st.sampled_from(PIECES), max_size=40).map("".join)
plain_cells = st.text(st.characters(blacklist_categories=["Cc", "Cs"], whitelist_characters="\n\r\t"), max_size=8)


def exactly(text: str) -> list[tuple[object, ...]]:
    """The reference: the exact reader alone, the whole text at once."""
    reader = RowReader(["A", "B"], COMMA, line=2)
    batches = [*reader.feed(text, is_fragment=False, is_suspect=True), *reader.finish()]
    return [tuple(row.values()) for batch in batches for row in batch.to_pylist()]


def from_file(data: bytes, batch_rows: int = 7) -> list[tuple[object, ...]]:
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "T.csv").write_bytes(data)
        source = CsvSource("s", f"{folder}/*.csv", encoding="utf-8", delimiter=",")
        return [tuple(row.values()) for batch in source.read("T", batch_rows) for row in batch.to_pylist()]


@given(text=texts)
@example(text='1,"\n\n\n2",3\n"a",b\n')
def test_the_quick_way_gives_what_the_exact_way_gives_or_nothing(text):
    cells = plain_rows(text.encode(), ["A", "B"], COMMA) if text and "\x07" not in text else None
    if cells is None:
        return
    expected = exactly(text)
    assert [row[3:] for row in expected] == [tuple(row.values()) for row in cells.to_pylist()]
    assert [row[:3] for row in expected] == [(number, number + 1, None) for number in range(1, len(expected) + 1)]


@given(text=texts, size=st.integers(1, 12))
def test_the_size_of_blocks_changes_nothing(text, size):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(opened, "BLOCK_BYTES", size)
        assert from_file(b"A,B\n" + text.encode()) == exactly(text)


@given(text=texts, batch_rows=st.integers(1, 5))
def test_rows_are_numbered_without_a_gap_and_lines_never_go_back(text, batch_rows):
    rows = from_file(b"A,B\n" + text.encode(), batch_rows)
    assert [row[0] for row in rows] == list(range(1, len(rows) + 1))
    lines = [row[1] for row in rows]
    assert lines == sorted(set(lines))


@given(text=texts)
def test_every_line_with_text_is_a_row_or_inside_one(text):
    lines = [number for number, line in enumerate(io.StringIO(text, newline=""), start=2) if line.strip("\r\n")]
    rows = exactly(text)
    if lines:
        assert rows[0][1] == lines[0]
    if '"' not in text:
        assert [row[1] for row in rows] == lines


@given(
    rows=st.lists(st.tuples(plain_cells, plain_cells), max_size=8),
    quoting=st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_MINIMAL]),
)
def test_what_is_written_is_read(rows, quoting):
    stream = io.StringIO(newline="")
    csv.writer(stream, quoting=quoting).writerows([("A", "B"), *rows])
    assert [row[2:] for row in from_file(stream.getvalue().encode())] == [(None, *row) for row in rows]


@pytest.mark.parametrize(
    "block",
    [
        b"1,2\n3,4\n",
        b"1,2\r\n3,4\r\n",
        b'"1","2"\n',
        b'"",""\n',
        b'1,"x y"\r\n2,""\n',
        b"1,2",
        b'"a, b",2\n'.replace(b", ", b" "),
    ],
)
def test_plain_blocks_take_the_quick_way(block):
    assert isinstance(plain_rows(block, ["A", "B"], COMMA), pa.RecordBatch)


@pytest.mark.parametrize(
    "block",
    [
        b"1,2\n\n3,4\n",
        b"1,2\r3,4\r",
        b"1\n",
        b"1,2,3\n",
        b'1,"x\ny"\n',
        b'1,"x""y"\n',
        b'1,x"y\n',
        b'"1" ,2\n',
        b'1,"\n"2,3\n',
    ],
)
def test_other_blocks_are_left_to_the_exact_way(block):
    assert plain_rows(block, ["A", "B"], COMMA) is None
