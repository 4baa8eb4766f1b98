"""Lint rules about conditions: branches that are never taken, rows that are never read.

Judged by trying every combination of the texts that conditions name, so that no logic has to be told twice.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import product

import pyarrow as pa

from etl.mapping.expressions import Expression
from etl.mapping.lint_model import Evidence, Finding, LintRule, fields_of
from etl.mapping.model import Choose, Project


class UnreachableBranch(LintRule):
    """A branch of `choose` that is never taken, because whenever its `when` holds an earlier one holds too, or because it
    can never hold. Judged where conditions compare columns with written texts.
    """

    name = "unreachable-branch"

    def findings(self, project: Project, _: Evidence, /) -> Iterator[Finding]:
        """One for each such branch."""
        for __, each in fields_of(project):
            if isinstance(each.value, Choose):
                for number in _never_first([branch.when for branch in each.value.branches]):
                    message = f"Branch {number + 1} of `{each.name}` is never taken."
                    yield self.at(each.position, message, "Reorder the branches, or remove it.")


class ImpossibleCondition(LintRule):
    """A `where`, or a field's `when`, that can never hold: no row would be read, no value taken. Judged where it compares
    columns with written texts.
    """

    name = "impossible-condition"

    def findings(self, project: Project, _: Evidence, /) -> Iterator[Finding]:
        """One for each."""
        hint = "Write `or` or `in (...)`, if one of several texts is enough."
        for mapping in project.mappings:
            if mapping.where is not None and _never_first([mapping.where]):
                place = mapping.positions.get("where", mapping.position)
                yield self.at(place, "`where` can never hold, so no row is read.", hint)
        for _mapping, each in fields_of(project):
            if each.when is not None and _never_first([each.when]):
                yield self.at(each.position, f"The `when` of `{each.name}` can never hold.", hint)


_TEXT = re.compile(r"'(?:[^']|'')*'")
_NAME = re.compile(r'"[^"]+"|[^\W\d][\w$#]*(?:\.\w+)*')
_SIMPLE = re.compile(r"^(?:\s|[(),=']|<>)*$")
_CALL = re.compile(r"(?<![\w.])(?!(?:and|or|not|in)\b)[^\W\d]\w*\s*\(", re.IGNORECASE)
_WORDS = re.compile(r"\b(?:and|or|not|in|is|null|true|false)\b", re.IGNORECASE)
_MOST_CASES = 4096
_OTHER = "\x00other"
"""Stands for every text that no condition names."""


def _never_first(conditions: Sequence[Expression | None]) -> list[int]:
    """The numbers of conditions that no row reaches, by trying every combination of the texts that conditions name.

    Texts that no condition names are alike to all of them, so one stands for all; other kinds of conditions are not
    judged.
    """
    found = [each for each in conditions if each is not None]
    if not found or any(not _is_simple(each) for each in found):
        return []
    columns = sorted({name for each in found for name in each.columns})
    texts = sorted({text[1:-1].replace("''", "'") for each in found for text in _TEXT.findall(each.text)})
    values = [None, _OTHER, *texts]
    if len(values) ** len(columns) > _MOST_CASES or not columns:
        return []
    frame = {
        name: pa.array(case, pa.string())
        for name, case in zip(columns, zip(*product(values, repeat=len(columns)), strict=True), strict=True)
    }
    return _untaken(conditions, frame)


def _is_simple(condition: Expression) -> bool:
    """Whether a condition only compares columns for equality with written texts."""
    if condition.grouped or "like" in condition.text.lower():
        return False
    bare = _WORDS.sub(" ", _TEXT.sub("''", condition.text))
    return _CALL.search(_TEXT.sub("''", condition.text)) is None and bool(_SIMPLE.match(_NAME.sub("", bare)))


def _untaken(conditions: Sequence[Expression | None], frame: Mapping[str, pa.Array]) -> list[int]:
    count = len(next(iter(frame.values())))
    left = [True] * count
    untaken = []
    for number, condition in enumerate(conditions):
        holds = [True] * count if condition is None else condition.evaluate(frame).to_pylist()
        if not any(free and held for free, held in zip(left, holds, strict=True)) and condition is not None:
            untaken.append(number)
        left = [free and not held for free, held in zip(left, holds, strict=True)]
    return untaken
