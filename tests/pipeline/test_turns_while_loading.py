"""While a load lasts, and no longer, the thread that makes changes durable has its turn soon."""

from __future__ import annotations

import sys

import pytest

from etl.pipeline.loading import _quick_turns


def test_turns_are_as_usual_again_after_a_load_that_was_stopped():
    usual_s = sys.getswitchinterval()
    with pytest.raises(KeyboardInterrupt), _quick_turns():  # noqa: PT012 - the block is what is tested
        within_s = sys.getswitchinterval()
        raise KeyboardInterrupt
    assert within_s < usual_s / 2
    assert sys.getswitchinterval() == usual_s
