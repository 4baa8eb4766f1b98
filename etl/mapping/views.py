"""Documents as they are meant: field groups taken in (`include`), and one mapping for each record a row becomes (`emit`).

A view has a value of its own and knows where each part of it was written, so that everything behind it goes on as if
people had written it out, and every mistake is still told at the place where it stands.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TypeAlias

from etl.core.errors import Mistake, Slip
from etl.core.records import JsonValue
from etl.core.strict_yaml import Path as Place
from etl.core.suggest import did_you_mean
from etl.mapping.form import fill
from etl.mapping.model import Position
from etl.mapping.page import Page, read_page
from etl.mapping.spec import EmitForm, IncludeForm

INCLUDES = "includes"
_OF_EMIT = ("target", "fields", "include", "rules", "tests", "match", "adopt", "tolerate")
Origin: TypeAlias = Callable[[Place], tuple[Page, Place]]


class View(Page):
    """A page whose parts stand elsewhere; ``origin`` tells the page and the place of each."""

    def __init__(self, page: Page, value: JsonValue, origin: Origin) -> None:
        self.file = page.file
        self.found = page.found
        self.value = value
        self._origin = origin

    def note(
        self,
        place: Place,
        message: str,
        hint: str = "",
        *,
        code: str = "mapping",
        key: bool = False,
        offset: int = 0,
        slip: Slip | None = None,
    ) -> None:
        """Notes a mistake where the part was written; a `when` of `emit` stands behind a bracket in its condition."""
        page, where = self._origin(place)
        offset -= bool(offset) and where[-1:] == ("when",) and place[-1:] == ("where",)
        page.note(where, message, hint, code=code, key=key, offset=offset, slip=slip)

    def position(self, place: Place, *, key: bool = False) -> Position:
        """Where a part was written."""
        page, where = self._origin(place)
        return page.position(where, key=key)

    def word_position(self, place: Place, word: str, *, key: bool = False) -> Position | None:
        """Where a name was written."""
        page, where = self._origin(place)
        return page.word_position(where, word, key=key)

    def text(self, place: Place) -> str:
        """A scalar as it was written."""
        page, where = self._origin(place)
        return page.text(where)


def read_includes(root: Path, found: list[Mistake]) -> dict[str, Page]:
    """The field groups of a project by name: ``includes/NAME.yaml``."""
    paths = sorted((root / INCLUDES).glob("*.yaml"))
    read = {path.stem: read_page(path, f"{INCLUDES}/{path.name}", found) for path in paths}
    return {name: page for name, page in read.items() if page is not None}


def expanded(pages: Sequence[Page], includes: dict[str, Page]) -> list[Page]:
    """The pages with every `emit` as mappings of its own and every `include` taken in; mistakes are noted.

    A group that no mapping takes in is noted too.
    """
    taken: set[str] = set()
    found = [_included(each, includes, taken) for page in pages for each in _emitted(page)]
    for name in includes.keys() - taken:
        includes[name].note((), "No mapping includes this group.", "Include it, or remove it.", code="unused_include")
    return found


# ---------------------------------------------------------------- emit


def _emitted(page: Page) -> Iterator[Page]:
    raw = page.value
    if not isinstance(raw, dict) or "emit" not in raw:
        yield page
        return
    emit = raw["emit"]
    if not isinstance(emit, dict) or not emit:
        hint = "Write `emit: {home: {target: ..., fields: {...}}}`."
        page.note(("emit",), "Expected the records that a row becomes, by name.", hint, code="wrong_form")
        return
    for key in _OF_EMIT:
        if key in raw and key != "target":
            page.note(
                (key,), f"With `emit`, `{key}` belongs to each record.", "Move it there.", code="useless_key", key=True
            )
    for suffix, part in emit.items():
        if fill(EmitForm, page, ("emit", suffix), part) is not None and isinstance(part, dict):
            yield View(page, _one_record(raw, suffix, part), _at_record(page, suffix, part))


def _one_record(raw: dict[str, JsonValue], suffix: str, part: dict[str, JsonValue]) -> JsonValue:
    """The document of one record: its name and key space end in the suffix."""
    whole = {key: value for key, value in raw.items() if key not in {"emit", *_OF_EMIT}}
    whole |= {key: f"{whole[key]}-{suffix}" for key in ("mapping", "keys") if isinstance(whole.get(key), str)}
    if "target" in raw:
        whole["target"] = raw["target"]
    whole |= {key: value for key, value in part.items() if key != "when"}
    if "when" in part:
        whole["source"] = _with_condition(whole.get("source"), str(part["when"]))
    return whole


def _with_condition(source: JsonValue, when: str) -> JsonValue:
    if not isinstance(source, dict):
        return {"from": source, "where": when}
    where = source.get("where")
    return {**source, "where": f"({when}) and ({where})" if isinstance(where, str) else when}


def _at_record(page: Page, suffix: str, part: dict[str, JsonValue]) -> Origin:
    def origin(place: Place) -> tuple[Page, Place]:
        if place[:2] == ("source", "where") and "when" in part:
            return page, ("emit", suffix, "when")
        if place[:1] == ("source",) and isinstance(page.value, dict) and isinstance(page.value.get("source"), str):
            return page, ("source",)
        inside = place[:1] and place[0] in part
        return page, ("emit", suffix, *place) if inside else place

    return origin


# ---------------------------------------------------------------- include


def _included(page: Page, includes: dict[str, Page], taken: set[str]) -> Page:
    raw = page.value
    if not isinstance(raw, dict) or "include" not in raw:
        return page
    names = raw["include"] if isinstance(raw["include"], list) else [raw["include"]]
    own = raw.get("fields")
    fields: dict[str, JsonValue] = dict(own) if isinstance(own, dict) else {}
    places: dict[str, Page] = {}
    for index, name in enumerate(names):
        where = ("include", index) if isinstance(raw["include"], list) else ("include",)
        group = _group(page, where, name, includes)
        taken.add(str(name))
        for field, value in (group[1] if group else {}).items():
            if field in fields:
                message = f"`{field}` stands in {places[field].file if field in places else page.file} already."
                page.note(where, message, "Map it in one place.", code="duplicate_field")
            elif group:
                fields[field], places[field] = value, group[0]
    value = {key: part for key, part in raw.items() if key != "include"} | {"fields": fields}

    def origin(place: Place) -> tuple[Page, Place]:
        is_taken = len(place) > 1 and place[0] == "fields" and place[1] in places
        return places[str(place[1])] if is_taken else page, place

    return View(page, value, origin)


def _group(
    page: Page, where: Place, name: JsonValue, includes: dict[str, Page]
) -> tuple[Page, dict[str, JsonValue]] | None:
    if not isinstance(name, str) or name not in includes:
        message = (
            f"There is no field group `{name}`." if isinstance(name, str) else "Expected the name of a field group."
        )
        hint = did_you_mean(str(name), includes) or f"Create {INCLUDES}/NAME.yaml with `fields:`."
        page.note(where, message, hint, code="unknown_include")
        return None
    group = includes[name]
    form = fill(IncludeForm, group, (), group.value)
    return (group, form.fields) if form is not None else None
