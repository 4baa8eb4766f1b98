"""Checks that the steps of a pipeline fit each other and the field: types from column to column, and how many columns.

Text may end in a field of any type, because it is judged value by value later; any other type must be the field's own.
"""

from __future__ import annotations

from etl.core.strict_yaml import Path as Place
from etl.mapping.model import Pipeline, Take
from etl.mapping.operations import BoundOperation, ValueType, fits
from etl.mapping.scope import Entry, Scope


def check_chain(scope: Scope, entry: Entry, place: Place, pipeline: Pipeline, *, has_crosswalk: bool) -> None:
    """Notes the first step that does not fit the one before it, and an end that does not fit the field."""
    produced = check_steps(scope, place, pipeline.operations)
    if produced is None:
        return
    if produced is ValueType.TEXTS and not _lists_fit(scope, place, pipeline):
        return
    _check_width(scope, place, pipeline, has_crosswalk=has_crosswalk)
    if has_crosswalk and produced not in {ValueType.TEXT, ValueType.TEXTS}:
        message = f"A crosswalk takes text, but {produced} comes before it."
        scope.page.note((*place, "crosswalk"), message, "Remove the last operation.", code="wrong_chain")
    elif produced is ValueType.TEXTS or not has_crosswalk:
        _check_end(scope, entry, place, _taken(pipeline.take, produced))


def check_steps(scope: Scope, place: Place, steps: tuple[BoundOperation, ...]) -> ValueType | None:
    """What the steps produce from text; None where one does not fit (noted)."""
    produced = ValueType.TEXT
    for index, step in enumerate(steps):
        if step.consumes != produced:
            message = f"`{step.name}` takes {step.consumes}, but {produced} comes before it."
            hint = "Change the order of the operations, or remove one."
            scope.page.note((*place, "do", index), message, hint, code="wrong_chain")
            return None
        produced = step.produces
    return produced


def _check_width(scope: Scope, place: Place, pipeline: Pipeline, *, has_crosswalk: bool) -> None:
    width = len(pipeline.columns)
    if any(step.joins for step in pipeline.operations):
        width = 1
    codes = len(pipeline.crosswalk.crosswalk.columns) if pipeline.crosswalk else width
    if width > 1 and not has_crosswalk:
        hint = "Join them with `concat` or `coalesce`, or use a crosswalk of several columns."
        scope.page.note((*place, "from"), f"{width} columns cannot become one value.", hint, code="too_many_columns")
    elif width != codes:
        message = f"The crosswalk has {codes} code column{'s' * (codes != 1)}, but gets {width}."
        scope.page.note((*place, "crosswalk"), message, "Give as many columns in `from`.", code="crosswalk_width")


def _lists_fit(scope: Scope, place: Place, pipeline: Pipeline) -> bool:
    """Whether what follows can work on lists: members of several columns have no partners, and groups no one list."""
    if pipeline.take is not None:
        message, hint = "`take` makes one value of many, but lists come before it.", "Remove `take`, or `split`."
        scope.page.note((*place, "take"), message, hint, code="wrong_chain", key=True)
        return False
    if pipeline.crosswalk is not None and len(pipeline.crosswalk.crosswalk.columns) > 1:
        message = "A crosswalk of several columns cannot decode lists: nobody knows which members belong together."
        hint = "Use a crosswalk of one column after `split`, or remove `split`."
        scope.page.note((*place, "crosswalk"), message, hint, code="wrong_chain")
        return False
    return True


def _check_end(scope: Scope, entry: Entry, place: Place, produced: ValueType) -> None:
    kind = entry.attribute.kind if entry.attribute else None
    if not fits(produced, kind, many=entry.holds_many):
        what = "one value" if produced is ValueType.TEXTS else kind
        message = f"The pipeline gives {produced}, but `{entry.name}` is {what}."
        scope.page.note((*place, "do"), message, "Change the last operation.", code="wrong_type", key=True)


def _taken(take: Take | None, produced: ValueType) -> ValueType:
    if take is Take.COUNT:
        return ValueType.INTEGER
    return ValueType.TEXT if take is Take.CONCAT else produced
