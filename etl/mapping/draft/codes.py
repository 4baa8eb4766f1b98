"""Crosswalks with the codes that a column really holds and how many rows have each.

A label is filled in only where the code is the label itself. Whatever else a code may mean stands in its note: what
nobody decided must not load. Codes of people (names, numbers, e-mail addresses) are never written down.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from etl.core.intake import Column, Kind, Tally
from etl.mapping.draft.model import DraftCode, DraftCrosswalk

_LONGEST = 40
_INITIALS = 4
_SHORTEST_NAME = 3
_NAMELIKE = re.compile(r"[^\W\d_]{2,}, *[^\W\d_]{2,}")
"""A family name, a comma, a given name: in no column are these codes."""
_PERSONAL = (Kind.EMAIL, Kind.PHONE, Kind.SSN)


def crosswalk_of(name: str, column: Column, options: Sequence[str], *, may_be_people: bool = False) -> DraftCrosswalk:
    """The crosswalk of a column: its codes where they are codes, each with the label that it certainly means.

    ``may_be_people`` says that the column may hold names of people, so that only numbers and short codes are written.
    """
    codes = column.codes or _few(column)
    if not _are_codes(column, codes, options, may_be_people=may_be_people):
        return DraftCrosswalk(name, column.name, (), withheld=bool(column.filled))
    return DraftCrosswalk(name, column.name, tuple(_code(each, options) for each in _written(codes)))


def open_crosswalk(name: str, column: str) -> DraftCrosswalk:
    """A crosswalk that asks for one label for all rows."""
    return DraftCrosswalk(name, column, (DraftCode("*", "", None, "OPEN: one label for all rows"),))


def merged(crosswalks: Iterable[DraftCrosswalk]) -> list[DraftCrosswalk]:
    """One crosswalk a name, with the codes of all; the first column gives it its header."""
    found: dict[str, DraftCrosswalk] = {}
    for each in crosswalks:
        known = found.get(each.name)
        found[each.name] = each if known is None else _together(known, each)
    return list(found.values())


def _together(one: DraftCrosswalk, other: DraftCrosswalk) -> DraftCrosswalk:
    codes = {each.code: each for each in one.codes}
    for each in other.codes:
        known = codes.get(each.code)
        rows = (known.rows or 0) + (each.rows or 0) if known and each.rows is not None else each.rows
        codes[each.code] = DraftCode(each.code, each.target, rows, each.note)
    return DraftCrosswalk(one.name, one.column, tuple(codes.values()), one.withheld or other.withheld)


def _few(column: Column) -> Sequence[Tally]:
    """All values of a short table's column, where they are so short that they can be nothing but codes."""
    is_short = column.longest <= _SHORTEST_NAME and len(column.values) == column.distinct
    return column.values if is_short else ()


def _are_codes(column: Column, codes: Sequence[Tally], options: Sequence[str], *, may_be_people: bool) -> bool:
    if not codes or column.people is not None or column.longest > _LONGEST:
        return False
    if any(column.kinds.get(kind) for kind in _PERSONAL):
        return False
    known = {_plain(each) for each in options}
    strange = [each.text for each in codes if _plain(each.text) not in known]
    return all(map(_is_number, strange)) if may_be_people else not any(map(_NAMELIKE.search, strange))


def _is_number(code: str) -> bool:
    """Whether a code of a person is a number or an abbreviation, and no name."""
    return len(code) <= _SHORTEST_NAME or any(each.isdigit() for each in code)


def _written(codes: Sequence[Tally]) -> list[Tally]:
    """The codes, the commonest first: what is decided first unblocks most."""
    return sorted(codes, key=lambda each: (-each.rows, each.text))


def _code(tally: Tally, options: Sequence[str]) -> DraftCode:
    same = [each for each in options if _plain(each) == _plain(tally.text)]
    if len(same) == 1:
        return DraftCode(tally.text, same[0], tally.rows, "the same word")
    likely = _likely(tally.text, options)
    return DraftCode(tally.text, "", tally.rows, f"OPEN: {likely}?" if likely else "OPEN")


def _likely(code: str, options: Sequence[str]) -> str:
    """The only label that a code may abbreviate, by its beginning or its initials; "" where there is none."""
    plain = _plain(code)
    if not plain:
        return ""
    begins = [each for each in options if _plain(each).startswith(plain)]
    initials = [each for each in options if len(plain) <= _INITIALS and _initials(each) == plain]
    found = begins if len(begins) == 1 else initials
    return found[0] if len(found) == 1 else ""


def _plain(text: str) -> str:
    return "".join(each for each in text.casefold() if each.isalnum())


def _initials(text: str) -> str:
    words = (each for each in re.findall(r"\w+", text.casefold()) if each not in {"or", "and", "of", "the"})
    return "".join(each[0] for each in words)
