"""Checks a rendered record against the catalogue in the last moment before it would be sent.

The pydantic models are built from the catalogue and know no entity by name. Their field names are positions and the
attributes' names are aliases, so that a tenant may call a field anything (``json``, ``model_config``) without harm.
Findings name places and kinds, never values.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    JsonValue,
    StrictBool,
    StrictInt,
    StrictStr,
    StringConstraints,
    ValidationError,
    create_model,
)
from pydantic_core import ErrorDetails, PydanticCustomError

from etl.catalog.model import Attribute, Catalog, Entity, Kind, Link
from etl.core.errors import Finding
from etl.core.problems import problem_code
from etl.core.records import Document, LinkValue, Ref

CUSTOM_FIELDS = "custom_fields"

_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_DATETIME = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?(Z|[+-]\d{2}:\d{2})")
_CODES = {
    "missing": "required_missing",
    "literal_error": "not_in_enum",
    "string_too_long": "too_long",
    "bad_format": "bad_format",
    "out_of_range": "out_of_range",
    "extra_forbidden": "unknown_attribute",
}
_TITLES = {
    "unknown_attribute": "Attribute that the entity does not have, or that only Casebook sets",
    "unknown_link": "Link that the entity does not have",
    "wrong_target": "Link to an entity that it may not point to",
}

Shape: TypeAlias = Any
"""What pydantic takes as a type: a class or an annotated form."""


class _Payload(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True, validate_by_name=False)


def payload_model(entity: Entity) -> type[BaseModel]:
    """Make the model of an entity's attributes as a create sends them: required ones must be there and not null.

    Read-only attributes are not part of it. Custom fields are one nested model.
    """
    attributes = [each for each in entity.attributes.values() if not each.read_only]
    plain = {each.name: _field(each) for each in attributes if not _is_custom(each)}
    custom = {_key(each): _field(each) for each in attributes if _is_custom(each)}
    if custom:
        plain[CUSTOM_FIELDS] = _custom_fields(entity, attributes, custom)
    return _model(entity.name, plain)


def _custom_fields(entity: Entity, attributes: list[Attribute], fields: dict[str, Shape]) -> Shape:
    needed = any(each.required for each in attributes if _is_custom(each))
    model = _model(f"{entity.name}.{CUSTOM_FIELDS}", fields)
    return model if needed else model | None


def _model(name: str, shapes: Mapping[str, Shape]) -> type[BaseModel]:
    fields = {
        f"field_{index}": (shape, Field(alias=key) if _is_needed(shape) else Field(default=None, alias=key))
        for index, (key, shape) in enumerate(shapes.items())
    }
    definitions: dict[str, Any] = dict(fields)
    return create_model(name, __base__=_Payload, **definitions)


def _is_needed(shape: Shape) -> bool:
    return type(None) not in getattr(shape, "__args__", ())


def _field(attribute: Attribute) -> Shape:
    shape = _SHAPES[attribute.kind](attribute)
    return shape if attribute.required else shape | None


class Payloads:
    """Checks documents of every entity of a catalogue; each model is built once, when it is first needed."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._models: dict[str, type[BaseModel]] = {}

    def check(self, document: Document, *, partial: bool = False) -> list[Finding]:
        """List what Casebook would refuse in a document, attributes first; empty means that it may be sent.

        ``partial`` is for an update or a patched link: what is not given is not missed, but what is required must not
        be cleared.
        """
        entity = self._catalog.entity(document.entity)
        return [*self._attribute_findings(entity, document, partial), *_link_findings(entity, document, partial)]

    def _attribute_findings(self, entity: Entity, document: Document, partial: bool) -> Iterator[Finding]:
        if entity.name not in self._models:
            self._models[entity.name] = payload_model(entity)
        try:
            self._models[entity.name].model_validate(dict(document.attributes))
        except ValidationError as error:
            for details in error.errors(include_url=False):
                if not (partial and details["type"] == "missing"):
                    yield _finding(_code(details), _pointer(details))


def _code(details: ErrorDetails) -> str:
    """Name what is wrong; a null where a value is required is missing, whatever its type should be."""
    code = _CODES.get(details["type"], "wrong_type")
    return "required_missing" if details["input"] is None and code != "unknown_attribute" else code


def _pointer(details: ErrorDetails) -> str:
    path = [str(part) for part in details["loc"]]
    return "/".join(["/data/attributes", *path])


def _finding(code: str, pointer: str) -> Finding:
    return Finding(code, _TITLES.get(code) or problem_code(code).title, pointer)


