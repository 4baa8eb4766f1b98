"""What reading back found stays told: no run mends it, so no run makes it be forgotten; only a clean reading does."""

from __future__ import annotations

from dataclasses import replace

from tests.e2e.harness import etl, sandbox, small


def test_findings_of_verify_go_with_every_run_until_a_whole_reading_finds_none(tmp_path):
    with sandbox() as casebook:
        place = small(tmp_path, casebook.base_url)
        assert place.run().code == 0
        row = casebook.oracle.database.row(casebook.oracle.records("person")[0].id)
        casebook.oracle.database.replace(replace(row, attributes={**row.attributes, "first_name": "Other"}))

        found = etl("verify", place.project, "--progress", "none")
        assert found.code == 1
        assert "casebook-etl run" not in found.out, "a run sends only what the source changed"
        assert "casebook-etl verify" in found.out
        assert "set it right in Casebook" in found.out

        for _ in range(2):
            again = place.run()
            assert again.code == 1, again.text
            assert "found 1 difference and was not repeated since" in again.out
            assert "Field that differs in Casebook (1)" in again.out
            assert place.summary()["open_findings"]["findings"] == {"altered_in_target": 1}
            assert "was read back as a whole since" in (place.latest("report.html")).read_text("utf-8")

        part = etl("verify", place.project, "--subset", "1/9999", "--progress", "none")
        assert "not repeated since" in part.out, "a part answers nothing"
        casebook.oracle.database.replace(row)
        assert etl("verify", place.project, "--progress", "none").code == 0
        assert place.run().code == 0
        assert place.summary()["open_findings"] is None
