"""Batches that are worked on some at a time come out as if one thread had done them all."""

from __future__ import annotations

import threading
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from etl.core.ahead import beside, made_ahead, read_ahead


@given(st.lists(st.integers(0, 3), max_size=12), st.integers(0, 3))
def test_results_come_in_the_order_of_what_was_given(delays, threads):
    def make(numbered):
        number, delay = numbered
        time.sleep(delay / 1000)
        return number

    assert list(made_ahead(make, enumerate(delays), threads)) == list(range(len(delays)))


def test_no_more_are_on_their_way_than_threads_and_one():
    taken = []

    def given():
        for number in range(10):
            taken.append(number)
            yield number

    made = made_ahead(lambda number: number, given(), threads=2)
    for number in range(10):
        assert next(made) == number
        assert len(taken) <= number + 3


def test_the_first_failure_in_order_is_told_and_the_rest_is_let_go_of():
    begun = []

    def make(number):
        begun.append(number)
        if number in {2, 3}:
            time.sleep(0.01 if number == 2 else 0)
            raise ValueError(number)
        return number

    made = made_ahead(make, range(100), threads=2)
    assert [next(made), next(made)] == [0, 1]
    with pytest.raises(ValueError, match="2"):
        next(made)
    assert max(begun) <= 5


def test_without_threads_all_is_done_where_it_is_asked_for():
    assert set(made_ahead(lambda _: threading.get_ident(), range(3), threads=0)) == {threading.get_ident()}
    assert threading.get_ident() not in set(made_ahead(lambda _: threading.get_ident(), range(3), threads=1))


def test_one_is_fetched_by_another_thread_while_the_one_before_it_is_worked_on():
    fetched, threads = threading.Event(), set()

    def given():
        yield 0
        threads.add(threading.get_ident())
        fetched.set()
        yield 1

    ahead = read_ahead(given())
    assert next(ahead) == 0
    assert fetched.wait(5), "the next one is fetched without being asked for"
    assert list(ahead) == [1]
    assert threading.get_ident() not in threads


def test_what_fetching_fails_with_is_raised_in_its_turn():
    def given():
        yield 0
        raise ValueError("no more")

    ahead = read_ahead(given())
    assert next(ahead) == 0
    with pytest.raises(ValueError, match="no more"):
        next(ahead)


def test_work_beside_a_block_is_done_when_the_block_ends():
    begun, may_end, ended = threading.Event(), threading.Event(), threading.Event()

    def work():
        begun.set()
        may_end.wait(5)
        ended.set()

    with beside(work):
        assert begun.wait(5)
        assert not ended.is_set()
        may_end.set()
    assert ended.is_set()


def test_what_work_beside_a_block_fails_with_is_raised_at_its_end():
    def work():
        raise ValueError("failed")

    with pytest.raises(ValueError, match="failed"), beside(work):
        pass
