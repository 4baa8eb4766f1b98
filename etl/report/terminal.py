"""A run in about a dozen lines, for somebody who sees the program for the first time."""

from __future__ import annotations

from collections.abc import Iterator

from etl.core.outcomes import LOADED, Bucket
from etl.report.model import HELD_BACK, Summary
from etl.report.verdict import counted

_WIDTH = 13
_HELD = {
    Bucket.QUARANTINED: "for problems of their own",
    Bucket.BLOCKED: "waiting for a record that is held back",
    Bucket.REJECTED: "refused by Casebook",
    Bucket.UNCERTAIN: "of uncertain effect",
}
_REASONS_SHOWN = 3


def terminal_lines(summary: Summary) -> list[str]:
    """The lines, without colour and without a line's end."""
    return [summary.verdict.sentence, ""] + [f"{name:<{_WIDTH}}{text}" for name, text in _facts(summary)]


def _facts(summary: Summary) -> Iterator[tuple[str, str]]:
    yield "Read", _read(summary)
    yield ("Can load" if summary.is_dry_run else "Loaded"), _loaded(summary)
    yield from _held(summary)
    yield "Ledger", _ledger(summary)
    for number, step in enumerate(_next(summary)):
        yield ("" if number else "Next"), step


def _read(summary: Summary) -> str:
    rows = sum(each.rows for each in summary.entities.values())
    return f"{counted(rows, 'row')} for {counted(len(summary.entities), 'entity').replace('entitys', 'entities')}"


def _loaded(summary: Summary) -> str:
    if summary.is_dry_run:
        return counted(summary.rows(Bucket.PENDING, *LOADED), "row")
    parts = [f"{count:,} {bucket}" for bucket in sorted(LOADED) if (count := summary.rows(bucket))]
    return ", ".join(parts) or "nothing"


def _held(summary: Summary) -> Iterator[tuple[str, str]]:
    for number, (bucket, words) in enumerate(each for each in _HELD.items() if summary.rows(each[0])):
        yield ("" if number else "Held back"), f"{counted(summary.rows(bucket), 'row')} {words}"


def _next(summary: Summary) -> Iterator[str]:
    if summary.rows(*HELD_BACK, Bucket.REJECTED):
        yield "repair what report.html and problems.csv of this run list, then:"
    yield from summary.verdict.next


def _ledger(summary: Summary) -> str:
    if summary.ledger.balanced:
        return "balanced: every row read is in exactly one bucket"
    return "NOT BALANCED: " + " ".join(summary.ledger.faults[:_REASONS_SHOWN])
