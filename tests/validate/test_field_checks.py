"""Every problem that a mapped column can have, what it does to its record, and that one pass tells all of them."""

from __future__ import annotations

from datetime import date

import pyarrow as pa
import pytest

from etl.catalog.model import Api, Attribute, Catalog, Entity, Kind, Link, Lookup, Option, Step
from etl.core.ports import BaseQuery, FileFacts
from etl.core.problems import Severity, problem_rows
from etl.mapping.model import EntityMapping, Field, FileField, OnError, OnMissing, Pipeline, Position
from etl.mapping.operations import Context
from etl.validate import FieldChecks

CONTEXT = Context(date(2026, 7, 1), "UTC")
PLACE = Position("people.yaml", 1, 1)
PARTS: list[Attribute | Link] = [
    Attribute("last_name", Kind.STRING, required=True, max_length=5),
    Attribute("first_name", Kind.STRING, required=True),
    Attribute("born_on", Kind.DATE, minimum="1900-01-01", maximum="2026-07-01"),
    Attribute("age", Kind.INTEGER, minimum="0", maximum="120"),
    Attribute("weight", Kind.NUMBER, minimum="0"),
    Attribute("is_veteran", Kind.BOOLEAN),
    Attribute("seen_at", Kind.DATETIME),
    Attribute("consent", Kind.ENUM, enum=("yes", "no")),
    Attribute("zip", Kind.STRING, pattern=r"^\d{5}$"),
    Attribute("county", Kind.DROPDOWN, enum=("Adams",), lookup="county"),
    Attribute("maybe", Kind.STRING, required=None),
    Link("races", ("race",), many=True),
    Link("gender", ("gender",)),
    Link("provider", ("provider",), warn_if_missing=True),
]
LOOKUPS = {
    "county": Lookup("county", "s", "t", "/p", options=(Option("Adams"), Option("Brown"))),
    "race": Lookup("race", "s", "t", "/p", options=(Option("Asian"), Option("White"))),
    "gender": Lookup("gender", "s", "t", "/p", options=None),
}


def catalog() -> Catalog:
    attributes = {each.name: each for each in PARTS if isinstance(each, Attribute)}
    links = {each.name: each for each in PARTS if isinstance(each, Link)}
    upload = Step("upload", url_attribute="url", max_bytes=10)
    person = Entity("person", "s", "t", "/p", ("create",), attributes, links, flow=(upload,))
    return Catalog(Api({}, "", 0, 0, None), {"person": person}, LOOKUPS)


def field(name: str) -> Field:
    part = next(each for each in PARTS if each.name == name)
    attribute, link = (part, None) if isinstance(part, Attribute) else (None, part)
    return Field(name, Pipeline((name,)), OnError.QUARANTINE, None, None, None, (), PLACE, attribute, link)


def mapping(*fields: Field) -> EntityMapping:
    return EntityMapping(
        "people", "person", BaseQuery("legacy.PERSONS", ()), None, ("ID",), "people", fields, "sum", PLACE
    )


def records(status: list[str] | None = None, **columns: pa.Array) -> pa.RecordBatch:
    count = len(next(iter(columns.values())))
    status = status or ["valid"] * count
    head = {
        "_rk": pa.array([f"{number:032x}" for number in range(count)]),
        "_row": pa.array(range(1, count + 1), pa.int64()),
        "_line": pa.array(range(2, count + 2), pa.int64()),
        "_status": pa.array(status),
        "_reason": pa.array([None if each == "valid" else "invalid_value" for each in status], pa.string()),
    }
    return pa.record_batch(head | columns)


def texts(*values: str | None) -> pa.Array:
    return pa.array(values, pa.string())


Told = list[tuple[str, str, str, int]]


def check(batch: pa.RecordBatch, *names: str, earlier: pa.RecordBatch | None = None) -> tuple[pa.RecordBatch, Told]:
    """The checked records, and the problems but for links that nothing maps."""
    checked, found = FieldChecks(mapping(*map(field, names)), catalog(), CONTEXT).apply(batch, earlier)
    rows = [row for problems in found for row in problems.to_pylist() if row["code"] != "recommended_missing"]
    return checked, [(row["code"], row["severity"], row["field"], row["row"]) for row in rows]


