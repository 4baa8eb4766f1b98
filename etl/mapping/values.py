"""Resolves what stands right of a field's name, references and files apart: pipelines, constants, choices, lists.

The kind is told by the first key that only one kind has; everything else about the part is then judged as that kind.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from etl.core.records import JsonValue
from etl.core.strict_yaml import Path as Place
from etl.core.suggest import did_you_mean, slip
from etl.mapping.chains import check_chain
from etl.mapping.constants import check_constant, check_labels
from etl.mapping.expressions import Expression
from etl.mapping.form import fill
from etl.mapping.model import (
    Branch,
    Choose,
    Const,
    Crosswalk,
    CrosswalkUse,
    Empty,
    Many,
    OnUnmapped,
    Pipeline,
    Take,
)
from etl.mapping.scope import Entry, Scope, distinct, expression, operations, scalar
from etl.mapping.spec import BranchConstForm, BranchPipelineForm, EmptyForm, PipelineForm

_INSERT = re.compile(r"\{([^{}]*)\}")


def pipeline(
    scope: Scope, entry: Entry, place: Place, form: PipelineForm | BranchPipelineForm, policy: str
) -> Pipeline:
    """The resolved pipeline; ``policy`` is the field's own ``on_unmapped``. Mistakes are noted."""
    steps = operations(scope, place, form.do)
    use = _crosswalk(scope, entry, place, form, form.on_unmapped or policy)
    take = Take(form.take) if form.take else None
    if take is not None and not scope.grouped:
        hint = "Add `group:` to `source`, or remove it."
        scope.page.note((*place, "take"), "`take` needs a group.", hint, code="take_without_group", key=True)
    if form.on_unmapped and form.crosswalk is None:
        hint = "Add `crosswalk:`, or remove it."
        scope.page.note((*place, "on_unmapped"), "`on_unmapped` needs a crosswalk.", hint, code="useless_key", key=True)
    resolved = Pipeline(form.columns, steps, take, use)
    if len(steps) == len(form.do):
        check_chain(scope, entry, place, resolved, has_crosswalk=form.crosswalk is not None)
    return resolved


def constant(scope: Scope, entry: Entry, place: Place, value: JsonValue) -> Const:
    """The constant with the columns it inserts; one that no record could carry is noted."""
    where = (*place, "const")
    template = scalar(scope, where, value)
    columns = distinct(_INSERT.findall(template))
    if "" in columns or set(_INSERT.sub("", template)) & set("{}"):
        scope.page.note(where, "A brace inserts no column here.", "Write {COLUMN}.", code="wrong_insert")
    elif not columns:
        check_constant(scope, entry, where, template)
    return Const(template, tuple(filter(None, columns)))


def choose(scope: Scope, entry: Entry, place: Place, raw: list[JsonValue], policy: str) -> Choose:
    """The alternatives of ``choose``; one that can never be reached is noted."""
    branches = tuple(_branches(scope, entry, (*place, "choose"), raw, policy))
    for index in range(len(raw) - 1):
        step = raw[index]
        if isinstance(step, dict) and "when" not in step:
            hint = "Move it to the end, or give it a `when`."
            scope.page.note((*place, "choose", index), "Nothing behind this is reached.", hint, code="unreachable")
    return Choose(branches)


def many(scope: Scope, entry: Entry, place: Place, raw: list[JsonValue], policy: str) -> Many:
    """The members of ``many``, for a field that holds a list."""
    if not entry.holds_many:
        hint = "Use `choose` for the first that applies."
        scope.page.note((*place, "many"), f"`{entry.name}` holds one value.", hint, code="wrong_kind", key=True)
    return Many(tuple(_branches(scope, entry, (*place, "many"), raw, policy)))


def _branches(scope: Scope, entry: Entry, place: Place, raw: list[JsonValue], policy: str) -> Iterator[Branch]:
    for index, part in enumerate(raw):
        branch = _branch(scope, entry, (*place, index), part, policy)
        if branch is not None:
            yield branch


def _branch(scope: Scope, entry: Entry, place: Place, raw: JsonValue, policy: str) -> Branch | None:
    if isinstance(raw, dict) and "const" in raw:
        fixed = fill(BranchConstForm, scope.page, place, raw)
        return Branch(_when(scope, place, fixed), constant(scope, entry, place, fixed.const)) if fixed else None
    if isinstance(raw, dict) and "empty" in raw:
        nothing = fill(EmptyForm, scope.page, place, raw)
        return Branch(_when(scope, place, nothing), Empty()) if nothing else None
    if isinstance(raw, dict) and "from" in raw:
        piped = fill(BranchPipelineForm, scope.page, place, raw)
        return Branch(_when(scope, place, piped), pipeline(scope, entry, place, piped, policy)) if piped else None
    hint = "Write `{when: ..., const: ...}`, `{when: ..., from: COLUMN}` or `{when: ..., empty: true}`."
    scope.page.note(place, "This is no alternative.", hint, code="wrong_form")
    return None


def _when(scope: Scope, place: Place, form: BranchConstForm | EmptyForm | BranchPipelineForm) -> Expression | None:
    return expression(scope, (*place, "when"), form.when)


def _crosswalk(
    scope: Scope, entry: Entry, place: Place, form: PipelineForm | BranchPipelineForm, policy: str
) -> CrosswalkUse | None:
    name = form.crosswalk
    if name is None or name in scope.shared.broken_crosswalks:
        return None
    where = (*place, "crosswalk")
    if name not in scope.shared.crosswalks:
        hint = did_you_mean(name, scope.shared.crosswalks) or f"Create crosswalks/{name}.csv."
        meant = slip(name, scope.shared.crosswalks)
        scope.page.note(where, f"There is no crosswalk `{name}`.", hint, code="unknown_crosswalk", slip=meant)
        return None
    crosswalk = scope.shared.crosswalks[name]
    _check_order(scope, where, form.columns, crosswalk)
    check_labels(scope, entry, crosswalk)
    return CrosswalkUse(crosswalk, OnUnmapped(policy))


def _check_order(scope: Scope, where: Place, columns: tuple[str, ...], crosswalk: Crosswalk) -> None:
    """Codes are matched by position, so the same names in another order are a slip."""
    if columns != crosswalk.columns and sorted(columns) == sorted(crosswalk.columns):
        hint = f"Write them in the crosswalk's order: {', '.join(crosswalk.columns)}."
        scope.page.note(where, "The columns stand in another order in the crosswalk.", hint, code="crosswalk_order")
