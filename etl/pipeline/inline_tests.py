"""Runs the tests that stand beside mappings, through the very stages that map and check real rows.

Nothing is faked but the surroundings: rows come from the document, and parents are known by the keys that the test
gives. Record keys are remembered as they are made, so that a reference can be shown as the id that the test supposes.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import pyarrow as pa

from etl.core.errors import TooManyProblems
from etl.core.keys import RecordKeys, keys_in, parts_of_identity
from etl.core.problems import Severity
from etl.core.records import STATUS
from etl.mapping.model import (
    Branch,
    Choose,
    Crosswalk,
    EntityMapping,
    ExpectedProblem,
    Field,
    InlineTest,
    Many,
    OnMissing,
    Pipeline,
    Position,
    Project,
    Reference,
    Value,
)
from etl.mapping.operations import Context
from etl.pipeline.given_rows import given_rows
from etl.transform import ENTITY_SUFFIX, Transformer
from etl.validate import FieldChecks, RecordRules

_KEY = b"inline tests have a key of their own"
_SHOWN_KEY = " | "


@dataclass(frozen=True, slots=True)
class Failure:
    """One difference: where the expectation stands, what differs, what was expected and what came out."""

    position: Position
    what: str
    expected: str
    got: str

    def __str__(self) -> str:
        place = f"{self.position.file}:{self.position.line}:{self.position.column}"
        return f"{place}: {self.what}: expected {self.expected}, got {self.got}"


@dataclass(frozen=True, slots=True)
class Tested:
    """How one test ended."""

    mapping: str
    test: InlineTest
    failures: tuple[Failure, ...]

    @property
    def passed(self) -> bool:
        """Whether everything came out as expected."""
        return not self.failures


def run_tests(project: Project, today: dt.date) -> list[Tested]:
    """Every inline test of a project, in the order of the documents; ``today`` serves tests that name no date."""
    return [
        Tested(mapping.name, test, tuple(_failures(project, mapping, test, today)))
        for mapping in project.mappings
        for test in mapping.tests
    ]


class _RememberedKeys(RecordKeys):
    """Record keys that can be read back: each remembers the legacy key it was made from."""

    def __init__(self, project_key: bytes) -> None:
        super().__init__(project_key)
        self.made: dict[str, str] = {}

    def digits(self, entity: str, space: str, identities: Iterable[bytes]) -> str:
        known = list(identities)
        made = super().digits(entity, space, known)
        shown = (_SHOWN_KEY.join(parts_of_identity(each)) for each in known)
        self.made.update(zip(keys_in(made), shown, strict=True))
        return made


@dataclass(frozen=True, slots=True)
class _Came:
    """What came out of the stages: where the row ended, the record's columns as shown, and the problems."""

    bucket: str
    values: Mapping[str, str | tuple[str, ...] | None]
    problems: tuple[ExpectedProblem, ...]


def _failures(project: Project, mapping: EntityMapping, test: InlineTest, today: dt.date) -> Iterator[Failure]:
    try:
        came = _outcome(project, mapping, test, today)
    except TooManyProblems:
        yield Failure(test.position, "outcome", test.bucket or "a record", "the run would stop: a policy is `fail`")
        return
    if test.bucket is not None and came.bucket != test.bucket:
        yield Failure(test.position, "bucket", test.bucket, came.bucket)
    for name, wanted in test.expected.items():
        got = came.values.get(name)
        if name not in came.values:
            yield Failure(test.places[name], name, _shown(wanted), f"no record: the row is {came.bucket}")
        elif not _equal(wanted, got):
            yield Failure(test.places[name], name, _shown(wanted), _shown(got))
    yield from _problem_failures(test, came.problems)


def _outcome(project: Project, mapping: EntityMapping, test: InlineTest, today: dt.date) -> _Came:
    supposed = _with_crosswalks(mapping, test.crosswalks)
    context = Context(test.today or today, project.timezone)
    keys = _RememberedKeys(_KEY)
    rows = given_rows(mapping, test)
    mapped = Transformer(supposed, project.catalog, keys, context).apply(rows)
    checked, found = FieldChecks(supposed, project.catalog, context).apply(mapped.records, mapped.problems)
    checked, broken = RecordRules(supposed, context).apply(checked, rows)
    problems = [row for batch in (mapped.problems, *found, *broken) for row in batch.to_pylist()]
    told = [ExpectedProblem(row["code"], row["field"], row["severity"]) for row in problems]
    records = checked.to_pylist()
    parents = _Parents(test.ids, keys.made)
    values: dict[str, str | tuple[str, ...] | None] = {}
    for field in mapping.fields if records else ():
        values[field.name] = _plain(parents.shown(field, records[0]))
        told += parents.missing(field, records[0])
    return _Came(_bucket(mapped.ledger, records, told), values, tuple(dict.fromkeys(told)))


def _bucket(ledger: pa.RecordBatch, records: Sequence[Mapping[str, object]], told: Sequence[ExpectedProblem]) -> str:
    if not records:
        return str(ledger["bucket"][0].as_py())
    held = records[0][STATUS] != "valid" or any(each.severity == Severity.BLOCK for each in told)
    return "quarantined" if held else "record"


