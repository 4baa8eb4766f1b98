"""Batches worked on some at a time, anywhere on the line: several go in, and they come out in the order in which they came.

Columns are worked on without Python's lock, so that a second thread makes use of a second core. How many batches are on
their way is bounded, because a batch is the unit of memory.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Given = TypeVar("Given")
Made = TypeVar("Made")


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
