"""What a field's value may be, once resolved: columns through operations, constants, choices, references, files.

Every policy is spelt out here, so that the stages behind ask for no default.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from etl.mapping.expressions import Expression
from etl.mapping.operations import BoundOperation


class OnError(StrEnum):
    """What a value that cannot be read does to its record."""

    QUARANTINE = "quarantine"
    EMPTY = "empty"
    DEFAULT = "default"
    WARN = "warn"
    FAIL = "fail"


class OnUnmapped(StrEnum):
    """What a code unknown to its crosswalk does. ``ask`` quarantines and lists the code as an open decision."""

    ASK = "ask"
    QUARANTINE = "quarantine"
    EMPTY = "empty"
    DEFAULT = "default"
    KEEP = "keep"
    FAIL = "fail"


class OnMissing(StrEnum):
    """What a reference (or file) that points to nothing does."""

    BLOCK = "block"
    EMPTY = "empty"
    QUARANTINE = "quarantine"
    FAIL = "fail"


class SendNull(StrEnum):
    """What an update does with a field that was sent before and is empty now: leave Casebook's value, or clear it."""

    OMIT = "omit"
    CLEAR = "clear"


class Take(StrEnum):
    """How the values of a group become one."""

    FIRST = "first"
    LAST = "last"
    MIN = "min"
    MAX = "max"
    CONCAT = "concat"
    COUNT = "count"


@dataclass(frozen=True, slots=True, order=True)
class Position:
    """A place in a document; line and column count from 1."""

    file: str
    line: int
    column: int


@dataclass(frozen=True, slots=True)
class CrosswalkRow:
    """One row: codes (``*`` matches anything), the target label ("" is an open decision)."""

    codes: tuple[str, ...]
    target: str
    line: int


@dataclass(frozen=True, slots=True)
class Crosswalk:
    """Legacy codes to target labels. ``columns`` are the code columns in order. Exact rows win over rows with ``*``,
    more exact cells over fewer, earlier lines over later. ``checksum`` leaves out the advisory columns.
    """

    name: str
    columns: tuple[str, ...]
    rows: tuple[CrosswalkRow, ...]
    checksum: str


@dataclass(frozen=True, slots=True)
class CrosswalkUse:
    """A crosswalk applied to a field, with the policy for codes it does not know."""

    crosswalk: Crosswalk
    on_unmapped: OnUnmapped


@dataclass(frozen=True, slots=True)
class Pipeline:
    """Columns through operations, one group into one value, then through a crosswalk: in this order.

    With several columns and no operation that joins them, the crosswalk takes all of them.
    """

    columns: tuple[str, ...]
    operations: tuple[BoundOperation, ...] = ()
    take: Take | None = None
    crosswalk: CrosswalkUse | None = None


@dataclass(frozen=True, slots=True)
class Const:
    """A constant; ``{COLUMN}`` inserts a column's text (empty where the column is). ``columns`` lists them."""

    template: str
    columns: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Empty:
    """No value."""


@dataclass(frozen=True, slots=True)
class Branch:
    """One alternative; ``when`` None always holds."""

    when: Expression | None
    value: Pipeline | Const | Empty


@dataclass(frozen=True, slots=True)
class Choose:
    """The value of the first branch whose ``when`` holds; empty where none does."""

    branches: tuple[Branch, ...]


@dataclass(frozen=True, slots=True)
class Many:
    """A list: the non-empty values of all branches whose ``when`` holds, in order, without repetition."""

    branches: tuple[Branch, ...]


@dataclass(frozen=True, slots=True)
class ReferenceTarget:
    """One entity (and key space) a reference may mean. ``code`` is the discriminator's value that selects it ("" where
    there is only one); ``columns`` supply the key parts.
    """

    entity: str
    space: str
    code: str
    columns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Reference:
    """A foreign key. ``by`` is the discriminator column of a polymorphic one; without it and with several targets,
    exactly one target must have a key (``expect: one``). ``value`` names an attribute of the parent that is meant
    instead of its id. ``operations`` run on the key where it has one column. ``split`` separates several keys in one
    cell for links that hold many.
    """

    targets: tuple[ReferenceTarget, ...]
    by: str | None
    on_missing: OnMissing
    value: str | None = None
    operations: tuple[BoundOperation, ...] = ()
    split: str | None = None


@dataclass(frozen=True, slots=True)
class FileField:
    """Bytes to attach: the files source and the column with the path inside it."""

    source: str
    column: str
    on_missing: OnMissing


Value: TypeAlias = Pipeline | Const | Empty | Choose | Many | Reference | FileField
