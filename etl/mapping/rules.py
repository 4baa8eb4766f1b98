"""Resolves the rules of a mapping: what must hold inside a record, and between the records of one mapping.

Kinds that speak of a record alone are written as one condition, so that a single machine judges them: `in_order` and
`age` are short forms of `check`. What compares records is left to the tables, after all records are there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations

from etl.catalog.model import Kind
from etl.core.records import JsonValue
from etl.core.strict_yaml import Path as Place
from etl.core.suggest import did_you_mean
from etl.mapping.expressions import Expression
from etl.mapping.form import fill
from etl.mapping.model import Check, Field, NoOverlap, OnePer, Rule, Select
from etl.mapping.rule_types import type_mistakes, type_of_field
from etl.mapping.scope import Scope, distinct, expression
from etl.mapping.spec import AgeForm, NoOverlapForm, OnePerForm, RuleForm

SOURCE_PREFIX = "src."
RECORDS = "records"
"""The schema under which a rule's SELECT finds mapped records: ``records.people``."""
KINDS = ("check", "in_order", "age", "one_per", "no_overlap", "sql")


def resolved_rules(scope: Scope, raw: Sequence[JsonValue], fields: Sequence[Field]) -> tuple[Rule, ...]:
    """The sound rules in order; mistakes are noted."""
    reader = RuleReader(scope, {each.name: each for each in fields})
    forms = ((("rules", index), fill(RuleForm, scope.page, ("rules", index), each)) for index, each in enumerate(raw))
    read = (reader.rule(place, form) for place, form in forms if form is not None)
    return tuple(each for each in read if each is not None)


