"""CSV files beside a project's documents, edited in a spreadsheet: read strictly, each record with the line it starts on."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeAlias

Note: TypeAlias = Callable[[int, str, str, str], None]
"""Takes a mistake in a sheet: line, message, hint and code."""


def sheet_text(path: Path, note: Note) -> str | None:
    """The text of a sheet, without a byte order mark; None, and a mistake noted, where it cannot be read."""
    if path.exists() and not path.is_file():
        note(1, "This is no regular file.", "Put a CSV file here.", "file")
        return None
    try:
        return path.read_text(encoding="utf-8-sig", errors="strict")
    except UnicodeDecodeError as error:
        line = path.read_bytes()[: error.start].count(b"\n") + 1
        note(line, "The file is not UTF-8.", "Save it from the spreadsheet as `CSV UTF-8`.", "encoding")
    except OSError:
        note(1, "The file cannot be read.", "Check that it is readable.", "file")
    return None


def sheet_records(text: str, note: Note) -> Iterator[tuple[int, list[str]]]:
    """Each record that is not blank, with the line where it starts; a broken quote is noted and ends the sheet."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    line = 1
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                yield line, cells
            line = reader.line_num + 1
    except csv.Error:
        note(line, "A quote is not closed or stands inside a cell.", 'Double it: `""`.', "quote")
