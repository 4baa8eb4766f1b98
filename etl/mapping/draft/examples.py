"""The one test that a drafted mapping begins with: an invented row, and what must come out of it.

No cell of the data goes into it: texts are the same word everywhere, days one day, codes a code of its own with a label that
the test supposes. A field whose value cannot be invented stays empty; where Casebook requires it, there is no test.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeGuard

from etl.catalog.model import Attribute, Catalog, Entity, Kind
from etl.mapping.draft.model import DraftField, DraftMapping, Written

_KEY, _CODE, _TEXT = "1", "1", "Example"
_DAY = dt.date(2001, 2, 3)
_OF_STEPS: Mapping[str, tuple[str, str]] = {
    "zip": ("02139", "02139"),
    "state": ("MA", "MA"),
    "email": ("someone@example.org", "someone@example.org"),
}
"""What can be given to operations that take no text whatever, and what they make of it."""


@dataclass(slots=True)
class _Example:
    given: dict[str, str]
    supposed: dict[str, Written] = field(default_factory=dict)
    expected: dict[str, Written] = field(default_factory=dict)
    problems: list[Written] = field(default_factory=list)

    def give(self, column: str, value: str) -> bool:
        """Whether a column holds a value now; one that two fields read holds what the first of them needs."""
        return self.given.setdefault(column, value) == value


def example_of(mapping: DraftMapping, catalog: Catalog) -> Mapping[str, Written] | None:
    """The test of a mapping as a document says it; None where a required value cannot be invented."""
    entity = catalog.entity(mapping.entity)
    made = _Example(dict.fromkeys((*mapping.key, *mapping.group), _KEY))
    for each in sorted(mapping.fields, key=lambda one: not _is_required(one, entity)):
        if not _filled(made, each, entity, catalog) and _is_required(each, entity):
            return None
    is_held = bool(made.problems)
    made.problems += [
        {"field": each.name, "code": "recommended_missing"}
        for each in entity.links.values()
        if each.warn_if_missing and each.name not in made.expected
    ]
    name = "invented values wait for what is not decided yet" if is_held else "invented values become a record"
    parts: dict[str, Written] = {"name": name, "given": made.given}
    if made.supposed:
        parts["with"] = {"crosswalk": made.supposed}
    parts |= {"bucket": "quarantined"} if is_held else {"expect": made.expected}
    return parts | ({"problems": made.problems} if made.problems else {})


def _is_required(drafted: DraftField, entity: Entity) -> bool:
    found = entity.attributes.get(drafted.name) or entity.links.get(drafted.name)
    return found is not None and found.required is not False


def _filled(made: _Example, drafted: DraftField, entity: Entity, catalog: Catalog) -> bool:
    """Gives the columns of a field what it needs and notes what comes out; False where that is not known."""
    value, attribute = drafted.value, entity.attributes.get(drafted.name)
    if isinstance(value, str):
        return attribute is not None and _text(made, drafted, value, attribute)
    if not isinstance(value, Mapping) or "const" in value:
        return isinstance(value, Mapping)
    if "empty" in value:
        made.problems.append({"field": drafted.name, "code": "required_missing"})
        return True
    if "ref" in value:
        return _reference(made, drafted, value, entity)
    if "crosswalk" in value:
        return _coded(made, drafted.name, value, _labels(drafted.name, entity, catalog))
    return "do" in value and attribute is not None and _read(made, drafted.name, value, attribute)


def _text(made: _Example, drafted: DraftField, column: str, attribute: Attribute) -> bool:
    is_free = attribute.kind in (Kind.STRING, Kind.TEXT) and attribute.pattern is None
    given = made.given.get(column, _TEXT)
    if not is_free or (attribute.max_length is not None and len(given) > attribute.max_length):
        return False
    made.given[column] = made.expected[drafted.name] = given
    return True


def _reference(made: _Example, drafted: DraftField, value: Mapping[str, Written], entity: Entity) -> bool:
    """A parent by the invented key; a row never points at its own kind, which would be at itself."""
    told = value["ref"]
    if str(told).partition("@")[0] == entity.name:
        return False
    codes = list(told) if isinstance(told, Mapping) else []
    if codes and not made.give(str(value["by"]), codes[0]):
        return False
    key = value["key"]
    columns = [key] if isinstance(key, str) else list(drafted.columns)
    if not all(made.give(each, _KEY) for each in columns):
        return False
    made.expected[drafted.name] = " | ".join([_KEY] * len(columns))
    return True


def _labels(name: str, entity: Entity, catalog: Catalog) -> Sequence[str]:
    attribute, link = entity.attributes.get(name), entity.links.get(name)
    if attribute is not None:
        return attribute.enum
    return [each.label for each in catalog.options_of(link.to[0]) or ()] if link and not link.many else ()


def _coded(made: _Example, name: str, value: Mapping[str, Written], labels: Sequence[str]) -> bool:
    crosswalk = str(value["crosswalk"])
    if not labels or crosswalk in made.supposed or not made.give(str(value["from"]), _CODE):
        return False
    made.supposed[crosswalk] = {_CODE: labels[0]}
    made.expected[name] = labels[0]
    return True


def _read(made: _Example, name: str, value: Mapping[str, Written], attribute: Attribute) -> bool:
    steps = value["do"]
    pair = _pair(steps[-1], attribute) if _is_list(steps) else None
    column = str(value["from"])
    if pair is None or not made.give(column, pair[0]):
        return False
    if pair[1] is not None:
        made.expected[name] = pair[1]
    return True


def _is_list(value: Written) -> TypeGuard[Sequence[Written]]:
    return isinstance(value, Sequence) and not isinstance(value, str)


def _pair(step: Written, attribute: Attribute) -> tuple[str, Written | None] | None:
    """What is given to the last operation of a field, and what comes out where the document can say that."""
    name, argument = next(iter(step.items())) if isinstance(step, Mapping) else (step, {})
    options = argument if isinstance(argument, Mapping) else {}
    match name:
        case "date" | "datetime":
            given = _DAY.strftime(_first(options.get("in"), "%Y-%m-%d"))
            return given, _DAY.isoformat() if name == "date" else None
        case "integer" | "number":
            return _KEY, 1
        case "boolean" if options.get("true_if"):
            return _first(options["true_if"], ""), True
        case "squeeze" if attribute.pattern is None:
            return _TEXT, _TEXT
        case _:
            return _OF_STEPS.get(str(name))


def _first(several: Written | None, otherwise: str) -> str:
    return str(several[0]) if several is not None and _is_list(several) and several else otherwise
