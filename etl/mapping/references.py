"""Resolves references: which entity and key space a foreign key means, and which columns are its parts.

A reference must be answerable from the project alone: the entity must be fed by a mapping, in one key space that the
document names where there are several, with as many key parts as that mapping's key has.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from etl.catalog.model import Entity, Link
from etl.core.records import JsonValue
from etl.core.strict_yaml import Path as Place
from etl.core.suggest import did_you_mean
from etl.mapping.chains import check_steps
from etl.mapping.model import OnMissing, Reference, ReferenceTarget
from etl.mapping.operations import ValueType
from etl.mapping.scope import Scope, operations
from etl.mapping.spec import ReferenceForm


@dataclass(frozen=True, slots=True)
class _Meant:
    """What one name after ``ref`` says, and where it stands."""

    name: str
    code: str
    columns: tuple[str, ...]
    place: Place
    at_key: bool = False


def reference(scope: Scope, link: Link, place: Place, form: ReferenceForm) -> Reference:
    """The resolved reference of a link; mistakes are noted and leave targets out."""
    meant = list(_meant(scope, place, form))
    targets = (_target(scope, link, each) for each in meant)
    resolved = Reference(
        targets=tuple(each for each in targets if each is not None),
        by=form.by,
        on_missing=OnMissing(form.on_missing or scope.shared.defaults.on_missing),
        value=_parent_value(scope, link, place, form),
        operations=operations(scope, place, form.do),
        split=form.split,
    )
    _check_key(scope, link, place, resolved)
    return resolved


def _meant(scope: Scope, place: Place, form: ReferenceForm) -> Iterator[_Meant]:
    if isinstance(form.ref, str):
        yield from _single(scope, place, form, form.ref)
    elif isinstance(form.ref, dict) and form.ref:
        yield from _by_code(scope, place, form) if form.by else _by_column(scope, place, form)
    else:
        hint = "Write `ref: person`, or `ref: {C: case, P: person}` with `by:`."
        scope.page.note((*place, "ref"), "`ref` names no entity.", hint, code="wrong_form")


def _single(scope: Scope, place: Place, form: ReferenceForm, name: str) -> Iterator[_Meant]:
    for key in ("by", "expect"):
        if getattr(form, key) is not None:
            hint = "Write `ref` as a mapping of several entities, or remove it."
            scope.page.note((*place, key), f"`{key}` needs several entities.", hint, code="useless_key", key=True)
    if form.key is None:
        scope.page.note(place, "`key` is missing.", "Name the column with the parent's key.", code="missing_key")
    else:
        yield _Meant(name, "", form.key, (*place, "ref"))


def _by_code(scope: Scope, place: Place, form: ReferenceForm) -> Iterator[_Meant]:
    if form.key is None:
        scope.page.note(place, "`key` is missing.", "Name the column with the parent's key.", code="missing_key")
        return
    if form.expect is not None:
        hint = "Keep `by` or `expect`."
        scope.page.note((*place, "expect"), "The code in `by` already chooses.", hint, code="useless_key", key=True)
    for code, name in form.ref.items():
        where = (*place, "ref", code)
        if isinstance(name, str):
            yield _Meant(name, code, form.key, where)
        else:
            scope.page.note(where, "Expected the name of an entity.", "Such as `C: case`.", code="wrong_form")


def _by_column(scope: Scope, place: Place, form: ReferenceForm) -> Iterator[_Meant]:
    if form.expect is None or form.key is not None:
        hint = "Write `by: COLUMN, key: COLUMN` with codes, or `expect: one` with `{entity: COLUMN}`."
        scope.page.note(place, "It is not said how one of the entities is chosen.", hint, code="wrong_form")
        return
    for name, raw in form.ref.items():
        columns = _columns(raw)
        if columns:
            yield _Meant(name, "", columns, (*place, "ref", name), at_key=True)
        else:
            where = (*place, "ref", name)
            scope.page.note(where, "Expected the column with the parent's key.", "", code="wrong_form")


def _columns(raw: JsonValue) -> tuple[str, ...]:
    listed = raw if isinstance(raw, list) else [raw]
    return tuple(each for each in listed if isinstance(each, str)) if all(isinstance(e, str) for e in listed) else ()


def _target(scope: Scope, link: Link, meant: _Meant) -> ReferenceTarget | None:
    name, _, space = meant.name.partition("@")
    if name not in link.to:
        hint = did_you_mean(name, link.to)
        scope.page.note(
            meant.place, f"`{link.name}` does not point to `{name}`.", hint, code="wrong_entity", key=meant.at_key
        )
        return None
    spaces = scope.shared.spaces.parts.get(name, {})
    found = _space(scope, meant, name, space, spaces)
    if found is None:
        return None
    _check_parts(scope, meant, spaces[found])
    return ReferenceTarget(name, found, meant.code, meant.columns)


def _space(scope: Scope, meant: _Meant, name: str, space: str, spaces: Mapping[str, int]) -> str | None:
    """The key space meant; None (noted) where that is not clear."""
    if space in spaces or (not space and len(spaces) == 1):
        return space or next(iter(spaces))
    if not scope.shared.spaces.complete:
        return None
    if not spaces:
        message = f"No mapping feeds `{name}`."
        hint = f"Add a mapping with `target: {name}`, or remove the field."
        scope.page.note(meant.place, message, hint, code="unfed_entity", key=meant.at_key)
        return None
    known = [f"{name}@{each}" for each in spaces]
    if space:
        message = f"`{name}` has no key space `{space}`."
        hint = did_you_mean(meant.name, known)
    else:
        message = f"`{name}` has several key spaces."
        hint = f"Write one of: {', '.join(sorted(known))}."
    scope.page.note(meant.place, message, hint, code="key_space", key=meant.at_key)
    return None


def _check_parts(scope: Scope, meant: _Meant, parts: int) -> None:
    if parts and len(meant.columns) != parts:
        message = f"The key of `{meant.name}` has {parts} part{'s' * (parts != 1)}, here are {len(meant.columns)}."
        place = meant.place if meant.at_key else (*meant.place[: meant.place.index("ref")], "key")
        scope.page.note(place, message, "Name one column for each part.", code="key_parts")


def _check_key(scope: Scope, link: Link, place: Place, resolved: Reference) -> None:
    """What ``split`` and ``do`` ask of the key."""
    several = any(len(each.columns) > 1 for each in resolved.targets)
    if resolved.split is not None and (several or not link.many):
        message = "`split` needs a key of one column." if several else f"`{link.name}` holds one record."
        scope.page.note((*place, "split"), message, "Remove it.", code="wrong_split", key=True)
    if resolved.operations and several:
        hint = "Clean the columns in the source, or remove `do`."
        scope.page.note((*place, "do"), "`do` needs a key of one column.", hint, code="wrong_chain", key=True)
    for index, step in enumerate(resolved.operations):
        if step.columns:
            message, hint = f"`{step.name}` reads further columns, and the key is one.", "Take a step that reads none."
            scope.page.note((*place, "do", index), message, hint, code="wrong_chain")
    produced = check_steps(scope, place, resolved.operations)
    if produced not in {None, ValueType.TEXT}:
        scope.page.note(
            (*place, "do"), f"A key is text, not {produced}.", "Remove the last step.", code="wrong_chain", key=True
        )


def _parent_value(scope: Scope, link: Link, place: Place, form: ReferenceForm) -> str | None:
    """The attribute of the parent that is meant instead of its id, by the document or else by the catalogue."""
    if form.value is None:
        return link.value or _read_by_flow(scope.entity, link)
    for name in link.to:
        attributes = scope.shared.catalog.entities[name].attributes if name in scope.shared.catalog.entities else {}
        if form.value not in attributes:
            message = f"`{name}` has no attribute `{form.value}`."
            hint = did_you_mean(form.value, attributes)
            scope.page.note((*place, "value"), message, hint, code="unknown_attribute")
    return form.value


def _read_by_flow(entity: Entity, link: Link) -> str | None:
    steps = (step for step in entity.flow if step.do == "read" and step.relationship == link.name)
    return next((step.attribute for step in steps), None)