class RuleReader:
    """Resolves rules over the fields that they may name; ``owner`` is what these belong to, in words."""

    def __init__(self, scope: Scope, fields: Mapping[str, Field], owner: str = "The mapping") -> None:
        self._scope = scope
        self._fields = fields
        self._owner = owner

    def rule(self, place: Place, form: RuleForm) -> Rule | None:
        """The rule, or None where it is wrong; mistakes are noted."""
        kinds = [kind for kind in KINDS if getattr(form, kind) is not None]
        if len(kinds) != 1:
            hint = f"Write one of: {', '.join(KINDS)}."
            self._note(place, "A rule is of exactly one kind.", hint, "wrong_form")
            return None
        where = (*place, kinds[0])
        kind = self._kind(where, form)
        if kind is None:
            return None
        names = list(_names(kind))
        self._check_names(where, names)
        return Rule(
            kind=kind,
            severity=form.severity,
            say=form.say or _words(kind),
            position=self._scope.page.position(place),
            fields=distinct(name for name in names if not name.startswith(SOURCE_PREFIX)),
            columns=distinct(name.removeprefix(SOURCE_PREFIX) for name in names if name.startswith(SOURCE_PREFIX)),
        )

    def _kind(self, place: Place, form: RuleForm) -> Check | OnePer | NoOverlap | Select | None:
        if form.in_order is not None:
            for index, name in enumerate(form.in_order):
                self._require_day((*place, index), name)
            return self._checked(place, _in_order(form.in_order))
        if form.age is not None:
            return self._age(place, form.age)
        if form.one_per is not None:
            return self._one_per(place, form.one_per)
        if form.no_overlap is not None:
            return self._no_overlap(place, form.no_overlap)
        if form.sql is not None:
            return self._select(place, form.sql)
        found = self._checked(place, form.check or "")
        self._check_types(place, found.expression if found is not None else None)
        return found

    def _checked(self, place: Place, text: str) -> Check | None:
        found = expression(self._scope, place, text, row_by_row=True)
        return Check(found) if found is not None else None

    def _age(self, place: Place, form: AgeForm) -> Check | None:
        if form.min is None and form.max is None:
            self._note(place, "Neither `min` nor `max` is given.", "Such as `min: 0, max: 120`.", "wrong_form")
            return None
        if form.min is not None and form.max is not None and form.min > form.max:
            hint = "Exchange the two."
            self._note((*place, "min"), "`min` is above `max`, so every age breaks the rule.", hint, "wrong_form")
        for key, name in (("of", form.since), ("at", form.at)):
            self._require_day((*place, key), name)
        age = f"years({_quoted(form.since)}, {_quoted(form.at)})"
        bounds = [("min", ">=", form.min), ("max", "<=", form.max)]
        return self._checked(
            place, " and ".join(f"{age} {sign} {limit}" for _, sign, limit in bounds if limit is not None)
        )

    def _one_per(self, place: Place, form: OnePerForm) -> OnePer | None:
        when = expression(self._scope, (*place, "when"), form.when, row_by_row=True)
        self._refuse_sources((*place, "by"), form.by)
        self._check_types((*place, "when"), when)
        return OnePer(form.by, when) if when is not None else None

    def _no_overlap(self, place: Place, form: NoOverlapForm) -> NoOverlap:
        self._refuse_sources(place, [*form.by, form.start, form.end])
        kinds = {self._day_kind((*place, key), name) for key, name in (("from", form.start), ("to", form.end))}
        if kinds == {Kind.DATE, Kind.DATETIME}:
            self._note(place, "One end is a date and the other a moment.", "Take two of one type.", "wrong_type")
        return NoOverlap(form.by, form.start, form.end)

    def _day_kind(self, place: Place, name: str) -> Kind | None:
        field = self._fields.get(name)
        kind = field.attribute.kind if field is not None and field.attribute is not None else None
        if field is not None and kind not in {Kind.DATE, Kind.DATETIME}:
            self._note(place, f"`{name}` is no date.", "An interval lies between two dates.", "wrong_type")
        return kind

    def _require_day(self, place: Place, name: str) -> None:
        """A field must be a date; what a column of the source holds, and what a call gives, is not judged here."""
        field = self._fields.get(name)
        if field is not None and type_of_field(field) != "date":
            self._note(place, f"`{name}` is no date.", "Name fields that are dates.", "wrong_type")

    def _check_types(self, place: Place, found: Expression | None) -> None:
        for mistake in type_mistakes(found, self._fields) if found is not None else ():
            page = self._scope.page
            page.note(place, mistake.message, mistake.hint, code="wrong_type", offset=mistake.offset)

    def _select(self, place: Place, text: str) -> Select:
        if RECORDS in self._scope.shared.sources:
            hint = "Give the source another name."
            self._note(place, f"A source is called `{RECORDS}`, as the mapped records are.", hint, "wrong_name")
        return Select(text)

    def _refuse_sources(self, place: Place, names: Iterable[str]) -> None:
        for name in names:
            if name.startswith(SOURCE_PREFIX):
                self._note(place, "Records are compared by their own fields.", "Map the column first.", "wrong_name")

    def _check_names(self, place: Place, names: Iterable[str]) -> None:
        for name in distinct(names):
            if not name.startswith(SOURCE_PREFIX) and name not in self._fields:
                hint = did_you_mean(name, self._fields) or f"A column of the source is `{SOURCE_PREFIX}{name}`."
                self._note(place, f"{self._owner} has no field `{name}`.", hint, "unknown_field")

    def _note(self, place: Place, message: str, hint: str, code: str) -> None:
        self._scope.page.note(place, message, hint, code=code)


def _in_order(names: Sequence[str]) -> str:
    """Each pair is compared, so that a blank between two dates hides nothing."""
    return " and ".join(f"{_quoted(first)} <= {_quoted(second)}" for first, second in combinations(names, 2))


def _quoted(name: str) -> str:
    """A field's name, or ``src.COLUMN``, as conditions take it whatever it holds; a call stays one."""
    if name.endswith(")"):
        return name
    return ".".join(f'"{part.replace(chr(34), chr(34) * 2)}"' for part in name.split("."))


def _names(kind: Check | OnePer | NoOverlap | Select) -> Iterable[str]:
    match kind:
        case Check():
            return sorted(kind.expression.columns)
        case OnePer():
            return [*kind.by, *sorted(kind.when.columns)]
        case NoOverlap():
            return [*kind.by, kind.start, kind.end]
        case Select():
            return []


def _words(kind: Check | OnePer | NoOverlap | Select) -> str:
    match kind:
        case Check():
            return _plain(kind.expression)
        case OnePer():
            return f"not exactly one of {', '.join(kind.by)}: {kind.when.text}"
        case NoOverlap():
            return f"{kind.start} to {kind.end} overlaps another of the same {', '.join(kind.by)}"
        case Select():
            return "found by the rule's SELECT"


def _plain(found: Expression) -> str:
    return f"not: {found.text.replace(chr(34), '')}"
