"""Draws a run's summary from its folder: the one set of counts from which terminal, HTML and machines are served."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from etl.core.outcomes import Bucket
from etl.report.counts import entity_counts, plan_actions, problem_counts
from etl.report.facts import RunFacts, RunFiles, VerifyFact
from etl.report.ledger import close_books
from etl.report.model import EntityCounts, Rates, Summary, Verification
from etl.report.verdict import verdict


def summarize(folder: Path) -> Summary:
    """Counts a run; writes nothing. Raises SettingsError where the folder holds no run."""
    files = RunFiles(folder)
    return summary_of(files, files.facts())


def summary_of(files: RunFiles, facts: RunFacts) -> Summary:
    """The summary of a run whose manifest was read already."""
    ledger = close_books(files, facts)
    entities = entity_counts(files, facts, ledger.mappings)
    return Summary(
        run_id=facts.run_id,
        command=facts.command,
        project=facts.project,
        profile=facts.profile,
        tenant=facts.tenant or "",
        tenant_invented=facts.tenant_invented,
        started=facts.started,
        ended=facts.ended,
        exit_code=facts.exit_code,
        error=facts.error,
        fingerprints=facts.fingerprints,
        entities=entities,
        problems=problem_counts(files),
        ledger=ledger,
        plan=plan_actions(files),
        requests=_by_verb(facts.requests),
        rates=_rates(facts, entities),
        peak_memory_bytes=facts.peak_memory_bytes,
        pending_links=facts.pending_links,
        pending_uploads=facts.pending_uploads,
        stopped=facts.stopped,
        verify=_verification(facts.verify) if facts.verify else None,
        open_findings=facts.open_findings,
        verdict=verdict(facts, entities, ledger),
    )


def _by_verb(requests: Mapping[str, int]) -> dict[str, dict[str, int]]:
    """``{"POST 201": 3}`` as ``{"POST": {"201": 3}}``."""
    verbs: dict[str, dict[str, int]] = {}
    for name, count in sorted(requests.items()):
        verb, _, status = name.partition(" ")
        verbs.setdefault(verb, {})[status] = count
    return verbs


def _rates(facts: RunFacts, entities: Mapping[str, EntityCounts]) -> Rates:
    written = sum(each.of(Bucket.CREATED, Bucket.UPDATED) for each in entities.values())
    load_s = facts.load_s or 0.0
    # The seconds are the last process's; of what it wrote nothing tells apart what an interrupted one before it wrote.
    is_told = load_s > 0 and not facts.continued
    return Rates(load_s=load_s, records_per_s=round(written / load_s, 1) if is_told else 0.0)


def _verification(verify: VerifyFact) -> Verification:
    findings = Counter(finding.code for finding in verify.findings)
    return Verification(
        scope=verify.scope,
        tolerated=verify.tolerated,
        unsought=verify.unsought,
        checked=verify.checked,
        expected=verify.expected,
        deleted=verify.deleted,
        findings=dict(sorted(findings.items())),
    )
