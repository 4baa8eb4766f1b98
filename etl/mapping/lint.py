"""Lint rules: what is legal in a project and still probably not meant. Each rule is a class whose docstring is its help.

Mistakes stop a project from loading; findings do not. A rule sees the resolved project and, where the sources could be
read, what their rows showed; it never quotes a cell.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import combinations

from etl.core.ports import Join
from etl.mapping.columns import Unused
from etl.mapping.crosswalks import ANY
from etl.mapping.ignore import UNDECIDED, pattern_for, patterns_of
from etl.mapping.lint_conditions import ImpossibleCondition, UnreachableBranch
from etl.mapping.lint_model import MANY_VALUES, Evidence, Finding, LintRule, fields_of, inserts_of
from etl.mapping.lint_steps import LossyOperation, UselessStep
from etl.mapping.model import Choose, Const, EntityMapping, Field, Many, Pipeline, Position, Project, Reference
from etl.mapping.reads import crosswalks_of

__all__ = ["RULES", "Evidence", "Finding", "UnmarkedPersonalData", "findings"]


class UnusedCrosswalk(LintRule):
    """A crosswalk file that no field goes through. It decides nothing, and people may go on editing it in vain."""

    name = "unused-crosswalk"

    def findings(self, project: Project, _: Evidence, /) -> Iterator[Finding]:
        """One for each such file."""
        used = {use.crosswalk.name for _, each in fields_of(project) for use in crosswalks_of(each.value)}
        for name in project.crosswalks.keys() - used:
            position = Position(f"crosswalks/{name}.csv", 1, 1)
            yield self.at(
                position, "No field goes through this crosswalk.", f"Write `crosswalk: {name}`, or remove it."
            )


class DeadCrosswalkRow(LintRule):
    """A row of a crosswalk whose code no source row holds. It may be a misspelt code, or one that has died out."""

    name = "dead-crosswalk-row"
    needs_rows = True

    def findings(self, project: Project, evidence: Evidence, /) -> Iterator[Finding]:
        """One for each crosswalk with such rows, at the first of them."""
        for name, used in evidence.used_lines.items():
            rows = project.crosswalks[name].rows
            dead = [row.line for row in rows if row.line not in used]
            if dead:
                message = f"{len(dead)} of {len(rows)} rows serve no source row: lines {', '.join(map(str, dead))}."
                yield self.at(Position(f"crosswalks/{name}.csv", dead[0], 1), message, "Check their codes.")


class CrosswalkTie(LintRule):
    """Two rows of a crosswalk with `*` that name equally many codes, fit the same codes and say different things. The upper
    row wins, which sorting the file would change.
    """

    name = "crosswalk-tie"

    def findings(self, project: Project, _: Evidence, /) -> Iterator[Finding]:
        """One for each such pair, at the lower row."""
        for name, crosswalk in project.crosswalks.items():
            written = {row.codes for row in crosswalk.rows}
            for upper, lower in combinations([row for row in crosswalk.rows if ANY in row.codes], 2):
                both = _both(upper.codes, lower.codes)
                if both is not None and both not in written and upper.target != lower.target:
                    message = f"This row and line {upper.line} both fit {','.join(both)}; the upper one wins."
                    position = Position(f"crosswalks/{name}.csv", lower.line, 1)
                    yield self.at(position, message, f"Add a row for {','.join(both)}.")


class SilentPick(LintRule):
    """A join that may find many rows and does not say which one is taken. Without `pick` the first row of the file wins."""

    name = "silent-pick"

    def findings(self, project: Project, _: Evidence, /) -> Iterator[Finding]:
        """One for each such join."""
        for mapping in project.mappings:
            for join in mapping.base.joins:
                if join.expect == "many" and not join.pick_order:
                    yield self.at(_place_of(mapping, join), f"`{join.alias}` takes one of many rows.", _PICK_HINT)


class UnmarkedPersonalData(LintRule):
    """A field that by its name, or by the names of its columns, holds what tells who somebody is, without a `pii` class.
    Reports mask values by that class only.
    """

    name = "unmarked-personal-data"

    def findings(self, project: Project, _: Evidence, /) -> Iterator[Finding]:
        """One for each such field."""
        for mapping, each in fields_of(project):
            guess = _personal(mapping, each)
            if each.pii is None and guess is not None:
                message = f"`{each.name}` seems to hold a {guess} and has no `pii` class."
                yield self.at(each.position, message, f"Add `pii: {guess}`, or `pii: none` if it is none.")


class UnresolvableReference(LintRule):
    """A reference that can never resolve: it names its own record, or none of its keys is a key of its parents."""

    name = "unresolvable-reference"

    def findings(self, project: Project, evidence: Evidence, /) -> Iterator[Finding]:
        """One for each such field."""
        for mapping, each in fields_of(project):
            if isinstance(each.value, Reference) and _names_itself(mapping, each.value):
                message, hint = f"`{each.name}` names the record itself.", "Take the column with the parent's key."
                yield self.at(each.position, message, hint)
            elif evidence.keys_met.get((mapping.name, each.name)) is False:
                message = f"No key in `{each.name}` is a key of its parents."
                yield self.at(each.position, message, "Check the column, and whether both are written alike.")


class NoMapping(LintRule):
    """A project without any mapping, as `init` leaves it. Nothing can run before there is one."""

    name = "no-mapping"

    def findings(self, project: Project, _: Evidence, /) -> Iterator[Finding]:
        """At most one."""
        if not project.mappings:
            hint = "`casebook-etl scaffold` drafts some from the data."
            yield self.at(Position("project.yaml", 1, 1), "The project holds no mapping yet.", hint)


class UndecidedDraft(LintRule):
    """Tables and columns that a draft left out and nobody has looked at: their reason under `ignore` still begins with
    `decide:`.
    """

    name = "undecided-draft"

    def findings(self, project: Project, _: Evidence, /) -> Iterator[Finding]:
        """One for each table with such reasons."""
        for table, entry in project.ignore.items():
            reasons = [entry] if isinstance(entry, str) else list(entry.values())
            count = sum(reason.startswith(UNDECIDED) for reason in reasons)
            if count:
                what = "" if isinstance(entry, str) else f", in {count} column{'s' * (count != 1)}"
                message = f"The draft left out `{table}`{what}, and nobody has said why."
                yield self.at(project.positions[table], message, "Map it, or give the reason in your own words.")


class NewColumn(LintRule):
    """A table or column that nobody decided about, in a source that comes in several editions (`varies`): a newer edition
    has probably brought it. It is left behind until somebody maps it.
    """

    name = "new-column"

    def findings(self, _: Project, evidence: Evidence, /) -> Iterator[Finding]:
        """One for each."""
        for each in evidence.new:
            yield self.at(each.position, each.message, each.hint)


class IgnoredData(LintRule):
    """A column that a pattern leaves behind though it holds something in every row, and more than 100 different values. Few
    technical columns do, but for UUIDs, which are passed over; the pattern may have caught more than was meant. A column
    that `ignore` names itself was looked at, and whole tables that are ignored are not read.
    """

    name = "ignored-data"
    needs_rows = True

    def findings(self, project: Project, evidence: Evidence, /) -> Iterator[Finding]:
        """One for each such column, at the entry of `ignore` that names it."""
        for table, columns in evidence.varied.items():
            for column in sorted(set(columns) - set(patterns_of(project, table))):
                position = project.positions[table, pattern_for(project, table, column) or ""]
                message = (
                    f"`{column}` of `{table}` is ignored, is never blank and holds more than {MANY_VALUES} values."
                )
                yield self.at(
                    position, message, f"If it is case data, map it; if not, name `{column}` itself, with the reason."
                )


RULES: tuple[LintRule, ...] = (
    NoMapping(),
    UndecidedDraft(),
    IgnoredData(),
    UnusedCrosswalk(),
    DeadCrosswalkRow(),
    CrosswalkTie(),
    UnreachableBranch(),
    ImpossibleCondition(),
    LossyOperation(),
    UselessStep(),
    SilentPick(),
    UnmarkedPersonalData(),
    UnresolvableReference(),
    NewColumn(),
)


def findings(project: Project, evidence: Evidence | None, new: tuple[Unused, ...] = ()) -> tuple[Finding, ...]:
    """What all rules find, in file order; rules that need rows are left out where there is no evidence. ``new`` is what
    the sources' headers show of a newer edition.
    """
    known = replace(evidence or Evidence(), new=new)
    chosen = (rule for rule in RULES if evidence is not None or not rule.needs_rows)
    return tuple(sorted({found for rule in chosen for found in rule.findings(project, known)}))


# ---------------------------------------------------------------- parts of projects

_PICK_HINT = "Add `pick: {order: [...], take: first}`."


def _place_of(mapping: EntityMapping, join: Join) -> Position:
    return mapping.positions.get(f"join {join.alias}", mapping.position)


def _names_itself(mapping: EntityMapping, reference: Reference) -> bool:
    """Whether the only target is the mapping's own key space under its own key."""
    if len(reference.targets) != 1 or reference.operations:
        return False
    target = reference.targets[0]
    return (target.entity, target.space, target.columns) == (mapping.target, mapping.space, mapping.key)


