"""Judges whether the lists behind a mapping's fields can be read: a label travels as an option's id, which the tenant tells.

Asked while mappings are compiled, as the entity's own address is, so that a plan does not stop at the first list that
nobody has told it the place of, after the sources were read.
"""

from __future__ import annotations

from collections.abc import Iterable

from etl.catalog.build import OPTION_LIST
from etl.catalog.model import Catalog, Lookup
from etl.core.strict_yaml import Path as Place
from etl.mapping.model import Field
from etl.mapping.scope import Scope


def check_lists(scope: Scope, fields: Iterable[Field]) -> None:
    """Notes each field whose list has neither an address nor options with ids, at the field's name."""
    for field in fields:
        name = field.lookup
        missing = _missing(scope.shared.catalog, name) if name else ()
        if name and missing:
            place: Place = ("fields", field.name)
            verb = "are" if len(missing) > 1 else "is"
            message = f"Where `{field.name}` finds its options, {' and '.join(missing)} of `{name}`, {verb} not known."
            scope.page.note(place, message, _remedy(scope.shared.catalog, field, name), code="unknown_list", key=True)


def _missing(catalog: Catalog, name: str) -> tuple[str, ...]:
    """What would have to be known of a list before it can be read; nothing where its options' ids are at hand."""
    listed = catalog.lookups.get(name) or catalog.entities.get(name)
    if listed is None:
        return ("path", "type")
    if isinstance(listed, Lookup) and listed.path is None and any(each.id for each in listed.options or ()):
        return ()
    return tuple(what for what in ("path", "type") if getattr(listed, what) is None)


def _remedy(catalog: Catalog, field: Field, name: str) -> str:
    if field.attribute is not None:
        return f"Every drop-down's options are read where `{OPTION_LIST}` is: give its path and type under `lookups:` in the tenant overlay."
    if name in catalog.lookups:
        return f"Give them under `lookups:`, `{name}:` in the tenant overlay, or its options with their ids."
    return f"Give them under `entities:`, `{name}:` in the tenant overlay."
