"""The verdict: one word, one sentence, the commands that lead on."""

from __future__ import annotations

import pytest

from etl.core.outcomes import LOADED, Bucket
from etl.report import Summary, summarize, terminal_lines
from etl.report.model import State

from .conftest import MakeRun, entries, problem

LOADED_ROW = {"mapping": "people", "bucket": "created"}
GOLDEN_LOAD = """\
Not complete: 1 row is held back as faulty and 1 row is waiting for a record that is held back.

Read        11 rows for 1 kind of record
Loaded      7 created
Set aside   1 row merged into another row's record
            1 row ignored by a rule of the project
Held back   1 row faulty
            1 row waiting for a record that is held back
            why: Text longer than the field (1)
Ledger      balanced: every row read is in exactly one place
Next        repair what report.html and problems.csv of this run list, then:
            casebook-etl run mappings/county --profile sandbox
            casebook-etl verify mappings/county --profile sandbox
""".splitlines()
GOLDEN_DRY = """\
Ready to load: all 2 rows can go, and every one is accounted for.

Read        2 rows for 1 kind of record
Can load    2 rows
Ledger      balanced: every row read is in exactly one place
Next        casebook-etl plan mappings/county --profile sandbox
""".splitlines()
FINDING = {"code": "altered_in_target", "entity": "person", "target_id": "9"}


def loaded(make_run: MakeRun, *buckets: str, **more: object) -> Summary:
    outcomes = [{"mapping": "people", "bucket": each} for each in buckets if Bucket(each) in LOADED]
    return summarize(make_run(entries(*buckets), outcomes=outcomes, command="run", **more))


def test_a_dry_run_in_which_all_can_load_is_ready(make_run: MakeRun) -> None:
    summary = summarize(make_run(entries("pending", "merged", "ignored")))
    assert (summary.verdict.state, summary.is_complete) == (State.READY, True)
    assert summary.verdict.sentence == "Ready to load: all 3 rows can go, and every one is accounted for."
    assert summary.verdict.next == ("casebook-etl plan mappings/county --profile sandbox",)


@pytest.mark.parametrize("bucket", ["quarantined", "blocked"])
@pytest.mark.parametrize("command", ["validate", "plan"])
def test_a_dry_run_that_holds_a_row_back_is_not_ready(make_run: MakeRun, bucket: str, command: str) -> None:
    summary = summarize(make_run(entries("pending", bucket), command=command))
    assert (summary.verdict.state, summary.is_complete) == (State.NOT_READY, False)


def test_a_dry_run_whose_ledger_does_not_balance_is_not_ready(make_run: MakeRun) -> None:
    summary = summarize(make_run(entries("pending"), read=2))
    assert not summary.is_complete
    assert summary.verdict.sentence == "Not ready for a full load: the ledger does not balance."


def test_a_dry_run_beside_an_old_state_is_not_ready_and_says_why(make_run: MakeRun) -> None:
    summary = summarize(make_run(entries("pending"), state_outdated=True))
    assert (summary.verdict.state, summary.is_complete) == (State.NOT_READY, False)
    assert "the state database is not the newest" in summary.verdict.sentence
    assert [each.split()[1] for each in summary.verdict.next] == ["status", "validate"]


def test_a_load_with_nothing_left_is_complete(make_run: MakeRun) -> None:
    summary = loaded(make_run, "created", "unchanged", "merged", "ignored")
    assert (summary.verdict.state, summary.is_complete) == (State.COMPLETE, True)
    assert "2 rows of 4 became records in Casebook" in summary.verdict.sentence
    assert summary.verdict.next == ("casebook-etl verify mappings/county --profile sandbox",)


@pytest.mark.parametrize("bucket", ["rejected", "quarantined", "blocked", "uncertain", "pending"])
def test_a_load_that_leaves_a_row_out_is_not_complete(make_run: MakeRun, bucket: str) -> None:
    assert not loaded(make_run, "created", bucket).is_complete


@pytest.mark.parametrize(
    "left",
    [
        {"pending_links": {"person": 1}},
        {"pending_uploads": 1},
        {"unsettled_elsewhere": 1},
        {"verify": {"findings": [FINDING]}},
        {"error": {"code": "interrupted", "message": "Stopped by a person.", "hint": "Run again."}},
    ],
)
def test_a_load_with_a_tail_or_a_stop_is_not_complete(make_run: MakeRun, left: dict[str, object]) -> None:
    assert loaded(make_run, "created").is_complete
    assert not loaded(make_run, "created", **left).is_complete


def test_every_reason_is_in_the_sentence(make_run: MakeRun) -> None:
    sentence = loaded(make_run, "created", "quarantined", "uncertain", "uncertain", pending_uploads=2).verdict.sentence
    assert sentence == (
        "Not complete: 1 row is held back as faulty, 2 rows are of uncertain effect and "
        "2 files are still to be uploaded."
    )


def test_the_terminal_tells_a_newcomer_how_a_load_ended(make_run: MakeRun) -> None:
    summary = loaded(
        make_run, *["created"] * 7, "merged", "quarantined", "blocked", "ignored", problems=[problem("too_long", 9)]
    )
    assert terminal_lines(summary) == GOLDEN_LOAD


def test_the_terminal_tells_a_newcomer_how_a_dry_run_ended(make_run: MakeRun) -> None:
    assert terminal_lines(summarize(make_run(entries("pending", "pending")))) == GOLDEN_DRY


def test_the_terminal_shouts_where_the_ledger_does_not_balance(make_run: MakeRun) -> None:
    lines = terminal_lines(summarize(make_run(entries("pending"), read=2)))
    assert "Ledger      NOT BALANCED: people: 1 row of legacy.PERSONS read, but in no bucket." in lines


@pytest.mark.parametrize(
    ("folder", "command"),
    [
        ("work/our agency", "casebook-etl plan 'work/our agency' --profile sandbox"),
        (".", "casebook-etl plan --profile sandbox"),
    ],
)
def test_the_next_command_names_the_folder_as_it_was_given(make_run: MakeRun, folder: str, command: str) -> None:
    assert summarize(make_run(entries("pending"), folder=folder)).verdict.next == (command,)


def test_findings_of_verify_do_not_lead_to_a_run(make_run: MakeRun) -> None:
    verified = loaded(make_run, "created", verify={"findings": [FINDING]})
    assert verified.verdict.next == ("casebook-etl verify mappings/county --profile sandbox",)
    assert any("set it right in Casebook" in line for line in terminal_lines(verified))


def test_findings_that_nobody_looked_at_make_a_later_run_incomplete(make_run: MakeRun) -> None:
    summary = loaded(make_run, "created", open_findings={"run_id": "r1", "findings": {"lost_in_target": 2}})
    assert summary.verdict.sentence == (
        "Not complete: `verify` of run r1 found 2 differences and was not repeated since."
    )
    assert summary.verdict.next == ("casebook-etl verify mappings/county --profile sandbox",)
