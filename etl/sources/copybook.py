"""COBOL copybooks as layouts: the PICTURE of each item gives its length and its form.

``X`` and ``A`` are text, ``9`` without sign or point is text too (its zeros may be part of an identifier); a sign or an
implied point makes a number. Signs stand over the last digit unless they are declared separate. Where every line keeps the
areas of a card (sequence in columns 1 to 6, indicator in 7, identification from 73), the areas are taken off.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from etl.core.errors import SettingsError
from etl.sources.layout_field import LayoutField
from etl.sources.sql_text import Renderer

COPYBOOKS = frozenset((".cpy", ".cbl", ".cob"))
"""How the names of copybooks end."""

_SENTENCE = re.compile(r"(?P<text>[^.]*(?:\.(?!\s|$)[^.]*)*)(?:\.|$)", re.DOTALL)
_ITEM = re.compile(r"\s*(?P<level>\d{1,2})\s+(?P<rest>\S.*)", re.DOTALL)
_PICTURE = re.compile(r"\bPIC(?:TURE)?(?:\s+IS)?\s+(?P<picture>\S+)", re.IGNORECASE)
_LITERAL = re.compile(r"\bVALUES?\b.*", re.IGNORECASE | re.DOTALL)
_REPEAT = re.compile(r"(.)\((\d+)\)")
_TEXT = re.compile(r"[XA9]+")
_NUMBER = re.compile(r"(?P<sign>S?)(?P<whole>9*)(?:V(?P<places>9*))?")
_CARD = re.compile(r"(?:\S{6}| {6})[ */Dd-].*| {0,6}")
_TO_CODE, _CODE_END = 6, 72
_IDENTIFICATION = re.compile(r"[A-Za-z0-9$#@_ -]{1,8}")
_COMMENTS = ("*", "/", "D", "d")
"""Indicators of lines that are no part of the record: comments, and lines for debugging."""
_REFUSED = {
    "OCCURS": "repeats (OCCURS)",
    "REDEFINES": "redefines another item",
    "RENAMES": "renames other items",
    "COMP": "is a binary number",
    "COMPUTATIONAL": "is a binary number",
    "BINARY": "is a binary number",
    "PACKED-DECIMAL": "is a packed number",
    "INDEX": "is an index",
    "POINTER": "is a pointer",
    "COPY": "includes another copybook",
}
_WITHOUT_EFFECT = frozenset(("USAGE", "IS", "DISPLAY", "SYNC", "SYNCHRONIZED", "GLOBAL", "EXTERNAL", "VALUE", "VALUES"))
_OF_CELLS = frozenset(
    [
        *("PIC", "PICTURE", "SIGN", "LEADING", "TRAILING", "SEPARATE", "CHARACTER"),
        *("JUST", "JUSTIFIED", "RIGHT", "LEFT", "BLANK", "WHEN", "ZERO", "ZEROS", "ZEROES"),
    ]
)
"""Clauses that say how characters are shown; the first three are read, the others change no length."""
_CONDITION_LEVEL = 88
_LONGEST_PICTURE = 100_000
_OVERPUNCH = {sign: (str(digit), "") for digit, sign in enumerate("{ABCDEFGHI")} | {
    sign: (str(digit), "-") for digit, sign in enumerate("}JKLMNOPQR")
}


@dataclass(frozen=True, slots=True)
class _Sign:
    """How a signed number shows its sign."""

    is_separate: bool
    is_leading: bool


def copybook_fields(text: str, place: str) -> Iterator[LayoutField]:
    """The elementary items in order; hyphens of names become underscores. Raises SettingsError."""
    start = records = 0
    for line, sentence in _sentences(text, place):
        where = f"{place}, line {line}"
        found = _ITEM.fullmatch(sentence)
        if not found:
            raise SettingsError(f"{where}: this is no item of a copybook.", hint="Keep the record's items alone.")
        level = int(found["level"])
        records += level == 1
        if records > 1:
            raise SettingsError(f"{where}: a second record starts.", hint="Make one copybook for each kind of record.")
        field = None if level == _CONDITION_LEVEL else _field(found["rest"], start, where)
        if field is not None:
            yield field
            start += field.length


def _sentences(text: str, place: str) -> Iterator[tuple[int, str]]:
    """What ends with a period, with the line it starts in; comments are left out and their lines kept."""
    lines = text.expandtabs().splitlines()
    if all(_CARD.fullmatch(line.rstrip()) for line in lines):
        lines = [_without_areas(line, f"{place}, line {number}") for number, line in enumerate(lines, 1)]
    code = "\n".join("" if line.lstrip().startswith(("*", "/")) else line.partition("*>")[0] for line in lines)
    for found in _SENTENCE.finditer(code):
        if found["text"].strip():
            lead = len(found["text"]) - len(found["text"].lstrip())
            yield code.count("\n", 0, found.start() + lead) + 1, found["text"].strip()


def _without_areas(card: str, where: str) -> str:
    """The code of a line; what stands behind it is left out only where it cannot be code."""
    indicator, behind = card[_TO_CODE : _TO_CODE + 1], card[_CODE_END:].strip()
    if indicator in _COMMENTS:
        return ""
    if indicator == "-":
        raise SettingsError(
            f"{where}: the line continues the one before.", hint="Write the item without a continuation."
        )
    words = {word.upper() for word in behind.split()}
    is_code = bool(words & (_REFUSED.keys() | _OF_CELLS | _WITHOUT_EFFECT)) or not _IDENTIFICATION.fullmatch(behind)
    return card[_TO_CODE + 1 : None if is_code else _CODE_END]


def _field(rest: str, start: int, where: str) -> LayoutField | None:
    """The item's column, None for a group."""
    clauses = _LITERAL.sub("", rest)
    words = clauses.split()
    name = words[0].replace("-", "_")
    picture = _PICTURE.search(clauses)
    if len(_PICTURE.findall(clauses)) > 1:
        raise SettingsError(f"{where}: {name} has two PICTUREs.", hint="End each item with a period.")
    others = {re.sub(r"^(COMP|COMPUTATIONAL)-\w$", r"\1", word.upper()) for word in words[1:]}
    for word, why in _REFUSED.items():
        if word in others:
            raise SettingsError(
                f"{where}: {name} {why}.", hint="Unload it as plain characters (DISPLAY), one item each."
            )
    if words[0].upper() in ("PIC", "PICTURE"):
        name, picture = "FILLER", _PICTURE.search(clauses)
    _refuse_unknown(others - ({picture["picture"].upper()} | _OF_CELLS if picture else set()), f"{where}: {name}")
    if picture is None:
        return None
    length, render = _form(picture["picture"].upper(), _sign(others), f"{where}: {name}")
    return LayoutField(name, start, length, render)


