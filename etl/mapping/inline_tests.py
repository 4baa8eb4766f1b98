"""Reads the inline tests of a mapping: given rows, what is supposed beside them, and what must come out.

Names are checked here as strictly as those of the mapping itself: a test that gives a column which nothing reads, or
expects a field which is not mapped, would pass or fail for no reason.
"""

from __future__ import annotations

import csv
import datetime as dt
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from etl.core.ports import BaseQuery
from etl.core.problems import problem_codes
from etl.core.records import JsonValue
from etl.core.strict_yaml import Path as Place
from etl.core.suggest import did_you_mean
from etl.mapping.form import fill
from etl.mapping.model import Crosswalk, CrosswalkRow, ExpectedProblem, Field, InlineTest, Position
from etl.mapping.scope import Scope, scalar
from etl.mapping.spec import MappingForm, TestForm

MATCHES_SUFFIX = "._matches"


def inline_tests(scope: Scope, form: MappingForm, base: BaseQuery, fields: Sequence[Field]) -> tuple[InlineTest, ...]:
    """The sound tests of a mapping in order; mistakes are noted."""
    reader = _Reader(scope, base, {each.name for each in fields})
    read = (reader.read(("tests", index), raw) for index, raw in enumerate(form.tests))
    return tuple(each for each in read if each is not None)


class _Reader:
    def __init__(self, scope: Scope, base: BaseQuery, fields: Iterable[str]) -> None:
        self._scope = scope
        self._page = scope.page
        self._grouped = bool(base.group_by)
        self._columns = {*base.columns, *(name.removeprefix("-") for name in base.group_order)}
        self._counts = {f"{join.alias}{MATCHES_SUFFIX}" for join in base.joins}
        self._fields = set(fields)

    def read(self, place: Place, raw: JsonValue) -> InlineTest | None:
        form = fill(TestForm, self._page, place, raw)
        if form is None:
            return None
        expected = dict(self._expected((*place, "expect"), form.expect))
        return InlineTest(
            name=form.name,
            position=self._page.position(place),
            rows=tuple(self._rows((*place, "given"), form.given)),
            crosswalks=dict(self._crosswalks((*place, "with", "crosswalk"), form)),
            ids=dict(self._ids((*place, "with", "ids"), form)),
            today=self._today((*place, "with", "today"), form.supposed.today),
            bucket=form.bucket,
            expected=expected,
            places=self._places(place, expected),
            problems=tuple(self._problems((*place, "problems"), form)),
        )

    # ------------------------------------------------------------ given

    def _rows(self, place: Place, raw: JsonValue) -> Iterator[Mapping[str, str | None]]:
        rows = raw if isinstance(raw, list) else [raw]
        if len(rows) > 1 and not self._grouped:
            self._page.note(place, "Several rows become one record only with `group:`.", "Give one row.", code="given")
        for index, row in enumerate(rows):
            where = (*place, index) if isinstance(raw, list) else place
            if isinstance(row, dict) and row:
                yield {name: self._cell(where, name, value) for name, value in row.items()}
            else:
                hint = "Write `given: {COLUMN: value}`."
                self._page.note(where, "Expected a row: columns with their values.", hint, code="wrong_form")

    def _cell(self, place: Place, name: str, value: JsonValue) -> str | None:
        if name not in self._columns | self._counts:
            message, hint = f"The mapping reads no column `{name}`.", did_you_mean(name, self._columns)
            self._page.note((*place, name), message, hint, code="unknown_column", key=True)
        return self._written((*place, name), value)

    def _written(self, place: Place, value: JsonValue) -> str | None:
        """A cell or value as it was written; null stays null."""
        if isinstance(value, dict | list):
            self._page.note(place, "Expected one text or number.", "", code="wrong_form")
            return None
        return None if value is None else scalar(self._scope, place, value)

    # ------------------------------------------------------------ with

    def _crosswalks(self, place: Place, form: TestForm) -> Iterator[tuple[str, Crosswalk]]:
        known = self._scope.shared.crosswalks
        for name, rows in form.supposed.crosswalk.items():
            if name in known:
                yield name, replace(known[name], rows=tuple(self._crosswalk_rows((*place, name), known[name], rows)))
            elif name not in self._scope.shared.broken_crosswalks:
                message, hint = f"There is no crosswalk `{name}`.", did_you_mean(name, known)
                self._page.note((*place, name), message, hint, code="unknown_crosswalk", key=True)

    def _crosswalk_rows(
        self, place: Place, crosswalk: Crosswalk, rows: Mapping[str, JsonValue]
    ) -> Iterator[CrosswalkRow]:
        width = len(crosswalk.columns)
        for line, (written, target) in enumerate(rows.items(), start=2):
            codes = tuple(next(csv.reader([written]), [""])) if width > 1 else (written,)
            if len(codes) == width:
                yield CrosswalkRow(codes, scalar(self._scope, (*place, written), target), line)
            else:
                message = f"The crosswalk has {width} code columns, here are {len(codes)}."
                self._page.note((*place, written), message, "Part codes by commas.", code="crosswalk_width", key=True)

    def _ids(self, place: Place, form: TestForm) -> Iterator[tuple[str, Mapping[str, str]]]:
        entities = self._scope.shared.catalog.entities
        for entity, ids in form.supposed.ids.items():
            if entity not in entities:
                message, hint = f"Unknown entity `{entity}`.", did_you_mean(entity, entities)
                self._page.note((*place, entity), message, hint, code="unknown_entity", key=True)
            yield entity, {key: scalar(self._scope, (*place, entity, key), value) for key, value in ids.items()}

    def _today(self, place: Place, text: str | None) -> dt.date | None:
        try:
            return dt.date.fromisoformat(text) if text else None
        except ValueError:
            self._page.note(place, "This is no date.", "Write it as 2026-01-31.", code="wrong_type")
            return None

    # ------------------------------------------------------------ expect

    def _expected(
        self, place: Place, raw: Mapping[str, JsonValue]
    ) -> Iterator[tuple[str, str | tuple[str, ...] | None]]:
        for name, value in raw.items():
            if name not in self._fields:
                message, hint = f"The mapping has no field `{name}`.", did_you_mean(name, self._fields)
                self._page.note((*place, name), message, hint, code="unknown_field", key=True)
            elif isinstance(value, list):
                members = (self._written((*place, name, index), each) for index, each in enumerate(value))
                yield name, tuple(each for each in members if each is not None)
            else:
                yield name, self._written((*place, name), value)

    def _places(self, place: Place, expected: Iterable[str]) -> dict[str, Position]:
        parts = {"problems": self._page.position((*place, "problems"), key=True)}
        return parts | {name: self._page.position((*place, "expect", name), key=True) for name in expected}

    def _problems(self, place: Place, form: TestForm) -> Iterator[ExpectedProblem]:
        codes = [each.code for each in problem_codes()]
        for index, each in enumerate(form.problems):
            if each.code not in codes:
                message, hint = f"There is no problem code `{each.code}`.", did_you_mean(each.code, codes)
                self._page.note((*place, index, "code"), message, hint, code="unknown_problem")
            yield ExpectedProblem(each.code, each.field, each.severity)
