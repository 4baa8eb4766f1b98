"""Problems as rows: a registered code, a place, and never a value."""

from __future__ import annotations

import pyarrow as pa
import pytest

from etl.core.problems import PROBLEM_SCHEMA, Severity, problem_code, problem_codes, problem_rows


def rows(**more: pa.Array) -> pa.RecordBatch:
    return pa.record_batch({"_row": pa.array([3, 4], pa.int64()), "_line": pa.array([5, None], pa.int64()), **more})


def problems(batch: pa.RecordBatch, **more: object) -> pa.RecordBatch:
    facts = {"code": "too_long", "severity": Severity.BLOCK, "mapping": "m", "entity": "person", "table": "s.T"}
    return problem_rows(batch, **(facts | more))


def test_each_row_becomes_a_problem_at_its_place() -> None:
    found = problems(rows(_rk=pa.array(["a", "b"])), field="last_name", detail="at most 5 characters")
    assert found.schema.equals(PROBLEM_SCHEMA)
    assert found.to_pylist()[1] == {
        "code": "too_long", "severity": "block", "mapping": "m", "entity": "person", "field": "last_name",
        "table": "s.T", "row": 4, "line": None, "record_key": "b", "detail": "at most 5 characters",
    }  # fmt: skip


def test_details_may_differ_from_row_to_row() -> None:
    found = problems(rows(), detail=pa.array(["99/99", None]))
    assert found["detail"].to_pylist() == ["99/99", None]
    assert found["record_key"].to_pylist() == [None, None]


def test_a_code_that_nobody_registered_is_a_defect() -> None:
    with pytest.raises(KeyError):
        problems(rows(), code="misspelt")


def test_every_code_says_what_it_is_why_it_matters_and_what_to_do() -> None:
    for each in problem_codes():
        assert problem_code(each.code) is each
        assert not each.title.endswith(".")
        assert each.why.endswith(".")
        assert each.remedy.endswith(".")
