"""The values that literals of a script mean: text, numbers, truth, null, or bytes, which have no text form.

Nothing is evaluated. A literal that this module does not know is no guess but damage of its row.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

from etl.sources.dumps.tokens import MYSQL, POSTGRES, Quoting
from etl.sources.encoding import MISFIT

_MYSQL_ESCAPE = {mark: re.compile(rf"\\(.)|{mark}{mark}", re.DOTALL) for mark in "'\""}
_MYSQL_MEANS = {"0": "\0", "b": "\b", "n": "\n", "r": "\r", "t": "\t", "Z": "\x1a", "%": "\\%", "_": "\\_"}
_POSTGRES_ESCAPE = re.compile(
    r"\\(?:([0-7]{1,3})|x([0-9a-fA-F]{1,2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|(.))|''", re.DOTALL
)
_POSTGRES_MEANS = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}
_DAY_ONE = date(1, 1, 1)
_DAY_ZERO = datetime(1900, 1, 1)  # noqa: DTZ001 - the server's own zero, without a zone
_MIDNIGHT = datetime.combine(_DAY_ONE, datetime.min.time())
_MICROS_A_DAY = 24 * 60 * 60 * 1_000_000
_TICKS_PER_S = 300
_FIRST_BEYOND_ASCII = 0x80
"""From here on an escaped byte is a piece of a character in an encoding that the script does not tell."""


def decoded(text: bytes) -> str:
    """Text out of the script's bytes; misfits stay the lone surrogates they are."""
    return text.decode("utf-8", "surrogatepass")


def name_of(text: bytes) -> str:
    """A name without its quotes.

    >>> name_of(b"[a]]b]"), name_of(b"`x`"), name_of(b"PERSONS")
    ('a]b', 'x', 'PERSONS')
    """
    name = decoded(text)
    if name[0] not in '["`':
        return name
    closing = {"[": "]"}.get(name[0], name[0])
    return name[1:-1].replace(closing * 2, closing)


def string_of(text: bytes, quoting: Quoting) -> str:
    r"""The text that a string literal means.

    >>> from etl.sources.dumps.tokens import INITIAL
    >>> string_of(b"N'O''Brien'", INITIAL["tsql"]), string_of(rb"'a\'b'", INITIAL["mysql"])
    ("O'Brien", "a'b")
    """
    literal = decoded(text)
    if literal.startswith("$"):
        tag = literal.index("$", 1) + 1
        return literal[tag:-tag]
    mark = literal[-1]
    start = literal.index(mark)
    body = literal[start + 1 : -1]
    if quoting.dialect == MYSQL and quoting.has_escapes:
        return _MYSQL_ESCAPE[mark].sub(_mysql_means, body) if "\\" in body or mark in body else body
    if quoting.dialect == POSTGRES and (start or quoting.has_escapes):
        return _POSTGRES_ESCAPE.sub(_postgres_means, body)
    return body.replace(mark * 2, mark)


def copied(field: str) -> str | None:
    r"""The value of a field of COPY; ``\N`` is null.

    >>> copied(r"a\tb\\"), copied(r"\N")
    ('a\tb\\', None)
    """
    if "\\" not in field:
        return field
    return None if field == "\\N" else _POSTGRES_ESCAPE.sub(_postgres_means, field)


def number_of(text: bytes) -> int | Decimal:
    """A number, its places kept."""
    literal = text.decode("ascii")
    return int(literal) if literal.lstrip("+-").isdigit() else Decimal(literal)


def bytes_of(text: bytes, quoting: Quoting) -> bytes | str:
    """The bytes of a binary literal; PostgreSQL's bit strings are the text that they show."""
    if text.startswith(b"_binary"):
        return string_of(text.removeprefix(b"_binary").lstrip(), quoting).encode("utf-8", "surrogatepass")
    opening, _, body = text.partition(b"'")
    kind = opening.strip().lower()
    if kind.startswith(b"0x"):
        return _from_hex(kind[2:])
    digits = body[:-1]
    if kind == b"x":
        return _from_hex(digits)
    return digits.decode("ascii") if quoting.dialect == POSTGRES else _from_bits(digits)


def cast(value: object, type_name: str) -> object:
    """The value of ``CAST(value AS type_name)``: older scripts of SQL Server write points in time as its own bytes.

    >>> cast(bytes.fromhex("0000901A00000000"), "datetime"), cast("2011-02-09", "date")
    ('2001-01-01 00:00:00', '2011-02-09')
    """
    decode = _FROM_BYTES.get(type_name)
    return decode(value) if decode and isinstance(value, bytes) else value


