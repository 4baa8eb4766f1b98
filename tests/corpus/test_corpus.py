"""Every bad input of the corpus ends as its page says: nothing shifted, padded, dropped, quoted or left hanging."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.corpus.corpus import FOLDER, Case, cases, ended, lay_out, leaks, outcome, state_of_sources
from tests.e2e.harness import KEY, Ended

GROUPS = {
    "attachments", "csv_shape", "encodings", "graph", "keys", "mapping_yaml", "other_sources", "sql_source",
    "target", "values",
}  # fmt: skip


@pytest.fixture(autouse=True)
def _one_project_key(monkeypatch):
    monkeypatch.setenv("CASEBOOK_ETL_PROJECT_KEY", KEY)


def assert_sound(end: Ended) -> None:
    assert end.code in range(10)
    assert "Traceback" not in end.text
    assert "defect of casebook-etl" not in end.text, end.err


IN_THIS_PROCESS = [case for case in cases() if "most_memory" not in case.given]


@pytest.mark.timeout(120)
@pytest.mark.parametrize("case", IN_THIS_PROCESS, ids=lambda case: case.name)
def test_a_bad_input_ends_as_its_page_says(tmp_path, case: Case):
    place = lay_out(case, tmp_path)
    before = state_of_sources(place)
    end = ended(case, place)
    assert_sound(end)
    assert outcome(place, end) == case.expected
    assert leaks(place, end) == []
    assert state_of_sources(place) == before, "sources are only read"


@pytest.mark.parametrize("case", cases(), ids=lambda case: case.name)
def test_a_page_accounts_for_every_row_and_says_what_to_do(case: Case):
    assert case.why.endswith(".")
    assert case.expected is not None, "review the page: python tests/corpus/review.py --review"
    if "error" in case.expected:
        assert case.expected["exit_code"] in {2, 3}
        assert case.expected["hint"] or case.expected.get("mistakes")
        return
    assert case.expected["balanced"] is True
    for counts in case.expected["mappings"].values():
        assert sum(count for name, count in counts.items() if name != "read") == counts["read"]


def test_the_corpus_holds_more_than_two_hundred_cases_of_every_group():
    held = Counter(case.group for case in cases())
    print(f"\n{held.total()} cases: " + ", ".join(f"{name} {count}" for name, count in sorted(held.items())))  # noqa: T201 - the figure is asked for
    assert set(held) == GROUPS
    assert held.total() >= 200


def test_no_file_of_the_corpus_lies_idle():
    used = {case.page for case in cases()} | {case.file for case in cases()}
    assert {path for path in (FOLDER / "cases").rglob("*") if path.is_file()} <= used
