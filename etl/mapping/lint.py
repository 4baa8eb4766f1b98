"""Lint rules: what is legal in a project and still probably not meant. Each rule is a class whose docstring is its help.

Mistakes stop a project from loading; findings do not. A rule sees the resolved project and, where the sources could be
read, what their rows showed; it never quotes a cell.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import product

import pyarrow as pa

from etl.catalog.model import Kind
from etl.core.ports import Join
from etl.mapping.columns import Unused
from etl.mapping.expressions import Expression
from etl.mapping.ignore import UNDECIDED
from etl.mapping.model import Branch, Choose, EntityMapping, Field, Many, Pipeline, Position, Project, Reference, Value
from etl.mapping.operations import ValueType
from etl.mapping.reads import crosswalks_of


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """One finding of a rule at its place."""

    position: Position
    rule: str
    message: str
    hint: str

    def __str__(self) -> str:
        place = f"{self.position.file}:{self.position.line}:{self.position.column}"
        return f"{place}: {self.message} {self.hint} [{self.rule}]"


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the sources' rows showed: ``used_lines`` are the lines of each crosswalk that some code needs, ``keys_met`` tells
    by mapping and field whether any key of a reference is a key of its parents (fields without a key are left out), ``new``
    what an edition of a source brought, by its headers alone.
    """

    used_lines: Mapping[str, frozenset[int]] = field(default_factory=dict)
    keys_met: Mapping[tuple[str, str], bool] = field(default_factory=dict)
    new: tuple[Unused, ...] = ()


class LintRule(ABC):
    """A rule: its name, and whether it needs the sources' rows."""

    name: str
    needs_rows = False

    @abstractmethod
    def findings(self, project: Project, evidence: Evidence, /) -> Iterator[Finding]:
        """Everything that the rule finds, in any order."""

    @property
    def help(self) -> str:
        """What the rule is about: its docstring."""
        return " ".join((type(self).__doc__ or "").split())

    def at(self, position: Position, message: str, hint: str) -> Finding:
        """A finding of this rule."""
        return Finding(position, self.name, message, hint)


class UnusedCrosswalk(LintRule):
    """A crosswalk file that no field goes through. It decides nothing, and people may go on editing it in vain."""

    name = "unused-crosswalk"

    def findings(self, project: Project, _: Evidence, /) -> Iterator[Finding]:
        """One for each such file."""
        used = {use.crosswalk.name for _, each in _fields(project) for use in crosswalks_of(each.value)}
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


class UnreachableBranch(LintRule):
    """A branch of `choose` that is never taken, because whenever its `when` holds an earlier one holds too, or because it
    can never hold. Judged where conditions compare columns with written texts.
    """

    name = "unreachable-branch"

    def findings(self, project: Project, _: Evidence, /) -> Iterator[Finding]:
        """One for each such branch."""
        for __, each in _fields(project):
            if isinstance(each.value, Choose):
                for number in _never_first(each.value.branches):
                    message = f"Branch {number + 1} of `{each.name}` is never taken."
                    yield self.at(each.position, message, "Reorder the branches, or remove it.")


class LossyOperation(LintRule):
    """A step that loses something without a word: numbers that become text lose leading zeros, `truncate` that cuts
    shorter than the field's own length, `digits` without a check of how many are left.
    """

    name = "lossy-operation"

    def findings(self, project: Project, _: Evidence, /) -> Iterator[Finding]:
        """One for each such step."""
        for __, each in _fields(project):
            for piped in _pipelines(each.value):
                for message, hint in _losses(each, piped):
                    yield self.at(each.position, message, hint)


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
        for mapping, each in _fields(project):
            guess = _personal(mapping, each)
            if each.pii is None and guess is not None:
                message = f"`{each.name}` seems to hold a {guess} and has no `pii` class."
                yield self.at(each.position, message, f"Add `pii: {guess}`, or `pii: none` if it is none.")


