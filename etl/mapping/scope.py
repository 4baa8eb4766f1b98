"""What a field may speak of: the page it stands on, its target entity, the catalogue, crosswalks, sources and key spaces.

Key spaces are read from all mappings before any field is resolved, so that a reference may point forward.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path as FilePath
from typing import TypeVar

from etl.catalog.model import Attribute, Catalog, Entity, Link
from etl.core.records import JsonValue
from etl.core.strict_yaml import Path as Place
from etl.core.suggest import did_you_mean, slip
from etl.mapping.expressions import Expression, ExpressionMistake, parse
from etl.mapping.functions import ProjectFunctions
from etl.mapping.model import Crosswalk, Override, SourceSpec
from etl.mapping.operations import BoundOperation, OperationMistake, bind, names
from etl.mapping.page import Page
from etl.mapping.spec import DefaultsForm

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class KeySpaces:
    """Entity -> key space -> number of key parts. ``complete`` is false where some mapping does not say whose key
    space it has: then nothing can be missed.
    """

    parts: Mapping[str, Mapping[str, int]]
    complete: bool = True


@dataclass(frozen=True, slots=True)
class Shared:
    """What all mappings of a project share."""

    catalog: Catalog
    sources: Mapping[str, SourceSpec]
    broken_sources: frozenset[str]
    crosswalks: Mapping[str, Crosswalk]
    broken_crosswalks: frozenset[str]
    spaces: KeySpaces
    defaults: DefaultsForm
    timezone: str
    overrides: Mapping[str, tuple[Override, ...]] = field(default_factory=dict)
    functions: ProjectFunctions = field(default_factory=lambda: ProjectFunctions(FilePath()))


@dataclass(frozen=True, slots=True)
class Scope:
    """One mapping's view. ``send_null`` is its own policy where it has one."""

    page: Page
    entity: Entity
    shared: Shared
    grouped: bool
    send_null: str | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """A field's entry in the catalogue: an attribute, a link, or neither (a file)."""

    name: str
    attribute: Attribute | None = None
    link: Link | None = None

    @property
    def holds_many(self) -> bool:
        """Whether the field is a list."""
        return self.link is not None and self.link.many


def labels(entry: Entry, catalog: Catalog) -> tuple[str, ...] | None:
    """The labels a field accepts; None where it is free, or where the tenant's options are not listed."""
    if entry.attribute is not None and entry.attribute.enum:
        return entry.attribute.enum
    lookup = _list_of(entry)
    if lookup is None or not catalog.is_lookup(lookup):
        return None
    options = catalog.options_of(lookup)
    return None if options is None else tuple(option.label for option in options)


def expression(scope: Scope, place: Place, text: str | None, *, row_by_row: bool = False) -> Expression | None:
    """The parsed condition; None where there is none or it is wrong (noted at the character).

    ``row_by_row``: it is asked before rows are grouped.
    """
    if text is None:
        return None
    try:
        parsed = parse(text)
    except ExpressionMistake as mistake:
        scope.page.note(place, mistake.message, mistake.hint, code="wrong_expression", offset=mistake.offset)
        return None
    if parsed.grouped and (row_by_row or not scope.grouped):
        hint = "`where` sees one row at a time." if row_by_row else "Add `group:` to `source`."
        scope.page.note(place, "`any`, `all` and `count` ask about a group.", hint, code="wrong_expression")
    return parsed


def operations(scope: Scope, place: Place, steps: list[JsonValue]) -> tuple[BoundOperation, ...]:
    """The bound steps of ``do``; wrong ones are noted and left out."""
    bound = (_operation(scope, (*place, "do", index), step) for index, step in enumerate(steps))
    return tuple(each for each in bound if each is not None)


def scalar(scope: Scope, place: Place, value: JsonValue) -> str:
    """A constant as it was written, so that 1.10 stays 1.10."""
    return value if isinstance(value, str) else scope.page.text(place)


def distinct(items: Iterable[_T]) -> tuple[_T, ...]:
    """Without repetition, in order of first appearance."""
    return tuple(dict.fromkeys(items))


def _list_of(entry: Entry) -> str | None:
    return entry.link.to[0] if entry.link is not None else entry.attribute.lookup if entry.attribute else None


def _operation(scope: Scope, place: Place, step: JsonValue) -> BoundOperation | None:
    if isinstance(step, dict) and len(step) == 1:
        name, argument = next(iter(step.items()))
    elif isinstance(step, str):
        name, argument = step, None
    else:
        hint = "Write `- trim` or `- length: 9`, one operation a line."
        scope.page.note(place, "This is no operation.", hint, code="wrong_form")
        return None
    if name not in {*names(), "py"}:
        message, hint, where = f"Unknown operation `{name}`.", did_you_mean(name, names()), (*place, name)
        is_key = isinstance(step, dict)
        meant = slip(name, names())
        scope.page.note(where if is_key else place, message, hint, code="unknown_operation", key=is_key, slip=meant)
        return None
    try:
        return scope.shared.functions.bind(argument) if name == "py" else bind(name, argument)
    except OperationMistake as mistake:
        where = (*place, name) if isinstance(step, dict) else place
        scope.page.note(where, mistake.message, mistake.hint, code="wrong_argument")
        return None
