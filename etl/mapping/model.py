"""A migration project as resolved, frozen values: what the YAML documents mean after every check has passed.

The documents' own form (short forms, defaults, positions) ends in ``project.py``; from here on a field has exactly one
kind of value, every policy is spelt out, and every name was found in the catalogue.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import TypeAlias

from etl.catalog.model import Attribute, Catalog, Link
from etl.core.ports import BaseQuery
from etl.mapping.expressions import Expression
from etl.mapping.hours import OfficeHours
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


@dataclass(frozen=True, slots=True)
class Field:
    """One target field. ``attribute`` or ``link`` is its entry in the catalogue (a file field has neither).

    ``when``: where false the value is withheld (empty, counted). ``default`` serves ``on_error`` and ``on_unmapped``.
    ``columns`` lists every visible source column the field reads.
    """

    name: str
    value: Value
    on_error: OnError
    default: str | None
    pii: str | None
    when: Expression | None
    columns: tuple[str, ...]
    position: Position
    attribute: Attribute | None = None
    link: Link | None = None

    @property
    def is_reference(self) -> bool:
        """Whether the field holds record keys of parents."""
        return isinstance(self.value, Reference)


@dataclass(frozen=True, slots=True)
class Check:
    """A condition over a record's own fields, and over its source as ``src.COLUMN``."""

    expression: Expression


@dataclass(frozen=True, slots=True)
class OnePer:
    """Of the records that agree in ``by``, exactly one fulfils ``when``."""

    by: tuple[str, ...]
    when: Expression


@dataclass(frozen=True, slots=True)
class NoOverlap:
    """The intervals of records that agree in ``by`` do not overlap; a blank ``end`` is still running."""

    by: tuple[str, ...]
    start: str
    end: str


