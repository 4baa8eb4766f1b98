"""Says in one sentence how a run ended, and which commands lead on. The sentence is the first thing everybody reads."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping

from etl.core.outcomes import LOADED, Bucket
from etl.report.facts import RunFacts
from etl.report.model import DRY_RUNS, HELD_BACK, NOT_LOADED, EntityCounts, Ledger, State, Verdict
from etl.report.words import counted, enumerated

_WORDS = {
    Bucket.QUARANTINED: "held back as faulty",
    Bucket.BLOCKED: "waiting for a record that is held back",
    Bucket.REJECTED: "refused by Casebook",
    Bucket.UNCERTAIN: "of uncertain effect",
    Bucket.PENDING: "not sent yet",
}


def verdict(facts: RunFacts, entities: Mapping[str, EntityCounts], ledger: Ledger) -> Verdict:
    """The verdict; a dry run is ready, a load complete, only where nothing at all is in the way."""
    if facts.command in DRY_RUNS:
        reasons = [*_reasons(facts, entities, ledger, HELD_BACK), *_old_state(facts)]
        state = State.NOT_READY if reasons else State.READY
        commands = [facts.command] if reasons else ["run"] if facts.command == "plan" else ["plan"]
        if facts.state_outdated:
            commands.insert(0, "status")
    else:
        unloaded = [*_reasons(facts, entities, ledger, NOT_LOADED), *_tail(facts), *_elsewhere(facts)]
        reasons = [*unloaded, *_differences(facts)]
        state = State.INCOMPLETE if reasons else State.COMPLETE
        commands = list(_leading_on(facts, bool(unloaded), bool(reasons)))
    return Verdict(state=state, sentence=_sentence(state, reasons, entities), next=tuple(_typed(facts, commands)))


def _reasons(
    facts: RunFacts, entities: Mapping[str, EntityCounts], ledger: Ledger, buckets: tuple[Bucket, ...]
) -> Iterator[str]:
    if facts.error is not None:
        yield "the run was stopped before its end"
    if not ledger.balanced:
        yield "the ledger does not balance"
    for bucket in buckets:
        count = sum(each.of(bucket) for each in entities.values())
        if count:
            yield f"{counted(count, 'row')} {'is' if count == 1 else 'are'} {_WORDS[bucket]}"


def _old_state(facts: RunFacts) -> Iterator[str]:
    """No load begins with it, and what it counts as missing may be there."""
    if facts.state_outdated:
        yield "the state database is not the newest, so a record that was loaded since counts here as not loaded"


def _tail(facts: RunFacts) -> Iterator[str]:
    links = sum(facts.pending_links.values())
    if links:
        yield f"{counted(links, 'link')} {'is' if links == 1 else 'are'} still to be set"
    if facts.pending_uploads:
        yield f"{counted(facts.pending_uploads, 'file')} {'is' if facts.pending_uploads == 1 else 'are'} still to be uploaded"


def _elsewhere(facts: RunFacts) -> Iterator[str]:
    """What no row of this run stands for, and may be in Casebook all the same."""
    count = facts.unsettled_elsewhere
    if count:
        yield (
            f"{counted(count, 'record')} of earlier runs, without a row in this one, {'is' if count == 1 else 'are'} of uncertain "
            f"effect or in Casebook more than once (`casebook-etl resolve` lists {'it' if count == 1 else 'them'})"
        )


def _differences(facts: RunFacts) -> Iterator[str]:
    """What reading back found: this run's, and an earlier run's that nobody has looked at since."""
    found = len(facts.verify.findings) if facts.verify else 0
    if found:
        yield f"reading back found {counted(found, 'difference')}"
    if facts.open_findings and facts.open_findings.total:
        told = counted(facts.open_findings.total, "difference")
        yield f"`verify` of run {facts.open_findings.run_id} found {told} and was not repeated since"


def _leading_on(facts: RunFacts, is_unloaded: bool, is_incomplete: bool) -> Iterator[str]:
    """A run sends only what the source changed: it is no remedy for what differs in Casebook."""
    if is_unloaded:
        yield "run"
    if not facts.verify or (is_incomplete and not is_unloaded) or facts.verify.findings:
        yield "verify"


def _sentence(state: State, reasons: list[str], entities: Mapping[str, EntityCounts]) -> str:
    rows = sum(each.rows for each in entities.values())
    loaded = sum(each.of(*LOADED) for each in entities.values())
    if state is State.READY:
        return f"Ready to load: all {counted(rows, 'row')} can go, and every one is accounted for."
    if state is State.COMPLETE:
        return f"Complete: {counted(loaded, 'row')} of {rows:,} became records in Casebook, and every one is accounted for."
    start = "Not ready for a full load" if state is State.NOT_READY else "Not complete"
    return f"{start}: {enumerated(reasons)}."


def _typed(facts: RunFacts, commands: list[str]) -> Iterator[str]:
    """The commands as one types them where the run was made."""
    profile = f"--profile {facts.profile}" if facts.profile else ""
    folder = facts.folder or f"mappings/{facts.project}"
    project = "" if folder == "." else shlex.quote(folder)
    for verb in commands:
        yield " ".join(filter(None, ["casebook-etl", verb, project, profile]))
