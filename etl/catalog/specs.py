"""The written form of a catalogue file: what ``casebook.yaml`` and every tenant overlay may say, and in which types.

Both kinds of file have this one form. Nearly everything is optional, because an overlay says only what differs; what a
complete catalogue needs is checked where layers are laid over each other.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from etl.catalog.model import Certainty, Kind
from etl.core.tolerances import ToleranceName

Mark: TypeAlias = Annotated[Certainty, Field(strict=False)]
Operation: TypeAlias = Literal["create", "list", "get", "update", "delete"]
Requirement: TypeAlias = Literal[True, False, "tenant", "unknown"]
PersonalData: TypeAlias = Literal[
    "name", "dob", "ssn", "address", "phone", "email", "text", "demographic", "finance", "identifier"
]
CustomKind: TypeAlias = Literal["text", "number", "date", "boolean", "dropdown"]
Name: TypeAlias = Annotated[str, Field(min_length=1, max_length=100)]
UrlPath: TypeAlias = Annotated[str, Field(pattern=r"^(/[A-Za-z0-9_-]+)+$")]


class _Spec(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, hide_input_in_errors=True)


class OptionSpec(_Spec):
    """A row of a list; a plain label is the short form."""

    label: Name
    id: Name | None = None


def _long_form(value: object) -> object:
    return {"label": value} if isinstance(value, str) else value


Options: TypeAlias = list[Annotated[OptionSpec, BeforeValidator(_long_form)]]


class AttributeSpec(_Spec):
    """An attribute; ``type`` is needed where the attribute is new."""

    type: Annotated[Kind, Field(strict=False)] | None = None
    required: Requirement = False
    enum: list[Name] = []
    max_length: Annotated[int, Field(ge=1)] | None = None
    pattern: str | None = None
    minimum: str | None = None
    maximum: str | None = None
    read_only: bool = False
    pii: PersonalData | None = None
    tolerate: list[ToleranceName] = []
    certainty: Mark = Certainty.INFERRED
    note: str = ""


class CustomFieldSpec(_Spec):
    """A custom field; ``options`` belong to a drop-down."""

    type: CustomKind | None = None
    required: Requirement = False
    options: Options | None = None
    max_length: Annotated[int, Field(ge=1)] | None = None
    pii: PersonalData | None = None
    tolerate: list[ToleranceName] = []
    certainty: Mark = Certainty.INFERRED
    note: str = ""


class LinkSpec(_Spec):
    """A link; ``to`` is needed where the link is new."""

    to: Annotated[list[Name], Field(min_length=1)] | None = None
    many: bool = False
    required: Requirement = False
    carried_as: Name | None = None
    type_as: Name | None = None
    set_by: Literal["create", "patch"] = "create"
    value: Name | None = None
    warn_if_missing: bool = False
    certainty: Mark = Certainty.INFERRED
    note: str = ""


class MarkerSpec(_Spec):
    """Where our marker sits and how to ask for it."""

    ask: Literal["filter", "sweep", "scoped", "created"]
    slot: Name | None = None
    place: Literal["value", "last_line", "suffix"] = "value"
    scope: Name | None = None
    unique: bool = False


class StepSpec(_Spec):
    """A step beyond a POST. A link set by a PATCH says so on the link, nowhere else."""

    do: Literal["create", "upload", "read"]
    relationship: Name | None = None
    url_attribute: Name | None = None
    max_bytes: Annotated[int, Field(ge=1)] | None = None
    attribute: Name | None = None


class EntitySpec(_Spec):
    """An entity; ``service`` is needed where the entity is new.

    ``rename`` gives the tenant's own names for attributes and links, ``required`` what the tenant says about fields.
    """

    service: Name | None = None
    type: Name | None = None
    type_certainty: Mark = Certainty.UNKNOWN
    path: UrlPath | None = None
    path_certainty: Mark = Certainty.UNKNOWN
    operations: list[Operation] = []
    operations_certainty: Mark = Certainty.UNKNOWN
    certainty: Mark = Certainty.INFERRED
    roles: dict[Operation, list[Name]] = {}
    takes_custom_fields: bool = False
    harmless: bool = False
    client_ids: bool = False
    attributes: dict[Name, AttributeSpec] = {}
    custom_fields: dict[Name, CustomFieldSpec] = {}
    links: dict[Name, LinkSpec] = {}
    rename: dict[Name, Name] = {}
    required: dict[Name, bool] = {}
    marker: MarkerSpec | None = None
    flow: list[StepSpec] = []
    natural_keys: list[Annotated[list[Name], Field(min_length=1)]] = []
    match_on: Name | None = None
    options: Options | None = None
    notes: str = ""


class LookupSpec(_Spec):
    """A list of the tenant; ``service`` (which may be null) is needed where the lookup is new."""

    service: Name | None = None
    type: Name | None = None
    path: UrlPath | None = None
    match_on: Name = "name"
    filters: dict[Name, str] = {}
    options: Options | None = None
    certainty: Mark = Certainty.INFERRED
    note: str = ""


class ApiSpec(_Spec):
    """Facts about the API as a whole."""

    base_urls: dict[Name, str] = {}
    media_type: Name | None = None
    token_lifetime_s: Annotated[int, Field(ge=60)] | None = None
    page_size: Annotated[int, Field(ge=1)] | None = None
    max_page_size: Annotated[int, Field(ge=1)] | None = None
    attachment_prefix: UrlPath | None = None


class CatalogSpec(_Spec):
    """A whole file.

    ``required_where_unstated`` answers every requirement that is left to the tenant and not given; ``option_ids_from``
    is the name from which the ids of options are derived where none is given.
    """

    version: Literal[1]
    tenant: Name | None = None
    invented: bool = False
    required_where_unstated: bool | None = None
    option_ids_from: Name | None = None
    api: ApiSpec = ApiSpec()
    services: list[Name] = []
    entities: dict[Name, EntitySpec] = {}
    lookups: dict[Name, LookupSpec] = {}


def field_names(location: tuple[str | int, ...]) -> tuple[str, ...]:
    """List the keys that may stand at a location of a file; none where any name may."""
    found: Any = CatalogSpec
    for part in location:
        found = _below(found, part)
    return tuple(found.model_fields) if _is_spec(found) else ()


def _below(annotation: Any, part: str | int) -> Any:  # noqa: ANN401 - annotations have no common type
    if _is_spec(annotation):
        known = annotation.model_fields.get(part)
        return _unwrapped(known.annotation) if known else None
    arguments = getattr(annotation, "__args__", ())
    return _unwrapped(arguments[-1]) if arguments else None


def _unwrapped(annotation: Any) -> Any:  # noqa: ANN401 - likewise
    """Find the one part of a type that has something below it: ``Annotated[X]`` and ``X | None`` become X."""
    if hasattr(annotation, "__metadata__"):
        return _unwrapped(annotation.__origin__)
    parts = [part for part in getattr(annotation, "__args__", ()) if part is not type(None)]
    if len(parts) == 1 and getattr(annotation, "__origin__", None) is not list:
        return _unwrapped(parts[0])
    return annotation


def _is_spec(annotation: Any) -> bool:  # noqa: ANN401 - likewise
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)
