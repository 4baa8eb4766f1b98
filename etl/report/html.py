"""Renders the report that people read and sign: one HTML file that needs no network and no script.

The page forbids itself everything but its own style sheet, which is allowed by hash, so that nothing that slipped into a
name could run or load anything. Names are escaped by the template engine, always.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections import Counter
from functools import cache
from typing import NamedTuple

from jinja2 import Template
from markupsafe import Markup, escape

from etl.core.outcomes import LOADED, Bucket
from etl.report.bars import bar, labels
from etl.report.causes import causes_of, groups_of, meaning_of
from etl.report.counts import attachment_bytes, deferred_fields
from etl.report.coverage import coverage
from etl.report.decisions import Decisions
from etl.report.facts import FindingFact, RunFacts, RunFiles
from etl.report.graph import STYLE, svg
from etl.report.model import NOT_LOADED, Buckets, Summary
from etl.report.pages import TEMPLATES, environment

_FINDINGS = 50
_IN_A_LOOP = "these records refer to each other in a circle, so that none can be first: the link that closes it waits"
_CODE = re.compile(r"`([^`]+)`")
_MEBIBYTE = 1024 * 1024
_ALL, _NEARLY_ALL = 100, 99


def render(files: RunFiles, facts: RunFacts, summary: Summary, decisions: Decisions) -> str:
    """The page as text."""
    style = _style()
    dry = summary.is_dry_run
    return _template().render(
        style=Markup(style),  # noqa: S704 - a file of ours
        style_hash=base64.b64encode(hashlib.sha256(style.encode()).digest()).decode(),
        facts=facts,
        summary=summary,
        decisions=decisions,
        severities=groups_of(causes_of(files, facts)),
        total=_total(summary),
        bars={name: bar(each, dry=dry) for name, each in summary.entities.items()},
        labels=labels(dry=dry),
        present=_present(summary, dry=dry),
        graph=Markup(svg(facts.order, standalone=False)) if facts.order.waves else "",  # noqa: S704 - made by an XML writer
        later=_later(files, facts),
        coverage=coverage(files, facts),
        bytes=attachment_bytes(files, facts),
        writes=_writes(summary),
        blocking=sum(each.get("block", 0) for each in summary.problems.values()),
        findings=_findings(facts.verify.findings if facts.verify else ()),
        open=summary.open_findings,
        held=summary.rows(*(bucket for bucket in NOT_LOADED if not (dry and bucket is Bucket.PENDING))),
        loaded=summary.rows(*LOADED, *([Bucket.PENDING] if dry else [])),
        dry=dry,
    )


def make_ready() -> None:
    """Compiles the page's template ahead of time: a tenth of a second that nobody waits for beside something else."""
    _template()


@cache
def _template() -> Template:
    made = environment(share=_share, mebibytes=_mebibytes, when=_when, prose=_prose, meaning=meaning_of)
    return made.get_template("report.html.j2")


@cache
def _style() -> str:
    return (TEMPLATES / "report.css").read_text("utf-8") + STYLE


def _share(part: float) -> str:
    """A part as a percentage that is neither 0 % nor 100 % unless it is.

    >>> _share(0.0001), _share(0.5), _share(0.9999)
    ('< 1 %', '50 %', '> 99 %')
    """
    percent = part * 100
    if 0 < percent < 1:
        return "< 1 %"
    return "> 99 %" if _NEARLY_ALL < percent < _ALL else f"{percent:.0f} %"


def _mebibytes(size_bytes: int) -> str:
    return f"{size_bytes / _MEBIBYTE:,.0f} MiB" if size_bytes >= _MEBIBYTE else "less than 1 MiB"


def _prose(text: str) -> Markup:
    """A text of ours in which backticks mark code."""
    return Markup(_CODE.sub(r"<code>\1</code>", str(escape(text))))  # noqa: S704 - escaped first


def _when(moment: str) -> str:
    """An ISO moment as a person reads it.

    >>> _when("2026-01-31T08:00:00+00:00")
    '2026-01-31 08:00:00 UTC'
    """
    return moment.replace("T", " ").replace("+00:00", " UTC").replace("Z", " UTC")


def _total(summary: Summary) -> Buckets:
    return Buckets(**{str(bucket): summary.rows(bucket) for bucket in Bucket})


def _present(summary: Summary, *, dry: bool) -> list[Bucket]:
    """The buckets that hold any row, in the order of the bars."""
    return [bucket for bucket in labels(dry=dry) if summary.rows(bucket)]


def _later(files: RunFiles, facts: RunFacts) -> list[tuple[str, str, int, str]]:
    """Mapping, field, number of links and reason of all that is set after both sides exist."""
    counts = deferred_fields(files)
    whole = {(each.mapping, each.field): each.why for each in facts.order.deferred}
    names = sorted({*whole, *((mapping, field) for mapping, field in counts)})
    return [(*name, counts[name], whole.get(name, _IN_A_LOOP)) for name in names]


def _writes(summary: Summary) -> int:
    """How many requests the plan sends: one a create, an update and a later link, two a file (its place, its bytes)."""
    steps = sum(each.create + each.update for each in summary.plan.values())
    tail = sum(each.deferred_links + 2 * each.attachments for each in summary.entities.values())
    return steps + tail if steps else 0


class _Findings(NamedTuple):
    """Differences by code and entity, the first of them one by one, and how many there are."""

    counts: list[tuple[tuple[str, str], int]]
    first: tuple[FindingFact, ...]
    total: int


def _findings(findings: tuple[FindingFact, ...]) -> _Findings:
    counts = Counter((finding.code, finding.entity) for finding in findings)
    return _Findings(counts.most_common(), findings[:_FINDINGS], len(findings))
