"""What an intake finds out about legacy data: the certificate as values, between the sources that measure and the report.

Texts of cells stand only in ``Column.values`` and ``Column.codes``; whoever shows a certificate leaves them out unless a
person asked for them. Shapes (``99/99/9999``), counts and places are for everybody.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from etl.core.problems import Severity


class Kind(StrEnum):
    """What a value's shape says it is."""

    INTEGER = "integer"
    NUMBER = "number"
    DATE_ISO = "date, year first"
    DATE_LONG = "date, year last"
    DATE_SHORT = "date, year of two digits"
    DATE_DIGITS = "date or number of eight digits"
    DATE_NAMED = "date with the month's name"
    TIME = "time of day"
    SCIENTIFIC = "number in scientific form"
    SSN = "number with a Social Security number's dashes"
    PHONE = "telephone number"
    EMAIL = "e-mail address"
    TEXT = "text"


class People(StrEnum):
    """What a column tells of people, by its name or its values."""

    SSN = "Social Security number"
    NAME = "name"
    BIRTH = "date of birth"
    PHONE = "telephone number"
    EMAIL = "e-mail address"
    ADDRESS = "address"
    NOTES = "free text"


@dataclass(frozen=True, slots=True)
class Place:
    """Where something stands: record and physical line count from 1, ``offset_bytes`` from 0; None where not known."""

    row: int | None = None
    line: int | None = None
    offset_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class Observation:
    """One thing that was found: ``count`` rows or lines, the first places, a detail free of people's values."""

    code: str
    severity: Severity
    table: str
    column: str = ""
    count: int = 1
    detail: str = ""
    places: tuple[Place, ...] = ()


@dataclass(frozen=True, slots=True)
class Tally:
    """A shape or value and its number of rows."""

    text: str
    rows: int


@dataclass(frozen=True, slots=True)
class DayOrder:
    """How day and month stand in dates with the year last, by what each row allows.

    ``month_first`` and ``day_first`` count rows that allow one order only, ``either`` those that allow both, ``neither``
    those that are no date in any order.
    """

    month_first: int
    day_first: int
    either: int
    neither: int

    @property
    def verdict(self) -> str:
        """``month first``, ``day first``, ``mixed`` or ``ambiguous``."""
        if self.month_first and self.day_first:
            return "mixed"
        if self.month_first or self.day_first:
            return "month first" if self.month_first else "day first"
        return "ambiguous"


@dataclass(frozen=True, slots=True)
class Column:
    """One column. ``filled``, ``blank`` and ``null`` add up to the readable rows; ``distinct`` counts filled values
    without their outer blanks; ``codes`` are all values where there are few and they tell nothing of people.
    """

    name: str
    filled: int
    blank: int
    null: int
    padded: int
    distinct: int
    shortest: int
    longest: int
    kinds: Mapping[Kind, int]
    shapes: tuple[Tally, ...]
    values: tuple[Tally, ...]
    codes: tuple[Tally, ...] = ()
    people: People | None = None
    people_evidence: str = ""
    day_order: DayOrder | None = None

    @property
    def is_unique(self) -> bool:
        """Whether it is filled everywhere with values that differ: a key by itself."""
        return self.distinct == self.filled > 0 and not self.blank and not self.null

    @property
    def kind(self) -> Kind | None:
        """What most of its values are; None for an empty column."""
        return max(self.kinds, key=lambda kind: self.kinds[kind], default=None)


@dataclass(frozen=True, slots=True)
class FileVerdict:
    """What the bytes of a file show. Lines are counted by what they hold beyond plain ASCII.

    ``candidates`` are the encodings that its other lines may have, the likeliest first; ``encoding`` is the one it was
    read in, with ``proof`` in words. ``line_ends`` counts ``LF``, ``CR LF`` and ``CR``. ``delimiter`` is "" where it
    could not be told.
    """

    encoding: str
    proof: str
    candidates: tuple[str, ...]
    lines: int
    utf8_lines: int
    other_lines: int
    line_ends: Mapping[str, int]
    delimiter: str
    is_quoted: bool


@dataclass(frozen=True, slots=True)
class Table:
    """One table: ``rows`` with the ``damaged`` ones, which are in no column's counts. ``keys`` are columns or pairs of
    columns that tell every row apart, ``declared_key`` is the one that the source itself declares (and may not keep).
    ``file`` is None where no file was looked at.
    """

    name: str
    origin: str
    size_bytes: int | None
    sha256: str
    rows: int
    damaged: int
    columns: tuple[Column, ...]
    keys: tuple[tuple[str, ...], ...] = ()
    file: FileVerdict | None = None
    declared_key: tuple[str, ...] = ()

    def column(self, name: str) -> Column:
        """The column of this name; KeyError if there is none."""
        return next(each for each in self.columns if each.name == name)


@dataclass(frozen=True, slots=True)
class Reference:
    """A column whose values are found in another table's key: ``missing_values`` of its ``values`` are not.

    ``is_named`` says whether the names of the columns agree too, ``is_declared`` that the source itself declares it.
    """

    table: str
    column: str
    parent: str
    parent_column: str
    values: int
    missing_values: int
    missing_rows: int
    is_named: bool
    is_declared: bool = False


@dataclass(frozen=True, slots=True)
class Certificate:
    """Everything an intake found; ``taken`` is an ISO moment in UTC, ``compared_with`` that of an earlier intake."""

    taken: str
    tables: tuple[Table, ...]
    references: tuple[Reference, ...]
    observations: tuple[Observation, ...]
    compared_with: str = ""
    unreadable: tuple[str, ...] = field(default=())

    @property
    def is_clean(self) -> bool:
        """Whether nothing was found that blocks or warns."""
        return all(each.severity is Severity.INFO for each in self.observations)
