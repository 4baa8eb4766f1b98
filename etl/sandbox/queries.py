"""What a list request asks for: filters, order, page, fields and includes, turned into a selection of rows.

Names are checked against the catalogue before they come near SQL; values are only ever bound. Filters are exact and
case-sensitive, and a comma separates alternatives, as in the framework behind Casebook.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import parse_qsl, quote, urlencode

from etl.catalog.model import Kind
from etl.sandbox.answers import Refused, refuse
from etl.sandbox.database import Cell, Condition, Database, json_place
from etl.sandbox.schema import Resource

_COLUMNS = ("id", "created_at", "created_by")
_OPERATORS = {"EQ": "=", "NEQ": "<>", "LT": "<", "LE": "<=", "GT": ">", "GE": ">=", "LIKE": "LIKE"}
_FILTER = re.compile(r"filter\[(?P<name>[^\[\]]+)\](\[(?P<operator>[A-Z]+)\])?")
_FIELDS = re.compile(r"fields(\[(?P<type>[^\[\]]+)\])?")
_PLAIN = {"sort", "include", "page[number]", "page[size]", "page[offset]", "page[limit]"}


@dataclass(frozen=True, slots=True)
class Page:
    """A stretch of a list; ``number`` counts from 1."""

    number: int
    size: int

    @property
    def offset(self) -> int:
        """Rows before it."""
        return (self.number - 1) * self.size


@dataclass(frozen=True, slots=True)
class ListQuery:
    """A list request that can be answered. ``fields`` None shows all."""

    conditions: tuple[Condition, ...]
    order: str
    page: Page
    fields: frozenset[str] | None
    include: tuple[str, ...]
    parameters: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class QueryReader:
    """Reads the query strings of one tenant."""

    database: Database
    page_size: int
    page_max: int
    commas_mean_or: bool = True
    unfilterable: tuple[str, ...] = ()
    ignored_filters: tuple[str, ...] = ()
    ignore_sort: bool = False

    def read(self, resource: Resource, query: str) -> ListQuery:
        """Return the list request in a query string. Raises Refused with 400 for what is not understood."""
        parameters = parse_qsl(query, keep_blank_values=True)
        given = dict(parameters)
        _refuse_unknown(parameters)
        return ListQuery(
            conditions=tuple(
                self._condition(resource, name, text)
                for name, text in parameters
                if name.startswith("filter") and not _is_among(name, self.ignored_filters)
            ),
            order=_order(
                resource,
                "" if self.ignore_sort else given.get("sort", ""),
                filtered=any(name.startswith("filter") for name in given),
            ),
            page=self._page(given),
            fields=_fields(resource, parameters),
            include=_include(resource, given.get("include", "")),
            parameters=tuple(parameters),
        )

    def _page(self, given: Mapping[str, str]) -> Page:
        if "page[limit]" in given or "page[offset]" in given:
            size = self._size(given.get("page[limit]", str(self.page_size)), "page[limit]")
            return Page(_whole(given.get("page[offset]", "0"), "page[offset]", least=0) // size + 1, size)
        size = self._size(given.get("page[size]", str(self.page_size)), "page[size]")
        return Page(_whole(given.get("page[number]", "1"), "page[number]"), size)

    def _size(self, text: str, parameter: str) -> int:
        size = _whole(text, parameter)
        if size > self.page_max:
            raise _bad(f"At most {self.page_max} records a page are allowed.", parameter)
        return size

    def _condition(self, resource: Resource, parameter: str, text: str) -> Condition:
        found = _FILTER.fullmatch(parameter)
        if found is None or (found["operator"] or "EQ") not in _OPERATORS:
            raise _bad("The filter is not understood.", parameter)
        if _is_among(parameter, self.unfilterable):
            raise _bad("This cannot be filtered.", parameter)
        name, operator = found["name"], found["operator"] or "EQ"
        texts = text.split(",") if self.commas_mean_or and operator in ("EQ", "NEQ") else [text]
        link = _link_named(resource, name)
        if link is not None:
            return self._link_condition(link, operator, texts)
        return _value_condition(
            _place(resource, name, parameter), operator, [_cell(resource, name, one) for one in texts]
        )

    def _link_condition(self, link: str, operator: str, texts: Sequence[str]) -> Condition:
        """Rows whose foreign key points to one of these records; a handle of the server stands for its record."""
        negation = "NOT " if operator == "NEQ" else ""
        if texts == ["null"]:
            linked = "id IN (SELECT source FROM links WHERE name = ?)"
            return Condition(linked if negation else f"NOT {linked}", (link,))
        ids = tuple(self.database.id_of_handle(text) or text for text in texts)
        marks = ", ".join("?" * len(ids))
        sql = f"id {negation}IN (SELECT source FROM links WHERE target IN ({marks}) AND name = ?)"  # noqa: S608 - only question marks vary
        return Condition(sql, (*ids, link), finds_ids=not negation)


def _value_condition(place: str, operator: str, values: Sequence[Cell]) -> Condition:
    if values == [None]:
        return Condition(f"{place} IS {'NOT ' * (operator == 'NEQ')}NULL")
    terms = [f"{place} {_OPERATORS[operator]} ?" for _ in values]
    return Condition("(" + (" AND " if operator == "NEQ" else " OR ").join(terms) + ")", tuple(values))


def _is_among(parameter: str, names: Sequence[str]) -> bool:
    found = _FILTER.fullmatch(parameter)
    return "*" in names or (found is not None and found["name"] in names)


def _refuse_unknown(parameters: Sequence[tuple[str, str]]) -> None:
    for name, _ in parameters:
        if name not in _PLAIN and not _FILTER.fullmatch(name) and not _FIELDS.fullmatch(name):
            raise _bad("No such parameter.", name)


def _link_named(resource: Resource, name: str) -> str | None:
    """Return the link that a filter means by its name, by the attribute that carries it, or by ``name.id``."""
    plain = name.removesuffix(".id")
    if plain in resource.links:
        return plain
    return resource.carriers[name].name if name in resource.carriers else None


def _place(resource: Resource, name: str, parameter: str) -> str:
    if name in _COLUMNS:
        return name
    if name not in resource.attributes and name not in resource.kind_attributes:
        raise _bad("No such attribute.", parameter)
    return json_place(name)


def _cell(resource: Resource, name: str, text: str) -> Cell:
    """Return a filter's text as the stored value; SQLite keeps booleans as 1 and 0."""
    attribute = resource.attributes.get(name)
    kind = attribute.kind if attribute else Kind.STRING
    if text == "null":
        return None
    if kind is Kind.BOOLEAN:
        return {"true": 1, "false": 0}.get(text, text)
    return _number(text) if kind in (Kind.INTEGER, Kind.NUMBER) else text


