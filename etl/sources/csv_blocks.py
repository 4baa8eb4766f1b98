"""The quick way through CSV text: whole blocks that provably hold one plain row a line go to Arrow's own parser.

A block qualifies if both readers must agree on it: only LF or CR LF ends lines, no line is blank, no character is
suspect, and quotes, if any, enclose whole cells without a quote or line end inside. Anything else is left to
:class:`etl.sources.csv_rows.RowReader`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv as arrow_csv

from etl.sources.dialect import LONGEST_ROW, Dialect

_LF, _CR = 10, 13


def whole_lines(blocks: Iterator[bytes]) -> Iterator[tuple[bytes, bool]]:
    """The same text cut at line ends; (text, True) is a fragment: a piece of a line longer than the longest row."""
    pending = b""
    for block in blocks:
        cut = block.rfind(b"\n") + 1
        if cut:
            # Mostly so: nothing but what is given on is copied.
            yield pending + memoryview(block)[:cut], False
            pending = block[cut:]
            continue
        pending += block
        cut = _after_last_line(pending)
        if cut:
            yield pending[:cut], False
            pending = pending[cut:]
        elif len(pending) > LONGEST_ROW:
            cut = len(pending) - _open_end(pending)
            yield pending[:cut], True
            pending = pending[cut:]
    if pending:
        yield pending, False


def plain_rows(block: bytes, columns: Sequence[str], dialect: Dialect) -> pa.RecordBatch | None:
    """The cells of a block free of suspect bytes, one row a line; None where the block does not qualify."""
    if not _has_plain_lines(block):
        return None
    is_quoted = bool(dialect.quote) and dialect.quote.encode() in block
    if is_quoted and not _quotes_enclose_cells(block, dialect):
        return None
    return _parsed(block, columns, dialect, quote=dialect.quote if is_quoted else False)


def _parsed(block: bytes, columns: Sequence[str], dialect: Dialect, *, quote: str | bool) -> pa.RecordBatch | None:
    try:
        table = arrow_csv.read_csv(
            pa.BufferReader(block),
            read_options=arrow_csv.ReadOptions(
                use_threads=False, block_size=len(block) + 1, column_names=list(columns)
            ),
            parse_options=arrow_csv.ParseOptions(delimiter=dialect.delimiter, quote_char=quote),
            convert_options=arrow_csv.ConvertOptions(
                column_types=dict.fromkeys(columns, pa.string()), strings_can_be_null=False, check_utf8=False
            ),
        )
    except pa.ArrowInvalid:
        return None  # some line has too many or too few cells
    return table.combine_chunks().to_batches()[0]


def _has_plain_lines(block: bytes) -> bool:
    if block.startswith((b"\n", b"\r")) or b"\n\n" in block:
        return False
    if b"\r" not in block:
        return True
    return b"\n\r\n" not in block and block.count(b"\r") == block.count(b"\r\n")


def _quotes_enclose_cells(block: bytes, dialect: Dialect) -> bool:
    """Whether quotes alternate between opening a cell and closing it, with no line end between the two."""
    padded = pa.py_buffer(b"\n" + block + b"\n")
    codes = pa.Array.from_buffers(pa.uint8(), len(block) + 2, [None, padded])
    is_quote = pc.equal(codes, ord(dialect.quote))
    marks = pc.indices_nonzero(pc.or_(is_quote, pc.equal(codes, _LF)))
    at_quote = pc.take(is_quote, marks)
    quotes = pc.filter(marks, at_quote)
    edges = pa.array([ord(dialect.delimiter), _LF, _CR], pa.uint8())
    opens = pc.is_in(pc.take(codes, pc.subtract(quotes, 1)), value_set=edges)
    closes = pc.is_in(pc.take(codes, pc.add(quotes, 1)), value_set=edges)
    if len(quotes) % 2 or not pc.all(pc.xor(opens, closes)).as_py():
        return False
    return _alternate(opens) and _stand_in_pairs(at_quote)


def _alternate(opens: pa.Array) -> bool:
    pattern = pa.array([True, False] * (len(opens) // 2))
    return bool(opens.equals(pattern))


def _stand_in_pairs(at_quote: pa.Array) -> bool:
    """Whether no line end parts an opening quote from its closing one: an even number of quotes precedes each."""
    ends = pc.indices_nonzero(pc.invert(at_quote))
    quotes_before = pc.subtract(ends, pa.array(range(len(ends)), ends.type))
    return bool(pc.max(pc.bit_wise_and(quotes_before, pa.scalar(1, ends.type))).as_py() == 0)


def _after_last_line(text: bytes) -> int:
    """Where the last whole line ends; a CR at the very end may be half of a CR LF."""
    return text.rfind(b"\n") + 1 or text.rfind(b"\r", 0, -1) + 1


def _open_end(text: bytes) -> int:
    """How many bytes to hold back: a CR, which may be half of a line end."""
    return 1 if text.endswith(b"\r") else 0
