"""The corpus through the program itself: some cases of every group, and those whose memory is measured."""

from __future__ import annotations

from itertools import groupby

import pytest

from tests.corpus.corpus import Case, cases, in_a_child, lay_out, leaks, outcome
from tests.e2e.harness import KEY

MEASURED = [case for case in cases() if "most_memory" in case.given]
RUN_HERE = [case for case in cases() if case not in MEASURED and "command" not in case.given]
ONE_OF_EACH = [next(found) for _, found in groupby(RUN_HERE, key=lambda case: case.group)]


@pytest.mark.timeout(240)
@pytest.mark.parametrize("case", [*ONE_OF_EACH, *MEASURED], ids=lambda case: case.name)
def test_the_program_itself_ends_so_in_bounded_memory(tmp_path, monkeypatch, case: Case):
    monkeypatch.setenv("CASEBOOK_ETL_PROJECT_KEY", KEY)
    place = lay_out(case, tmp_path)
    end, memory = in_a_child(place)
    assert "Traceback" not in end.text
    assert "defect" not in end.err, end.err
    assert outcome(place, end) == case.expected
    assert leaks(place, end) == []
    assert memory <= case.given.get("most_memory", 1 << 30)