@dataclass(frozen=True, slots=True)
class Select:
    """A SELECT over snapshot tables and ``records.MAPPING`` that finds the records which break the rule."""

    text: str


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule of a mapping: ``severity`` is ``block``, ``warn`` or ``info``, ``say`` what people are told.

    ``fields`` are the target fields it speaks of, ``columns`` the source columns.
    """

    kind: Check | OnePer | NoOverlap | Select
    severity: str
    say: str
    position: Position
    fields: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Override:
    """A correction as data: where ``column`` of the rows with ``key`` holds ``old``, it is read as ``new``.

    "" stands for no value. ``until`` is the last day it holds; None has no end. ``line`` is its place in the file.
    """

    key: tuple[str, ...]
    column: str
    old: str
    new: str
    who: str
    why: str
    until: dt.date | None
    line: int


@dataclass(frozen=True, slots=True)
class Match:
    """A way to tell that a record is in Casebook already: it agrees in ``by`` and, where ``like`` names fields, their
    likeness (0 to 1, on average) is ``at_least`` so much. A blank never agrees.
    """

    by: tuple[str, ...]
    like: tuple[str, ...] = ()
    at_least: float = 0.9


@dataclass(frozen=True, slots=True)
class ExpectedProblem:
    """A problem that an inline test expects; ``field`` and ``severity`` None leave that open."""

    code: str
    field: str | None = None
    severity: str | None = None


@dataclass(frozen=True, slots=True)
class InlineTest:
    """A test written beside a mapping.

    ``rows`` are base rows by visible column (several only where rows are grouped). ``crosswalks`` replace the rows of
    crosswalks by name. ``ids`` gives parents by entity and legacy key; of an entity that it does not name every parent
    exists and is shown by its key. ``bucket`` is ``record``, ``quarantined`` or ``ignored``; None leaves it to the
    problems. ``expected`` holds values as written, by field; ``places`` tells where each stands.
    """

    name: str
    position: Position
    rows: tuple[Mapping[str, str | None], ...]
    crosswalks: Mapping[str, Crosswalk]
    ids: Mapping[str, Mapping[str, str]]
    today: dt.date | None
    bucket: str | None
    expected: Mapping[str, str | tuple[str, ...] | None]
    places: Mapping[str, Position]
    problems: tuple[ExpectedProblem, ...]


@dataclass(frozen=True, slots=True)
class EntityMapping:
    """One mapping document: which base rows become records of ``target``, and how.

    ``key`` lists the visible columns of the legacy identity; ``space`` is the key space. ``base`` asks for every column
    that any part of the mapping reads. ``checksum`` covers meaning only: comments and layout do not count.
    ``query`` is a SELECT that gives the columns of base rows instead of the table itself. ``match`` lists ways to find a
    record that is in Casebook already; ``adopt`` lets a certain find become ours unasked. ``tolerate`` says by field how
    Casebook may show a value other than it was sent.
    ``positions`` tells where ``key``, ``table``, ``where``, ``group`` and each ``join ALIAS`` stand.
    """

    name: str
    target: str
    base: BaseQuery
    where: Expression | None
    key: tuple[str, ...]
    space: str
    fields: tuple[Field, ...]
    checksum: str
    position: Position
    version: int = 1
    positions: Mapping[str, Position] = field(default_factory=dict)
    tests: tuple[InlineTest, ...] = ()
    overrides: tuple[Override, ...] = ()
    rules: tuple[Rule, ...] = ()
    query: str = ""
    match: tuple[Match, ...] = ()
    adopt: bool = False
    tolerate: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def references(self) -> tuple[Field, ...]:
        """The fields that hold record keys of parents."""
        return tuple(each for each in self.fields if each.is_reference)


@dataclass(frozen=True, slots=True)
class SourceSpec:
    """A declared source: ``kind`` is ``csv``, ``sql`` or ``files``; ``location`` an absolute glob, URL or folder (may
    hold a password taken from the environment: never print it). ``options`` are the kind's own (encoding, delimiter,
    quote, queries).
    """

    name: str
    kind: str
    location: str
    options: Mapping[str, object]
    position: Position


@dataclass(frozen=True, slots=True)
class Profile:
    """A Casebook tenant to load into; ``tenant`` is a shipped overlay's name or an absolute path.

    ``concurrency`` and the rates are the most that is allowed; ``one_case_at_a_time`` keeps requests that touch the same
    case (or person, or provider) apart. ``state`` is the URL, without any password, of a PostgreSQL database that keeps
    the state instead of a file.
    """

    name: str
    base_url: str
    token_url: str
    tenant: str
    protect: bool = False
    quiet_s: float = 120.0
    body_format: str = "jsonapi"
    concurrency: int = 8
    rate_per_s: float | None = None
    office_hours: OfficeHours | None = None
    one_case_at_a_time: bool = True
    deadline_s: float = 30.0
    page_size: int = 50
    client_id_env: str = ""
    client_secret_env: str = ""
    token_params_in: str = "body"  # noqa: S105 - a place, no secret
    upload_hosts: tuple[str, ...] = ()
    max_problems: int | None = None
    undo_days: int = 30
    state: str | None = None


@dataclass(frozen=True, slots=True)
class Project:
    """A migration project. ``ignore`` maps ``source.TABLE`` to a reason (whole table) or to reasons by column pattern.

    ``positions`` tells where ``ignore``, each of its tables and (by ``(table, pattern)``) each of its patterns stand.
    """

    name: str
    folder: Path
    timezone: str
    sources: Mapping[str, SourceSpec]
    profiles: Mapping[str, Profile]
    mappings: tuple[EntityMapping, ...]
    ignore: Mapping[str, str | Mapping[str, str]]
    runs_folder: Path
    catalog: Catalog
    checksum: str
    crosswalks: Mapping[str, Crosswalk] = field(default_factory=dict)
    positions: Mapping[str | tuple[str, str], Position] = field(default_factory=dict)

    def mappings_to(self, entity: str) -> tuple[EntityMapping, ...]:
        """The mappings that feed an entity, in file order."""
        return tuple(each for each in self.mappings if each.target == entity)
