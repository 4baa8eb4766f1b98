"""Resolves the fields of a mapping: finds each name in the catalogue and reads its right side as that field's value."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias

from etl.catalog.model import Attribute, Entity
from etl.core.records import JsonValue
from etl.core.strict_yaml import Path as Place
from etl.core.suggest import did_you_mean, slip
from etl.mapping.addresses import check_lists
from etl.mapping.constants import check_constant
from etl.mapping.form import fill
from etl.mapping.model import Empty, Field, FileField, OnError, OnMissing, OnUnmapped, SendNull, Value
from etl.mapping.reads import columns_in, columns_of, crosswalks_of
from etl.mapping.references import reference
from etl.mapping.scope import Entry, Scope, distinct, expression, scalar
from etl.mapping.spec import BranchesForm, ConstForm, EmptyForm, FileForm, PipelineForm, ReferenceForm
from etl.mapping.values import choose, constant, many, pipeline

AnyForm: TypeAlias = PipelineForm | BranchesForm | ConstForm | EmptyForm | ReferenceForm | FileForm
FILE = "file"
"""The field that holds the bytes of an entity whose flow uploads."""


def resolved_fields(scope: Scope, raw: dict[str, JsonValue]) -> tuple[Field, ...]:
    """The sound fields in the document's order; mistakes, and required fields that are not mapped, are noted."""
    fields = tuple(each for name, part in raw.items() if (each := _field(scope, name, part)) is not None)
    for name in _required(scope.entity):
        if name not in raw:
            message = f"`{scope.entity.name}` requires `{name}`, which is not mapped."
            scope.page.note(("fields",), message, "Add it to `fields`.", code="required_unmapped", key=True)
    check_lists(scope, fields)
    return fields


# ---------------------------------------------------------------- names


def _required(entity: Entity) -> Iterator[str]:
    slot = _loader_slot(entity)
    for attribute in entity.attributes.values():
        if attribute.required and not attribute.read_only and attribute.name != slot:
            yield attribute.name
    yield from (link.name for link in entity.links.values() if link.required)
    if entity.step("upload"):
        yield FILE


def _loader_slot(entity: Entity) -> str | None:
    """The attribute that the loader writes as a whole, because it is the marker."""
    marker = entity.marker
    return marker.slot if marker and marker.place == "value" else None


def _entry(scope: Scope, name: str) -> Entry | None:
    """The field's entry in the catalogue; None (noted) where it has none or must not be mapped."""
    entity = scope.entity
    if name == FILE and entity.step("upload"):
        return Entry(name)
    if name in entity.links:
        return Entry(name, link=entity.links[name])
    refusal = _carrier(entity, name) or _not_mappable(entity, entity.attributes.get(name))
    if refusal is None and name in entity.attributes:
        return Entry(name, attribute=entity.attributes[name])
    if refusal is None:
        known = [*entity.attributes, *entity.links]
        message = f"`{entity.name}` has no field `{name}`."
        hint = did_you_mean(name, known) or f"`casebook-etl catalog show {entity.name}` lists its fields."
        scope.page.note(("fields", name), message, hint, code="unknown_field", key=True, slip=slip(name, known))
        return None
    message, hint, code = refusal
    scope.page.note(("fields", name), message, hint, code=code, key=True)
    return None


def _carrier(entity: Entity, name: str) -> tuple[str, str, str] | None:
    for link in entity.links.values():
        if name in {link.carried_as, link.type_as}:
            message = f"`{name}` only carries the link `{link.name}`."
            return message, f"Map `{link.name}` with `ref:`.", "carrier_mapped"
    return None


def _not_mappable(entity: Entity, attribute: Attribute | None) -> tuple[str, str, str] | None:
    if attribute is not None and attribute.name == _loader_slot(entity):
        return f"`{attribute.name}` is written by the loader alone.", "Remove it.", "marker_mapped"
    if attribute is not None and attribute.read_only:
        return f"`{attribute.name}` is set by Casebook.", "Remove it.", "read_only_mapped"
    return None