def _link_findings(entity: Entity, document: Document, partial: bool) -> Iterator[Finding]:
    for link in entity.links.values():
        if link.required and not document.links.get(link.name) and not (partial and link.name not in document.links):
            yield _finding("required_missing", _link_pointer(link.name))
    for name, value in document.links.items():
        yield from _one_link_findings(entity.links.get(name), name, value)


def _one_link_findings(link: Link | None, name: str, value: LinkValue) -> Iterator[Finding]:
    if link is None:
        yield _finding("unknown_link", _link_pointer(name))
    elif value is not None and isinstance(value, tuple) != link.many:
        yield _finding("wrong_type", _link_pointer(name))
    elif any(ref.to not in link.to for ref in _refs(value)):
        yield _finding("wrong_target", _link_pointer(name))


def _refs(value: LinkValue) -> tuple[Ref, ...]:
    if value is None:
        return ()
    return value if isinstance(value, tuple) else (value,)


def _link_pointer(name: str) -> str:
    return f"/data/relationships/{name}"


def _is_custom(attribute: Attribute) -> bool:
    return attribute.name.startswith(f"{CUSTOM_FIELDS}.")


def _key(attribute: Attribute) -> str:
    return attribute.name.removeprefix(f"{CUSTOM_FIELDS}.")


# ---------------------------------------------------------------- shapes of values


def _text(attribute: Attribute) -> Shape:
    shape: Shape = Annotated[StrictStr, StringConstraints(max_length=attribute.max_length)]
    if attribute.pattern is None:
        return shape
    return Annotated[shape, AfterValidator(_matching(re.compile(attribute.pattern)))]


def _uuid(_attribute: Attribute) -> Shape:
    return Annotated[StrictStr, AfterValidator(_matching(_UUID))]


def _enum(attribute: Attribute) -> Shape:
    return Literal[attribute.enum]


def _date(attribute: Attribute) -> Shape:
    return Annotated[StrictStr, AfterValidator(_moment(_DATE, date.fromisoformat, attribute))]


def _datetime(attribute: Attribute) -> Shape:
    return Annotated[StrictStr, AfterValidator(_moment(_DATETIME, datetime.fromisoformat, attribute))]


def _integer(attribute: Attribute) -> Shape:
    return Annotated[StrictInt, AfterValidator(_bounded(attribute))]


def _number(attribute: Attribute) -> Shape:
    finite = Annotated[float, Field(strict=True, allow_inf_nan=False)]
    return Annotated[finite, AfterValidator(_bounded(attribute))]


def _boolean(_attribute: Attribute) -> Shape:
    return StrictBool


def _object(_attribute: Attribute) -> Shape:
    return dict[str, JsonValue]


_SHAPES: dict[Kind, Callable[[Attribute], Shape]] = {
    Kind.STRING: _text,
    Kind.TEXT: _text,
    Kind.DATE: _date,
    Kind.DATETIME: _datetime,
    Kind.INTEGER: _integer,
    Kind.NUMBER: _number,
    Kind.BOOLEAN: _boolean,
    Kind.ENUM: _enum,
    Kind.OBJECT: _object,
    Kind.UUID: _uuid,
    Kind.DROPDOWN: _uuid,
}


def _matching(pattern: re.Pattern[str]) -> Callable[[str], str]:
    def check(value: str) -> str:
        if pattern.fullmatch(value) is None:
            raise PydanticCustomError("bad_format", "not of the form")
        return value

    return check


def _moment(form: re.Pattern[str], parse: Callable[[str], date], attribute: Attribute) -> Callable[[str], str]:
    """Check form, calendar and bounds; ISO texts compare like the days they name, up to the length of the bound."""
    low, high = attribute.minimum or "", attribute.maximum

    def check(value: str) -> str:
        if form.fullmatch(value) is None or not _exists(parse, value):
            raise PydanticCustomError("bad_format", "no such date")
        if value < low or (high is not None and value[: len(high)] > high):
            raise PydanticCustomError("out_of_range", "outside the bounds")
        return value

    return check


def _exists(parse: Callable[[str], date], value: str) -> bool:
    try:
        parse(value)
    except ValueError:
        return False
    return True


def _bounded(attribute: Attribute) -> Callable[[float], float]:
    low = None if attribute.minimum is None else Decimal(attribute.minimum)
    high = None if attribute.maximum is None else Decimal(attribute.maximum)

    def check(value: float) -> float:
        if (low is not None and value < low) or (high is not None and value > high):
            raise PydanticCustomError("out_of_range", "outside the bounds")
        return value

    return check
