"""Runs are told apart and sort in the order in which they began, also within one second."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from etl.pipeline.workspace import RunFolder

BEGUN = datetime(2026, 7, 1, 9, 15, 0, tzinfo=UTC)


class Moments:
    """A clock that shows given fractions of one second, in microseconds, one after the other."""

    def __init__(self, *microseconds: int) -> None:
        self._left = list(microseconds)

    def now(self) -> datetime:
        return BEGUN.replace(microsecond=self._left.pop(0))


def test_runs_of_one_second_sort_in_the_order_in_which_they_began(tmp_path):
    moments = (0, 16, 999, 4_000, 250_000, 999_999)
    clock = Moments(*moments)
    ids = [RunFolder.new(tmp_path, clock).run_id for _ in moments]
    assert ids == sorted(set(ids))
    assert (ids[0], ids[-1]) == ("20260701T091500Z-0000", "20260701T091500Z-ffff")


def test_a_run_that_begins_in_the_moment_of_another_has_a_folder_of_its_own(tmp_path):
    clock = Moments(500_000, 500_000, 500_001, 500_020)
    ids = [RunFolder.new(tmp_path, clock).run_id for _ in range(2)]
    assert ids == ["20260701T091500Z-8000", "20260701T091500Z-8001"]


def test_a_file_in_the_place_of_the_runs_folder_is_told_and_not_tried_for_ever(tmp_path):
    (tmp_path / "runs").write_text("")
    with pytest.raises(FileExistsError):
        RunFolder.new(tmp_path / "runs", Moments(1, 2, 3))
