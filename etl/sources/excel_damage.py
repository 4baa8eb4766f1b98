"""Which rows of a sheet cannot be relied on, told by the sheet's own file: the reader of workbooks shows such cells as
empty, or as another value, without a word.

They are error values, formulas without a saved result, whole numbers of more digits than a spreadsheet keeps, and days
that its calendar does not have. Of an .xls file see :mod:`etl.sources.xls_damage`.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from html import unescape
from pathlib import Path

from etl.core.errors import SourceUnreadable
from etl.sources.archives import open_archive
from etl.sources.spreadsheet_days import MOST_DIGITS, Calendar, formats_of_days
from etl.sources.xls_damage import doubtful_xls_rows

_SHEET = re.compile(r"<(?:\w+:)?sheet\b(?P<attributes>[^>]*)>")
_RELATION = re.compile(r"<(?:\w+:)?Relationship\b(?P<attributes>[^>]*)>")
_FORMAT = re.compile(r"<(?:\w+:)?numFmt\b(?P<attributes>[^>]*)>")
_CELL_FORMATS = re.compile(r"<(?:\w+:)?cellXfs\b.*?</(?:\w+:)?cellXfs>", re.DOTALL)
_CELL_FORMAT = re.compile(r"<(?:\w+:)?xf\b(?P<attributes>[^>]*)>")
_SINCE_1904 = re.compile(r"""<(?:\w+:)?workbookPr\b[^>]*\bdate1904\s*=\s*["'](?:1|true)["']""")
_ATTRIBUTE = re.compile(r"""([\w:]+)\s*=\s*(?:"([^"]*)"|'([^']*)')""")
_ROW_OR_CELL = re.compile(
    rb"<(?:\w+:)?row\b(?P<row>[^>]*)>"
    rb"|<(?:\w+:)?c(?=\s[^>]*\st\s*=\s*[\"']e|[^>]*>\s*<(?:\w+:)?f\b|[^>]*>\s*<(?:\w+:)?v\b[^>]*>\s*"
    rb"(?:-|0[.<\s]|60[.<\s]|\d{16}|[0-9.]+[Ee]))(?P<cell>\s[^>]*|)(?<!/)>\s*(?P<formula><(?:\w+:)?f\b[^>]*(?:/>|>[^<]*</(?:\w+:)?f>))?"
    rb"\s*(?:<(?:\w+:)?v\b[^>]*(?<!/)>(?P<value>[^<]*)<)?"
)
"""Every row, and the few cells that need a look; most of a sheet is passed over by the pattern alone."""

_NUMBER = re.compile(rb"""\br\s*=\s*["'](\d+)["']""")
_TYPE = re.compile(rb"""\st\s*=\s*["'](\w+)["']""")
_STYLE = re.compile(rb"""\ss\s*=\s*["'](\d+)["']""")
_SHEET_END = re.compile(rb"</(?:\w+:)?sheetData")
_BLOCK_BYTES = 1 << 20


def doubtful_rows(path: Path, sheet: str, place: str) -> frozenset[int]:
    """Numbers of the rows of a sheet that cannot be relied on.

    Raises SourceUnreadable for a sheet that has two rows of one number, and for a zip that is no .xlsx.
    """
    if not zipfile.is_zipfile(path):
        return doubtful_xls_rows(path.read_bytes(), sheet)
    with open_archive(path, place) as archive:
        workbook = _text(archive, "xl/workbook.xml")
        part = _part_of(archive, workbook, sheet)
        if part is None:
            hint = "Open it in a spreadsheet program and save it again as .xlsx."
            raise SourceUnreadable(f"{place} is a workbook of another kind than .xlsx.", hint=hint)
        calendar = Calendar(_day_formats(_text(archive, "xl/styles.xml")), bool(_SINCE_1904.search(workbook)))
        return frozenset(_rows(archive, part, calendar, place))


def _text(archive: zipfile.ZipFile, member: str) -> str:
    try:
        return archive.read(member).decode("utf-8", "replace")
    except KeyError:
        return ""


def _part_of(archive: zipfile.ZipFile, workbook: str, sheet: str) -> str | None:
    """The archive's member that holds the sheet."""
    ids = [each.get("r:id", "") for each in _tags(_SHEET, workbook) if each.get("name") == sheet]
    relations = _tags(_RELATION, _text(archive, "xl/_rels/workbook.xml.rels"))
    targets = {each.get("Id", ""): each.get("Target", "") for each in relations}
    target = targets.get(ids[0], "") if ids else ""
    name = target.removeprefix("/") if target.startswith("/") else f"xl/{target}"
    return name if name in archive.namelist() else None


def _tags(pattern: re.Pattern[str], text: str) -> Iterator[dict[str, str]]:
    for found in pattern.finditer(text):
        pairs = _ATTRIBUTE.findall(found["attributes"])
        yield {name: unescape(double or single) for name, double, single in pairs}


def _day_formats(styles: str) -> frozenset[int]:
    """The numbers of the cell formats that show a year or a day; times alone are none."""
    days = formats_of_days(
        {_whole(each.get("numFmtId")): each.get("formatCode", "") for each in _tags(_FORMAT, styles)}
    )
    formats = _CELL_FORMATS.search(styles)
    used = _tags(_CELL_FORMAT, formats[0]) if formats else ()
    return frozenset(at for at, each in enumerate(used) if _whole(each.get("numFmtId")) in days)


def _whole(number: str | None) -> int:
    return int(number) if number and number.isdecimal() else -1


def _rows(archive: zipfile.ZipFile, part: str, calendar: Calendar, place: str) -> Iterator[int]:
    """The doubtful rows as they come; a row without a number is the one after its neighbour."""
    number = 0
    seen: set[int] = set()
    for text in _whole_rows(archive, part):
        for found in _ROW_OR_CELL.finditer(text):
            if found["row"] is None:
                if _is_doubtful(found, calendar):
                    yield number
                continue
            told = _NUMBER.search(found["row"])
            number = int(told[1]) if told else number + 1
            if number in seen:
                hint = "Open it in a spreadsheet program, look at that row, and save it again as .xlsx."
                raise SourceUnreadable(f"{place} has two rows with the number {number}.", hint=hint)
            seen.add(number)


def _whole_rows(archive: zipfile.ZipFile, part: str) -> Iterator[bytes]:
    """The text of the sheet, cut behind rows."""
    kept = b""
    with archive.open(part) as stream:
        while block := stream.read(_BLOCK_BYTES):
            kept += block
            end = kept.rfind(b"row>") + len(b"row>")
            if last := _SHEET_END.search(kept):
                yield kept[: last.start()]
                return
            if end >= len(b"row>"):
                yield kept[:end]
                kept = kept[end:]
    yield kept


def _is_doubtful(cell: re.Match[bytes], calendar: Calendar) -> bool:
    kind = _TYPE.search(cell["cell"])
    if kind and kind[1] != b"n":
        return kind[1] == b"e"
    value = (cell["value"] or b"").strip()
    if not value:
        return cell["formula"] is not None
    try:
        number = float(value)
    except ValueError:
        return True
    style = _STYLE.search(cell["cell"])
    if style and int(style[1]) in calendar.formats:
        return not calendar.has(number)
    return abs(number) >= MOST_DIGITS
