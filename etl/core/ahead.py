"""Batches worked on some at a time, anywhere on the line: several go in, and they come out in the order in which they came.

Columns are worked on without Python's lock, so that a second thread makes use of a second core. How many batches are on
their way is bounded, because a batch is the unit of memory.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, TypeVar

Given = TypeVar("Given")
Made = TypeVar("Made")
_END: Any = object()


def made_ahead(make: Callable[[Given], Made], given: Iterable[Given], threads: int) -> Iterator[Made]:
    """What ``make`` makes of each, in order; with ``threads``, of that many at a time, and one more waits. Without any,
    each is made when it is asked for.

    What one fails with is raised in its turn; those after it are let go of.

    >>> list(made_ahead(str.upper, ["a", "b", "c"], threads=2))
    ['A', 'B', 'C']
    """
    if not threads:
        yield from map(make, given)
        return
    waiting: deque[Future[Made]] = deque()
    pool = ThreadPoolExecutor(threads, thread_name_prefix="ahead")
    try:
        for each in given:
            waiting.append(pool.submit(make, each))
            if len(waiting) > threads:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)


def read_ahead(given: Iterable[Given]) -> Iterator[Given]:
    """The same in the same order, each fetched by a thread while the one before it is worked on.

    >>> list(read_ahead(iter("abc")))
    ['a', 'b', 'c']
    """
    source = iter(given)
    with ThreadPoolExecutor(1, thread_name_prefix="ahead") as pool:
        coming = pool.submit(next, source, _END)
        while (each := coming.result()) is not _END:
            coming = pool.submit(next, source, _END)
            yield each


@contextmanager
def beside(work: Callable[[], object]) -> Iterator[None]:
    """Does some work in a thread during a block, at whose end it is waited for. What it fails with is raised there."""
    with ThreadPoolExecutor(1, thread_name_prefix="beside") as pool:
        done = pool.submit(work)
        yield
        done.result()
