"""Fills the pydantic forms of :mod:`etl.mapping.spec` from a page and turns what does not fit into placed mistakes.

Pydantic's own wording is for programmers and may quote input, so only its error types and places are used.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import ErrorDetails

from etl.core.records import JsonValue
from etl.core.strict_yaml import Path as Place
from etl.core.suggest import did_you_mean, slip
from etl.mapping.page import Page

NOT_AVAILABLE = MappingProxyType(
    {
        "aggregate": "",
        "application": "",
        "load": "",
        "overrides": "Write them into `overrides/MAPPING.csv`.",
        "py": "Write it as a step of `do`: `py: module.function`.",
        "sync": "",
    }
)
"""Words of the language that this version does not build yet, with what to write instead."""

_EXPECTED = MappingProxyType(
    {
        "string_type": "a text (quote a number or true/false that is meant as text)",
        "string_too_short": "a text that is not empty",
        "bool_type": "true or false",
        "int_type": "a whole number",
        "int_from_float": "a whole number",
        "float_type": "a number",
        "list_type": "a list",
        "tuple_type": "a list",
        "dict_type": "a mapping of names to values",
        "model_type": "a mapping of names to values",
        "model_attributes_type": "a mapping of names to values",
        "too_short": "at least one entry",
    }
)


class Form(BaseModel):
    """Base of every form: unknown keys are refused, input is never quoted."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True, populate_by_name=False)


FormT = TypeVar("FormT", bound=Form)


def fill(form: type[FormT], page: Page, place: Place, raw: JsonValue) -> FormT | None:
    """The filled form, or None with every mistake noted on the page."""
    try:
        return form.model_validate(raw)
    except ValidationError as error:
        for details in error.errors(include_url=False, include_input=False):
            _note(form, page, place, details)
        return None


def _note(form: type[Form], page: Page, place: Place, details: ErrorDetails) -> None:
    where = (*place, *details["loc"])
    kind = details["type"]
    if kind == "extra_forbidden":
        note_unknown_key(page, where, _keys_at(form, details["loc"][:-1]))
    elif kind == "missing":
        page.note(where[:-1], f"`{where[-1]}` is missing.", "Add it.", code="missing_key")
    else:
        page.note(where, *_wording(kind, details), code="wrong_form")


def note_unknown_key(page: Page, where: Place, known: tuple[str, ...]) -> None:
    """Notes a key that the language does not know, or does not have yet."""
    word = str(where[-1])
    if word in NOT_AVAILABLE:
        hint = NOT_AVAILABLE[word] or "Remove it."
        page.note(where, f"`{word}` is not available in this version.", hint, code="not_available", key=True)
    else:
        page.note(
            where,
            f"Unknown key `{word}`.",
            did_you_mean(word, known),
            code="unknown_key",
            key=True,
            slip=slip(word, known),
        )


def _wording(kind: str, details: ErrorDetails) -> tuple[str, str]:
    context: Mapping[str, object] = details.get("ctx", {})
    if kind == "literal_error":
        return f"This must be one of {context['expected']}.", "Choose one of them."
    if kind in _EXPECTED:
        return f"Expected {_EXPECTED[kind]}.", ""
    if kind in {"greater_than_equal", "less_than_equal", "greater_than", "less_than"}:
        bound = next(iter(context.values()))
        return f"The number must be {kind.replace('_', ' ').replace(' equal', ' or equal')} {bound}.", ""
    return details["msg"], ""


def _keys_at(form: type[Form], loc: tuple[int | str, ...]) -> tuple[str, ...]:
    """The keys that the form at this location knows."""
    current: type[Form] = form
    for part in loc:
        info = next((each for name, each in current.model_fields.items() if (each.alias or name) == part), None)
        current = _form_in(info.annotation if info else None) or current
    return tuple(each.alias or name for name, each in current.model_fields.items())


def _form_in(annotation: object) -> type[Form] | None:
    """The form that an annotation such as ``dict[str, JoinForm]`` or ``GroupForm | None`` speaks of."""
    if isinstance(annotation, type) and issubclass(annotation, Form):
        return annotation
    inner = (_form_in(part) for part in getattr(annotation, "__args__", ()))
    return next((each for each in inner if each is not None), None)
