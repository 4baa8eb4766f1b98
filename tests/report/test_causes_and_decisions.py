"""Problems grouped by what is to be done, decisions ordered by what they free."""

from __future__ import annotations

from pathlib import Path

import pytest

from etl.report.causes import Place, causes_of, groups_of
from etl.report.decisions import Decisions, decisions_of
from etl.report.facts import RunFiles
from etl.sources.tables import DuckTables

from .conftest import MakeRun, Row, entries, problem


def unmapped(row: int, detail: str, **more: object) -> Row:
    return problem("unmapped_value", row, field="county", detail=detail, **more)


def decisions(folder: Path, *, with_tables: bool = True) -> Decisions:
    if not with_tables:
        return decisions_of(RunFiles(folder), None)
    (folder / "temp").mkdir(exist_ok=True)
    tables = DuckTables(folder / "temp")
    try:
        return decisions_of(RunFiles(folder), tables)
    finally:
        tables.close()


def test_a_cause_is_a_code_at_a_field_with_its_share_and_first_places(make_run: MakeRun) -> None:
    problems = [problem("too_long", row) for row in range(1, 8)]
    files = RunFiles(make_run(entries(*["quarantined"] * 28), problems=problems))
    (cause,) = causes_of(files, files.facts())
    assert (cause.meaning.title, cause.count, cause.share, cause.origin) == (
        "Text longer than the field",
        7,
        0.25,
        "PERSONS.csv",
    )
    assert cause.places == tuple(Place(row, row + 1) for row in range(1, 6))


def test_the_most_frequent_details_are_kept_with_their_counts(make_run: MakeRun) -> None:
    shapes = ["99/99/9999", "99-99-99", "99/99/9999"]
    problems = [problem("invalid_value", row, detail=f"date {shape}") for row, shape in enumerate(shapes, 1)]
    files = RunFiles(make_run(problems=problems))
    (cause,) = causes_of(files, files.facts())
    assert cause.details == (("date 99/99/9999", 2), ("date 99-99-99", 1))


def test_a_problem_of_a_whole_mapping_has_neither_place_nor_share(make_run: MakeRun) -> None:
    files = RunFiles(make_run(problems=[problem("option_not_checked", None, severity="info")]))
    (cause,) = causes_of(files, files.facts())
    assert (cause.places, cause.share) == ((), None)


def test_what_keeps_most_records_out_comes_first_and_mere_consequences_last(make_run: MakeRun) -> None:
    problems = [problem("parent_not_loadable", row) for row in range(1, 9)]
    problems += [problem("missing_key"), problem("too_long"), problem("too_long", 2, field="first_name")]
    problems += [problem("link_left_out", severity="warn"), problem("withheld", severity="info")]
    files = RunFiles(make_run(problems=problems))
    groups = groups_of(causes_of(files, files.facts()))
    assert list(groups) == ["block", "warn", "info"]
    assert [(group.meaning.code, group.count) for group in groups["block"]] == [
        ("too_long", 2),
        ("missing_key", 1),
        ("parent_not_loadable", 8),
    ]


def test_a_decision_tells_the_code_its_crosswalk_and_its_rows(make_run: MakeRun) -> None:
    found = decisions(make_run(problems=[unmapped(1, "crosswalk county: ZZ"), unmapped(2, "crosswalk county: ZZ")]))
    (decision,) = found.shown
    assert (decision.crosswalk, decision.value, decision.rows, decision.frees) == ("county", "ZZ", 2, 2)
    assert not decision.is_open


def test_a_code_that_tells_who_somebody_is_stays_unsaid(make_run: MakeRun) -> None:
    (decision,) = decisions(make_run(problems=[unmapped(1, "crosswalk worker")])).shown
    assert (decision.crosswalk, decision.value) == ("worker", "")


def test_decisions_are_ordered_by_the_rows_that_each_frees_alone(make_run: MakeRun) -> None:
    problems = [unmapped(row, "crosswalk county: OFTEN") for row in (1, 2, 3)]
    problems += [problem("too_long", row) for row in (1, 2, 3)]
    problems += [unmapped(4, "crosswalk county: RARE"), unmapped(5, "crosswalk county: WARNED", severity="warn")]
    folder = make_run(problems=problems)
    assert [(each.value, each.rows, each.frees) for each in decisions(folder).shown] == [
        ("RARE", 1, 1),
        ("OFTEN", 3, 0),
        ("WARNED", 1, 0),
    ]


def test_without_tables_decisions_are_ordered_by_the_rows_they_touch(make_run: MakeRun) -> None:
    problems = [problem("open_decision", row, detail="crosswalk county: A", field="county") for row in (1, 2)]
    found = decisions(make_run(problems=[unmapped(3, "crosswalk county: B"), *problems]), with_tables=False)
    assert [(each.value, each.rows, each.frees, each.is_open) for each in found.shown] == [
        ("A", 2, None, True),
        ("B", 1, None, False),
    ]


@pytest.mark.parametrize("with_tables", [True, False])
def test_what_is_no_decision_is_not_listed(make_run: MakeRun, *, with_tables: bool) -> None:
    found = decisions(make_run(problems=[problem("too_long")]), with_tables=with_tables)
    assert (found.shown, found.count, found.headline) == ((), 0, "")


def test_the_headline_says_what_the_first_answers_are_worth(make_run: MakeRun) -> None:
    problems = [unmapped(row, f"crosswalk county: {row % 12}") for row in range(240)]
    assert decisions(make_run(problems=problems)).headline == (
        "The first 10 answers settle 83% of the rows that wait for a decision."
    )


def test_a_thousand_decisions_are_counted_and_a_hundred_shown(make_run: MakeRun) -> None:
    found = decisions(make_run(problems=[unmapped(row, f"crosswalk county: {row}") for row in range(1000)]))
    assert (found.count, len(found.shown), found.rows) == (1000, 100, 1000)
