"""Lint rules about the steps of `do`: what loses something without a word, and what changes nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

from etl.catalog.model import Kind
from etl.core.records import JsonValue
from etl.mapping.lint_model import Evidence, Finding, LintRule, fields_of, pipelines_of
from etl.mapping.model import Field, Pipeline, Project
from etl.mapping.operations import BoundOperation, ValueType


class LossyOperation(LintRule):
    """A step that loses something without a word: numbers that become text lose leading zeros, `truncate` that cuts
    shorter than the field's own length, `digits` without a check of how many are left, `date` with a time in its format.
    """

    name = "lossy-operation"

    def findings(self, project: Project, _: Evidence, /) -> Iterator[Finding]:
        """One for each such step."""
        for __, each in fields_of(project):
            for piped in pipelines_of(each.value):
                for message, hint in _losses(each, piped):
                    yield self.at(each.position, message, hint)


class UselessStep(LintRule):
    """A step that changes nothing: the same one twice in a row, `upper` before `lower`, or `null_if` with a text that
    cannot come behind `upper` or `lower`. Something else was probably meant.
    """

    name = "useless-step"

    def findings(self, project: Project, _: Evidence, /) -> Iterator[Finding]:
        """One for each such step."""
        for __, each in fields_of(project):
            for piped in pipelines_of(each.value):
                for message, hint in _useless(piped.operations):
                    yield self.at(each.position, f"In `{each.name}`, {message}", hint)


# ---------------------------------------------------------------- losses

_NUMBERS = {ValueType.INTEGER, ValueType.NUMBER}


def _losses(each: Field, piped: Pipeline) -> Iterator[tuple[str, str]]:
    steps = piped.operations
    attribute = each.attribute
    is_text = attribute is None or attribute.kind in {Kind.STRING, Kind.TEXT}
    if steps and is_text and steps[-1].produces in _NUMBERS and piped.crosswalk is None:
        yield (
            f"`{steps[-1].name}` takes leading zeros from the text `{each.name}`.",
            "Remove it, or check with `matches`.",
        )
    for index, step in enumerate(steps):
        if step.name == "date" and (attribute is None or attribute.kind is not Kind.DATE) and _has_time(step.argument):
            yield f"`date` leaves the time of `{each.name}` out.", "Use `datetime`, if the time counts."
        if step.name == "truncate" and attribute is not None and _cuts_too_much(step.argument, attribute.max_length):
            yield f"`truncate` cuts `{each.name}` shorter than the field allows.", f"It takes {attribute.max_length}."
        behind = {later.name for later in steps[index + 1 :]}
        if step.name == "digits" and is_text and not behind & {"length", "matches", "pad", "ssn", "phone", "zip"}:
            yield (
                f"`digits` drops letters from `{each.name}` without a check.",
                "Add `length:` or `matches:` behind it.",
            )


def _cuts_too_much(most: object, allowed: int | None) -> bool:
    return isinstance(most, int) and allowed is not None and most < allowed


def _has_time(argument: JsonValue) -> bool:
    """Whether a format of `date` reads a time of day."""
    given = argument.get("in") if isinstance(argument, dict) else argument
    formats = given if isinstance(given, list) else [given]
    return any(part in str(each) for each in formats for part in ("%H", "%I", "%M", "%S"))


# ---------------------------------------------------------------- steps that change nothing

_SETTLED = frozenset(
    {"trim", "squeeze", "upper", "lower", "title_name", "digits", "null_if", "default", "strip_html", "truncate", "pad"}
)
"""Operations that give the same again when they are done again."""
_CASES = {"upper": str.upper, "lower": str.lower}
_KEEP_CASE = frozenset({"trim", "squeeze", "null_if", "digits", "truncate"})


def _useless(steps: Sequence[BoundOperation]) -> Iterator[tuple[str, str]]:
    for first, second in pairwise(steps):
        if first.name in _SETTLED and (first.name, first.argument) == (second.name, second.argument):
            yield f"`{second.name}` stands twice.", "Remove one of the two."
        elif {first.name, second.name} == set(_CASES):
            yield f"`{first.name}` is undone by `{second.name}`.", "Keep the one that is meant."
    yield from _never_met(steps)


def _never_met(steps: Sequence[BoundOperation]) -> Iterator[tuple[str, str]]:
    """Texts of `null_if` that no step before it lets through."""
    case = ""
    for step in steps:
        if step.name in _CASES:
            case = step.name
        elif step.name not in _KEEP_CASE:
            case = ""
        elif step.name == "null_if" and case:
            listed = step.argument if isinstance(step.argument, list) else [step.argument]
            if any(str(text) != _CASES[case](str(text)) for text in listed):
                yield f"`null_if` asks for a text that cannot come behind `{case}`.", f"Put it before `{case}`."