@pytest.mark.parametrize(
    ("name", "good", "bad", "code"),
    [
        ("last_name", "Li", "Longer", "too_long"),
        ("last_name", "Li", "", "required_missing"),
        ("last_name", "Li", None, "required_missing"),
        ("born_on", "2020-02-29", "2021-02-29", "wrong_type"),
        ("born_on", "1900-01-01", "1899-12-31", "out_of_range"),
        ("born_on", "2026-07-01", "2026-07-02", "out_of_range"),
        ("age", "0", "121", "out_of_range"),
        ("age", "12", "-1", "out_of_range"),
        ("age", "12", "twelve", "wrong_type"),
        ("weight", "12.5", "much", "wrong_type"),
        ("is_veteran", "true", "perhaps", "wrong_type"),
        ("seen_at", "2026-01-31T10:00:00Z", "soon", "wrong_type"),
        ("consent", "yes", "YES", "not_in_enum"),
        ("consent", None, "maybe", "not_in_enum"),
        ("zip", "45402", "4540", "bad_format"),
        ("zip", None, "45402-1", "bad_format"),
        ("county", "Brown", "Butler", "unknown_option"),
        ("county", None, "adams", "unknown_option"),
    ],
)
def test_a_bad_value_is_told_and_keeps_its_record_out(name: str, good: str | None, bad: str | None, code: str) -> None:
    checked, told = check(records(**{name: texts(good, bad)}), name)
    assert told == [(code, "block", name, 2)]
    assert checked["_status"].to_pylist() == ["valid", "quarantined"]
    assert checked["_reason"].to_pylist() == [None, code]


def test_text_becomes_the_type_of_its_attribute() -> None:
    checked, told = check(records(born_on=texts("2020-02-29", None), age=texts("7", "")), "born_on", "age")
    assert told == []
    assert checked["born_on"].to_pylist() == [date(2020, 2, 29), None]
    assert checked["age"].to_pylist() == [7, None]


def test_typed_columns_stay_as_they_are() -> None:
    checked, told = check(records(born_on=pa.array([date(2020, 2, 29)])), "born_on")
    assert told == []
    assert checked["born_on"].to_pylist() == [date(2020, 2, 29)]


def test_each_label_of_a_list_is_looked_up() -> None:
    column = pa.array([["Asian", "White"], ["Asian", "Martian"], [], None], pa.list_(pa.string()))
    checked, told = check(records(races=column), "races")
    assert told == [("unknown_option", "block", "races", 2)]
    assert checked["_status"].to_pylist() == ["valid", "quarantined", "valid", "valid"]


def test_one_pass_tells_every_problem_of_every_row() -> None:
    batch = records(last_name=texts(None, "Longer"), first_name=texts(None, None), age=texts("x", "130"))
    checked, told = check(batch, "last_name", "first_name", "age")
    assert sorted(told) == [
        ("out_of_range", "block", "age", 2),
        ("required_missing", "block", "first_name", 1),
        ("required_missing", "block", "first_name", 2),
        ("required_missing", "block", "last_name", 1),
        ("too_long", "block", "last_name", 2),
        ("wrong_type", "block", "age", 1),
    ]
    assert checked["_reason"].to_pylist() == ["required_missing", "too_long"]


def test_a_record_that_mapping_set_aside_is_still_checked_and_keeps_its_reason() -> None:
    checked, told = check(records(["quarantined"], first_name=texts(None)), "first_name")
    assert told == [("required_missing", "block", "first_name", 1)]
    assert checked["_reason"].to_pylist() == ["invalid_value"]


def test_a_field_emptied_by_a_told_problem_is_not_missing_as_well() -> None:
    batch = records(["quarantined", "valid"], last_name=texts(None, None), first_name=texts(None, "A"))
    earlier = problem_rows(
        batch.slice(0, 1), code="invalid_value", severity=Severity.BLOCK, mapping="people", entity="person",
        table="legacy.PERSONS", field="last_name",
    )  # fmt: skip
    _, told = check(batch, "last_name", "first_name", earlier=earlier)
    assert told == [
        ("required_missing", "block", "last_name", 2),
        ("required_missing", "block", "first_name", 1),
    ]


