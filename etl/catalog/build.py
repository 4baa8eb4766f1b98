"""Makes the frozen catalogue out of the merged written form.

What the written form says in one place is spread here to where the code asks for it: a drop-down's options become a
lookup of their own, a link that is set later becomes a step of its entity's flow, a tenant's renaming a wire name.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass

from etl.catalog.model import Api, Attribute, Catalog, Entity, Kind, Link, Lookup, Marker, Option, Step
from etl.catalog.specs import (
    ApiSpec,
    AttributeSpec,
    CatalogSpec,
    CustomFieldSpec,
    EntitySpec,
    LinkSpec,
    LookupSpec,
    OptionSpec,
    Requirement,
)

OPTION_LIST = "custom_field_option"
"""The lookup whose path, type and match attribute serve the options of every drop-down; a public fact, always there."""


@dataclass(frozen=True, slots=True)
class _Tenant:
    """What a whole file says about each of its parts."""

    required_where_unstated: bool | None
    option_ids_from: str | None

    def required(self, stated: bool | None, written: Requirement) -> bool | None:
        if stated is not None:
            return stated
        return written if isinstance(written, bool) else self.required_where_unstated

    def options(self, lookup: str, options: Iterable[OptionSpec] | None) -> tuple[Option, ...] | None:
        if options is None:
            return None
        return tuple(Option(each.label, each.id or self._option_id(lookup, each.label)) for each in options)

    def _option_id(self, lookup: str, label: str) -> str | None:
        if self.option_ids_from is None:
            return None
        return str(uuid.uuid5(uuid.NAMESPACE_URL, f"{self.option_ids_from}/{lookup}/{label}"))


def build_catalog(spec: CatalogSpec) -> Catalog:
    """Make the catalogue of a complete, merged specification."""
    tenant = _Tenant(spec.required_where_unstated, spec.option_ids_from)
    lookups = {name: _lookup(name, each, tenant) for name, each in spec.lookups.items()}
    for name, entity in spec.entities.items():
        lookups |= _drop_downs(name, entity, spec.lookups[OPTION_LIST], tenant)
    return Catalog(
        api=_api(spec.api),
        entities={name: _entity(name, each, tenant) for name, each in spec.entities.items()},
        lookups=lookups,
        tenant=spec.tenant or "",
        invented=spec.invented,
    )


def _api(spec: ApiSpec) -> Api:
    return Api(
        base_urls=dict(spec.base_urls),
        media_type=spec.media_type or "",
        token_lifetime_s=spec.token_lifetime_s or 0,
        page_size=spec.page_size or 0,
        max_page_size=spec.max_page_size,
        attachment_prefix=spec.attachment_prefix,
    )


def _entity(name: str, spec: EntitySpec, tenant: _Tenant) -> Entity:
    links = {key: _link(key, each, spec, tenant) for key, each in spec.links.items()}
    return Entity(
        name=name,
        service=spec.service or "",
        type=spec.type,
        path=spec.path,
        operations=tuple(spec.operations),
        attributes=_attributes(name, spec, tenant),
        links=links,
        marker=_marker(spec),
        flow=_flow(spec, links.values()),
        roles={key: tuple(each) for key, each in spec.roles.items()},
        natural_keys=tuple(tuple(each) for each in spec.natural_keys),
        match_on=spec.match_on,
        certainty=spec.certainty,
        path_certainty=spec.path_certainty,
        notes=spec.notes,
        type_certainty=spec.type_certainty,
        operations_certainty=spec.operations_certainty,
        takes_custom_fields=spec.takes_custom_fields,
        harmless=spec.harmless,
        client_ids=spec.client_ids,
        options=tenant.options(name, spec.options),
    )


def _attributes(entity: str, spec: EntitySpec, tenant: _Tenant) -> dict[str, Attribute]:
    plain = (_attribute(name, each, spec, tenant) for name, each in spec.attributes.items())
    custom = (_custom_field(entity, key, each, spec, tenant) for key, each in spec.custom_fields.items())
    return {each.name: each for each in (*plain, *custom)}


def _attribute(name: str, written: AttributeSpec, entity: EntitySpec, tenant: _Tenant) -> Attribute:
    return Attribute(
        name=name,
        kind=written.type or Kind.STRING,
        required=tenant.required(entity.required.get(name), written.required),
        enum=tuple(written.enum),
        max_length=written.max_length,
        pattern=written.pattern,
        minimum=written.minimum,
        maximum=written.maximum,
        read_only=written.read_only,
        pii=written.pii,
        certainty=written.certainty,
        note=written.note,
        wire=entity.rename.get(name),
        tolerate=tuple(written.tolerate),
    )


def _custom_field(entity: str, key: str, written: CustomFieldSpec, spec: EntitySpec, tenant: _Tenant) -> Attribute:
    name = f"custom_fields.{key}"
    return Attribute(
        name=name,
        kind=Kind(written.type or "text"),
        required=tenant.required(spec.required.get(name), written.required),
        enum=tuple(each.label for each in written.options or ()),
        max_length=written.max_length,
        pii=written.pii,
        lookup=drop_down_lookup(entity, key) if written.type == "dropdown" else None,
        certainty=written.certainty,
        note=written.note,
        wire=spec.rename.get(name),
        tolerate=tuple(written.tolerate),
    )


def _link(name: str, written: LinkSpec, entity: EntitySpec, tenant: _Tenant) -> Link:
    return Link(
        name=name,
        to=tuple(written.to or ()),
        many=written.many,
        required=tenant.required(entity.required.get(name), written.required),
        carried_as=written.carried_as,
        type_as=written.type_as,
        set_by=written.set_by,
        value=written.value,
        warn_if_missing=written.warn_if_missing,
        certainty=written.certainty,
        note=written.note,
        wire=entity.rename.get(name),
    )


def _marker(spec: EntitySpec) -> Marker | None:
    written = spec.marker
    return Marker(written.ask, written.slot, written.place, written.scope, written.unique) if written else None


def _flow(spec: EntitySpec, links: Iterable[Link]) -> tuple[Step, ...]:
    written = [Step(**each.model_dump()) for each in spec.flow]
    plain = [Step("create")] if "create" in spec.operations and not written else []
    later = [Step("patch_link", relationship=link.name) for link in links if link.set_by == "patch"]
    return (*plain, *written, *later)


def _lookup(name: str, written: LookupSpec, tenant: _Tenant) -> Lookup:
    return Lookup(
        name=name,
        service=written.service,
        type=written.type,
        path=written.path,
        match_on=written.match_on,
        filters=dict(written.filters),
        options=tenant.options(name, written.options),
        certainty=written.certainty,
        note=written.note,
    )


def drop_down_lookup(entity: str, key: str) -> str:
    """Name the lookup that holds the options of a drop-down.

    >>> drop_down_lookup("person", "legacyCounty")
    'person.legacyCounty'
    """
    return f"{entity}.{key}"


def _drop_downs(entity: str, spec: EntitySpec, shared: LookupSpec, tenant: _Tenant) -> dict[str, Lookup]:
    fields = [(key, each) for key, each in spec.custom_fields.items() if each.type == "dropdown"]
    made = [_drop_down(drop_down_lookup(entity, key), key, each, shared, tenant) for key, each in fields]
    return {each.name: each for each in made}


def _drop_down(name: str, key: str, field: CustomFieldSpec, shared: LookupSpec, tenant: _Tenant) -> Lookup:
    return Lookup(
        name=name,
        service=shared.service,
        type=shared.type,
        path=shared.path,
        match_on=shared.match_on,
        filters={**shared.filters, "custom_field": key},
        options=tenant.options(name, field.options),
        certainty=field.certainty,
    )