# ---------------------------------------------------------------- values


def _field(scope: Scope, name: str, raw: JsonValue) -> Field | None:
    entry = _entry(scope, name)
    place = ("fields", name)
    part: JsonValue = {"from": raw} if isinstance(raw, str) else raw
    if not isinstance(part, dict):
        hint = "Write `field: COLUMN`, or a pipeline such as `{from: COLUMN, do: [trim]}`."
        scope.page.note(place, "This says no value.", hint, code="wrong_form")
        return None
    if entry is None:
        return _of_no_field(scope, name, place, part)
    if _mixes_kinds(scope, entry, place, part):
        return None
    if entry.name == FILE and entry.attribute is None and entry.link is None:
        return _file(scope, entry, place, part)
    if entry.link is not None and not scope.shared.catalog.is_lookup(entry.link.to[0]):
        return _reference(scope, entry, place, part)
    return _plain(scope, entry, place, part)


def _of_no_field(scope: Scope, name: str, place: Place, part: dict[str, JsonValue]) -> Field | None:
    """The right side of a name that is no field: judged as far as it goes without one, so that its own mistakes and its
    columns do not wait until the name is mended.
    """
    bound: tuple[tuple[str, type[ReferenceForm | FileForm | BranchesForm]], ...] = (
        ("ref", ReferenceForm),
        (FILE, FileForm),
        ("many", BranchesForm),
    )
    for key, form in bound:
        if key in part:
            fill(form, scope.page, place, part)
            return None
    return _plain(scope, Entry(name), place, part)


def _mixes_kinds(scope: Scope, entry: Entry, place: Place, part: dict[str, JsonValue]) -> bool:
    """Whether the kind of value and the kind of field do not meet (noted)."""
    is_list = entry.link is None or scope.shared.catalog.is_lookup(entry.link.to[0])
    if "ref" in part and is_list:
        message, hint = (
            f"`{entry.name}` is no reference to a record.",
            "Map its label: `field: COLUMN`, or a crosswalk.",
        )
    elif "ref" not in part and not is_list:
        message, hint = f"`{entry.name}` is a reference.", "Write `{ref: ENTITY, key: COLUMN}`."
    elif FILE in part and entry.name != FILE:
        message, hint = f"`{entry.name}` holds no bytes.", "Only the field `file` takes them."
    else:
        return False
    scope.page.note(place, message, hint, code="wrong_kind")
    return True


def _reference(scope: Scope, entry: Entry, place: Place, part: dict[str, JsonValue]) -> Field | None:
    form = fill(ReferenceForm, scope.page, place, part)
    if form is None or entry.link is None:
        return None
    return _made(scope, entry, reference(scope, entry.link, place, form), form)


def _file(scope: Scope, entry: Entry, place: Place, part: dict[str, JsonValue]) -> Field | None:
    form = fill(FileForm, scope.page, place, part)
    if form is None:
        return None
    folders = [each.name for each in scope.shared.sources.values() if each.kind == "files"]
    if form.file not in folders and form.file not in scope.shared.broken_sources:
        message = f"There is no `files` source `{form.file}`."
        scope.page.note((*place, "file"), message, did_you_mean(form.file, folders), code="unknown_source")
    return _made(scope, entry, FileField(form.file, form.path, OnMissing(form.on_missing)), form)


def _plain(scope: Scope, entry: Entry, place: Place, part: dict[str, JsonValue]) -> Field | None:
    if "const" in part:
        fixed = fill(ConstForm, scope.page, place, part)
        return _made(scope, entry, constant(scope, entry, place, fixed.const), fixed) if fixed else None
    if "empty" in part:
        nothing = fill(EmptyForm, scope.page, place, part)
        return _made(scope, entry, Empty(), nothing) if nothing else None
    if "choose" in part or "many" in part:
        return _alternatives(scope, entry, place, part)
    form = fill(PipelineForm, scope.page, place, part)
    if form is None:
        return None
    return _made(scope, entry, pipeline(scope, entry, place, form, _on_unmapped(scope, form)), form)