def _mysql_means(found: re.Match[str]) -> str:
    escaped = found[1]
    return found[0][0] if escaped is None else _MYSQL_MEANS.get(escaped, escaped)


def _postgres_means(found: re.Match[str]) -> str:
    octal, byte, short, long, plain = found.groups()
    if octal or byte:
        code = int(octal, 8) if octal else int(byte, 16)
        return chr(code) if code < _FIRST_BEYOND_ASCII else MISFIT
    if short or long:
        return _character(int(short or long, 16))
    return _POSTGRES_MEANS.get(plain, plain) if plain else "'"


def _character(code: int) -> str:
    return chr(code) if code <= sys.maxunicode else MISFIT


def _from_hex(digits: bytes) -> bytes:
    text = digits.decode("ascii")
    return bytes.fromhex(text if len(text) % 2 == 0 else f"0{text}")


def _from_bits(digits: bytes) -> bytes:
    return int(digits or b"0", 2).to_bytes(max(1, (len(digits) + 7) // 8), "big")


def _datetime(raw: bytes) -> object:
    """Days since 1900 and three-hundredths of a second, both four bytes, high byte first."""
    if len(raw) != 8:  # noqa: PLR2004 - the size of the type
        return raw
    days, ticks = int.from_bytes(raw[:4], "big", signed=True), int.from_bytes(raw[4:], "big")
    thousandths = round(ticks * 1000 / _TICKS_PER_S)
    return _moment(lambda: _DAY_ZERO + timedelta(days=days, milliseconds=thousandths), raw)


def _smalldatetime(raw: bytes) -> object:
    """Days since 1900 and minutes, both two bytes, high byte first."""
    if len(raw) != 4:  # noqa: PLR2004 - the size of the type
        return raw
    days, minutes = int.from_bytes(raw[:2], "big"), int.from_bytes(raw[2:], "big")
    return _moment(lambda: _DAY_ZERO + timedelta(days=days, minutes=minutes), raw)


def _date(raw: bytes) -> object:
    """Days since the year one, low byte first."""
    return _moment(lambda: _DAY_ONE + timedelta(days=int.from_bytes(raw, "little")), raw)


def _datetime2(raw: bytes) -> object:
    """Places of the fraction, time in units of the last place, then three bytes of date, low byte first."""
    days = int.from_bytes(raw[-3:], "little")
    return _moment(lambda: _MIDNIGHT + timedelta(days=days, microseconds=_micros(raw[:-3])), raw)


def _datetimeoffset(raw: bytes) -> object:
    """The same in UTC, then two bytes for the minutes of the zone that it is told in."""
    days, minutes = int.from_bytes(raw[-5:-2], "little"), int.from_bytes(raw[-2:], "little", signed=True)

    def made() -> datetime:
        moment = _MIDNIGHT + timedelta(days=days, microseconds=_micros(raw[:-5]))
        return moment.replace(tzinfo=UTC).astimezone(timezone(timedelta(minutes=minutes)))

    return _moment(made, raw)


def _time(raw: bytes) -> object:
    """Places of the fraction, then time in units of the last place, low byte first."""
    moment = _moment(lambda: _MIDNIGHT + timedelta(microseconds=_micros(raw)), raw)
    return moment.removeprefix(f"{_DAY_ONE} ") if isinstance(moment, str) else raw


def _micros(raw: bytes) -> int:
    """Microseconds of a time that begins with its places. Raises OverflowError where it is none of the server's."""
    if not raw or raw[0] > 7 or not 3 <= len(raw) - 1 <= 5:  # noqa: PLR2004 - what the type may have
        raise OverflowError
    micros: int = int.from_bytes(raw[1:], "little") * 1_000_000 // 10 ** raw[0]
    if micros >= _MICROS_A_DAY:
        raise OverflowError
    return micros


def _moment(made: Callable[[], date], raw: bytes) -> object:
    """ISO text; the bytes again where they mean no date."""
    try:
        return made().isoformat().replace("T", " ")
    except (OverflowError, ValueError):
        return raw


_FROM_BYTES: dict[str, Callable[[bytes], object]] = {
    "datetime": _datetime,
    "smalldatetime": _smalldatetime,
    "date": _date,
    "datetime2": _datetime2,
    "datetimeoffset": _datetimeoffset,
    "time": _time,
}
