"""What a submission must fulfil: known names, required values, types, and parents that exist.

Malformed requests (unknown names, missing requirements) are answered with 400, understood but impossible ones (values,
parents) with 422; all complaints of a body are collected, as a person repairing it wants to see them at once.
"""

from __future__ import annotations

import math
import re
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from etl.catalog.model import Attribute, Kind, Link
from etl.sandbox.answers import Complaint, Refused
from etl.sandbox.bodies import Identifier, Submission
from etl.sandbox.database import Database, LinkRow
from etl.sandbox.schema import Resource, Schema

_MISSING, _UNKNOWN, _READ_ONLY, _WRONG, _NO_PARENT = (
    "required",
    "unknown_name",
    "read_only",
    "invalid_value",
    "not_found",
)


@dataclass(frozen=True, slots=True)
class Checked:
    """A submission that holds: attributes to set (None clears), relationships to set, and all foreign keys given."""

    attributes: Mapping[str, object]
    relationships: Mapping[str, tuple[str, ...]]
    targets: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Checker:
    """Judges submissions for one tenant. ``wrong_value_status`` is 422, or 500 as the real framework may answer."""

    schema: Schema
    database: Database
    wrong_value_status: int = 422

    def check(self, resource: Resource, submission: Submission, *, creating: bool) -> Checked:
        """Return the submission in terms of the store. Raises Refused with every complaint."""
        targets: dict[str, tuple[str, ...]] = {}
        complaints = [
            *self._names(resource, submission),
            *self._required(resource, submission, creating=creating),
            *self._values(resource, submission),
            *self._links(resource, submission, targets, creating=creating),
        ]
        if complaints:
            raise Refused(complaints)
        relationships = {name: targets[name] for name in submission.links}
        return Checked(submission.attributes, relationships, targets)

    # ------------------------------------------------------------ names

    def _names(self, resource: Resource, submission: Submission) -> Iterator[Complaint]:
        carried = {**resource.carriers, **resource.kind_attributes}
        for name in submission.attributes:
            attribute = resource.attributes.get(name)
            if attribute is None and name not in carried:
                yield _complaint(400, _UNKNOWN, "No such attribute.", submission, name)
            elif attribute is not None and attribute.read_only:
                yield _complaint(400, _READ_ONLY, "The server sets this attribute.", submission, name)
        for name in submission.links:
            if name not in resource.links or resource.links[name].carried_as is not None:
                yield _complaint(400, _UNKNOWN, "No such relationship.", submission, name)

    def _required(self, resource: Resource, submission: Submission, *, creating: bool) -> Iterator[Complaint]:
        for name, attribute in resource.attributes.items():
            if (
                attribute.required
                and not attribute.read_only
                and _lacks(submission.attributes, name, creating=creating)
            ):
                yield _complaint(400, _MISSING, "The attribute is required.", submission, name)
        for link in resource.links.values():
            if link.required and link.set_by != "patch" and _lacks_link(submission, link, creating=creating):
                yield _complaint(400, _MISSING, "The link is required.", submission, link.carried_as or link.name, link)

    # ------------------------------------------------------------ values

    def _values(self, resource: Resource, submission: Submission) -> Iterator[Complaint]:
        for name, value in submission.attributes.items():
            attribute = resource.attributes.get(name)
            if attribute is not None and not attribute.read_only and value is not None:
                wrong = self._wrong(attribute, value)
                if wrong:
                    yield _complaint(self.wrong_value_status, _WRONG, wrong, submission, name)

    def _wrong(self, attribute: Attribute, value: object) -> str:
        if attribute.kind is Kind.DROPDOWN:
            known = (
                isinstance(value, str)
                and attribute.lookup is not None
                and self.database.entity_of(value) == attribute.lookup
            )
            return "" if known else "The id of an option of this list is expected."
        return _wrong_type(attribute, value) or _wrong_range(attribute, value)

    # ------------------------------------------------------------ links

    def _links(
        self, resource: Resource, submission: Submission, targets: dict[str, tuple[str, ...]], *, creating: bool
    ) -> Iterator[Complaint]:
        for link in resource.links.values():
            given = _given(link, submission)
            if given is None:
                continue
            if creating and link.set_by == "patch" and given:
                yield _complaint(
                    422, _WRONG, "This link is set by a PATCH of its own.", submission, link.carried_as or link.name
                )
            targets[link.name] = ()
            for identifier in given:
                found = self._target(link, identifier, submission)
                if isinstance(found, Complaint):
                    yield found
                else:
                    targets[link.name] += (found,)

    def _target(self, link: Link, identifier: Identifier, submission: Submission) -> str | Complaint:
        """Return the record id an identifier means, or what is wrong with it."""
        allowed = self._allowed(link, identifier, submission)
        place = link.carried_as or link.name
        if not allowed:
            return _complaint(
                self.wrong_value_status,
                _WRONG,
                "The link cannot point to this type.",
                submission,
                link.type_as or place,
            )
        if not isinstance(identifier.id, str):
            return _complaint(self.wrong_value_status, _WRONG, "An id is a text.", submission, place)
        record_id = self.database.id_of_handle(identifier.id) if link.value else identifier.id
        if record_id is None or self.database.entity_of(record_id) not in allowed:
            return _complaint(422, _NO_PARENT, "The record it points to does not exist.", submission, place)
        return record_id

    def _allowed(self, link: Link, identifier: Identifier, submission: Submission) -> tuple[str, ...]:
        stated = submission.attributes.get(link.type_as) if link.type_as else identifier.type
        return self.schema.names_of_type(str(stated), link.to) if stated else _unstated(link)

    def link_rows(self, resource: Resource, targets: Mapping[str, tuple[str, ...]]) -> list[LinkRow]:
        """Foreign keys for the store. A link that is set by a PATCH of its own is a way back and holds nothing."""
        return [
            LinkRow(name, target, holds=resource.links[name].set_by != "patch")
            for name, found in targets.items()
            for target in found
        ]