def _both(first: tuple[str, ...], second: tuple[str, ...]) -> tuple[str, ...] | None:
    """The codes that two rows, each naming as many, fit alike; None where no code fits both."""
    if first.count(ANY) != second.count(ANY):
        return None
    pairs = list(zip(first, second, strict=True))
    if any(ANY not in pair and pair[0] != pair[1] for pair in pairs):
        return None
    return tuple(one if two == ANY else two for one, two in pairs)


# ---------------------------------------------------------------- people's data

_PERSONAL = (
    ("ssn", re.compile(r"(?<![a-z])(ssn|social_?security|soc_?sec)(?![a-z])")),
    ("dob", re.compile(r"(?<![a-z])(dob|birth_?dat\w*|date_?of_?birth|birthday)(?![a-z])")),
    ("name", re.compile(r"(?<![a-z])((last|first|middle|maiden|given|family|sur)_?(name|nm))(?![a-z])")),
    ("phone", re.compile(r"(?<![a-z])(tele)?(phone|phn)(_?(no|nr|num|number))?(?![a-z])")),
    ("email", re.compile(r"(?<![a-z])e_?mail(_?addr(ess)?)?(?![a-z])")),
    (
        "address",
        re.compile(r"(?<![a-z])(street|home_?addr(ess)?|mailing_?addr(ess)?|addr(ess)?_?(line)?_?[12])(?![a-z])"),
    ),
)


def _personal(mapping: EntityMapping, each: Field) -> str | None:
    """The class that names suggest; labels of crosswalks, keys of parents and what no column feeds are none."""
    if isinstance(each.value, Pipeline) and each.value.crosswalk is None:
        columns = each.value.columns
    elif isinstance(each.value, Const | Choose | Many):
        columns = tuple(inserts_of(each.value))
    else:
        return None
    own = [] if isinstance(each.value, Const | Choose | Many) else [each.name]
    names = [_snake(name) for name in (*own, *(column for column in columns if column not in mapping.key))]
    return next((kind for kind, pattern in _PERSONAL if any(pattern.search(name) for name in names)), None)


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()
