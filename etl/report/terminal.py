"""A run in about a dozen lines, for somebody who sees the program for the first time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from etl.core.outcomes import LOADED, Bucket
from etl.core.problems import Severity
from etl.report.causes import CONSEQUENCES, meaning_of
from etl.report.model import HELD_BACK, Summary
from etl.report.words import counted, enumerated

_WIDTH = 12
_SHOWN = 3
_HELD = {
    Bucket.QUARANTINED: "faulty",
    Bucket.BLOCKED: "waiting for a record that is held back",
    Bucket.REJECTED: "refused by Casebook",
    Bucket.UNCERTAIN: "of uncertain effect: the next run asks Casebook; what stays is for `casebook-etl resolve`",
    Bucket.PENDING: "not sent yet",
}


def terminal_lines(summary: Summary) -> list[str]:
    """The lines, without colour and without line ends; where the report lies is for the caller to say."""
    return [summary.verdict.sentence, "", *(f"{name:<{_WIDTH}}{text}".rstrip() for name, text in _facts(summary))]


def _facts(summary: Summary) -> Iterator[tuple[str, str]]:
    yield "Read", _read(summary)
    yield ("Can load" if summary.is_dry_run else "Loaded"), _loaded(summary)
    yield from _titled("Plan", _plan(summary))
    yield from _titled("Set aside", _set_aside(summary))
    yield from _titled("Held back", _held(summary))
    yield from _titled("", _causes(summary))
    yield from _titled("Left to do", _tail(summary))
    yield "Ledger", _ledger(summary)
    yield from _titled("Read back", _read_back(summary))
    yield from _titled("Next", _next(summary))


def _titled(title: str, texts: Iterator[str]) -> Iterator[tuple[str, str]]:
    """The title beside the first text only."""
    for number, text in enumerate(texts):
        yield ("" if number else title), text


def _read(summary: Summary) -> str:
    rows = summary.rows(*Bucket)
    return f"{counted(rows, 'row')} for {counted(len(summary.entities), 'kind')} of record"


def _loaded(summary: Summary) -> str:
    if summary.is_dry_run:
        return counted(summary.rows(Bucket.PENDING, *LOADED), "row")
    parts = [f"{count:,} {bucket}" for bucket in sorted(LOADED) if (count := summary.rows(bucket))]
    speed = f" ({summary.rates.records_per_s:,.0f} a second)" if summary.rates.records_per_s else ""
    return (", ".join(parts) or "nothing") + speed


def _plan(summary: Summary) -> Iterator[str]:
    """What a run would do, where a plan was all that was asked for."""
    if not summary.is_dry_run or not summary.plan:
        return
    totals: Counter[str] = Counter()
    for actions in summary.plan.values():
        totals.update(actions.model_dump())
    words = {"create": "to create", "update": "to update", "nothing": "to leave alone"}
    yield ", ".join(f"{totals[action]:,} {text}" for action, text in words.items() if totals[action])


def _set_aside(summary: Summary) -> Iterator[str]:
    merged, ignored = summary.rows(Bucket.MERGED), summary.rows(Bucket.IGNORED)
    if merged:
        yield f"{counted(merged, 'row')} merged into another row's record"
    if ignored:
        yield f"{counted(ignored, 'row')} ignored by a rule of the project"


def _held(summary: Summary) -> Iterator[str]:
    for bucket, words in _HELD.items():
        count = 0 if summary.is_dry_run and bucket is Bucket.PENDING else summary.rows(bucket)
        if count:
            yield f"{counted(count, 'row')} {words}"


def _causes(summary: Summary) -> Iterator[str]:
    """What most often keeps records out, leaving aside what merely follows from something else."""
    blocking = {
        code: each.get(Severity.BLOCK, 0) for code, each in summary.problems.items() if code not in CONSEQUENCES
    }
    often = sorted((code for code in blocking if blocking[code]), key=lambda code: (-blocking[code], code))
    if often:
        parts = [f"{meaning_of(code).title} ({blocking[code]:,})" for code in often[:_SHOWN]]
        yield f"{'why' if len(often) <= _SHOWN else 'mostly'}: {'; '.join(parts)}"


def _tail(summary: Summary) -> Iterator[str]:
    left = {"link": sum(summary.pending_links.values()), "file": summary.pending_uploads}
    parts = [counted(count, noun) for noun, count in left.items() if count]
    if parts:
        yield f"{enumerated(parts)} to be sent"
    for entity, why in sorted(summary.stopped.items()):
        yield f"{entity} was stopped: {why}"


def _ledger(summary: Summary) -> str:
    if summary.ledger.balanced:
        return "balanced: every row read is in exactly one place"
    return "NOT BALANCED: " + " ".join(summary.ledger.faults[:_SHOWN])


def _read_back(summary: Summary) -> Iterator[str]:
    """What `verify` found, once it has run, and what an earlier one did."""
    yield from _still_open(summary)
    if summary.verify is None:
        return
    checked, found = sum(summary.verify.checked.values()), sum(summary.verify.findings.values())
    part = "" if summary.verify.scope == "all" else f" ({summary.verify.scope})"
    compared = f"{counted(checked, 'record')} compared with what was sent{part}"
    yield f"{compared}: {counted(found, 'difference')} found" if found else f"{compared}: no difference"
    for code, count in sorted(summary.verify.findings.items()):
        yield f"{meaning_of(code).title} ({count:,}): {meaning_of(code).remedy}"
    if gone := sum(summary.verify.deleted.values()):
        yield f"deleted in Casebook on purpose, as somebody acknowledged: {counted(gone, 'record')}"
    for each in summary.verify.tolerated:
        yield f"tolerated: {each.entity}.{each.field} by {each.tolerance} ({each.count:,})"
    if summary.verify.unsought:
        whole = summary.verify.scope == "all"
        remedy = "the application may not list them" if whole else "verify without --sample finds them"
        entities = enumerated([*summary.verify.unsought])
        yield f"doubles, and records held to be absent, not looked for in {entities}: {remedy}"


def _still_open(summary: Summary) -> Iterator[str]:
    """Findings that no reading back since has answered."""
    if summary.open_findings is None:
        return
    yield f"after run {summary.open_findings.run_id}, not repeated since: {counted(summary.open_findings.total, 'difference')}"
    for code, count in sorted(summary.open_findings.findings.items()):
        yield f"{meaning_of(code).title} ({count:,}): {meaning_of(code).remedy}"


def _next(summary: Summary) -> Iterator[str]:
    if (summary.verify and summary.verify.findings) or summary.open_findings:
        yield "mend the differences as said (problems.csv of the run read back lists each); no run mends them:"
    if summary.rows(*HELD_BACK, Bucket.REJECTED):
        yield "repair what report.html and problems.csv of this run list, then:"
    yield from summary.verdict.next
