"""Tells where a mapping names each of its columns, so that a misspelt one is told, and mended, at its own place.

A column is looked for as it is written below the part that reads it; where it is not found, the part's place has to do.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from etl.core.strict_yaml import Path as Place
from etl.mapping.model import Field, Position, Rule
from etl.mapping.page import Page
from etl.mapping.spec import MappingForm

JOINED = "="


def named_columns(
    page: Page, form: MappingForm, fields: Sequence[Field], rules: Sequence[Rule]
) -> dict[tuple[Position, str], Position]:
    """The place of each column's name by the place of its part and by the name."""
    found = {}
    for part, place, column in _named(page, form, fields, rules):
        word = column.removeprefix(JOINED)
        position = page.word_position(place, word, key=place[-1] == "match" and word is column)
        if position is not None:
            found[part, column] = position
    return found


def joined(column: str) -> str:
    """The name of a join's own column among the named ones: the base row may have one of the same name."""
    return JOINED + column


def _named(
    page: Page, form: MappingForm, fields: Sequence[Field], rules: Sequence[Rule]
) -> Iterator[tuple[Position, Place, str]]:
    """The place of each part, the way to what it says, and a column that it names there."""
    for field in fields:
        yield from ((field.position, ("fields", field.name), name) for name in field.columns)
    ways = {page.position(("rules", index)): ("rules", index) for index in range(len(form.rules))}
    for rule in rules:
        yield from ((rule.position, ways[rule.position], name) for name in rule.columns)
    for place, names in _parts(form):
        yield from ((page.position(place), place, name.removeprefix("-")) for name in names)
    for alias, join in form.source.join.items():
        place = ("source", "join", alias)
        at = page.position(place)
        yield from ((at, (*place, "match"), left) for left, _ in join.match)
        yield from ((at, (*place, "match"), joined(right)) for _, right in join.match)
        order = join.pick.order if join.pick else ()
        yield from ((at, (*place, "pick"), joined(name.removeprefix("-"))) for name in order)


def _parts(form: MappingForm) -> Iterator[tuple[Place, Iterable[str]]]:
    group, episodes = form.source.group, form.source.episodes
    yield ("key",), form.key
    if group is not None:
        yield ("source", "group"), (*group.by, *group.order)
    if episodes is not None:
        ends = (episodes.start, episodes.end)
        yield ("source", "episodes"), (*episodes.by, *filter(None, ends), *episodes.same)
