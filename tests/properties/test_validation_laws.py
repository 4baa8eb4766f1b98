"""Laws of checking: the order of rows, how they are cut into batches and what else is wrong with them change nothing."""

from __future__ import annotations

from datetime import date

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from etl.catalog.model import Api, Attribute, Catalog, Entity, Kind
from etl.core.ports import BaseQuery
from etl.mapping.model import EntityMapping, Field, OnError, Pipeline, Position
from etl.mapping.operations import Context
from etl.validate import FieldChecks

PLACE = Position("people.yaml", 1, 1)
ATTRIBUTES = {
    "name": Attribute("name", Kind.STRING, required=True, max_length=3),
    "born": Attribute("born", Kind.DATE, minimum="1900-01-01"),
    "age": Attribute("age", Kind.INTEGER, maximum="120"),
    "consent": Attribute("consent", Kind.ENUM, enum=("yes", "no")),
}
PERSON = Entity("person", "s", "t", "/p", ("create",), ATTRIBUTES, {})
CATALOG = Catalog(Api({}, "", 0, 0, None), {"person": PERSON}, {})
FIELDS = tuple(
    Field(name, Pipeline((name,)), OnError.QUARANTINE, None, None, None, (), PLACE, attribute)
    for name, attribute in ATTRIBUTES.items()
)
MAPPING = EntityMapping(
    "people", "person", BaseQuery("legacy.PERSONS", ()), None, ("ID",), "people", FIELDS, "sum", PLACE
)
CHECKS = FieldChecks(MAPPING, CATALOG, Context(date(2026, 7, 1), "UTC"))

cells = {
    "name": st.sampled_from([None, "", "Ana", "Anna"]),
    "born": st.sampled_from([None, "1980-02-29", "1981-02-29", "1800-01-01"]),
    "age": st.sampled_from([None, "7", "121", "old"]),
    "consent": st.sampled_from([None, "yes", "YES"]),
}
rows = st.lists(st.fixed_dictionaries(cells), max_size=12)
Row = dict[str, str | None]
Verdicts = dict[int, tuple[str, set[tuple[str, str]]]]


def verdicts(numbered: list[tuple[int, Row]]) -> Verdicts:
    """Status and problems of each row."""
    numbers = [number for number, _ in numbered]
    columns = {name: pa.array([row[name] for _, row in numbered], pa.string()) for name in ATTRIBUTES}
    head = {
        "_rk": pa.array([f"{number:032x}" for number in numbers], pa.string()),
        "_row": pa.array(numbers, pa.int64()),
        "_line": pa.nulls(len(numbers), pa.int64()),
        "_status": pa.array(["valid"] * len(numbers), pa.string()),
        "_reason": pa.nulls(len(numbers), pa.string()),
    }
    checked, found = CHECKS.apply(pa.record_batch(head | columns))
    told = [(row["row"], row["code"], row["field"]) for each in found for row in each.to_pylist()]
    assert len(told) == len(set(told))
    statuses = dict(zip(checked["_row"].to_pylist(), checked["_status"].to_pylist(), strict=True))
    return {
        number: (statuses[number], {(code, field) for at, code, field in told if at == number}) for number in numbers
    }


@given(rows, st.randoms(use_true_random=False))
def test_the_order_of_rows_changes_no_verdict(given_rows: list[Row], dice) -> None:
    numbered = list(enumerate(given_rows))
    shuffled = dice.sample(numbered, len(numbered))
    assert verdicts(numbered) == verdicts(shuffled)


@given(rows, st.integers(0, 12))
def test_how_rows_are_cut_into_batches_changes_no_verdict(given_rows: list[Row], cut: int) -> None:
    numbered = list(enumerate(given_rows))
    assert verdicts(numbered) == verdicts(numbered[:cut]) | verdicts(numbered[cut:])


@given(rows)
def test_what_is_wrong_with_one_field_hides_nothing_of_another(given_rows: list[Row]) -> None:
    good = {"name": "Ana", "born": None, "age": None, "consent": None}
    together = verdicts(list(enumerate(given_rows)))
    for name in ATTRIBUTES:
        alone = verdicts([(number, good | {name: row[name]}) for number, row in enumerate(given_rows)])
        for number, (_, told) in together.items():
            assert {each for each in told if each[1] == name} == {each for each in alone[number][1] if each[1] == name}


@given(rows)
def test_a_record_is_quarantined_exactly_where_something_is_wrong(given_rows: list[Row]) -> None:
    for status, told in verdicts(list(enumerate(given_rows))).values():
        assert (status == "quarantined") == bool(told)
