"""`where` tells what Casebook holds first; a dry run that came later does not make a loaded record look pending."""

from __future__ import annotations

from tests.e2e.harness import etl, sandbox, small


def test_a_loaded_record_stays_created_after_a_dry_run(tmp_path):
    with sandbox() as casebook:
        place = small(tmp_path, casebook.base_url)
        assert place.run().code == 0
        assert etl("validate", place.project, "--progress", "none").code == 0
        told = etl("where", "C1", "--project", place.project)
        record = casebook.oracle.records("case")
        assert told.code == 0
        line = told.out.splitlines()[0]
        assert any(line.startswith(f"cases: case {each.id} created (legacy.CASES row 1, line 2") for each in record), (
            line
        )
        assert "pending in the latest command" in line
        (found,) = etl("where", "C1", "--project", place.project, "--json").answer["found"]
        assert (found["state"], found["bucket"]) == ("created", "pending")


def test_a_record_that_is_held_back_is_not_loaded(tmp_path):
    with sandbox() as casebook:
        place = small(tmp_path, casebook.base_url)
        place.edit("cases.yaml", "case_status: {const: Open}", "case_status: {const: Open, when: \"CASE_NO <> 'C1'\"}")
        etl("validate", place.project, "--progress", "none")
        told = etl("where", "C1", "--project", place.project)
        assert told.out.startswith("cases: case not loaded (legacy.CASES row 1, line 2: ")
