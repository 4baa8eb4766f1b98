"""What lint rules are made of: a finding, the evidence of the sources, and the parts of a project that rules look at."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from etl.mapping.columns import Unused
from etl.mapping.model import Choose, Const, EntityMapping, Field, Many, Pipeline, Position, Project, Value


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """One finding of a rule at its place."""

    position: Position
    rule: str
    message: str
    hint: str

    def __str__(self) -> str:
        place = f"{self.position.file}:{self.position.line}:{self.position.column}"
        return f"{place}: {self.message} {self.hint} [{self.rule}]"


MANY_VALUES = 100
"""A column with more different values holds more than a code."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the sources' rows showed: ``used_lines`` are the lines of each crosswalk that some code needs, ``keys_met`` tells
    by mapping and field whether any key of a reference is a key of its parents (fields without a key are left out),
    ``varied`` names by table the ignored columns that hold something in every row and more than :data:`MANY_VALUES` values,
    ``new`` what an edition of a source brought, by its headers alone.
    """

    used_lines: Mapping[str, frozenset[int]] = field(default_factory=dict)
    keys_met: Mapping[tuple[str, str], bool] = field(default_factory=dict)
    varied: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    new: tuple[Unused, ...] = ()


class LintRule(ABC):
    """A rule: its name, and whether it needs the sources' rows."""

    name: str
    needs_rows = False

    @abstractmethod
    def findings(self, project: Project, evidence: Evidence, /) -> Iterator[Finding]:
        """Everything that the rule finds, in any order."""

    @property
    def help(self) -> str:
        """What the rule is about: its docstring."""
        return " ".join((type(self).__doc__ or "").split())

    def at(self, position: Position, message: str, hint: str) -> Finding:
        """A finding of this rule."""
        return Finding(position, self.name, message, hint)


def fields_of(project: Project) -> Iterator[tuple[EntityMapping, Field]]:
    """Every field, with its mapping."""
    return ((mapping, each) for mapping in project.mappings for each in mapping.fields)


def pipelines_of(value: Value) -> Iterator[Pipeline]:
    """The pipelines of a value, those of its branches among them."""
    if isinstance(value, Choose | Many):
        yield from (piped for branch in value.branches for piped in pipelines_of(branch.value))
    elif isinstance(value, Pipeline):
        yield value


def inserts_of(value: Value) -> Iterator[str]:
    """The columns that constants insert into texts, those of branches among them."""
    if isinstance(value, Choose | Many):
        yield from (name for branch in value.branches for name in inserts_of(branch.value))
    elif isinstance(value, Const):
        yield from value.columns
