"""Going on with a plan of which much is done: what is left is found without looking at each record."""

from __future__ import annotations

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from etl.core.outcomes import RecordState
from etl.load.done import CreatedKeys
from tests.load.world import CASES, PEOPLE, World, case, key_of, person

KEYS = st.sampled_from(
    ["0" * 32, "f" * 32, "00" * 15 + "01", "00" * 15 + "ff", "01" + "00" * 15, "ab" * 16]
) | st.integers(0, 2**128 - 1).map(lambda number: f"{number:032x}")


@given(st.lists(st.lists(KEYS, max_size=20), max_size=5), st.lists(KEYS, max_size=30))
def test_the_set_holds_exactly_what_it_was_given(blocks: list[list[str]], asked: list[str]) -> None:
    given_keys = {key for block in blocks for key in block}
    created = CreatedKeys(["".join(block) for block in blocks])
    wanted = [*asked, *given_keys]
    column = pa.chunked_array([wanted[:7], wanted[7:]], pa.string())
    assert created.contains(column).tolist() == [key in given_keys for key in wanted]
    assert created.contains(column.slice(3)).tolist() == [key in given_keys for key in wanted[3:]]


def test_a_load_that_goes_on_reads_only_what_is_left(world: World) -> None:
    world.plan((PEOPLE, [person(f"p{number}") for number in range(20)]))
    world.target.faults = lambda number, _document: "rejected" if number > 12 else None
    world.load()
    world.target.faults = lambda _number, _document: None
    with world.open() as state:
        done = CreatedKeys(state.created_keys())
        created = state.known([key_of(PEOPLE, f"p{number}") for number in range(20)])
    left = [record.key for _, batch in world.planned.outstanding(done) for record in batch]
    assert len(done) == 12
    is_done = {key for key, known in created.items() if known.state is RecordState.CREATED}
    assert left == [key for number in range(20) if (key := key_of(PEOPLE, f"p{number}")) not in is_done]
    assert sum(left_out for left_out, _ in world.planned.outstanding(done)) == 12


def test_unchanged_records_are_left_out_and_changed_ones_are_not(world: World) -> None:
    world.plan((CASES, [case("1"), case("2"), case("3")]))
    world.load()
    world.plan((CASES, [case("1"), case("2", case_status="Closed"), case("3"), case("4")]))
    with world.open() as state:
        done = CreatedKeys(state.created_keys())
    left = [record.key for _, batch in world.planned.outstanding(done) for record in batch]
    assert left == [key_of(CASES, "2"), key_of(CASES, "4")]
