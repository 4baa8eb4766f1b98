"""summary.json: every count comes from the run's own files."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pyarrow as pa
import pytest

from etl.core.errors import SettingsError
from etl.core.problems import PROBLEM_SCHEMA
from etl.report import summarize, write_report
from etl.report.schema import summary_schema
from etl.report.terminal import terminal_lines

from .conftest import MakeRun, entries, entry, mapping, planned, problem, write

_DOCS = Path(__file__).parents[2] / "docs"


def test_an_entity_fed_by_two_mappings_is_counted_once_for_each(make_run: MakeRun) -> None:
    ledger = [*entries("created", "merged"), entry(1, "updated", "staff"), entry(2, "quarantined", "staff")]
    outcomes = [{"mapping": "people", "bucket": "created"}, {"mapping": "staff", "bucket": "updated"}]
    folder = make_run(ledger, read=2, command="run", mappings=[mapping(), mapping("staff")], outcomes=outcomes)
    person = summarize(folder).entities["person"]
    assert (person.rows, person.created, person.updated, person.merged, person.quarantined) == (4, 1, 1, 1, 1)


def test_entities_stand_in_load_order(make_run: MakeRun) -> None:
    mappings = [mapping("cases", "case"), mapping()]
    folder = make_run([], read=0, mappings=mappings, order={"waves": [["person"], ["case"]]})
    assert list(summarize(folder).entities) == ["person", "case"]


def test_records_are_counted_by_verdicts_and_without_them_by_the_ledger(make_run: MakeRun) -> None:
    rows = [entry(1, "pending"), entry(2, "merged"), entry(3, "quarantined", key=None), entry(4, "ignored", key=None)]
    folder = make_run(rows)
    assert summarize(folder).entities["person"].records == 1
    schema = pa.schema([("mapping", pa.string())])
    write(folder / "records" / "verdicts.parquet", [{"mapping": "people"}] * 2, schema)
    assert summarize(folder).entities["person"].records == 2


def test_deferred_links_and_files_are_counted(make_run: MakeRun) -> None:
    plan = [planned("create", deferred=["mother", "father"]), planned("create"), planned("create", deferred=["mother"])]
    folder = make_run(plan=plan, mappings=[mapping(fields=[{"name": "scan", "kind": "file"}])])
    hashes = [{"scan._sha256": "ab"}, {"scan._sha256": None}]
    write(folder / "records" / "mapped" / "people.parquet", hashes, pa.schema([("scan._sha256", pa.string())]))
    person = summarize(folder).entities["person"]
    assert (person.deferred_links, person.attachments) == (3, 1)


def test_problems_of_mapping_and_of_loading_are_counted_by_code_and_severity(make_run: MakeRun) -> None:
    folder = make_run(problems=[problem("too_long"), problem("too_long", severity="warn"), problem("too_long")])
    write(folder / "load_problems.parquet", [problem("rejected_by_target")], PROBLEM_SCHEMA)
    assert summarize(folder).problems == {"rejected_by_target": {"block": 1}, "too_long": {"block": 2, "warn": 1}}


def test_the_plan_is_counted_by_entity(make_run: MakeRun) -> None:
    folder = make_run(plan=[planned("create"), planned("update"), planned("create"), planned("nothing", "case")])
    plan = summarize(folder).plan
    assert (plan["person"].create, plan["person"].update, plan["case"].nothing) == (2, 1, 1)


def test_requests_are_counted_by_verb_and_status_and_the_rate_by_what_was_written(make_run: MakeRun) -> None:
    outcomes = [{"mapping": "people", "bucket": bucket} for bucket in ("created", "created", "unchanged")]
    requests = {"POST 201": 2, "POST 429": 1, "GET 200": 4}
    folder = make_run(
        entries("created", "created", "unchanged"), command="run", requests=requests, load_s=4.0, outcomes=outcomes
    )
    summary = summarize(folder)
    assert summary.requests == {"GET": {"200": 4}, "POST": {"201": 2, "429": 1}}
    assert (summary.rates.load_s, summary.rates.records_per_s) == (4.0, 0.5)


def test_a_run_that_was_continued_has_no_rate_because_the_seconds_before_are_not_known(make_run: MakeRun) -> None:
    outcomes = [{"mapping": "people", "bucket": "created"}] * 2
    folder = make_run(entries("created", "created"), command="run", continued=True, load_s=4.0, outcomes=outcomes)
    summary = summarize(folder)
    assert (summary.rates.load_s, summary.rates.records_per_s) == (4.0, 0.0)
    assert "a second" not in "\n".join(terminal_lines(summary))


def test_findings_of_reading_back_are_counted_by_code(make_run: MakeRun) -> None:
    finding = {"code": "lost_in_target", "entity": "person", "mapping": "people", "key": "00", "target_id": "9"}
    verify = {"checked": {"person": 1}, "expected": {"person": 3}, "findings": [finding, finding]}
    found = summarize(make_run(command="run", verify=verify)).verify
    assert found is not None
    assert (found.checked, found.expected, found.findings) == ({"person": 1}, {"person": 3}, {"lost_in_target": 2})


def test_a_manifest_that_ends_early_gets_a_report_too(make_run: MakeRun) -> None:
    folder = make_run()
    for each in ("ledger", "tables", "problems"):
        (folder / f"{each}.parquet").unlink()
    (folder / "manifest.json").write_text('{"version": 1, "run_id": "r", "command": "run"}', "utf-8")
    summary = write_report(folder)
    assert (summary.entities, summary.ledger.balanced, summary.is_complete) == ({}, False, False)


def test_the_file_holds_the_summary_and_belongs_to_its_owner_alone(make_run: MakeRun) -> None:
    folder = make_run()
    summary = write_report(folder)
    assert json.loads((folder / "summary.json").read_text("utf-8")) == summary.model_dump(mode="json")
    for name in ("summary.json", "problems.csv", "report.html"):
        assert stat.S_IMODE((folder / name).stat().st_mode) == 0o600
    assert not list(folder.glob(".*.part"))


def test_writing_again_replaces_the_report(make_run: MakeRun) -> None:
    folder = make_run()
    write_report(folder)
    first = {name: (folder / name).read_bytes() for name in ("summary.json", "problems.csv", "report.html")}
    write_report(folder)
    assert {name: (folder / name).read_bytes() for name in first} == first


@pytest.mark.parametrize("content", [None, "{", '{"run_id": "r", "command": 7}'])
def test_a_folder_without_a_readable_manifest_is_named(make_run: MakeRun, content: str | None) -> None:
    folder = make_run()
    (folder / "manifest.json").unlink()
    if content is not None:
        (folder / "manifest.json").write_text(content, "utf-8")
    with pytest.raises(SettingsError, match=folder.name):
        summarize(folder)


def test_the_published_schema_is_the_models() -> None:
    published = (_DOCS / "summary.schema.json").read_text("utf-8")
    assert published == summary_schema(), "write it anew: etl.report.schema.summary_schema()"
