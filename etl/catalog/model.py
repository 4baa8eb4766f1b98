"""The catalogue's terms: entities, attributes, links, lookups, flows and markers as frozen values.

Facts about Casebook live here and in the YAML behind it, never in code that knows one entity. Everything carries its
certainty, because little of the API is documented in public.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Certainty(StrEnum):
    """How sure a fact is: stated by Casebook, seen in its public test code, inferred, unknown, or made up by us."""

    STATED = "STATED"
    BRIEF = "BRIEF"
    OBSERVED = "OBSERVED"
    INFERRED = "INFERRED"
    UNKNOWN = "UNKNOWN"
    INVENTED = "INVENTED"


class Kind(StrEnum):
    """The type of an attribute's value."""

    STRING = "string"
    TEXT = "text"
    DATE = "date"
    DATETIME = "datetime"
    INTEGER = "integer"
    NUMBER = "number"
    BOOLEAN = "boolean"
    ENUM = "enum"
    OBJECT = "object"
    UUID = "uuid"
    DROPDOWN = "dropdown"


@dataclass(frozen=True, slots=True)
class Attribute:
    """One attribute. ``required`` is None where the tenant decides and has not said. Dates are ISO texts in bounds.

    ``name`` is what mappings, plans and reports use; ``wire`` is the tenant's own name for it where that differs.
    ``name`` of a custom field is ``custom_fields.<key>``; its ``enum`` lists a drop-down's labels and ``lookup`` names
    the lookup that turns them into option ids. ``tolerate`` says how Casebook may show a value other than it was sent.
    """

    name: str
    kind: Kind
    required: bool | None = False
    enum: tuple[str, ...] = ()
    max_length: int | None = None
    pattern: str | None = None
    minimum: str | None = None
    maximum: str | None = None
    read_only: bool = False
    pii: str | None = None
    lookup: str | None = None
    certainty: Certainty = Certainty.INFERRED
    note: str = ""
    wire: str | None = None
    tolerate: tuple[str, ...] = ()

    @property
    def wire_name(self) -> str:
        """The name in requests and answers."""
        return self.wire or self.name


@dataclass(frozen=True, slots=True)
class Link:
    """A foreign key: to one of several entities, or to a lookup.

    ``carried_as`` names the plain attribute that carries the id instead of a JSON:API relationship; ``type_as`` the
    attribute that says which entity a polymorphic link means. ``set_by`` is ``create`` or ``patch``. ``value`` names
    the attribute of the parent that is meant where it is not the id. ``wire`` is the tenant's own name of the
    relationship where it differs.
    """

    name: str
    to: tuple[str, ...]
    many: bool = False
    required: bool | None = False
    carried_as: str | None = None
    type_as: str | None = None
    set_by: str = "create"
    value: str | None = None
    warn_if_missing: bool = False
    certainty: Certainty = Certainty.INFERRED
    note: str = ""
    wire: str | None = None

    @property
    def wire_name(self) -> str:
        """The name in requests and answers: of the carrying attribute, or else of the relationship."""
        return self.carried_as or self.wire or self.name


@dataclass(frozen=True, slots=True)
class Marker:
    """Where our opaque marker sits and how to ask for it.

    ``ask``: ``filter`` (exact filter on ``slot``), ``sweep`` (list newest first and look in ``slot``), ``scoped`` (no
    slot: list the children of the parent in link ``scope`` and match whole contents), ``created`` (no slot and perhaps no
    parent: match whole contents among all that our application created). ``place`` in the slot: ``value`` (the whole
    attribute), ``last_line`` (of a text), ``suffix`` (before a file name's ending). ``unique``: the tenant
    refuses a second record with the same text in the slot.
    """

    ask: str
    slot: str | None = None
    place: str = "value"
    scope: str | None = None
    unique: bool = False


