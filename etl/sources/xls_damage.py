"""Which rows of a sheet cannot be relied on, told by an .xls file: error values, and days that the calendar does not have.

Only what the file's own records say is looked at; a formula without a saved result looks like any other there. A file
of another make than those of spreadsheet programs since 1997 tells nothing.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence

from etl.sources.spreadsheet_days import Calendar, formats_of_days

_NO_SECTOR = 0xFFFF_FFFA
"""From here on a number is no sector but a mark."""
_ENTRY_BYTES = 128
_STREAM = "Workbook"
_SINCE_1997 = 0x0600
_EOF, _SHEET, _DATE_MODE, _FORMAT, _XF = 0x0A, 0x85, 0x22, 0x041E, 0xE0
_ERROR_OR_TRUTH, _FORMULA, _NUMBER, _SHORT_NUMBER, _SHORT_NUMBERS = 0x0205, 0x06, 0x0203, 0x027E, 0xBD
_NOT_A_NUMBER = b"\xff\xff"


def doubtful_xls_rows(data: bytes, sheet: str) -> frozenset[int]:
    """Numbers of the rows of a sheet that cannot be relied on; ``data`` is the file."""
    try:
        workbook = _Workbook(_workbook_stream(data))
        return frozenset(workbook.doubtful_rows(sheet))
    except (struct.error, IndexError, LookupError):
        return frozenset()


class _Workbook:
    """The records of a workbook. Raises LookupError for one of before 1997."""

    def __init__(self, stream: bytes) -> None:
        self._stream = stream
        codes: dict[int, str] = {}
        used: list[int] = []
        since_1904 = False
        self._starts: dict[str, int] = {}
        if struct.unpack_from("<H", stream, 4)[0] != _SINCE_1997:
            raise LookupError
        for kind, body in self._records(0):
            if kind == _SHEET:
                self._starts[_text(body[7:], body[6])] = struct.unpack_from("<I", body)[0]
            elif kind == _DATE_MODE:
                since_1904 = body[:1] == b"\1"
            elif kind == _FORMAT:
                number, length = struct.unpack_from("<HH", body)
                codes[number] = _text(body[4:], length)
            elif kind == _XF:
                used.append(struct.unpack_from("<H", body, 2)[0])
        days = formats_of_days(codes)
        self._calendar = Calendar(frozenset(at for at, each in enumerate(used) if each in days), since_1904)

    def doubtful_rows(self, sheet: str) -> Iterator[int]:
        """The doubtful rows as they come. Raises LookupError for a sheet that is not there."""
        for kind, body in self._records(self._starts[sheet]):
            if _is_error(kind, body) or not all(map(self._calendar.has, self._days(kind, body))):
                yield int(struct.unpack_from("<H", body)[0]) + 1

    def _records(self, at: int) -> Iterator[tuple[int, bytes]]:
        """The records from an offset to the next mark of an end."""
        while at + 4 <= len(self._stream):
            kind, size = struct.unpack_from("<HH", self._stream, at)
            if kind == _EOF:
                return
            yield kind, self._stream[at + 4 : at + 4 + size]
            at += 4 + size

    def _days(self, kind: int, body: bytes) -> Iterator[float]:
        """The numbers of a record that are shown as days."""
        if kind in (_NUMBER, _FORMULA) and self._shows_day(body, 4) and body[12:14] != _NOT_A_NUMBER:
            yield struct.unpack_from("<d", body, 6)[0]
        elif kind == _SHORT_NUMBER and self._shows_day(body, 4):
            yield _short(body, 6)
        elif kind == _SHORT_NUMBERS:
            yield from (_short(body, at + 2) for at in range(4, len(body) - 2, 6) if self._shows_day(body, at))

    def _shows_day(self, body: bytes, at: int) -> bool:
        return struct.unpack_from("<H", body, at)[0] in self._calendar.formats


def _is_error(kind: int, body: bytes) -> bool:
    if kind == _ERROR_OR_TRUTH:
        return body[7] == 1
    return kind == _FORMULA and body[12:14] == _NOT_A_NUMBER and body[6] == 2  # noqa: PLR2004 - the mark of an error


def _short(body: bytes, at: int) -> float:
    """A number in four bytes: a whole one or the upper half of a float, perhaps a hundredfold."""
    value = struct.unpack_from("<i", body, at)[0]
    number = float(value >> 2) if value & 2 else struct.unpack("<d", struct.pack("<q", (value & ~3) << 32))[0]
    return float(number / 100 if value & 1 else number)


def _text(body: bytes, length: int) -> str:
    """A name: a byte before it says whether its characters have two bytes."""
    if body[0] & 1:
        return body[1 : 1 + 2 * length].decode("utf-16-le", "replace")
    return body[1 : 1 + length].decode("latin-1")


# ---------------------------------------------------------------- the file around the workbook


def _workbook_stream(data: bytes) -> bytes:
    """The workbook's own bytes out of the compound file. Raises LookupError where it holds none, or a very small one."""
    size = 1 << struct.unpack_from("<H", data, 30)[0]
    following = _following(data, size)
    first_entry, _, least_bytes = struct.unpack_from("<3I", data, 48)
    directory = _chain(data, size, following, first_entry)
    entries = [directory[at : at + _ENTRY_BYTES] for at in range(0, len(directory), _ENTRY_BYTES)]
    start, length = next((_extent(each) for each in entries if _name(each) == _STREAM), (0, 0))
    if length < least_bytes:
        raise LookupError
    return _chain(data, size, following, start)[:length]


def _following(data: bytes, size: int) -> Sequence[int]:
    """Which sector follows each."""
    places = list(struct.unpack_from("<109I", data, 76))
    further = struct.unpack_from("<I", data, 68)[0]
    while further < _NO_SECTOR and len(places) * size < len(data):
        places += _numbers(_sector(data, size, further))
        further = places.pop()
    return _numbers(b"".join(_sector(data, size, each) for each in places if each < _NO_SECTOR))


def _chain(data: bytes, size: int, following: Sequence[int], start: int) -> bytes:
    """The sectors from one on to the end. Raises IndexError for one that is not there."""
    sectors: list[bytes] = []
    while start < _NO_SECTOR and len(sectors) <= len(following):
        sectors.append(_sector(data, size, start))
        start = following[start]
    return b"".join(sectors)


def _sector(data: bytes, size: int, number: int) -> bytes:
    return data[(number + 1) * size : (number + 2) * size]


def _numbers(data: bytes) -> tuple[int, ...]:
    return struct.unpack(f"<{len(data) // 4}I", data[: len(data) // 4 * 4])


def _name(entry: bytes) -> str:
    length = struct.unpack_from("<H", entry, 64)[0]
    return entry[: max(0, length - 2)].decode("utf-16-le", "replace")


def _extent(entry: bytes) -> tuple[int, int]:
    start, length = struct.unpack_from("<II", entry, 116)
    return start, length
