"""Renders a planned record as a document in Casebook's terms: values as JSON, labels as option ids, parents as ids.

The catalogue says which field is an attribute and which a link; nothing here knows one entity.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal

from etl.catalog.model import Catalog, Link
from etl.core.keys import marker
from etl.core.records import Document, JsonValue, LinkValue, Ref, TargetId
from etl.load.markers import place_marker
from etl.load.planned import PlannedRecord
from etl.mapping.model import EntityMapping, Field, FileField

Options = Mapping[str, Mapping[str, TargetId]]
"""Label to option id, by lookup."""


class UnknownOption(Exception):
    """The tenant offers no option with the label that a field holds."""

    def __init__(self, field: str, lookup: str) -> None:
        super().__init__(f"no such option for {field} in {lookup}")
        self.field = field
        self.lookup = lookup


class Renderer:
    """Makes documents. ``options`` must hold every lookup that the mappings use."""

    def __init__(self, catalog: Catalog, options: Options) -> None:
        self._catalog = catalog
        self._options = options
        self._sent: dict[str, list[tuple[Field, bool]]] = {}

    def document(
        self,
        record: PlannedRecord,
        parents: Mapping[str, LinkValue],
        *,
        only: Collection[str] | None = None,
        with_marker: bool = True,
    ) -> Document:
        """The record as a document. ``parents`` are the resolved references by field; those missing are left out.

        ``only`` limits it to some fields, where a field without a value becomes None (cleared); without it those that
        were emptied before are None. Raises UnknownOption.
        """
        attributes: dict[str, JsonValue] = {}
        links: dict[str, LinkValue] = {}
        for field, is_plain in self._sent.get(record.mapping.name) or self._sent_of(record.mapping):
            name = field.name
            if only is not None and name not in only:
                continue
            value = None if only is not None and name in record.cleared else record.values.get(name)
            if is_plain and type(value) is str and value:
                attributes[name] = value
            else:
                self._add(
                    field, value, parents, attributes, links, keep_empty=only is not None or name in record.emptied
                )
        if with_marker and (only is None or self._slot_touched(record, attributes)):
            place_marker(self._catalog.entity(record.entity), attributes, marker(record.key))
        return Document(record.entity, attributes, links)

    def _sent_of(self, mapping: EntityMapping) -> list[tuple[Field, bool]]:
        """The fields that a request carries, and whether their texts go as they are, worked out once for a mapping."""
        fields = [field for field in mapping.fields if not isinstance(field.value, FileField)]
        return self._sent.setdefault(mapping.name, [(field, _is_plain(field)) for field in fields])

    def _slot_touched(self, record: PlannedRecord, attributes: Mapping[str, JsonValue]) -> bool:
        """Whether a PATCH writes the attribute that carries the marker, which would then be lost."""
        entity = self._catalog.entity(record.entity)
        slot = entity.marker.slot if entity.marker else None
        return slot is not None and slot.partition(".")[0] in attributes

    def _add(
        self,
        field: Field,
        value: object,
        parents: Mapping[str, LinkValue],
        attributes: dict[str, JsonValue],
        links: dict[str, LinkValue],
        *,
        keep_empty: bool,
    ) -> None:
        if field.is_reference:
            if field.name in parents:
                links[field.name] = parents[field.name]
        elif value is None or value in ("", []):
            self._add_empty(field, attributes, links, keep_empty=keep_empty)
        elif field.attribute is not None:
            _put(attributes, field.name, self._attribute(field, value))
        elif field.link is not None:
            links[field.name] = self._lookup(field, field.link, value)

    def _add_empty(
        self, field: Field, attributes: dict[str, JsonValue], links: dict[str, LinkValue], *, keep_empty: bool
    ) -> None:
        if keep_empty and field.link is not None:
            links[field.name] = () if field.link.many else None
        elif keep_empty:
            _put(attributes, field.name, None)

    def _attribute(self, field: Field, value: object) -> JsonValue:
        lookup = field.attribute.lookup if field.attribute else None
        return self._option(field.name, lookup, str(value)) if lookup else json_value(value)

    def _lookup(self, field: Field, link: Link, value: object) -> LinkValue:
        lookup = link.to[0]
        if isinstance(value, list):
            return tuple(Ref(lookup, self._option(field.name, lookup, label)) for label in value)
        return Ref(lookup, self._option(field.name, lookup, str(value)))

    def _option(self, field: str, lookup: str, label: str) -> TargetId:
        try:
            return self._options[lookup][label]
        except KeyError:
            raise UnknownOption(field, lookup) from None


def json_value(value: object) -> JsonValue:
    """A typed value as JSON sees it: ISO dates, date-times in UTC with ``Z``, decimals as numbers.

    >>> json_value(date(2020, 2, 9))
    '2020-02-09'
    """
    if isinstance(value, datetime):
        return value.astimezone(UTC).replace(tzinfo=None).isoformat() + "Z"
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, list):
        return [json_value(each) for each in value]
    return value if isinstance(value, str | int | float | bool) else str(value)


def _is_plain(field: Field) -> bool:
    is_text = field.attribute is not None and field.attribute.lookup is None
    # A record key is never sent in a parent's place.
    return is_text and not field.is_reference and "." not in field.name


def _put(attributes: dict[str, JsonValue], name: str, value: JsonValue) -> None:
    outer, dot, inner = name.partition(".")
    if not dot:
        attributes[name] = value
        return
    nested = attributes.setdefault(outer, {})
    if isinstance(nested, dict):
        nested[inner] = value
