"""A migration project as resolved, frozen values: what the YAML documents mean after every check has passed.

The documents' own form (short forms, defaults, positions) ends in ``project.py``; from here on a field has exactly one
kind of value, every policy is spelt out, and every name was found in the catalogue. This module is the one door to the
vocabulary; kinds of values and of rules are written down beside it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from etl.catalog.model import Attribute, Catalog, Link
from etl.core.ports import BaseQuery
from etl.mapping.expressions import Expression
from etl.mapping.hours import OfficeHours
from etl.mapping.operations import BoundOperation
from etl.mapping.rules_model import Check, NoOverlap, OnePer, Rule, Select
from etl.mapping.values_model import (
    Branch,
    Choose,
    Const,
    Crosswalk,
    CrosswalkRow,
    CrosswalkUse,
    Empty,
    FileField,
    Many,
    OnError,
    OnMissing,
    OnUnmapped,
    Pipeline,
    Position,
    Reference,
    ReferenceTarget,
    SendNull,
    Take,
    Value,
)

__all__ = [
    "Branch",
    "Check",
    "Choose",
    "Const",
    "Crosswalk",
    "CrosswalkRow",
    "CrosswalkUse",
    "Empty",
    "EntityMapping",
    "Episodes",
    "ExpectedProblem",
    "Field",
    "FileField",
    "InlineTest",
    "Many",
    "Match",
    "NoOverlap",
    "OnError",
    "OnMissing",
    "OnUnmapped",
    "OnePer",
    "Override",
    "Pipeline",
    "Position",
    "Profile",
    "Project",
    "Reference",
    "ReferenceTarget",
    "Rule",
    "Select",
    "SendNull",
    "SourceSpec",
    "Take",
    "Value",
]


@dataclass(frozen=True, slots=True)
class Field:
    """One target field. ``attribute`` or ``link`` is its entry in the catalogue (a file field has neither).

    ``when``: where false the value is withheld (empty, counted). ``default`` serves ``on_error`` and ``on_unmapped``.
    ``send_null`` tells an update what to do where the field has become empty; what Casebook requires is never cleared.
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
    send_null: SendNull = SendNull.OMIT

    @property
    def is_reference(self) -> bool:
        """Whether the field holds record keys of parents."""
        return isinstance(self.value, Reference)

    @property
    def lookup(self) -> str | None:
        """The list of the tenant whose labels the field holds; None where it holds none."""
        if self.attribute is not None:
            return self.attribute.lookup
        return self.link.to[0] if self.link is not None and not self.is_reference else None


@dataclass(frozen=True, slots=True)
class Episodes:
    """Rows with dates that are folded into intervals: those that agree in ``by`` and overlap, or lie at most ``gap_days``
    apart. Without an ``end`` column the rows are a log of states: each lasts until the next of the same ``by``, and
    neighbours that agree in ``same`` are one interval. A blank end, or one of the texts ``open_if``, is still running.

    ``read`` reads a day from a cell. The result is visible as ``episode.start``, ``episode.end`` and ``episode.rows``.
    """

    by: tuple[str, ...]
    start: str
    end: str | None
    read: BoundOperation
    gap_days: int = 0
    same: tuple[str, ...] = ()
    open_if: tuple[str, ...] = ()


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
    ``episodes`` folds rows into intervals. ``positions`` tells where ``key``, ``table``, ``where``, ``group`` and each
    ``join ALIAS`` stand, ``words`` where each column is named, by the place of the part that names it and by its name.
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
    episodes: Episodes | None = None
    words: Mapping[tuple[Position, str], Position] = field(default_factory=dict)

    @property
    def references(self) -> tuple[Field, ...]:
        """The fields that hold record keys of parents."""
        return tuple(each for each in self.fields if each.is_reference)


@dataclass(frozen=True, slots=True)
class VaryingColumn:
    """A column that editions of a source call otherwise (``also``), or lack (``optional``)."""

    also: tuple[str, ...] = ()
    optional: bool = False


@dataclass(frozen=True, slots=True)
class VaryingTable:
    """The columns of a table that vary, by the name that mappings use."""

    columns: Mapping[str, VaryingColumn]
    position: Position


@dataclass(frozen=True, slots=True)
class SourceSpec:
    """A declared source: ``kind`` is ``csv``, ``sql`` or ``files``; ``location`` an absolute glob, URL or folder (may
    hold a password taken from the environment: never print it). ``options`` are the kind's own (encoding, delimiter,
    quote, queries). ``varies`` (None: it does not) tells by table what differs between the editions that it comes in.
    ``variables`` are those of the environment that its location holds.
    """

    name: str
    kind: str
    location: str
    options: Mapping[str, object]
    position: Position
    varies: Mapping[str, VaryingTable] | None = None
    variables: tuple[str, ...] = ()


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
