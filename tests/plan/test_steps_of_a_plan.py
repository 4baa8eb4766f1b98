"""What a plan wants done with a record, from what the source says now and what state knows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from etl.catalog.model import Attribute, Kind, Link
from etl.core.changes import PendingLink
from etl.core.fingerprint import FieldBlobs, canonical_text, field_hashes, without
from etl.core.keys import RecordKey, RecordKeys
from etl.core.outcomes import SEND_AGAIN, RecordState
from etl.core.ports import BaseQuery
from etl.core.records import PLAN_SCHEMA, RunId, TargetId
from etl.core.state_port import KnownRecord
from etl.mapping.model import (
    EntityMapping,
    Field,
    FileField,
    OnError,
    OnMissing,
    Pipeline,
    Position,
    Reference,
    ReferenceTarget,
    SendNull,
)
from etl.plan.steps import PlanContext, left_standing, plan_batch, steps_of

KEYS = RecordKeys(b"k" * 32)
PLACE = Position("people.yaml", 1, 1)
ONE = RecordKey("1" * 32)


def field_of(name: str) -> Field:
    """A field; behind a name `!` says that it is cleared when it becomes empty."""
    send_null, name = SendNull.CLEAR if name.endswith("!") else SendNull.OMIT, name.removesuffix("!")
    link, value, attribute = None, Pipeline((name,)), Attribute(name, Kind.STRING)
    if name in ("mother", "helpers"):
        link, attribute = Link(name, ("person",), many=name == "helpers"), None
        value = Reference((ReferenceTarget("person", "people", "", (name,)),), None, OnMissing.EMPTY)
    if name == "file":
        value, attribute = FileField("scans", "PATH", OnMissing.BLOCK), None
    return Field(name, value, OnError.QUARANTINE, None, None, None, (), PLACE, attribute, link, send_null)


def people(*names: str) -> EntityMapping:
    fields = tuple(map(field_of, names))
    return EntityMapping(
        "people", "person", BaseQuery("legacy.PERSONS", ()), None, ("ID",), "people", fields, "sum", PLACE
    )


@dataclass
class State:
    """A state reader that knows what it is told."""

    records: dict[RecordKey, KnownRecord] = field(default_factory=dict)

    def known(self, keys: Sequence[RecordKey]) -> dict[RecordKey, KnownRecord]:
        return {key: self.records[key] for key in keys if key in self.records}


def batch(dropped: list[str] | None = None, deferred: list[str] | None = None, **values: object) -> pa.RecordBatch:
    """One ordered record."""
    columns: dict[str, pa.Array] = {name: pa.array([value], _type(name)) for name, value in values.items()}
    return pa.record_batch(
        columns
        | {
            "_rk": pa.array([ONE]),
            "_row": pa.array([7], pa.int64()),
            "_line": pa.array([8], pa.int64()),
            "_status": pa.array(["valid"]),
            "_reason": pa.nulls(1, pa.string()),
            "_depth": pa.array([2], pa.int32()),
            "_dropped": pa.array([dropped or []], pa.list_(pa.string())),
            "_deferred": pa.array([deferred or []], pa.list_(pa.string())),
        }
    )


def _type(name: str) -> pa.DataType:
    return pa.list_(pa.string()) if name == "helpers" else pa.string()


def step(state: State, rows: pa.RecordBatch, *names: str, late: Sequence[str] = (), retry: bool = False):
    """The one step of a plan."""
    context = PlanContext(KEYS, state, frozenset(late), 3, retry)
    (row,) = steps_of(plan_batch(people(*names), rows, context)).to_pylist()
    return row


def remembered(planned: Mapping[str, object], state: RecordState = RecordState.CREATED, error: str = "") -> State:
    """State after a planned record came to this."""
    target = TargetId("t1") if state in (RecordState.CREATED, RecordState.DUPLICATE) else None
    known = KnownRecord(
        ONE, "person", "people", state, str(planned["fingerprint"]), bytes(planned["field_hashes"]), 1, target, None,
        error, RunId("r"),
    )  # fmt: skip
    return State({ONE: known})


def test_a_record_that_nobody_knows_is_created() -> None:
    found = step(State(), batch(name="Ana"), "name")
    assert (found["action"], found["row"], found["wave"], found["record_key"]) == ("create", 7, 5, ONE)
    assert (found["changed"], found["cleared"], found["deferred"]) == ([], [], [])


def test_a_plan_of_what_was_loaded_is_empty() -> None:
    state = remembered(step(State(), batch(name="Ana", mother="2" * 32), "name", "mother"))
    assert step(state, batch(name="Ana", mother="2" * 32), "name", "mother")["action"] == "nothing"


def test_an_update_names_what_changed_and_what_became_empty() -> None:
    state = remembered(step(State(), batch(a="1", b="2", c="3", d=None), "a", "b", "c", "d"))
    found = step(state, batch(a="1", b="9", c=None, d="4"), "a", "b", "c!", "d")
    assert (found["action"], found["changed"], found["cleared"]) == ("update", ["b", "d"], ["c"])


def test_a_field_that_became_empty_is_left_alone_unless_it_is_to_be_cleared() -> None:
    state = remembered(step(State(), batch(a="1", b="2"), "a", "b"))
    found = step(state, batch(a="1", b=None), "a", "b")
    assert (found["action"], found["changed"], found["cleared"]) == ("nothing", [], [])
    found = step(state, batch(a="9", b=None), "a", "b")
    assert (found["action"], found["changed"], found["cleared"]) == ("update", ["a"], [])


def test_what_casebook_keeps_is_remembered_so_that_it_can_be_cleared_later() -> None:
    state = remembered(step(State(), batch(a="1", b="2"), "a", "b"))
    state = remembered(step(state, batch(a="9", b=None), "a", "b"))
    assert step(state, batch(a="9", b="2"), "a", "b")["action"] == "nothing", "Casebook holds it still"
    assert step(state, batch(a="9", b="3"), "a", "b")["changed"] == ["b"]
    assert step(state, batch(a="9", b=None), "a", "b!")["cleared"] == ["b"]


def test_a_field_is_cleared_once_and_filled_again_when_it_has_a_value() -> None:
    state = remembered(step(State(), batch(a="1", b="2"), "a", "b!"))
    state = remembered(step(state, batch(a="1", b=None), "a", "b!"))
    assert step(state, batch(a="1", b=""), "a", "b!")["action"] == "nothing"
    assert step(state, batch(a="1", b=None), "a", "b")["action"] == "nothing", "it stays cleared"
    assert step(state, batch(a="1", b="2"), "a", "b!")["changed"] == ["b"]


def test_a_link_that_policy_leaves_out_keeps_what_casebook_has_unless_it_is_to_be_cleared() -> None:
    state = remembered(step(State(), batch(mother="2" * 32), "mother"))
    gone = batch([f"mother:{'2' * 32}"], mother="2" * 32)
    assert step(state, gone, "mother")["action"] == "nothing"
    assert step(state, gone, "mother!")["cleared"] == ["mother"]


def test_what_stays_in_casebook_though_the_source_has_it_no_more_is_told_by_field() -> None:
    state = remembered(step(State(), batch(a="1", b="2", c="3"), "a", "b", "c!"))
    planned = plan_batch(people("a", "b", "c!"), batch(a="1", b=None, c=None), PlanContext(KEYS, state, frozenset(), 1))
    told = [(name, rows.to_pylist()) for name, rows in left_standing(planned)]
    assert told == [("b", [{"_rk": ONE, "_row": 7, "_line": 8}])]


def test_nothing_is_told_to_be_left_of_a_record_that_was_deleted_on_purpose() -> None:
    state = remembered(step(State(), batch(a="1", b="2"), "a", "b"))
    context = PlanContext(KEYS, state, frozenset(), 1, deleted={ONE})
    assert list(left_standing(plan_batch(people("a", "b"), batch(a="1", b=None), context))) == []


@pytest.mark.parametrize(
    ("now", "action", "unlinked"), [(None, "nothing", True), ("3", "update", True), ("2", "nothing", False)]
)
def test_a_link_that_is_still_to_be_set_counts_as_written_while_the_source_has_it(
    now: str | None, action: str, *, unlinked: bool
) -> None:
    state = remembered(step(State(), batch(a="1", mother="2" * 32), "a", "mother"))
    context = PlanContext(KEYS, state, frozenset(), 1, pending={ONE: [PendingLink("mother", RecordKey("2" * 32))]})
    rows = batch(a="1", mother=now and now * 32)
    (row,) = plan_batch(people("a", "mother"), rows, context).to_pylist()
    assert (row["_plan.action"], row["_plan.unlinked"]) == (action, ["mother"] if unlinked else None)
    assert row["_plan.left"] is None


def test_blank_and_absent_are_the_same() -> None:
    state = remembered(step(State(), batch(a="1", b=None), "a", "b"))
    assert step(state, batch(a="1", b=""), "a", "b")["action"] == "nothing"


def test_fingerprints_do_not_depend_on_the_order_of_fields() -> None:
    first = step(State(), batch(a="1", b="2"), "a", "b")
    second = step(State(), batch(b="2", a="1"), "b", "a")
    assert (first["fingerprint"], first["field_hashes"]) == (second["fingerprint"], second["field_hashes"])


def test_a_field_that_left_the_mapping_changes_nothing_in_casebook_and_is_remembered() -> None:
    state = remembered(step(State(), batch(a="1", b="2"), "a", "b"))
    assert step(state, batch(a="1"), "a")["action"] == "nothing"
    state = remembered(step(state, batch(a="9"), "a"))
    assert step(state, batch(a="9", b="2"), "a", "b")["action"] == "nothing"
    assert step(state, batch(a="9", b="3"), "a", "b")["changed"] == ["b"]
    assert step(state, batch(a="9", b=None), "a", "b!")["cleared"] == ["b"]
    planned = plan_batch(people("a", "b"), batch(a="9", b=None), PlanContext(KEYS, state, frozenset(), 1))
    assert [name for name, _ in left_standing(planned)] == ["b"]


@pytest.mark.parametrize(
    ("known", "error", "retry", "action"),
    [
        (RecordState.REJECTED, "422", False, "nothing"),
        (RecordState.REJECTED, "422", True, "create"),
        (RecordState.REJECTED, f"{SEND_AGAIN} target_busy", False, "create"),
        (RecordState.BLOCKED, "", False, "create"),
        (RecordState.UNCERTAIN, "", False, "create"),
        (RecordState.INTENT, "", False, "create"),
        (RecordState.DUPLICATE, "", False, "nothing"),
        (RecordState.CREATED, "", False, "nothing"),
    ],
)
def test_the_state_of_a_record_decides(known: RecordState, error: str, *, retry: bool, action: str) -> None:
    state = remembered(step(State(), batch(a="1"), "a"), known, error)
    assert step(state, batch(a="1"), "a", retry=retry)["action"] == action


@pytest.mark.parametrize(
    ("known", "action"),
    [(RecordState.REJECTED, "create"), (RecordState.CREATED, "update"), (RecordState.DUPLICATE, "nothing")],
)
def test_a_changed_record_is_sent_again_but_not_where_two_of_it_exist(known: RecordState, action: str) -> None:
    state = remembered(step(State(), batch(a="1"), "a"), known)
    assert step(state, batch(a="2"), "a")["action"] == action


def test_a_link_that_policy_leaves_out_is_no_part_of_the_record() -> None:
    plain = step(State(), batch(name="Ana", mother=None), "name", "mother")
    dropped = step(State(), batch([f"mother:{'2' * 32}"], name="Ana", mother="2" * 32), "name", "mother")
    assert dropped["fingerprint"] == plain["fingerprint"]


def test_of_a_link_that_holds_many_only_the_missing_parent_is_left_out() -> None:
    rows = batch(["helpers:b"], helpers=["a", "b", "c"])
    planned = plan_batch(people("helpers"), rows, PlanContext(KEYS, State(), frozenset(), 1))
    assert planned["helpers"].to_pylist() == [["a", "c"]]


def test_links_set_later_are_those_of_the_order_that_have_a_value_and_those_of_the_row() -> None:
    assert step(State(), batch(mother="2" * 32), "mother", late=["mother"])["deferred"] == ["mother"]
    assert step(State(), batch(mother=None), "mother", late=["mother"])["deferred"] == []
    assert step(State(), batch(None, ["mother"], mother="2" * 32), "mother")["deferred"] == ["mother"]


def test_a_file_changes_with_its_content() -> None:
    def planned(state: State, content: str):
        rows = batch(file="scan.pdf").append_column("file._sha256", pa.array([content]))
        return step(state, rows.append_column("file._size", pa.array([3], pa.int64())), "file")

    state = remembered(planned(State(), "one"))
    assert planned(state, "one")["action"] == "nothing"
    assert planned(state, "two")["changed"] == ["file"]


def test_a_plan_holds_no_values() -> None:
    planned = plan_batch(people("name"), batch(name="Secret"), PlanContext(KEYS, State(), frozenset(), 1))
    steps = steps_of(planned)
    assert steps.schema.equals(PLAN_SCHEMA)
    assert "Secret" not in str(steps.to_pylist())


def test_an_empty_batch_is_planned_as_an_empty_plan() -> None:
    assert plan_batch(people("a"), batch(a="1").slice(0, 0), PlanContext(KEYS, State(), frozenset(), 1)).num_rows == 0


values = st.one_of(st.none(), st.text(max_size=5))
rows = st.dictionaries(st.sampled_from("abcd"), values, min_size=4, max_size=4)


@given(before=rows, now=rows, clearing=st.sets(st.sampled_from("abcd")))
def test_a_difference_is_exactly_what_a_person_would_call_one(
    before: dict[str, str | None], now: dict[str, str | None], clearing: set[str]
) -> None:
    old, new = _blob(before), _blob(now)
    blobs = FieldBlobs(KEYS, "abcd", clearing)
    standing = blobs.standing(old, new)
    told = blobs.difference(old, standing.blob)
    empty = {name for name in "abcd" if before[name] and not now[name]}
    assert set(told.changed) == {name for name in "abcd" if now[name] and now[name] != before[name]}
    assert set(told.cleared) == set(standing.cleared) == empty & clearing
    assert set(standing.left) == empty - clearing
    assert (old == standing.blob) == (not told.changed and not told.cleared)
    again = blobs.standing(standing.blob, new)
    assert again == standing
    assert FieldBlobs(KEYS, "abcd").standing(standing.blob, new) == standing, "what was cleared stays so"


@given(row=rows, gone=st.sets(st.sampled_from("abcd")))
def test_a_blob_without_fields_is_the_blob_of_a_record_that_lacks_them(
    row: dict[str, str | None], gone: set[str]
) -> None:
    assert without(KEYS, _blob(row), gone) == _blob(row | dict.fromkeys(gone))


def _blob(row: Mapping[str, str | None]) -> bytes:
    return bytes(field_hashes(KEYS, {name: pa.array([value], pa.string()) for name, value in row.items()})[0].as_py())


def test_values_are_hashed_in_one_form_whatever_their_type() -> None:
    lists = canonical_text(pa.array([["a", "b"], [], None], pa.list_(pa.string())))
    assert lists.to_pylist() == ["a\x1fb", None, None]
    assert canonical_text(pa.array([1.5, None])).to_pylist() == ["1.5", None]
    moments = pa.array([0], pa.timestamp("us", tz="UTC"))
    assert canonical_text(moments)[0].as_py().startswith("1970-01-01T00:00:00")