def _refuse_unknown(words: set[str], place: str) -> None:
    """A clause that is passed over could change where the next column starts."""
    if unknown := sorted(words - _WITHOUT_EFFECT):
        hint = "Take the clause out if it changes no length; else unload the item as plain characters (DISPLAY)."
        raise SettingsError(f"{place} says {unknown[0]}, which is not read there.", hint=hint)


def _sign(words: set[str]) -> _Sign:
    return _Sign("SEPARATE" in words, "LEADING" in words)


def _form(picture: str, sign: _Sign, place: str) -> tuple[int, Renderer]:
    if any(int(found[2]) > _LONGEST_PICTURE for found in _REPEAT.finditer(picture)):
        raise SettingsError(f"{place} is longer than {_LONGEST_PICTURE:,} characters.", hint="Check its PICTURE.")
    expanded = _REPEAT.sub(lambda found: found[1] * int(found[2]), picture)
    if _TEXT.fullmatch(expanded):
        return len(expanded), _trimmed
    found = _NUMBER.fullmatch(expanded)
    if not found:
        raise SettingsError(f"{place} has a PICTURE that is not read.", hint="X, A, 9, S and V are.")
    digits, places = len(found["whole"]) + len(found["places"] or ""), len(found["places"] or "")
    if not found["sign"]:
        return digits, _number(places, None)
    return digits + sign.is_separate, _number(places, sign)


def _trimmed(value: object) -> str | None:
    return str(value).rstrip(" ")


def _number(places: int, sign: _Sign | None) -> Renderer:
    """The number with its point and sign; characters that are no number stay as they are."""

    def render(value: object) -> str | None:
        text = str(value)
        minus, digits = _signed(text, sign)
        if not digits.isascii() or not digits.isdigit():
            return text.strip(" ")
        whole = digits[: len(digits) - places].lstrip("0") or "0"
        number = f"{whole}.{digits[len(digits) - places :]}" if places else whole
        return f"{minus}{number}" if any(each not in "0." for each in number) else number

    return render


def _signed(text: str, sign: _Sign | None) -> tuple[str, str]:
    """The minus, if there is one, and the digits."""
    if sign is None or not text:
        return "", text
    at = 0 if sign.is_leading else len(text) - 1
    character, rest = text[at], (text[:at], text[at + 1 :])
    if sign.is_separate:
        known = {"+": "", "-": "-", " ": ""}
        return (known[character], "".join(rest)) if character in known else ("", "")
    digit, minus = _OVERPUNCH.get(character, (character, ""))
    return minus, digit.join(rest)
