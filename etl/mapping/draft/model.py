"""A draft as values: what is proposed for each table, how sure that is, why, and what a person must still decide."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from etl.mapping.ignore import UNDECIDED

Written: TypeAlias = "str | int | float | bool | Sequence[Written] | Mapping[str, Written]"
"""A part of a document before it is written as YAML."""


class Confidence(StrEnum):
    """How much speaks for a proposal."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


@dataclass(frozen=True, slots=True)
class DraftField:
    """A proposed field: its ``value`` as the document says it, the ``columns`` it reads, why, and what is to ``decide``
    ("" where nothing is). ``terms`` are the (name, term) pairs that brought it about.
    """

    name: str
    value: Written
    columns: tuple[str, ...]
    confidence: Confidence
    why: str
    decide: str = ""
    terms: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class DraftCode:
    """One row of a proposed crosswalk; ``target`` is "" where somebody must decide, ``rows`` None where not counted."""

    code: str
    target: str
    rows: int | None
    note: str


@dataclass(frozen=True, slots=True)
class DraftCrosswalk:
    """A proposed crosswalk of one column. ``withheld`` says that codes are left out because they may be people's."""

    name: str
    column: str
    codes: tuple[DraftCode, ...]
    withheld: bool = False


@dataclass(frozen=True, slots=True)
class DraftJoin:
    """A table of at most one row for each base row; ``match`` pairs the base's column with the table's."""

    alias: str
    table: str
    match: tuple[str, str]


@dataclass(frozen=True, slots=True)
class DraftMapping:
    """A proposed mapping of one ``table`` (``source.TABLE``); ``notes`` are decisions about it as a whole, ``asked`` the
    columns of ``where``. ``test`` is the test that it begins with, None where none can be made.
    """

    name: str
    entity: str
    table: str
    key: tuple[str, ...]
    where: str
    fields: tuple[DraftField, ...]
    confidence: Confidence
    why: str
    notes: tuple[str, ...] = ()
    group: tuple[str, ...] = ()
    joins: tuple[DraftJoin, ...] = ()
    asked: tuple[str, ...] = ()
    terms: tuple[tuple[str, str], ...] = ()
    test: Mapping[str, Written] | None = None

    @property
    def columns(self) -> frozenset[tuple[str, str]]:
        """Every column that the mapping reads, with its table."""
        named = {column for each in self.fields for column in each.columns}
        named |= {*self.key, *self.group, *self.asked, *(each.match[0] for each in self.joins)}
        matched = {(each.table, each.match[1]) for each in self.joins}
        return frozenset({self.place_of(each) for each in named} | matched)

    def place_of(self, column: str) -> tuple[str, str]:
        """The table and column that a name of the mapping means: ``side.CITY`` is a joined table's."""
        alias, _, name = column.partition(".")
        joined = next((each.table for each in self.joins if each.alias == alias and name), None)
        return (joined, name) if joined else (self.table, column)


@dataclass(frozen=True, slots=True)
class Draft:
    """Everything that is proposed. ``ignore`` gives the reason for each table that is left out, and for each column of
    the others. ``unread`` names tables that could not be looked at.
    """

    mappings: tuple[DraftMapping, ...]
    crosswalks: tuple[DraftCrosswalk, ...]
    ignore: Mapping[str, str | Mapping[str, str]]
    unread: tuple[str, ...] = ()

    @property
    def decisions(self) -> int:
        """How many things a person must still decide."""
        fields = sum(bool(each.decide) for mapping in self.mappings for each in mapping.fields)
        codes = sum(not code.target for each in self.crosswalks for code in each.codes)
        reasons = [one for each in self.ignore.values() for one in ([each] if isinstance(each, str) else each.values())]
        left_out = sum(each.startswith(UNDECIDED) for each in reasons)
        return fields + codes + left_out + sum(len(each.notes) for each in self.mappings)