@dataclass(frozen=True, slots=True)
class Step:
    """A step of what an entity needs, in order.

    ``create``, ``patch_link`` (``relationship``), ``upload`` (``url_attribute``, ``max_bytes``) or ``read``
    (``relationship``, ``attribute``: read from the parent by GET). Links with ``set_by: patch`` are steps by themselves.
    """

    do: str
    relationship: str | None = None
    url_attribute: str | None = None
    max_bytes: int | None = None
    attribute: str | None = None


@dataclass(frozen=True, slots=True)
class Option:
    """One row of a lookup: its label and, where the overlay knows it, its id."""

    label: str
    id: str | None = None


@dataclass(frozen=True, slots=True)
class Entity:
    """One resource type. ``path`` or ``type`` None means: unknown in public; a tenant overlay must supply it.

    ``match_on`` marks an entity that is listed and matched by this attribute like a lookup (users); ``options`` are its
    rows where the overlay knows them. ``harmless``: a record may be made and deleted again to try the tenant.
    ``client_ids``: the tenant takes the id that we choose for a new record, and refuses a second record with it.
    """

    name: str
    service: str
    type: str | None
    path: str | None
    operations: tuple[str, ...]
    attributes: Mapping[str, Attribute]
    links: Mapping[str, Link]
    marker: Marker | None = None
    flow: tuple[Step, ...] = ()
    roles: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    natural_keys: tuple[tuple[str, ...], ...] = ()
    match_on: str | None = None
    certainty: Certainty = Certainty.INFERRED
    path_certainty: Certainty = Certainty.UNKNOWN
    notes: str = ""
    type_certainty: Certainty = Certainty.UNKNOWN
    operations_certainty: Certainty = Certainty.UNKNOWN
    takes_custom_fields: bool = False
    options: tuple[Option, ...] | None = None
    harmless: bool = False
    client_ids: bool = False

    @property
    def creatable(self) -> bool:
        """Whether records of it can be created here and now."""
        return "create" in self.operations and self.path is not None and self.type is not None

    def step(self, do: str) -> Step | None:
        """Find the first flow step of this kind."""
        return next((step for step in self.flow if step.do == do), None)


@dataclass(frozen=True, slots=True)
class Lookup:
    """A list that the tenant configures; read by the loader, never created.

    ``filters`` narrow the list (the options of all drop-downs sit in one list); ``options`` None means: not listed by
    the overlay. A drop-down's lookup is called ``<entity>.<key>``.
    """

    name: str
    service: str | None
    type: str | None
    path: str | None
    match_on: str = "name"
    filters: Mapping[str, str] = field(default_factory=dict)
    options: tuple[Option, ...] | None = None
    certainty: Certainty = Certainty.INFERRED
    note: str = ""


@dataclass(frozen=True, slots=True)
class Api:
    """Facts about the API as a whole."""

    base_urls: Mapping[str, str]
    media_type: str
    token_lifetime_s: int
    page_size: int
    max_page_size: int | None
    attachment_prefix: str | None = None


@dataclass(frozen=True, slots=True)
class Catalog:
    """Everything a tenant accepts. ``tenant`` is "" for the plain public catalogue."""

    api: Api
    entities: Mapping[str, Entity]
    lookups: Mapping[str, Lookup]
    tenant: str = ""
    invented: bool = False

    def entity(self, name: str) -> Entity:
        """Find the entity of this name; KeyError if there is none."""
        return self.entities[name]

    def is_lookup(self, name: str) -> bool:
        """Whether a link's target is a list of the tenant: a lookup, or an entity that cannot be created here."""
        return name in self.lookups or (name in self.entities and self.entities[name].match_on is not None)

    def options_of(self, name: str) -> tuple[Option, ...] | None:
        """List the rows of a lookup or listed entity; None where the overlay lists none."""
        return self.lookups[name].options if name in self.lookups else self.entities[name].options

    def reference_links(self, entity: str) -> tuple[Link, ...]:
        """List the links of an entity that point to records, not to lookups."""
        return tuple(link for link in self.entity(entity).links.values() if not self.is_lookup(link.to[0]))