class UnresolvableReference(LintRule):
    """A reference that can never resolve: it names its own record, or none of its keys is a key of its parents."""

    name = "unresolvable-reference"

    def findings(self, project: Project, evidence: Evidence, /) -> Iterator[Finding]:
        """One for each such field."""
        for mapping, each in _fields(project):
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


RULES: tuple[LintRule, ...] = (
    NoMapping(),
    UndecidedDraft(),
    UnusedCrosswalk(),
    DeadCrosswalkRow(),
    UnreachableBranch(),
    LossyOperation(),
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


def _fields(project: Project) -> Iterator[tuple[EntityMapping, Field]]:
    return ((mapping, each) for mapping in project.mappings for each in mapping.fields)


def _pipelines(value: Value) -> Iterator[Pipeline]:
    if isinstance(value, Choose | Many):
        yield from (piped for branch in value.branches for piped in _pipelines(branch.value))
    elif isinstance(value, Pipeline):
        yield value


def _place_of(mapping: EntityMapping, join: Join) -> Position:
    return mapping.positions.get(f"join {join.alias}", mapping.position)


def _names_itself(mapping: EntityMapping, reference: Reference) -> bool:
    """Whether the only target is the mapping's own key space under its own key."""
    if len(reference.targets) != 1 or reference.operations:
        return False
    target = reference.targets[0]
    return (target.entity, target.space, target.columns) == (mapping.target, mapping.space, mapping.key)


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


# ---------------------------------------------------------------- people's data

_PERSONAL = (
    ("ssn", re.compile(r"(?<![a-z])(ssn|social_?security|soc_?sec)(?![a-z])")),
    ("dob", re.compile(r"(?<![a-z])(dob|birth_?dat\w*|date_?of_?birth|birthday)(?![a-z])")),
    ("name", re.compile(r"(?<![a-z])((last|first|middle|maiden|given|family|sur)_?(name|nm))(?![a-z])")),
)


def _personal(mapping: EntityMapping, each: Field) -> str | None:
    """The class that names suggest; labels of crosswalks, keys of parents and what no column feeds are none."""
    if not isinstance(each.value, Pipeline) or each.value.crosswalk is not None:
        return None
    names = [_snake(each.name), *(_snake(column) for column in each.value.columns if column not in mapping.key)]
    return next((kind for kind, pattern in _PERSONAL if any(pattern.search(name) for name in names)), None)


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


# ---------------------------------------------------------------- branches

_TEXT = re.compile(r"'(?:[^']|'')*'")
_NAME = re.compile(r'"[^"]+"|[^\W\d][\w$#]*(?:\.\w+)*')
_SIMPLE = re.compile(r"^(?:\s|[(),=']|<>)*$")
_CALL = re.compile(r"(?<![\w.])(?!(?:and|or|not|in)\b)[^\W\d]\w*\s*\(", re.IGNORECASE)
_WORDS = re.compile(r"\b(?:and|or|not|in|is|null|true|false)\b", re.IGNORECASE)
_MOST_CASES = 4096
_OTHER = "\x00other"
"""Stands for every text that no condition names."""


def _never_first(branches: tuple[Branch, ...]) -> list[int]:
    """The numbers of branches that no row reaches, by trying every combination of the texts that conditions name.

    Texts that no condition names are alike to all of them, so one stands for all; other kinds of conditions are not
    judged.
    """
    conditions = [branch.when for branch in branches]
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


def _untaken(conditions: list[Expression | None], frame: Mapping[str, pa.Array]) -> list[int]:
    count = len(next(iter(frame.values())))
    left = [True] * count
    untaken = []
    for number, condition in enumerate(conditions):
        holds = [True] * count if condition is None else condition.evaluate(frame).to_pylist()
        if not any(free and held for free, held in zip(left, holds, strict=True)) and condition is not None:
            untaken.append(number)
        left = [free and not held for free, held in zip(left, holds, strict=True)]
    return untaken
