"""Which rows of a sheet hold error values: the reader of workbooks shows such cells as empty, which would lose them.

Only .xlsx files tell; in an .xls file an error value cannot be told from an empty cell.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from html import unescape
from pathlib import Path

from etl.sources.archives import open_archive

_SHEET = re.compile(r"<(?:\w+:)?sheet\b(?P<attributes>[^>]*)>")
_RELATION = re.compile(r"<(?:\w+:)?Relationship\b(?P<attributes>[^>]*)>")
_ATTRIBUTE = re.compile(r"""([\w:]+)\s*=\s*(?:"([^"]*)"|'([^']*)')""")
_CELL = re.compile(rb"<(?:\w+:)?c\b(?=[^>]*\st\s*=\s*[\"']e[\"'])[^>]*\sr\s*=\s*[\"'][A-Z]+(\d+)[\"'][^>]*>")
_BLOCK_BYTES = 1 << 20
_LONGEST_TAG = 4_096


def error_rows(path: Path, sheet: str, place: str) -> frozenset[int]:
    """Numbers of the rows of a sheet with an error value; none known for a file that is no .xlsx."""
    if not zipfile.is_zipfile(path):
        return frozenset()
    with open_archive(path, place) as archive:
        part = _part_of(archive, sheet)
        return frozenset(_rows(archive, part)) if part else frozenset()


def _part_of(archive: zipfile.ZipFile, sheet: str) -> str | None:
    """The archive's member that holds the sheet."""
    try:
        workbook = archive.read("xl/workbook.xml").decode("utf-8", "replace")
        relations = archive.read("xl/_rels/workbook.xml.rels").decode("utf-8", "replace")
    except KeyError:
        return None
    ids = [each.get("r:id", "") for each in _tags(_SHEET, workbook) if each.get("name") == sheet]
    targets = {each.get("Id", ""): each.get("Target", "") for each in _tags(_RELATION, relations)}
    target = targets.get(ids[0], "") if ids else ""
    name = target.removeprefix("/") if target.startswith("/") else f"xl/{target}"
    return name if name in archive.namelist() else None


def _tags(pattern: re.Pattern[str], text: str) -> Iterator[dict[str, str]]:
    for found in pattern.finditer(text):
        pairs = _ATTRIBUTE.findall(found["attributes"])
        yield {name: unescape(double or single) for name, double, single in pairs}


def _rows(archive: zipfile.ZipFile, part: str) -> Iterator[int]:
    kept = b""
    with archive.open(part) as stream:
        while block := stream.read(_BLOCK_BYTES):
            text = kept + block
            yield from (int(found[1]) for found in _CELL.finditer(text))
            kept = text[-_LONGEST_TAG:]
