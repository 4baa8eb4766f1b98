"""What a rule may be, once resolved: conditions of one record, and questions that compare records."""

from __future__ import annotations

from dataclasses import dataclass

from etl.mapping.expressions import Expression
from etl.mapping.values_model import Position


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

    ``fields`` are the target fields it speaks of, ``columns`` the source columns. A rule of the project also has
    ``together``, the mappings whose records are judged as one, and ``parents``, the names of the form ``link.field`` that
    it reads from the records which a link points to.
    """

    kind: Check | OnePer | NoOverlap | Select
    severity: str
    say: str
    position: Position
    fields: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    together: tuple[str, ...] = ()
    parents: tuple[str, ...] = ()
