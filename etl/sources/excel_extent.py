"""How far the sheets of a workbook reach, told by their files before a library keeps room for every cell up to there.

A cell far from the table, filled by a slip, makes a sheet of a few rows one of seventeen thousand million cells.
"""

from __future__ import annotations

import re
import zipfile
import zlib
from contextlib import suppress
from pathlib import Path

from etl.core.errors import SourceUnreadable
from etl.sources.archives import open_archive

MOST_CELLS = 50_000_000
"""A sheet of all rows that there can be, and 47 columns."""
_BLOCK_BYTES, _LONGEST_TAG = 1 << 20, 1 << 10
_DIMENSION = re.compile(
    rb"""<(?:\w+:)?dimension\b[^>]*\bref\s*=\s*["'](?:[A-Z]+[0-9]+:)?(?P<column>[A-Z]{1,3})(?P<row>[0-9]{1,7})["']"""
)
_FILLED_CELL = re.compile(
    rb"""<(?:\w+:)?c\b(?=[^>]*\br\s*=\s*["'](?P<column>[A-Z]{1,3})(?P<row>[0-9]{1,7})["'])[^>]*(?<!/)>"""
)


def refuse_oversized(path: Path, place: str) -> None:
    """Raises SourceUnreadable for an .xlsx that would grow beyond all measure when it is unpacked, or with a sheet that
    reaches too far; any other file passes.

    A sheet says in its head how far it reaches, with all cells that are formatted; only where that is too far, or is not
    said, its cells are looked at.
    """
    if not path.is_file() or not zipfile.is_zipfile(path):
        return
    # A damaged part is left to the reader of workbooks, which tells it with its remedy.
    damage = (zipfile.BadZipFile, zlib.error, RuntimeError, EOFError, NotImplementedError)
    with open_archive(path, place) as archive, suppress(*damage):
        for part in archive.namelist():
            if "worksheets/" in part and part.endswith(".xml"):
                _refuse_far(archive, part, place)


def _refuse_far(archive: zipfile.ZipFile, part: str, place: str) -> None:
    with archive.open(part) as stream:
        said = _DIMENSION.search(stream.read(_BLOCK_BYTES))
    if said and _number_of(said["column"]) * int(said["row"]) <= MOST_CELLS:
        return
    column, row = _farthest(archive, part)
    if _number_of(column) * row > MOST_CELLS:
        raise SourceUnreadable(
            f"{place}: a sheet reaches to column {column.decode()} and row {row:,}.",
            hint="A cell far from the table is filled, mostly by a slip: Ctrl+End goes there. Delete the columns beside the "
            "table and the rows below it, and save the workbook.",
        )


def _farthest(archive: zipfile.ZipFile, part: str) -> tuple[bytes, int]:
    """The last column and the last row in which a cell is filled."""
    column, row, kept = b"A", 0, b""
    with archive.open(part) as stream:
        while block := stream.read(_BLOCK_BYTES):
            kept += block
            for found in _FILLED_CELL.finditer(kept):
                column = max(column, found["column"], key=_number_of)
                row = max(row, int(found["row"]))
            kept = kept[-_LONGEST_TAG:]
    return column, row


def _number_of(column: bytes) -> int:
    """The number of a column by its letters.

    >>> _number_of(b"A"), _number_of(b"XFD")
    (1, 16384)
    """
    number = 0
    for letter in column:
        number = 26 * number + letter - ord("A") + 1
    return number
