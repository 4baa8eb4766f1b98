"""The list of operations by name; the modules of the families supply them."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from types import MappingProxyType

from etl.core.records import JsonValue
from etl.mapping.operations import (
    counties,
    domain_contact,
    domain_languages,
    domain_names,
    domain_placeholders,
    domain_places,
    domain_tribes,
    people,
    pieces,
    repairs,
    texts,
    typed,
)
from etl.mapping.operations.model import BoundOperation, OperationMistake

FAMILIES = (
    ("Text", texts.OPERATIONS),
    ("Pieces", pieces.OPERATIONS),
    ("Numbers, dates and times", typed.OPERATIONS),
    ("People and places", (*people.OPERATIONS, *counties.OPERATIONS, *domain_tribes.OPERATIONS)),
    ("Repairs", repairs.OPERATIONS),
    ("Placeholders", domain_placeholders.OPERATIONS),
    (
        "People and places by libraries (extra `people`)",
        (
            *domain_names.OPERATIONS,
            *domain_contact.OPERATIONS,
            *domain_places.OPERATIONS,
            *domain_languages.OPERATIONS,
        ),
    ),
)
"""Title and operations of each family, in the order of the documentation."""


def name_of(binder: Callable[[JsonValue], BoundOperation]) -> str:
    """The operation's name in mappings; a function cannot well be called ``zip``."""
    return binder.__name__.removesuffix("_code")


BINDERS: Mapping[str, Callable[[JsonValue], BoundOperation]] = MappingProxyType(
    {name_of(binder): binder for _, family in FAMILIES for binder in family}
)


def names() -> tuple[str, ...]:
    """The names of all operations, in alphabetical order."""
    return tuple(sorted(BINDERS))


def bind(name: str, argument: JsonValue) -> BoundOperation:
    """The operation with its argument. Raises OperationMistake for an unknown name or a wrong argument."""
    binder = BINDERS.get(name)
    if binder is None:
        close = difflib.get_close_matches(name, BINDERS, n=1)
        hint = f"Did you mean `{close[0]}`?" if close else "docs/operations.md lists the operations."
        raise OperationMistake(f"There is no operation `{name}`.", hint)
    return binder(argument)