def _number(text: str) -> Cell:
    try:
        return float(text)
    except ValueError:
        return text


def _order(resource: Resource, text: str, *, filtered: bool) -> str:
    """Return the SQL of an order.

    A filtered list is sorted after it is found: the plus keeps SQLite from walking a whole entity in the order of an
    index, only to look for the few rows that a filter's own index finds at once.
    """
    plus = "+" * filtered
    names = [name for name in text.split(",") if name]
    places = {name: _place(resource, name.removeprefix("-"), "sort") for name in names}
    terms = [f"{plus}{place}{' DESC' * name.startswith('-')}" for name, place in places.items()]
    return ", ".join(terms if "id" in names else [*terms, f"{plus}seq"])


def _fields(resource: Resource, parameters: Sequence[tuple[str, str]]) -> frozenset[str] | None:
    for parameter, text in parameters:
        found = _FIELDS.fullmatch(parameter)
        if found and found["type"] in (None, resource.type):
            return frozenset(_known_field(resource, name, parameter) for name in text.split(",") if name)
    return None


def _known_field(resource: Resource, name: str, parameter: str) -> str:
    known = {*resource.attributes, *resource.links, *resource.carriers, *resource.kind_attributes, "custom_fields"}
    if name not in known:
        raise _bad("No such field.", parameter)
    return name


def _include(resource: Resource, text: str) -> tuple[str, ...]:
    names = tuple(filter(None, text.split(",")))
    known = {link.name for link in resource.relationships}
    if not known.issuperset(names):
        raise _bad("No such relationship.", "include")
    return names


def _whole(text: str, parameter: str, least: int = 1) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 9 or int(text) < least:  # noqa: PLR2004 - nine digits are beyond any page
        raise _bad(f"A whole number from {least} is expected.", parameter)
    return int(text)


def _bad(detail: str, parameter: str) -> Refused:
    return refuse(400, "bad_parameter", detail, parameter=parameter)


def page_links(base: str, query: ListQuery, total: int) -> dict[str, str]:
    """Return the addresses of the first, previous, next and last page, those that exist."""
    last = max(1, -(-total // query.page.size))
    wanted = {"first": 1, "prev": query.page.number - 1, "next": query.page.number + 1, "last": last}
    return {name: _page_url(base, query, number) for name, number in wanted.items() if 1 <= number <= last}


def _page_url(base: str, query: ListQuery, number: int) -> str:
    kept = [(name, text) for name, text in query.parameters if not name.startswith("page[")]
    paged = [*kept, ("page[number]", str(number)), ("page[size]", str(query.page.size))]
    return f"{base}?{urlencode(paged, quote_via=quote)}"
