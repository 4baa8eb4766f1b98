"""The labels that a project's mappings can give to fields which the tenant lists: from crosswalks, constants, defaults."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from etl.mapping.model import Branch, Choose, Const, Field, Many, Pipeline, Project


def labels_used(project: Project) -> dict[str, frozenset[str]]:
    """Labels by lookup. Those that stand only in rows are not among them: `plan` finds them."""
    found: dict[str, set[str]] = defaultdict(set)
    for mapping in project.mappings:
        for field in mapping.fields:
            if lookup := field.lookup:
                found[lookup] |= set(_labels(field))
    return {name: frozenset(labels) for name, labels in found.items()}


def _labels(field: Field) -> Iterator[str]:
    if field.default:
        yield field.default
    yield from _of_value(field.value)


def _of_value(value: object) -> Iterator[str]:
    match value:
        case Pipeline(crosswalk=use) if use is not None:
            yield from (row.target for row in use.crosswalk.rows if row.target)
        case Const(template=text, columns=()) if text:
            yield text
        case Choose(branches=branches) | Many(branches=branches):
            for branch in branches:
                yield from _of_branch(branch)
        case _:
            return


def _of_branch(branch: Branch) -> Iterator[str]:
    yield from _of_value(branch.value)