def test_a_recommended_link_is_told_and_lets_the_record_through() -> None:
    batch = records(provider=texts("a" * 32, None))
    checked, found = FieldChecks(mapping(field("provider")), catalog(), CONTEXT).apply(batch)
    assert [(row["code"], row["severity"], row["row"]) for each in found for row in each.to_pylist()] == [
        ("recommended_missing", "warn", 2)
    ]
    assert checked["_status"].to_pylist() == ["valid", "valid"]


def test_a_recommended_link_that_nothing_maps_is_told_for_every_record() -> None:
    _, found = FieldChecks(mapping(field("age")), catalog(), CONTEXT).apply(records(age=texts("1", "2")))
    assert [(row["field"], row["row"]) for each in found for row in each.to_pylist()] == [
        ("provider", 1),
        ("provider", 2),
    ]


def test_what_only_the_tenant_knows_is_noted_once_a_mapping() -> None:
    checks = FieldChecks(mapping(field("gender"), field("county")), catalog(), CONTEXT)
    assert sorted(checks.notes()) == [
        ("option_not_checked", "gender", "gender"),
        ("requirement_unknown", "maybe", "person"),
    ]


def test_labels_are_not_checked_against_a_list_that_nobody_knows() -> None:
    _, told = check(records(gender=texts("Anything")), "gender")
    assert told == []


def test_problems_hold_no_values() -> None:
    batch = records(last_name=texts("Secretly"), zip=texts("Hidden"), age=texts("Whisper"), county=texts("Nowhere"))
    _, found = FieldChecks(mapping(*map(field, ["last_name", "zip", "age", "county"])), catalog(), CONTEXT).apply(batch)
    said = str([each.to_pylist() for each in found])
    assert not any(value in said for value in ("Secretly", "Hidden", "Whisper", "Nowhere"))


def test_an_empty_batch_gets_its_types_all_the_same() -> None:
    checked, told = check(records(age=texts(), races=pa.array([], pa.list_(pa.string()))), "age", "races")
    assert told == []
    assert checked.schema.field("age").type == pa.int64()


class Shelf:
    """Files by path: a size, or why there is none."""

    def __init__(self, **known: int | str) -> None:
        self._known = known

    def inspect(self, source: str, path: str) -> FileFacts | str:
        found = self._known[path]
        return found if isinstance(found, str) else FileFacts(found, f"hash of {path}")

    def open(self, source: str, path: str) -> object:
        raise AssertionError("validation opens no file")


def check_files(on_missing: OnMissing, *paths: str | None) -> tuple[pa.RecordBatch, list[tuple[str, str, int]]]:
    shelf = Shelf(good=10, empty=0, big=11, gone="file_missing", outside="file_refused")
    file = Field("file", FileField("scans", "PATH", on_missing), OnError.QUARANTINE, None, None, None, (), PLACE)
    checked, found = FieldChecks(mapping(file), catalog(), CONTEXT, shelf).apply(records(file=texts(*paths)))
    rows = [row for each in found for row in each.to_pylist() if row["code"] != "recommended_missing"]
    return checked, sorted((row["code"], row["severity"], row["row"]) for row in rows)


def test_every_way_a_file_can_fail_is_told_and_keeps_its_record_out() -> None:
    checked, told = check_files(OnMissing.BLOCK, "good", "empty", "big", "gone", "outside", None)
    assert told == [
        ("file_empty", "block", 2),
        ("file_missing", "block", 4),
        ("file_missing", "block", 6),
        ("file_refused", "block", 5),
        ("file_too_large", "block", 3),
    ]
    assert checked["_status"].to_pylist() == ["valid", *["quarantined"] * 5]
    assert checked["file._size"].to_pylist() == [10, None, None, None, None, None]
    assert checked["file._sha256"].to_pylist()[0] == "hash of good"


def test_a_file_that_may_be_missing_is_emptied_and_lets_its_record_through() -> None:
    checked, told = check_files(OnMissing.EMPTY, "good", "gone")
    assert told == [("file_missing", "warn", 2)]
    assert checked["file"].to_pylist() == ["good", None]
    assert checked["_status"].to_pylist() == ["valid", "valid"]
