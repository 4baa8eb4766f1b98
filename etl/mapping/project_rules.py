"""Resolves the rules of project.yaml: what must hold over all records of an entity, whichever mappings they come from.

Each rule becomes a rule of every mapping that it speaks of, so that one machine judges both kinds; ``together`` says whose
records count as one, ``parents`` what is read through links.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from etl.core.strict_yaml import Path as Place
from etl.core.suggest import did_you_mean
from etl.mapping.checksums import checksum
from etl.mapping.form import fill
from etl.mapping.model import Check, EntityMapping, Field, Reference, Rule
from etl.mapping.page import Page
from etl.mapping.rules import SOURCE_PREFIX, RuleReader
from etl.mapping.scope import Scope, Shared
from etl.mapping.spec import ProjectForm, ProjectRuleForm


def with_project_rules(
    page: Page, form: ProjectForm | None, mappings: Sequence[EntityMapping], shared: Shared
) -> tuple[EntityMapping, ...]:
    """The mappings with the rules of the project among their own; mistakes are noted on the page of project.yaml."""
    found: dict[str, list[Rule]] = {}
    for index, raw in enumerate(form.rules if form is not None else ()):
        place: Place = ("rules", index)
        written = fill(ProjectRuleForm, page, place, raw)
        chosen = _chosen(page, place, written.of, mappings, shared) if written is not None else []
        for mapping in chosen:
            rule = _rule(page, place, written, mapping, mappings, shared) if written is not None else None
            if rule is not None:
                found.setdefault(mapping.name, []).append(replace(rule, together=tuple(each.name for each in chosen)))
    return tuple(_with(mapping, found.get(mapping.name, [])) for mapping in mappings)


def parents_of(mapping: EntityMapping, mappings: Sequence[EntityMapping]) -> Iterator[tuple[str, EntityMapping, Field]]:
    """What a record's links lead to, as ``link.field``: the name, the mapping that holds the parent, and its field."""
    for link in mapping.references:
        if not isinstance(link.value, Reference) or (link.link is not None and link.link.many):
            continue
        spaces = {(target.entity, target.space) for target in link.value.targets}
        for parent in mappings:
            if (parent.target, parent.space) in spaces:
                yield from ((f"{link.name}.{field.name}", parent, field) for field in parent.fields)


def _chosen(
    page: Page, place: Place, of: str, mappings: Sequence[EntityMapping], shared: Shared
) -> list[EntityMapping]:
    """The mapping of this name, or all mappings of this entity, as far as they are sound."""
    found = [each for each in mappings if each.name == of] or [each for each in mappings if each.target == of]
    names = {name for entity, spaces in shared.spaces.parts.items() for name in (entity, *spaces)}
    names |= {each.name for each in mappings}
    if not found and of not in names and shared.spaces.complete:
        message = f"There is neither a mapping nor a mapped entity `{of}`."
        page.note((*place, "of"), message, did_you_mean(of, names), code="unknown_mapping")
    return found


def _rule(
    page: Page,
    place: Place,
    form: ProjectRuleForm,
    mapping: EntityMapping,
    mappings: Sequence[EntityMapping],
    shared: Shared,
) -> Rule | None:
    scope = Scope(page, shared.catalog.entities[mapping.target], shared, grouped=False)
    own = {each.name: each for each in mapping.fields}
    reached = {name: field for name, _, field in parents_of(mapping, mappings)}
    rule = RuleReader(scope, reached | own, f"`{mapping.name}`").rule(place, form)
    if rule is None:
        return None
    parents = tuple(name for name in rule.fields if name not in own)
    _check_reach(page, place, rule, parents)
    return replace(rule, fields=tuple(name for name in rule.fields if name in own), parents=parents)


def _check_reach(page: Page, place: Place, rule: Rule, parents: Sequence[str]) -> None:
    if rule.columns:
        message = f"`{SOURCE_PREFIX}{rule.columns[0]}` belongs to the rows of one mapping."
        page.note(place, message, "Write the rule into that mapping.", code="wrong_name")
    if parents and not isinstance(rule.kind, Check):
        hint = "Only `check`, `in_order` and `age` look through links."
        page.note(place, "Records are compared by their own fields.", hint, code="wrong_name")


def _with(mapping: EntityMapping, rules: Sequence[Rule]) -> EntityMapping:
    if not rules:
        return mapping
    return replace(mapping, rules=(*mapping.rules, *rules), checksum=checksum(mapping.checksum, list(rules)))


def reads_of_parents(
    mapping: EntityMapping, rule: Rule, mappings: Sequence[EntityMapping]
) -> Mapping[str, list[tuple[str, str, str]]]:
    """For each link that a rule looks through: the mapping that may hold the parent, its field, and the rule's name for it."""
    found: dict[str, list[tuple[str, str, str]]] = {}
    for name, parent, field in parents_of(mapping, mappings):
        if name in rule.parents:
            link = name.removesuffix(f".{field.name}")
            found.setdefault(link, []).append((parent.name, field.name, name))
    return found