def _unstated(link: Link) -> tuple[str, ...]:
    """Return the kinds a link may mean when none is stated: all, unless an attribute has to tell."""
    return () if link.type_as and len(link.to) > 1 else link.to


def _complaint(
    status: int, code: str, detail: str, submission: Submission, name: str, link: Link | None = None
) -> Complaint:
    """Complain about a name; where the body lacks it, point to where it belongs."""
    member = "attributes" if link is None or link.carried_as else "relationships"
    pointer = submission.pointers.get(name, f"/data/{member}/" + name.replace(".", "/"))
    return Complaint(status, code, detail, pointer)


def _lacks(attributes: Mapping[str, object], name: str, *, creating: bool) -> bool:
    """Whether a required value is missing: on create when it is not given, on update when it is cleared."""
    return attributes.get(name) in (None, "") and (creating or name in attributes)


def _lacks_link(submission: Submission, link: Link, *, creating: bool) -> bool:
    if link.carried_as is not None:
        return _lacks(submission.attributes, link.carried_as, creating=creating)
    return not submission.links.get(link.name) and (creating or link.name in submission.links)


def _given(link: Link, submission: Submission) -> Sequence[Identifier] | None:
    """Return the identifiers sent for a link; empty where it is cleared, None where it is not mentioned."""
    if link.carried_as is None:
        return (submission.links[link.name] or ()) if link.name in submission.links else None
    if link.carried_as not in submission.attributes:
        return None
    value = submission.attributes[link.carried_as]
    listed = value if isinstance(value, list) else [value]
    return [Identifier(item) for item in listed if item is not None]


# ---------------------------------------------------------------- types

_LARGEST = 2**53
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_DATETIME = re.compile(r"\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?(Z|[+-]\d{2}:?\d{2})?)?")


def _wrong_type(attribute: Attribute, value: object) -> str:
    return (
        "" if _TYPE_CHECKS[attribute.kind](attribute, value) else f"A value of type {attribute.kind.value} is expected."
    )


def _is_text(_: Attribute, value: object) -> bool:
    return isinstance(value, str)


def _is_date(_: Attribute, value: object) -> bool:
    return isinstance(value, str) and bool(_DATE.fullmatch(value)) and _reads(date.fromisoformat, value)


def _is_datetime(_: Attribute, value: object) -> bool:
    return isinstance(value, str) and bool(_DATETIME.fullmatch(value)) and _reads(datetime.fromisoformat, value)


def _is_integer(_: Attribute, value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) <= _LARGEST


def _is_number(_: Attribute, value: object) -> bool:
    return (
        isinstance(value, int | float)
        and not isinstance(value, bool)
        and math.isfinite(value)
        and abs(value) <= _LARGEST
    )


def _is_boolean(_: Attribute, value: object) -> bool:
    return isinstance(value, bool)


def _is_listed(attribute: Attribute, value: object) -> bool:
    return value in attribute.enum


def _is_uuid(_: Attribute, value: object) -> bool:
    return isinstance(value, str) and _reads(uuid.UUID, value)


def _is_object(_: Attribute, value: object) -> bool:
    return isinstance(value, dict)


_TYPE_CHECKS = {
    Kind.STRING: _is_text,
    Kind.TEXT: _is_text,
    Kind.DATE: _is_date,
    Kind.DATETIME: _is_datetime,
    Kind.INTEGER: _is_integer,
    Kind.NUMBER: _is_number,
    Kind.BOOLEAN: _is_boolean,
    Kind.ENUM: _is_listed,
    Kind.UUID: _is_uuid,
    Kind.OBJECT: _is_object,
}


def _reads(read: type[uuid.UUID] | object, value: str) -> bool:
    try:
        read(value)  # type: ignore[operator] # a constructor of the standard library
    except ValueError:
        return False
    return True


def _wrong_range(attribute: Attribute, value: object) -> str:
    if isinstance(value, str):
        return _wrong_text(attribute, value)
    if isinstance(value, int | float):
        below = attribute.minimum is not None and value < float(attribute.minimum)
        above = attribute.maximum is not None and value > float(attribute.maximum)
        return "The number is out of range." if below or above else ""
    return ""


def _wrong_text(attribute: Attribute, value: str) -> str:
    if attribute.max_length is not None and len(value) > attribute.max_length:
        return f"At most {attribute.max_length} characters are allowed."
    if attribute.pattern is not None and not re.fullmatch(attribute.pattern, value):
        return "The text has not the required form."
    if attribute.kind in (Kind.DATE, Kind.DATETIME):
        early = attribute.minimum is not None and value[:10] < attribute.minimum[:10]
        late = attribute.maximum is not None and value[:10] > attribute.maximum[:10]
        return "The date is out of range." if early or late else ""
    return ""