def _alternatives(scope: Scope, entry: Entry, place: Place, part: dict[str, JsonValue]) -> Field | None:
    form = fill(BranchesForm, scope.page, place, part)
    if form is None:
        return None
    if form.choose is not None and form.many is not None:
        scope.page.note(place, "`choose` and `many` exclude each other.", "Keep one.", code="wrong_form")
        return None
    if form.many is not None:
        return _made(scope, entry, many(scope, entry, place, form.many, _on_unmapped(scope, form)), form)
    return _made(scope, entry, choose(scope, entry, place, form.choose or [], _on_unmapped(scope, form)), form)


def _on_unmapped(scope: Scope, form: PipelineForm | BranchesForm) -> str:
    return form.on_unmapped or scope.shared.defaults.on_unmapped


def _made(scope: Scope, entry: Entry, value: Value, form: AnyForm) -> Field:
    """The field with its policies spelt out."""
    place = ("fields", entry.name)
    when = expression(scope, (*place, "when"), form.when)
    pii = getattr(form, "pii", None) or (entry.attribute.pii if entry.attribute else None)
    return Field(
        name=entry.name,
        value=value,
        on_error=OnError(getattr(form, "on_error", None) or scope.shared.defaults.on_error),
        default=_default(scope, entry, value, form),
        pii=pii,
        when=when,
        columns=distinct([*columns_of(value), *columns_in(when)]),
        position=scope.page.position(place, key=True),
        attribute=entry.attribute,
        link=entry.link,
        send_null=_send_null(scope, entry, form),
    )


def _send_null(scope: Scope, entry: Entry, form: AnyForm) -> SendNull:
    """What becomes of Casebook's value where the field has become empty; noted where a required one is to be cleared."""
    said = getattr(form, "send_null", None)
    part = entry.attribute or entry.link
    if part is None:
        return SendNull.OMIT  # bytes that were stored stay
    if not part.required:
        return SendNull(said or scope.send_null or scope.shared.defaults.send_null)
    if said == SendNull.CLEAR:
        message = f"`{scope.entity.name}` requires `{entry.name}`: it cannot be cleared."
        hint = "Take `send_null: clear` out; a record that lacks the value is held back."
        scope.page.note(("fields", entry.name, "send_null"), message, hint, code="required_cleared", key=True)
    return SendNull.OMIT


def _default(scope: Scope, entry: Entry, value: Value, form: AnyForm) -> str | None:
    """The default as written; noted where a policy needs one that is not there, or where none uses it."""
    if not isinstance(form, PipelineForm | BranchesForm):
        return None
    place = ("fields", entry.name)
    needs = _policies_by_default(scope, value, form)
    if "default" not in form.model_fields_set:
        if needs:
            hint = "Add `default:`, or choose another policy."
            scope.page.note(place, f"`{needs[0]}: default` has no default to use.", hint, code="default_missing")
        return None
    if not needs:
        hint = "Add `on_error: default` or `on_unmapped: default`, or use the operation `default`."
        scope.page.note((*place, "default"), "No policy uses this default.", hint, code="useless_key", key=True)
    text = scalar(scope, (*place, "default"), form.default)
    check_constant(scope, entry, (*place, "default"), text)
    return text


def _policies_by_default(scope: Scope, value: Value, form: PipelineForm | BranchesForm) -> list[str]:
    defaults = scope.shared.defaults
    policies = ["on_error"] if (form.on_error or defaults.on_error) == "default" else []
    if any(use.on_unmapped is OnUnmapped.DEFAULT for use in crosswalks_of(value)):
        policies.append("on_unmapped")
    return policies
