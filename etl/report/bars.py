"""Turns an entity's counts into the segments of a bar, the one picture of the report: which part of its rows went where."""

from __future__ import annotations

from dataclasses import dataclass

from etl.core.outcomes import Bucket
from etl.report.model import Buckets

WIDTH = 1000.0
_NARROWEST = 6.0
LABELS = {
    Bucket.CREATED: "created",
    Bucket.UPDATED: "updated",
    Bucket.UNCHANGED: "unchanged",
    Bucket.ADOPTED: "adopted",
    Bucket.PENDING: "not sent yet",
    Bucket.MERGED: "merged into another row's record",
    Bucket.IGNORED: "ignored by a rule",
    Bucket.UNCERTAIN: "of uncertain effect",
    Bucket.REJECTED: "refused by Casebook",
    Bucket.BLOCKED: "waiting for another record",
    Bucket.QUARANTINED: "held back",
}
"""What a bucket is called, in the order of the bar."""


@dataclass(frozen=True, slots=True)
class Segment:
    """A part of a bar, in thousandths of its width."""

    bucket: Bucket
    label: str
    count: int
    x: float
    width: float


def labels(*, dry: bool) -> dict[Bucket, str]:
    """The buckets' names; before a load, what is pending can be loaded."""
    return LABELS | ({Bucket.PENDING: "can be loaded"} if dry else {})


def bar(counts: Buckets, *, dry: bool) -> tuple[Segment, ...]:
    """The segments of a bar from the left. A segment that stands for anything at all is wide enough to be seen."""
    present = [(bucket, label, counts.of(bucket)) for bucket, label in labels(dry=dry).items() if counts.of(bucket)]
    total = sum(count for *_, count in present)
    widths = [max(WIDTH * count / total, _NARROWEST) for *_, count in present]
    shrink = WIDTH / sum(widths) if widths else 1.0
    segments, x = [], 0.0
    for (bucket, label, count), width in zip(present, widths, strict=True):
        segments.append(Segment(bucket, label, count, round(x, 2), round(width * shrink, 2)))
        x += width * shrink
    return tuple(segments)
