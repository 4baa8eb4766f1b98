"""The ledger as plain data for `expected.json`."""

from __future__ import annotations

from collections.abc import Mapping

from generator.ledger import SOUND, Ledger


def account_of(ledger: Ledger, mapping: str, table: str) -> dict[str, object]:
    """What becomes of the rows of one mapping: rows read, records loaded, and the other buckets by reason."""
    mine = {(bucket, reason): count for (name, bucket, reason), count in ledger.buckets.items() if name == mapping}
    account: dict[str, object] = {
        "table": table,
        "read": sum(mine.values()),
        "loaded": mine.get((SOUND.bucket, SOUND.reason), 0),
    }
    for bucket in ("ignored", "merged", "quarantined", "blocked"):
        account[bucket] = {reason: count for (name, reason), count in sorted(mine.items()) if name == bucket}
    return account


def dirt_of(ledger: Ledger) -> list[dict[str, object]]:
    """The planted faults by place and kind."""
    return [
        {"dirt": fault.dirt, "where": fault.where, "rows": count, "bucket": fault.bucket, "code": fault.code}
        for fault, count in sorted(ledger.faults.items(), key=lambda item: (item[0].where, item[0]))
    ]


def nested(counts: Mapping[tuple[str, str], int]) -> dict[str, dict[str, int]]:
    """Counts by two names as a dictionary of dictionaries, sorted."""
    by_first: dict[str, dict[str, int]] = {}
    for (first, second), count in sorted(counts.items()):
        by_first.setdefault(first, {})[second] = count
    return by_first
