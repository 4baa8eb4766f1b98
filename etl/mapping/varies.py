"""Sources that come in several editions: which columns an edition may lack or call otherwise, as `varies` declares.

A column keeps one name in all mappings, whatever the edition calls it; where it is optional and not there, it is blank.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from etl.core.records import JsonValue
from etl.core.suggest import did_you_mean
from etl.mapping.form import Form, fill
from etl.mapping.model import SourceSpec, VaryingColumn, VaryingTable
from etl.mapping.page import Page
from etl.mapping.spec import Text

OPTIONAL = "optional"


class VaryingColumnForm(Form):
    """A column under `varies`: its other names, and whether an edition may lack it."""

    also: tuple[Text, ...] = ()
    optional: bool = False


def with_editions(
    page: Page, sources: Mapping[str, SourceSpec], raw: Mapping[str, JsonValue], known: Iterable[str]
) -> dict[str, SourceSpec]:
    """The sources with what `varies` says of them; mistakes are noted."""
    names = tuple(known)
    for name in raw:
        if name not in names:
            page.note(
                ("varies", name), f"`{name}` is no source.", did_you_mean(name, names), code="unknown_source", key=True
            )
    return {
        name: replace(spec, varies=_tables(page, name, raw[name])) if name in raw else spec
        for name, spec in sources.items()
    }


def _tables(page: Page, source: str, raw: JsonValue) -> dict[str, VaryingTable]:
    place = ("varies", source)
    if not isinstance(raw, dict):
        hint = "Write `TABLE: {COLUMN: optional}`, or `{}` where no mapped column varies."
        page.note(place, "Expected tables with their columns.", hint, code="wrong_form")
        return {}
    return dict(_sound(page, place, raw))


def _sound(page: Page, place: tuple[str, str], raw: Mapping[str, JsonValue]) -> Iterator[tuple[str, VaryingTable]]:
    for table, columns in raw.items():
        if not isinstance(columns, dict) or not columns:
            hint = "Write `{COLUMN: optional}` or `{COLUMN: [OTHER_NAME]}`."
            page.note((*place, table), "Expected columns.", hint, code="wrong_form")
            continue
        found = {name: _column(page, (*place, table, name), each) for name, each in columns.items()}
        sound = {name: each for name, each in found.items() if each is not None}
        yield table, VaryingTable(sound, page.position((*place, table), key=True))


def _column(page: Page, place: tuple[str, ...], raw: JsonValue) -> VaryingColumn | None:
    short: dict[str, JsonValue] | None = (
        {OPTIONAL: True} if raw == OPTIONAL else {"also": raw} if isinstance(raw, list) else None
    )
    form = fill(VaryingColumnForm, page, place, raw if short is None else short)
    if form is None:
        return None
    if not form.also and not form.optional:
        hint = "Write `optional`, or a list of its other names."
        page.note(place, "It does not say how the column varies.", hint, code="wrong_form")
        return None
    return VaryingColumn(form.also, form.optional)
