"""Tells which source columns a part of a mapping reads: the base of what is extracted, and of the closed-world check."""

from __future__ import annotations

from collections.abc import Iterator
from typing import assert_never

from etl.mapping.expressions import Expression
from etl.mapping.model import (
    Branch,
    Choose,
    Const,
    CrosswalkUse,
    Empty,
    FileField,
    Many,
    Pipeline,
    Reference,
    Value,
)
from etl.mapping.operations import BoundOperation


def columns_of(value: Value) -> Iterator[str]:
    """Every source column that a value reads, in order, with repetition."""
    match value:
        case Pipeline():
            yield from value.columns
            yield from (name for step in value.operations for name in step.columns)
        case Const():
            yield from value.columns
        case Choose() | Many():
            yield from (name for branch in value.branches for name in _branch(branch))
        case Reference():
            yield from _reference(value)
        case FileField():
            yield value.column
        case Empty():
            pass
        case _:
            assert_never(value)


def columns_in(condition: Expression | None) -> list[str]:
    """The columns of a condition, sorted; none where there is none."""
    return sorted(condition.columns) if condition is not None else []


def crosswalks_of(value: Value) -> Iterator[CrosswalkUse]:
    """Every crosswalk that a value goes through."""
    if isinstance(value, Choose | Many):
        yield from (use for branch in value.branches for use in crosswalks_of(branch.value))
    elif isinstance(value, Pipeline) and value.crosswalk is not None:
        yield value.crosswalk


def operations_of(value: Value) -> Iterator[BoundOperation]:
    """Every operation that a value goes through."""
    if isinstance(value, Choose | Many):
        yield from (step for branch in value.branches for step in operations_of(branch.value))
    elif isinstance(value, Pipeline | Reference):
        yield from value.operations


def _branch(branch: Branch) -> Iterator[str]:
    yield from columns_in(branch.when)
    yield from columns_of(branch.value)


def _reference(value: Reference) -> Iterator[str]:
    if value.by is not None:
        yield value.by
    yield from (name for target in value.targets for name in target.columns)
    yield from (name for step in value.operations for name in step.columns)
