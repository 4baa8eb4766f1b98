"""What a load does with the process that it runs in."""

from __future__ import annotations

import gc

import pytest

from etl.pipeline.loading import uncollected


def test_what_was_there_before_a_load_is_looked_through_again_after_it() -> None:
    counted = 0

    def work() -> None:
        nonlocal counted
        with uncollected():
            counted = gc.get_freeze_count()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        work()
    assert counted
    assert not gc.get_freeze_count()
