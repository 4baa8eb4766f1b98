"""Both accounts balance, or the report says what does not."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from etl.core.outcomes import Bucket
from etl.core.records import LEDGER_SCHEMA
from etl.report.facts import RunFacts, RunFiles
from etl.report.ledger import close_books
from etl.report.model import Ledger

from .conftest import TABLES_SCHEMA, MakeRun, account, entries, entry, mapping, snapshot_table, write


def books(folder: Path) -> Ledger:
    files = RunFiles(folder)
    return close_books(files, files.facts())


def test_every_row_in_one_bucket_balances(make_run: MakeRun) -> None:
    ledger = books(make_run(entries("pending", "ignored", "quarantined", "merged")))
    assert (ledger.balanced, ledger.faults) == (True, ())
    (people,) = ledger.mappings
    assert (people.read, people.pending, people.ignored, people.quarantined, people.merged) == (4, 1, 1, 1, 1)


def test_a_lost_row_is_told(make_run: MakeRun) -> None:
    ledger = books(make_run([entry(1, "pending"), entry(3, "pending")], read=3))
    assert not ledger.balanced
    assert ledger.mappings[0].lost == 1
    assert ledger.faults == ("people: 1 row of legacy.PERSONS read, but in no bucket.",)


def test_a_doubled_row_is_told_even_where_the_sum_is_right(make_run: MakeRun) -> None:
    ledger = books(make_run([entry(1, "pending"), entry(1, "ignored"), entry(3, "pending")], read=3))
    assert (ledger.balanced, ledger.mappings[0].doubled, ledger.mappings[0].lost) == (False, 1, 1)


@pytest.mark.parametrize("bucket", ["record", "", None, "lost"])
def test_a_row_in_no_bucket_is_told(make_run: MakeRun, bucket: str | None) -> None:
    ledger = books(make_run([entry(1, "pending"), entry(2, bucket)]))
    assert (ledger.balanced, ledger.mappings[0].stray, ledger.mappings[0].lost) == (False, 1, 1)


@pytest.mark.parametrize("row", [0, -1, 4, None])
def test_an_entry_for_a_row_that_was_never_read_is_told(make_run: MakeRun, row: int | None) -> None:
    ledger = books(make_run([*entries("pending", "pending", "pending"), entry(row, "pending")], read=3))
    assert (ledger.balanced, ledger.mappings[0].stray, ledger.mappings[0].total) == (False, 1, 3)


@pytest.mark.parametrize("name", ["ghosts", None])
def test_rows_of_an_unknown_mapping_are_told(make_run: MakeRun, name: str | None) -> None:
    ledger = books(make_run([*entries("pending"), entry(1, "pending", mapping=name)], read=1))
    assert not ledger.balanced
    assert "which is no mapping" in ledger.faults[0]


def test_a_row_counts_once_in_each_mapping_that_reads_it(make_run: MakeRun) -> None:
    rows = [entry(1, "pending"), entry(1, "ignored", mapping="addresses")]
    ledger = books(make_run(rows, read=1, mappings=[mapping(), mapping("addresses", "person_address")]))
    assert ledger.balanced
    assert [(each.mapping, each.pending, each.ignored) for each in ledger.mappings] == [
        ("people", 1, 0),
        ("addresses", 0, 1),
    ]


def test_what_the_ledger_calls_loaded_must_be_what_the_load_reports(make_run: MakeRun) -> None:
    one = {"mapping": "people", "bucket": "created"}
    honest = books(make_run(entries("created", "quarantined"), outcomes=[one]))
    assert honest.balanced
    ledger = books(make_run(entries("created", "pending"), outcomes=[one, one]))
    assert ledger.faults == ("people: the ledger has 1 row created, the load reports 2.",)


def test_a_table_whose_rows_are_not_all_accounted_for_is_told(make_run: MakeRun) -> None:
    ledger = books(make_run(tables=[account(rows=1, used=0)]))
    assert ledger.faults == ("legacy.PERSONS: its rows are not the sum of used, unmatched, ignored and damaged.",)


def test_a_table_with_fewer_rows_than_were_extracted_is_told(make_run: MakeRun) -> None:
    assert not books(make_run(entries("pending", "pending"), tables=[account(rows=1)])).balanced


def test_unmatched_ignored_and_damaged_rows_are_accounted_for(make_run: MakeRun) -> None:
    tables = [account(rows=1), account("legacy.CODES", rows=9, used=3, unmatched=2, ignored=3, damaged=1)]
    snapshot = [snapshot_table(), snapshot_table("legacy.CODES", 9)]
    assert books(make_run(tables=tables, snapshot=snapshot)).balanced


@pytest.mark.parametrize(
    "tables", [[], [account(rows=1), account(rows=1)], [account(rows=1), account("legacy.X", rows=0)]]
)
def test_a_table_without_an_account_or_with_two_is_told(make_run: MakeRun, tables: list[dict[str, object]]) -> None:
    assert not books(make_run(tables=tables)).balanced


@pytest.mark.parametrize("name", ["ledger.parquet", "tables.parquet"])
def test_a_run_without_an_account_never_balances(make_run: MakeRun, name: str) -> None:
    folder = make_run([], read=0)
    assert books(folder).balanced
    (folder / name).unlink()
    assert f"{name} was not written." in books(folder).faults


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.sampled_from([str(bucket) for bucket in Bucket]), min_size=1, max_size=30), st.randoms(), st.data())
def test_any_order_of_rows_balances_and_any_single_fault_does_not(buckets: list[str], random, data) -> None:
    rows = [dict(each) for each in entries(*buckets)]
    random.shuffle(rows)
    assert _books_of(rows, len(buckets)).balanced
    victim = data.draw(st.integers(0, len(rows) - 1))
    fault = data.draw(st.sampled_from(["lost", "doubled", "moved", "unnamed"]))
    if fault == "lost":
        del rows[victim]
    elif fault == "doubled":
        rows.append(dict(rows[victim]))
    elif fault == "moved":
        rows[victim]["row"] = len(rows) + 1
    else:
        rows[victim]["bucket"] = "record"
    assert not _books_of(rows, len(buckets)).balanced


def _books_of(rows: list[dict[str, object]], read: int) -> Ledger:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write(folder / "ledger.parquet", rows, LEDGER_SCHEMA)
        write(folder / "tables.parquet", [account(rows=read)], TABLES_SCHEMA)
        facts = {"run_id": "r", "command": "run", "snapshot": [snapshot_table(rows=read)], "mappings": [mapping()]}
        return close_books(RunFiles(folder), RunFacts.model_validate_json(json.dumps(facts)))
