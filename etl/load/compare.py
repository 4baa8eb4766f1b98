"""Compares what we sent with what Casebook shows, field by field, in forms that a server may legally change.

A date-time may come back with another offset or precision; blank and absent are the same. What else may differ is
declared by field as a tolerance. Used where an answer was lost (is this record ours?), by verify and by undo.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from types import MappingProxyType

from etl.catalog.model import Entity
from etl.core.records import Document, JsonValue, LinkValue, Ref, RemoteRecord
from etl.core.tolerances import FILLED, tolerated_by

Tolerances = Mapping[str, Sequence[str]]
"""The tolerances of each field that has any."""
STRICT: Tolerances = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Difference:
    """A field that is not shown as sent: ``altered``, ``truncated`` (the sent text's beginning), ``mislinked`` or
    ``tolerated``, and then by which tolerance.
    """

    field: str
    kind: str
    tolerance: str = ""


def differences(sent: Document, shown: RemoteRecord, tolerances: Tolerances = STRICT) -> Iterator[Difference]:
    """Everything we sent that is not shown as sent; what is tolerated is among them."""
    shown_attributes = flat(shown.attributes)
    for name, value in flat(sent.attributes).items():
        there = shown_attributes.get(name)
        if not _same(value, there):
            yield _difference(name, value, there, tolerances.get(name, ()))
    for name, link in sent.links.items():
        if _ids(link) != _ids(shown.links.get(name)):
            yield Difference(name, "mislinked")


def _difference(name: str, sent: JsonValue, shown: JsonValue, names: Sequence[str]) -> Difference:
    tolerance = tolerated_by(sent, shown, names) if names else ""
    if tolerance:
        return Difference(name, "tolerated", tolerance)
    is_cut = isinstance(sent, str) and isinstance(shown, str) and shown != "" and sent.startswith(shown)
    return Difference(name, "truncated" if is_cut else "altered")


def same_content(sent: Document, shown: RemoteRecord) -> bool:
    """Whether a shown record carries everything that was sent."""
    return next(differences(sent, shown), None) is None


def additions(sent: Document, shown: RemoteRecord) -> int:
    """How many values a shown record has that were not sent: the fewer, the more it looks like ours."""
    names = {name for name, value in flat(shown.attributes).items() if value not in (None, "")}
    links = {name for name, link in shown.links.items() if link}
    return len(names - flat(sent.attributes).keys()) + len(links - sent.links.keys())


def additions_to(entity: Entity, sent: Document, shown: RemoteRecord, tolerances: Tolerances) -> Iterator[str]:
    """The fields that somebody filled though we sent nothing there; what Casebook itself fills in is left out.

    Attributes that the catalogue does not list, or lists as set by Casebook, are Casebook's.
    """
    ours, there = flat(sent.attributes), flat(shown.attributes)
    carriers = {name for link in entity.links.values() for name in (link.carried_as, link.type_as) if name}
    for attribute in entity.attributes.values():
        name = attribute.name
        if name in ours or name in carriers or attribute.read_only or FILLED in tolerances.get(name, ()):
            continue
        if there.get(name) not in (None, "", []):
            yield name
    for name, link in shown.links.items():
        known = entity.links.get(name)
        if link and known is not None and name not in sent.links and known.set_by != "patch":
            yield name


def flat(attributes: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
    """Attributes with those of nested objects under dotted names."""
    flat: dict[str, JsonValue] = {}
    for name, value in attributes.items():
        if isinstance(value, dict):
            flat |= {f"{name}.{inner}": each for inner, each in value.items()}
        else:
            flat[name] = value
    return flat


def _same(sent: JsonValue, shown: JsonValue) -> bool:
    if sent in (None, "") or shown in (None, ""):
        return sent in (None, "") and shown in (None, "")
    if isinstance(sent, bool) or isinstance(shown, bool):
        return str(sent).lower() == str(shown).lower()
    return _plain(sent) == _plain(shown)


def _plain(value: JsonValue) -> object:
    if isinstance(value, int | float):
        return float(value)
    if isinstance(value, str):
        return _moment(value) or value
    return value


def _moment(text: str) -> datetime | None:
    """A date-time in UTC, or None where the text is none (a bare date is none)."""
    if "T" not in text:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


def _ids(link: LinkValue) -> frozenset[str]:
    if isinstance(link, Ref):
        return frozenset({link.id})
    return frozenset(each.id for each in link or ())
