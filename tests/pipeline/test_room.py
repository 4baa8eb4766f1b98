"""A load that the disk has no room for is refused before anything is sent."""

from __future__ import annotations

from pathlib import Path

import pytest

from etl.core.errors import StateError
from etl.pipeline.room import require_room


def test_a_load_that_fits_is_let_through(tmp_path: Path) -> None:
    require_room(tmp_path, 10)


def test_a_load_that_is_done_needs_no_room(tmp_path: Path) -> None:
    require_room(tmp_path, -5)


def test_a_load_that_does_not_fit_is_refused_with_the_sizes_and_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(StateError, match="Nothing was sent") as caught:
        require_room(tmp_path, 10**12)
    assert "2,048,000,000.0 MB" in caught.value.message
    assert "`runs:`" in caught.value.hint