# ---------------------------------------------------------------- supposed surroundings


def _with_crosswalks(mapping: EntityMapping, crosswalks: Mapping[str, Crosswalk]) -> EntityMapping:
    fields = tuple(replace(each, value=_supposed(each.value, crosswalks)) for each in mapping.fields)
    return replace(mapping, fields=fields) if crosswalks else mapping


def _supposed(value: Value, crosswalks: Mapping[str, Crosswalk]) -> Value:
    if isinstance(value, Choose | Many):
        return replace(value, branches=tuple(_supposed_branch(each, crosswalks) for each in value.branches))
    return _supposed_pipeline(value, crosswalks) if isinstance(value, Pipeline) else value


def _supposed_branch(branch: Branch, crosswalks: Mapping[str, Crosswalk]) -> Branch:
    value = branch.value
    return replace(branch, value=_supposed_pipeline(value, crosswalks)) if isinstance(value, Pipeline) else branch


def _supposed_pipeline(value: Pipeline, crosswalks: Mapping[str, Crosswalk]) -> Pipeline:
    use = value.crosswalk
    if use is None or use.crosswalk.name not in crosswalks:
        return value
    return replace(value, crosswalk=replace(use, crosswalk=crosswalks[use.crosswalk.name]))


@dataclass(frozen=True, slots=True)
class _Parents:
    """The parents that a test supposes; ``made`` gives the legacy key of each record key."""

    ids: Mapping[str, Mapping[str, str]]
    made: Mapping[str, str]

    def shown(self, field: Field, record: Mapping[str, object]) -> object:
        """A field's value with references as ids, where the test gives them, else as legacy keys."""
        value = record[field.name]
        if not isinstance(field.value, Reference) or value is None:
            return value
        entity = self._entity(field.value, field, record)
        found = [self._id(entity, str(key)) for key in (value if isinstance(value, list) else [value])]
        there = [each for each in found if each is not None]
        return there if isinstance(value, list) else next(iter(there), None)

    def missing(self, field: Field, record: Mapping[str, object]) -> list[ExpectedProblem]:
        """The problems of parents that are not there, as the record graph would tell them."""
        value = record[field.name]
        if not isinstance(field.value, Reference) or value is None:
            return []
        entity = self._entity(field.value, field, record)
        lost = [key for key in (value if isinstance(value, list) else [value]) if self._id(entity, str(key)) is None]
        if field.value.on_missing is OnMissing.EMPTY:
            return [ExpectedProblem("link_left_out", field.name, Severity.WARN) for _ in lost]
        return [ExpectedProblem("parent_missing", field.name, Severity.BLOCK) for _ in lost]

    def _entity(self, reference: Reference, field: Field, record: Mapping[str, object]) -> str:
        named = record.get(field.name + ENTITY_SUFFIX)
        return str(named) if named is not None else reference.targets[0].entity

    def _id(self, entity: str, key: str) -> str | None:
        legacy = self.made[key]
        return self.ids[entity].get(legacy) if entity in self.ids else legacy


# ---------------------------------------------------------------- comparing


def _plain(value: object) -> str | tuple[str, ...] | None:
    """A value as a document would write it."""
    if value is None:
        return None
    if isinstance(value, list):
        return tuple(str(_plain(each)) for each in value)
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dt.datetime):
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, dt.date):
        return value.isoformat()
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _equal(wanted: str | tuple[str, ...] | None, got: str | tuple[str, ...] | None) -> bool:
    """Whether both say the same; an empty list, a blank and null are all no value."""
    return (not wanted and not got) or wanted == got or _same_number(wanted, got)


def _same_number(wanted: object, got: object) -> bool:
    try:
        return isinstance(wanted, str) and isinstance(got, str) and float(wanted) == float(got) and "." in wanted
    except ValueError:
        return False


def _shown(value: str | tuple[str, ...] | None) -> str:
    if value is None:
        return "nothing"
    return f"[{', '.join(value)}]" if isinstance(value, tuple) else value


def _problem_failures(test: InlineTest, told: Sequence[ExpectedProblem]) -> Iterator[Failure]:
    """Expected problems that did not come, and problems that nobody expected; notes may stay unsaid."""
    place = test.places["problems"]
    for wanted in test.problems:
        if not any(_answers(each, wanted) for each in told):
            yield Failure(place, "problems", _problem(wanted), _problems(told))
    for each in told:
        if each.severity != Severity.INFO and not any(_answers(each, wanted) for wanted in test.problems):
            yield Failure(place, "problems", _problems(test.problems), _problem(each))


def _answers(told: ExpectedProblem, wanted: ExpectedProblem) -> bool:
    same_field = wanted.field in {None, told.field}
    return told.code == wanted.code and same_field and wanted.severity in {None, told.severity}


def _problems(several: Sequence[ExpectedProblem]) -> str:
    return "; ".join(map(_problem, several)) or "none"


def _problem(each: ExpectedProblem) -> str:
    return (
        f"{each.code}" + (f" in {each.field}" if each.field else "") + (f" ({each.severity})" if each.severity else "")
    )
