"""Which character parts the cells of a CSV file, decided before any row is read.

A declared delimiter is taken as it is. Otherwise the header decides: a candidate must stand in it, and where several do,
exactly one must cut the rows that follow as it cuts the header; a doubt is an error, never a guess.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from etl.core.errors import SettingsError, SourceUnreadable

LONGEST_ROW = 10 * 1024 * 1024
"""Characters; a longer row is damage, which keeps memory bounded."""

_TESTED_LINES = 1_000
_CANDIDATES = (",", ";", "\t", "|")
_CONSISTENT = 0.9
_NAMES = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}


@dataclass(frozen=True, slots=True)
class Dialect:
    """How cells are parted and quoted; ``quote`` is "" where nothing is."""

    delimiter: str
    quote: str = '"'

    def __post_init__(self) -> None:
        for role, character in (("delimiter", self.delimiter), ("quote", self.quote)):
            if not _is_usable(character, may_be_empty=role == "quote"):
                hint = 'Use one plain character, such as "," or "\\t".'
                raise SettingsError(f"The {role} of a CSV source must be one character of ASCII.", hint=hint)
        if self.delimiter == self.quote:
            raise SettingsError("The delimiter and the quote of a CSV source are the same.", hint="Change one of them.")


def proved_delimiter(lines: list[str], quote: str, place: str) -> str:
    """The delimiter that header and first rows (physical ``lines``) agree on. Raises SourceUnreadable."""
    counts = {candidate: _cell_counts(lines, Dialect(candidate, quote)) for candidate in _CANDIDATES}
    in_header = [candidate for candidate, cells in counts.items() if cells and cells[0] > 1]
    if not in_header:
        return _CANDIDATES[0]  # one column
    consistent = [candidate for candidate in in_header if _is_consistent(counts[candidate])]
    for certain in (in_header, consistent):
        if len(certain) == 1:
            return certain[0]
    names = " and ".join(_NAMES[candidate] for candidate in consistent or in_header)
    raise SourceUnreadable(f"{place}: its delimiter may be {names}.", hint='Declare it: `delimiter: ";"`, say.')


def cell_rows(lines: Iterable[str], dialect: Dialect, *, strict: bool = True) -> Iterator[list[str]]:
    """The standard reader over physical lines; a blank line gives an empty list, broken quoting a csv.Error if strict."""
    csv.field_size_limit(LONGEST_ROW)
    return csv.reader(
        lines,
        delimiter=dialect.delimiter,
        quotechar=dialect.quote or None,
        quoting=csv.QUOTE_MINIMAL if dialect.quote else csv.QUOTE_NONE,
        strict=strict,
    )


def physical_lines(text: str) -> list[str]:
    r"""Lines with their ends, which are LF, CR LF or CR and nothing else.

    >>> physical_lines("a\r\nb\x0bc\rd")
    ['a\r\n', 'b\x0bc\r', 'd']
    """
    return list(io.StringIO(text, newline=""))


def _cell_counts(lines: list[str], dialect: Dialect) -> list[int]:
    return [len(cells) for cells in cell_rows(lines[:_TESTED_LINES], dialect, strict=False) if cells]


def _is_consistent(counts: list[int]) -> bool:
    return sum(count == counts[0] for count in counts) >= _CONSISTENT * len(counts)


def _is_usable(character: str, *, may_be_empty: bool) -> bool:
    if not character:
        return may_be_empty
    return len(character) == 1 and character.isascii() and character not in "\r\n\0"
