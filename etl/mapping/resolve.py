"""Resolves one mapping document into an :class:`EntityMapping`: its entity, base rows, key and fields.

``outline`` reads just enough of a document, however broken the rest is, for other mappings to refer to it: one mistake
in a parent must not make every child look wrong.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from etl.catalog.model import Entity
from etl.core.ports import BaseQuery, Join
from etl.core.records import JsonValue
from etl.core.strict_yaml import Path as Place
from etl.core.suggest import did_you_mean
from etl.mapping.checksums import checksum, in_name_order
from etl.mapping.episodes import check_episode_columns, of_the_source, own_columns, resolved_episodes
from etl.mapping.expressions import Expression
from etl.mapping.fields import resolved_fields
from etl.mapping.form import fill
from etl.mapping.inline_tests import inline_tests
from etl.mapping.matches import resolved_matches, resolved_tolerances
from etl.mapping.model import EntityMapping, Episodes, Field, Position, Rule
from etl.mapping.named_columns import named_columns
from etl.mapping.overrides import meaning, sound_overrides
from etl.mapping.page import Page
from etl.mapping.reads import columns_in
from etl.mapping.rules import resolved_rules
from etl.mapping.scope import Scope, Shared, distinct, expression
from etl.mapping.spec import JoinForm, MappingForm, SourceForm


@dataclass(frozen=True, slots=True)
class Outline:
    """What others need to know of a mapping; ``parts`` 0 means: its key cannot be told."""

    name: str
    target: str
    space: str
    parts: int


def outline(page: Page) -> Outline | None:
    """The outline of a mapping document; None where name or target are missing."""
    raw = page.value if isinstance(page.value, dict) else {}
    name, target, space, key = (raw.get(each) for each in ("mapping", "target", "keys", "key"))
    if not isinstance(name, str) or not isinstance(target, str):
        return None
    parts = len(key) if isinstance(key, list) else int(isinstance(key, str))
    return Outline(name, target, space if isinstance(space, str) else name, parts)


def resolved(page: Page, shared: Shared) -> EntityMapping | None:
    """The resolved mapping; None where a part of it is too broken to be resolved. Mistakes are noted on the page."""
    form = fill(MappingForm, page, (), page.value)
    entity = _entity(page, shared)
    if form is None:
        _fields_alone(page, shared, entity)
        return None
    _check_tables(page, form.source, shared)
    _check_query(page, form.source)
    if entity is None:
        return None
    scope = Scope(page, entity, shared, grouped=_is_grouped(form.source), send_null=form.send_null)
    episodes = resolved_episodes(page, form)
    where = expression(scope, ("source", "where"), form.source.where, row_by_row=True)
    fields = resolved_fields(scope, form.fields)
    rules = resolved_rules(scope, form.rules, fields)
    check_episode_columns(page, form, fields, where)
    base = _base(form, fields, where, rules, episodes)
    space = form.keys or form.mapping
    overrides = sound_overrides(form.mapping, form.key, base, shared.overrides.get(form.mapping, ()), page.found)
    return EntityMapping(
        name=form.mapping,
        target=form.target,
        base=base,
        where=where,
        key=form.key,
        space=space,
        fields=fields,
        checksum=_checksum(
            form,
            base,
            where,
            fields,
            shared,
            [*map(meaning, overrides), *rules, *filter(None, [form.source.query, episodes]), *_matching(form)],
        ),
        position=page.position(("mapping",)),
        version=form.version,
        positions=_positions(page, form),
        words=named_columns(page, form, fields, rules),
        tests=inline_tests(scope, form, base, fields),
        overrides=overrides,
        rules=rules,
        query=form.source.query or "",
        match=resolved_matches(scope, form, fields),
        adopt=form.adopt,
        tolerate=resolved_tolerances(scope, form, fields),
        episodes=episodes,
    )


def _is_grouped(source: SourceForm) -> bool:
    return source.group is not None or source.episodes is not None


def _matching(form: MappingForm) -> list[JsonValue]:
    """What decides which record of Casebook a row is; nothing where the mapping asks for no match."""
    ways: list[JsonValue] = [["match", list(each.by), list(each.like), each.at_least] for each in form.match]
    return [*ways, form.adopt] if ways else []


def _entity(page: Page, shared: Shared) -> Entity | None:
    raw = page.value if isinstance(page.value, dict) else {}
    name = raw.get("target")
    if not isinstance(name, str):
        return None
    entities = shared.catalog.entities
    if name not in entities:
        message, hint, code = f"Unknown entity `{name}`.", did_you_mean(name, entities), "unknown_entity"
    elif shared.catalog.is_lookup(name):
        message, hint = f"`{name}` is a list of the tenant.", "It is configured in Casebook, never loaded."
        code = "not_creatable"
    elif not entities[name].creatable:
        message, hint = f"How `{name}` is created is not known.", "Give its path and type in the tenant overlay."
        code = "not_creatable"
    else:
        return entities[name]
    page.note(("target",), message, hint, code=code)
    return None


def _fields_alone(page: Page, shared: Shared, entity: Entity | None) -> None:
    """Checks the fields of a document whose head is broken, so that all its mistakes come out at once."""
    raw = page.value if isinstance(page.value, dict) else {}
    fields, source = raw.get("fields"), raw.get("source")
    if entity is not None and isinstance(fields, dict) and fields:
        resolved_fields(
            Scope(
                page,
                entity,
                shared,
                grouped=isinstance(source, dict) and not source.keys().isdisjoint(("group", "episodes")),
            ),
            fields,
        )


# ---------------------------------------------------------------- base rows


def _check_tables(page: Page, source: SourceForm, shared: Shared) -> None:
    short = isinstance(page.value, dict) and isinstance(page.value["source"], str)
    _check_table(page, ("source",) if short else ("source", "from"), source.table, shared)
    seen: set[str] = set()
    for alias, join in source.join.items():
        place = ("source", "join", alias)
        _check_table(page, (*place, "table"), join.table, shared)
        for left, _ in join.match:
            prefix = left.partition(".")[0]
            if prefix in source.join and "." in left and prefix not in seen:
                hint = "Put the other join first."
                page.note((*place, "match"), f"`{left}` is not joined yet.", hint, code="join_order")
        seen.add(alias)


def _check_query(page: Page, source: SourceForm) -> None:
    if source.query is not None and source.join:
        hint = "Join inside the query, or take the query out."
        page.note(("source", "join"), "A query brings its own columns.", hint, code="useless_key", key=True)


def _check_table(page: Page, place: Place, table: str, shared: Shared) -> None:
    name, dot, rest = table.partition(".")
    tables = {each.name: each for each in shared.sources.values() if each.kind != "files"}
    if not dot or not rest:
        page.note(place, f"`{table}` names no source.", "Write it as SOURCE.TABLE.", code="unknown_source")
    elif name not in tables and name not in shared.broken_sources:
        page.note(place, f"There is no source `{name}`.", did_you_mean(name, tables), code="unknown_source")


def _base(
    form: MappingForm,
    fields: Sequence[Field],
    where: Expression | None,
    rules: Sequence[Rule],
    episodes: Episodes | None,
) -> BaseQuery:
    group = form.source.group
    read = [name for field in fields for name in field.columns] + [name for rule in rules for name in rule.columns]
    columns = [*form.key, *columns_in(where), *read, *own_columns(episodes)]
    return BaseQuery(
        table=form.source.table,
        columns=distinct(of_the_source(columns, episodes)),
        joins=tuple(_join(alias, each) for alias, each in form.source.join.items()),
        group_by=episodes.by if episodes else group.by if group else (),
        group_order=group.order if group else (),
    )


def _join(alias: str, form: JoinForm) -> Join:
    if form.pick is None:
        return Join(alias, form.table, form.match, form.expect)
    return Join(alias, form.table, form.match, form.expect, form.pick.order, form.pick.take)


def _positions(page: Page, form: MappingForm) -> dict[str, Position]:
    """Where the parts stand whose columns are checked later."""
    places: dict[str, Place] = {
        "key": ("key",),
        "table": ("source", "from"),
        "where": ("source", "where"),
        "query": ("source", "query"),
    }
    places |= {"group": ("source", "group"), "episodes": ("source", "episodes")}
    places |= {f"join {alias}": ("source", "join", alias) for alias in form.source.join}
    return {name: page.position(place) for name, place in places.items()}


def _checksum(
    form: MappingForm,
    base: BaseQuery,
    where: Expression | None,
    fields: tuple[Field, ...],
    shared: Shared,
    more: Sequence[object],
) -> str:
    """Over everything that decides what a row becomes; the list of columns follows from it."""
    rows = [base.table, base.joins, base.group_by, base.group_order, where]
    head: list[JsonValue] = [form.mapping, form.target, list(form.key), form.keys or form.mapping, shared.timezone]
    parts = (head, rows, in_name_order(fields))
    return checksum(*parts, more) if more else checksum(*parts)
