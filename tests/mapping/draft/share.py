"""How much of a finished project `scaffold` finds by itself, and what is left of that without the words that only it uses.

A field counts where somebody mapped it from columns; constants are decisions that no data shows. It is right where the
draft of the same entity from the same table fills the same field from exactly the same columns, and takes the same meaning out
of them: the same parent, a crosswalk where there is one, a date where it is read as one. Steps that only tidy a text are free.

The hold-out asks how much of a figure could be learnt by heart: every synonym that one project needs and no other one is
taken away before it is drafted, again and again until none is left; then every abbreviation too that stands in its names
alone. Run ``python tests/mapping/draft/share.py`` for the figures of docs/scaffold.md; with HMIS_EXPORT and HSDS_EXPORT set,
it measures on the exports that these name.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TypeAlias

from etl.casebook.clock import SystemClock
from etl.core.column_names import words_of
from etl.core.intake import Certificate
from etl.mapping.draft.compose import Known, draft
from etl.mapping.draft.model import Draft, Written
from etl.mapping.draft.terms import Terms, shipped_terms
from etl.mapping.model import EntityMapping, Pipeline, Project, Reference, Value
from etl.pipeline.intake import inspect_sources
from etl.pipeline.projects import open_project

ROOT = Path(__file__).parents[3]
PROJECTS = ("demo_agency", "hmis", "hsds")
Place: TypeAlias = tuple[str, str, str]
"""Entity, base table and field."""
Columns: TypeAlias = frozenset[tuple[str, str]]
Meaning: TypeAlias = tuple[str, ...]
TIDYING = frozenset((
    "trim", "squeeze", "lower", "upper", "title_name", "null_if", "pad", "default", "truncate", "strip_html", "state", "zip",
    "phone", "ssn", "email", "tax_number",
))  # fmt: skip
"""Operations that leave a text what it is; any other one takes something else out of it."""


@dataclass(frozen=True)
class Share:
    """``right`` of ``finished`` fields, and of ``drafted`` ones that read a column; ``near`` share a column."""

    right: int
    near: int
    finished: int
    drafted: int

    def __str__(self) -> str:
        return f"{self.right} of {self.finished} ({self.right / self.finished:.0%})"


class _Silent:
    def start(self, stage: str, total: int | None = None) -> None:
        pass

    def advance(self, count: int = 1) -> None:
        pass

    def note(self, text: str) -> None:
        pass


@cache
def finished_project(name: str) -> Project:
    return open_project(ROOT / "mappings" / name, None, os.environ).project


@cache
def certificate_of(name: str) -> Certificate:
    return inspect_sources([str(ROOT / "mappings" / name)], os.environ, _Silent(), SystemClock())


def drafted_with(name: str, terms: Terms) -> Draft:
    project = finished_project(name)
    files = next((each.name for each in project.sources.values() if each.kind == "files"), None)
    return draft(Known(certificate_of(name), project.catalog, terms, files))


def share_of(name: str, terms: Terms) -> Share:
    truth = {place: told for each in finished_project(name).mappings for place, told in _fields(each).items()}
    made = _drafted(drafted_with(name, terms))
    return Share(
        right=sum(made.get(place) == told for place, told in truth.items()),
        near=sum(place in made and bool(made[place][0] & columns) for place, (columns, _) in truth.items()),
        finished=len(truth),
        drafted=len(made),
    )


def _fields(mapping: EntityMapping) -> dict[Place, tuple[Columns, Meaning]]:
    tables = {join.alias: join.table for join in mapping.base.joins}

    def place(column: str) -> tuple[str, str]:
        alias, _, rest = column.partition(".")
        return (tables[alias], rest) if rest and alias in tables else (mapping.base.table, column)

    return {
        (mapping.target, mapping.base.table, each.name): (
            frozenset(map(place, each.columns)),
            _finished_meaning(each.value),
        )
        for each in mapping.fields
        if each.columns
    }


def _finished_meaning(value: Value) -> Meaning:
    """What a value takes out of its columns, in words."""
    if isinstance(value, Reference):
        return ("ref", *sorted({each.entity for each in value.targets}))
    if isinstance(value, Pipeline):
        steps = [each.name for each in value.operations if each.name not in TIDYING]
        return (*steps, *(["crosswalk"] if value.crosswalk else []))
    return (type(value).__name__.lower(),)


def _drafted_meaning(value: Written) -> Meaning:
    if not isinstance(value, Mapping):
        return ()
    if "ref" in value:
        told = value["ref"]
        spelt = told.values() if isinstance(told, Mapping) else [told]
        return ("ref", *sorted({str(each).partition("@")[0] for each in spelt}))
    if "from" in value:
        steps = [next(iter(each)) if isinstance(each, Mapping) else str(each) for each in value.get("do", ())]
        return (*(each for each in steps if each not in TIDYING), *(["crosswalk"] if "crosswalk" in value else []))
    return ("filefield" if "file" in value else next(iter(value)),)


def _drafted(made: Draft) -> dict[Place, tuple[Columns, Meaning]]:
    return {
        (each.entity, each.table, field.name): (
            frozenset(map(each.place_of, field.columns)),
            _drafted_meaning(field.value),
        )
        for each in made.mappings
        for field in each.fields
        if field.columns
    }


def used(name: str, terms: Terms) -> set[tuple[str, str]]:
    """The synonyms that a project's draft rests on."""
    made = drafted_with(name, terms)
    found = {each for mapping in made.mappings for each in mapping.terms}
    return found | {each for mapping in made.mappings for field in mapping.fields for each in field.terms}


def held_out(name: str, *, abbreviations: bool = False) -> Terms:
    """The terms without those that this project alone needs."""
    whole = shipped_terms()
    shared = {term for other in PROJECTS if other != name for term in used(other, whole)}
    gone: set[tuple[str, str]] = set()
    short = _own_abbreviations(name) if abbreviations else frozenset()
    while own := used(name, whole.without(gone, short)) - shared - gone:
        gone |= own
    return whole.without(gone, short)


def _own_abbreviations(name: str) -> frozenset[str]:
    known = shipped_terms().abbreviations
    words = {each: _words(certificate_of(each)) for each in PROJECTS}
    others = frozenset().union(*(words[each] for each in PROJECTS if each != name))
    return frozenset(word for word in known if word in words[name] and word not in others)


def _words(certificate: Certificate) -> frozenset[str]:
    names = [name for table in certificate.tables for name in (table.name, *(each.name for each in table.columns))]
    return frozenset(word for name in names for word in words_of(name))


def figures() -> Mapping[str, tuple[Share, Share, Share]]:
    """By project: with all terms, without its own synonyms, without its own abbreviations too."""
    return {
        name: (
            share_of(name, shipped_terms()),
            share_of(name, held_out(name)),
            share_of(name, held_out(name, abbreviations=True)),
        )
        for name in PROJECTS
    }


def table() -> str:
    """The figures as docs/scaffold.md shows them."""
    head = (
        "| project | fields right | of the drafted ones | without its own synonyms | and its own abbreviations |\n"
        "|---|---|---|---|---|\n"
    )
    return head + "".join(
        f"| `{name}` | {whole} | {whole.right} of {whole.drafted} | {less} | {least} |\n"
        for name, (whole, less, least) in figures().items()
    )


if __name__ == "__main__":
    sys.stdout.write(table())
