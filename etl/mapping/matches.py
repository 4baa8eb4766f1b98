"""Checks what a mapping says about records that Casebook holds already: how to find them, and how they may be shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from etl.core.strict_yaml import Path as Place
from etl.core.suggest import did_you_mean
from etl.mapping.model import Field, FileField, Match
from etl.mapping.scope import Scope
from etl.mapping.spec import MappingForm


def resolved_matches(scope: Scope, form: MappingForm, fields: Sequence[Field]) -> tuple[Match, ...]:
    """The ways to find a record; names of fields that are not mapped, or hold lists or files, are noted."""
    known = {each.name: each for each in fields}
    for number, way in enumerate(form.match):
        for key, names in (("by", way.by), ("like", way.like)):
            for name in names:
                _check_field(scope, ("match", number, key), name, known)
    if form.adopt and not form.match:
        hint = "Add `match:`, or take `adopt` out."
        scope.page.note(("adopt",), "Nothing says how to find a record.", hint, code="useless_key", key=True)
    return tuple(Match(each.by, each.like, each.at_least) for each in form.match)


def resolved_tolerances(scope: Scope, form: MappingForm, fields: Sequence[Field]) -> dict[str, tuple[str, ...]]:
    """Tolerances by field; those of fields that are not mapped are noted."""
    known = {each.name for each in fields}
    for name in form.tolerate:
        if name not in known:
            hint = did_you_mean(name, known)
            scope.page.note(("tolerate", name), f"`{name}` is not mapped.", hint, code="unknown_field", key=True)
    return {name: tuple(each) for name, each in form.tolerate.items()}


def _check_field(scope: Scope, place: Place, name: str, known: Mapping[str, Field]) -> None:
    found = known.get(name)
    if found is None:
        hint = did_you_mean(name, known) or "Name fields of this mapping."
        scope.page.note(place, f"`{name}` is not mapped.", hint, code="unknown_field")
    elif isinstance(found.value, FileField) or found.is_reference or (found.link is not None and found.link.many):
        hint = "Name a field with one value."
        scope.page.note(place, f"`{name}` cannot tell one record from another.", hint, code="wrong_field")
