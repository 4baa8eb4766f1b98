"""A sample holds every entity and run, and of what is held to be absent too, repeats with its seed; parts together are everything, each record once."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from etl.core.changes import Intend, MarkBlocked, MarkCreated, MarkRejected
from etl.core.errors import TargetBusy
from etl.core.keys import RecordKey
from etl.core.records import RunId, TargetId
from etl.load.sampling import Scope, batched, chosen, quotas
from tests.load.world import PEOPLE, World, person

strata = st.dictionaries(
    st.tuples(st.sampled_from("ab"), st.sampled_from("12"), st.booleans()), st.integers(1, 500), min_size=1
)


@pytest.fixture
def state(world: World):
    with world.open() as store:
        for run, entity, count in (("r1", "person", 60), ("r2", "person", 20), ("r2", "case", 3)):
            store.start_run(RunId(f"{run}-{entity}"), "run", "", {})
            for number in range(count):
                key = RecordKey(f"{run}{entity}{number}".encode().hex().ljust(32, "0"))
                store.commit(Intend(key, entity, "m", "", b""), MarkCreated(key, TargetId(key))).result(timeout=10)
        yield store


@pytest.fixture
def refused(state) -> RecordKey:
    """One person who was sent and refused, beside one who was never sent."""
    sent, unsent = RecordKey("a" * 32), RecordKey("b" * 32)
    state.commit(Intend(sent, "person", "m", "", b""), MarkRejected(sent, 422, "")).result(timeout=10)
    state.commit(MarkBlocked(unsent, "person", "m", sent)).result(timeout=10)
    return sent


@given(strata, st.integers(1, 2000))
def test_every_stratum_is_in_a_sample_and_none_gives_more_than_it_has(held, count):
    takes = quotas(Counter(held), Scope(count=count))
    assert all(1 <= takes[each] <= held[each] for each in held)
    assert sum(takes.values()) >= min(count, sum(held.values()))
    assert sum(takes.values()) <= count + len(held)


def test_a_sample_repeats_with_its_seed_and_differs_with_another(state):
    first, same, other = ({known.key for known in chosen(state, Scope(count=20, seed=seed))} for seed in (1, 1, 2))
    assert first == same != other
    assert {(known.entity, known.run_id) for known in chosen(state, Scope(share=0.01))} == {
        ("person", "r1-person"),
        ("person", "r2-person"),
        ("case", "r2-case"),
    }


def test_what_was_sent_and_is_held_to_be_absent_is_in_every_sample_and_what_was_never_sent_in_none(state, refused):
    drawn = [known.key for known in chosen(state, Scope(count=4)) if known.target_id is None]
    assert drawn == [refused]
    parts = Counter(known.key for number in (1, 2, 3) for known in chosen(state, Scope(part=(number, 3))))
    assert (len(parts), parts[refused], parts.total()) == (84, 1, 84)


def test_parts_cover_everything_once(state):
    parts = Counter(known.key for number in (1, 2, 3, 4) for known in chosen(state, Scope(part=(number, 4))))
    assert parts == Counter(known.key for known in state.in_state())


def test_batches_hold_one_entity_each(state):
    batches = list(batched(chosen(state, Scope()), 25))
    assert [len(batch) for batch in batches] == [3, 25, 25, 25, 5]
    assert all(len({known.entity for known in batch}) == 1 for batch in batches)


def test_what_ends_the_reading_of_a_sample_comes_out_as_itself(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.plan((PEOPLE, [person("a"), person("b")]))
    world.load()

    async def busy(_self: object, _entity: str, _target_id: TargetId) -> None:
        raise TargetBusy("Busy.")

    monkeypatch.setattr(type(world.target), "get", busy)
    with pytest.raises(TargetBusy):
        world.verify(Scope(count=2))
