"""Every row of the crash table has a test: where a process may end, by what it is shown that nothing is lost or doubled.

``Way`` names say how the process ends: a real SIGKILL, the durable files as they are at that moment, an exception, or a
cancellation of the whole load. The sweep of the small world (``ALL_POINTS``) ends at every change of state and every call.
"""

from __future__ import annotations

import importlib
from collections import Counter

import pytest

from tests.e2e.fail_points import WAYS

CUTS = (
    "tests.load.test_power_cuts",
    "test_whatever_a_power_cut_leaves_of_an_intents_commit_each_record_is_created_once",
)
CRASHES, POINTS, CALLS = "tests.load.test_crashes", "tests.e2e.test_crash_points", "tests.e2e.test_syscalls"
UPKEEP, KILLS, CLASSES = (
    "tests.state.test_ends_amid_upkeep",
    "tests.e2e.test_kills",
    "tests.casebook.test_attempt_classes",
)
ALL_POINTS = (CRASHES, "test_ending_at_any_point_in_any_way_is_harmless")
ANY_CALL = (CALLS, "test_a_call_that_fails_or_is_the_last_leaves_a_load_that_goes_on_exactly")
ANY_MOMENT = (KILLS, "test_a_load_killed_five_times_at_a_cutting_server_is_exact")
LOADS = (POINTS, "test_a_load_that_ends_there_is_whole_after_the_same_command")
UNDOES = (POINTS, "test_an_undoing_that_ends_there_is_whole_after_the_same_command")
TABLE: dict[str, list[tuple[str, str]]] = {
    "C0: before anything is sent": [LOADS, ANY_MOMENT, ANY_CALL],
    "C1: before the intent is durable": [LOADS, ALL_POINTS, ANY_CALL],
    "C2: amid the intent's commit": [LOADS, CUTS, ANY_CALL],
    "C3: intent durable, nothing sent": [LOADS, ALL_POINTS, ANY_MOMENT],
    "C4: the request is written in part": [
        LOADS, ANY_CALL,
        (CLASSES, "test_an_attempt_that_is_cancelled_amid_the_request_was_sent_once_and_tells_so")],
    "C5: sent, and takes effect later": [
        LOADS, (CRASHES, "test_faults_and_deaths_in_any_mixture_lose_and_double_nothing"), ANY_MOMENT],
    "C6: took effect, the answer is lost": [LOADS, ALL_POINTS, ANY_MOMENT],
    "C7: the answer is here, not queued": [LOADS, ALL_POINTS],
    "C8: queued, not durable": [LOADS, ALL_POINTS, ANY_CALL],
    "C9: durable, children not begun": [LOADS, ALL_POINTS],
    "C10: a child's intent after its parent's id": [LOADS, ALL_POINTS, ANY_MOMENT],
    "C11: a deferred link": [LOADS, ALL_POINTS],
    "C12: an attachment's record": [LOADS, ALL_POINTS],
    "C13: an attachment's bytes": [
        LOADS, ALL_POINTS,
        ("tests.load.test_faults_of_uploads", "test_bytes_that_meet_a_fault_are_sent_again_to_one_record")],
    "C14: amid reconciling": [LOADS, ALL_POINTS],
    "C15: writing a report, copy or audit": [
        LOADS, UNDOES, (UPKEEP, "test_a_copy_that_ends_before_it_is_whole_has_no_name_and_can_be_made_again"),
        (POINTS, "test_a_line_of_the_audit_that_was_cut_short_spoils_no_later_one")],
    "C16: upgrading the state": [
        LOADS, (UPKEEP, "test_an_upgrade_that_ends_in_its_midst_leaves_the_old_version_and_can_be_repeated")],
    "C17: undoing": [UNDOES, ("tests.load.test_faults_of_undoing", "test_an_undoing_that_dies_at_any_delete_goes_on")],
    "C18: taking over a lease": [LOADS],
    "C19: fetching a token": [LOADS],
}  # fmt: skip
ROWS = [f"C{number}" for number in range(20)]


def test_no_row_is_without_a_test() -> None:
    assert [row.partition(":")[0] for row in TABLE] == ROWS
    assert all(TABLE.values())


@pytest.mark.parametrize("row", TABLE)
def test_the_tests_of_a_row_are_there(row: str) -> None:
    for module, name in TABLE[row]:
        assert callable(getattr(importlib.import_module(module), name)), f"{module} has no {name}"


def test_every_row_has_fail_points_and_each_is_met_in_every_way() -> None:
    points = importlib.import_module(POINTS)
    cells = [*points.cells(points.LOADING), *points.cells(points.UNDOING)]
    assert {row for row, _, _ in (cell.values for cell in cells)} == TABLE.keys()
    ways = Counter((row, place.point, place.where) for row, place, _ in (cell.values for cell in cells))
    assert set(ways.values()) == {len(WAYS)}, "each place once in each way"
    assert {way for _, _, way in (cell.values for cell in cells)} == set(WAYS)
