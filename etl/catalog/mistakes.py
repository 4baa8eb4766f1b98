"""Turns what is wrong with a catalogue file into mistakes with file, line, column and a likely remedy.

pydantic says where in the data something is wrong; the document knows where that stands in the file.
"""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from etl.catalog.specs import CatalogSpec, field_names
from etl.core.errors import Mistake
from etl.core.strict_yaml import Document
from etl.core.suggest import nearest


def form_mistakes(document: Document) -> Iterator[Mistake]:
    """Unknown keys, missing keys and values of a wrong type, everywhere in the file."""
    try:
        CatalogSpec.model_validate(document.value)
    except ValidationError as error:
        for details in error.errors(include_url=False):
            yield _mistake(document, details)


def _mistake(document: Document, details: ErrorDetails) -> Mistake:
    path = tuple(part for part in details["loc"] if part != "[key]")
    if details["type"] == "extra_forbidden":
        return _unknown_key(document, path)
    if details["type"] == "missing":
        return document.mistake(path, f"The key {path[-1]} is missing.", hint="Add it.", code="catalog_missing_key")
    return document.mistake(path, f"{_place(path)}: {_reason(details)}.", hint=_nearest(details), code="catalog_value")


def _unknown_key(document: Document, path: tuple[str | int, ...]) -> Mistake:
    known = field_names(path[:-1])
    hint = nearest(str(path[-1]), known) or f"Known here: {', '.join(known)}."
    return document.mistake(path, f"Unknown key {path[-1]}.", hint=hint, code="catalog_unknown_key", key=True)


def _place(path: tuple[str | int, ...]) -> str:
    return next((part for part in reversed(path) if isinstance(part, str)), "The document")


def _reason(details: ErrorDetails) -> str:
    message = details["msg"].split(" or instance of")[0]
    return message[:1].lower() + message[1:]


def _nearest(details: ErrorDetails) -> str:
    expected = str(details.get("ctx", {}).get("expected", ""))
    words = [word.strip(" '") for word in expected.replace(" or ", ",").split(",")]
    given = details["input"]
    return nearest(given, words) if isinstance(given, str) else ""
