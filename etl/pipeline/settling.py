"""Settles by a person's word what asking cannot: records whose answer was lost, and records that are in Casebook twice.

Everything that is decided at once is checked first, against state and against Casebook, and taken up in one commit or not
at all. Each decision becomes a line in ``runs/<project>-<profile>.audit.jsonl``: who, when, which record, what was decided.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from etl.core.changes import Change, Intend, MarkCreated, MarkRejected, MarkUndone, MarkUpdated, StoreAttribute
from etl.core.errors import SettingsError
from etl.core.fingerprint import with_unknown_values
from etl.core.keys import RecordKey, marker
from etl.core.outcomes import ABSENT, DECIDED_ABSENT, DELETED_ON_PURPOSE, UNDECIDED, RecordState
from etl.core.records import TargetId
from etl.core.state_port import KnownRecord, StateReader, StateStore
from etl.load.claims import Doubt
from etl.pipeline.audit import audit, audited
from etl.pipeline.looking import Looked, look
from etl.pipeline.match_queue import decide
from etl.pipeline.matching import agrees
from etl.pipeline.session import now_text
from etl.pipeline.wiring import Setting

_TO_SETTLE = (RecordState.UNCERTAIN,)
"""An intent may belong to a request that still takes effect: only a run, which asks and waits, makes of it what a person may
decide about.
"""


_NO_ID = TargetId("")
RETURNED = "returned"
"""The audit trail's word for a record that was said to be deleted and was seen again."""


class Verdict(StrEnum):
    """What a person may say of a record."""

    FOUND = "found"
    ABSENT = "absent"
    KEEP = "keep"
    DELETED = "deleted"


@dataclass(frozen=True, slots=True)
class Held:
    """A held record, with what a person needs to look for it in Casebook."""

    record_key: RecordKey
    entity: str
    mapping: str
    marker: str
    why: str


@dataclass(frozen=True, slots=True)
class Decision:
    """What a person says of one record. ``target_id`` is "" for an absent or a deleted one; ``line`` is where it stands in a
    file, ``why`` the reason of a deletion.
    """

    record_key: RecordKey
    verdict: Verdict
    target_id: TargetId = _NO_ID
    line: int = 1
    why: str = ""

    @property
    def text(self) -> str:
        """How the audit trail names it."""
        return f"{self.verdict} {self.target_id}".rstrip()


Refusals = Mapping[Decision, Doubt]


@dataclass(frozen=True, slots=True)
class Settled:
    """What was settled: how many, by record key the copies that a person should remove in Casebook now, and by mapping how
    many records wait for parents that were deleted on purpose.
    """

    count: int
    surplus: Mapping[RecordKey, Sequence[TargetId]]
    waiting: Mapping[str, int]


def held_records(setting: Setting) -> list[Held]:
    """Everything that waits for a certain answer, by entity. Raises StateOutdated: an old state holds what was settled since,
    and lacks what was sent.
    """
    with setting.reader() as state:
        setting.require_newest(state)
        return [_held(known) for known in state.in_state(*UNDECIDED)]


def settle_absent(setting: Setting, entity: str) -> int:
    """Decides that no held record of an entity is in Casebook: the next run sends them. Returns how many."""
    with setting.store("resolve") as store:
        chosen = [known for known in store.in_state(*_TO_SETTLE) if known.entity == entity]
        if not chosen:
            raise SettingsError(f"No record of {entity} is held.", hint=_what_is_held(store))
        decisions = [Decision(known.key, Verdict.ABSENT) for known in chosen]
        return _take(setting, store, decisions, Looked(), forced=False).count


def settle_found(setting: Setting, key: str, target_id: str, *, force: bool = False) -> None:
    """Decides that a record is the one with this Casebook id; its fields are compared and sent by the next run."""
    settle_one(setting, Decision(RecordKey(key), Verdict.FOUND, TargetId(target_id)), force=force)


def settle_one(setting: Setting, decision: Decision, *, force: bool = False) -> Settled:
    """Settles one record. Raises SettingsError where the decision cannot be right, TargetError where nobody can look."""

    def refuse(refusals: Refusals) -> None:
        for doubt in refusals.values():
            raise SettingsError(doubt.message, hint=doubt.hint)

    return settle(setting, [decision], refuse, force=force)


def settle(
    setting: Setting, decisions: Sequence[Decision], refuse: Callable[[Refusals], None], *, force: bool = False
) -> Settled:
    """Takes decisions up, all of them or none: ``refuse`` hears of those that cannot be right, none perhaps, and raises
    where there is one.

    ``force`` believes a person about a record that is not recognised as ours, but never about one that another record of
    ours stands for.
    """
    with setting.store("resolve") as store:
        refusals = _impossible(setting, store, decisions)
        asked = [each for each in decisions if each not in refusals]
        looked = look(setting, store, *_to_look_at(store, asked, force=force), _said_to_be_gone(store, asked))
        refusals |= {each: doubt for each in asked if (doubt := _seen_otherwise(each, looked)) is not None}
        refuse(refusals)
        return _take(setting, store, decisions, looked, forced=force)


def settle_match(setting: Setting, key: str, decision: str) -> None:
    """Decides which record of Casebook an undecided one is, or that it is none of the candidates (``new``)."""
    _require_still_open(setting, key)
    question = decide(setting, key, decision, lambda each: agrees(setting, each, TargetId(decision)))
    audit(setting, decision=f"match {decision}", entity=question.entity, record_key=key, candidates=question.ids)


def _require_still_open(setting: Setting, key: str) -> None:
    """Raises SettingsError for a record that is, or may be, in Casebook by now: what it is would not be changed by this; and
    StateOutdated, for an old state may not know that it is.
    """
    with setting.reader() as state:
        setting.require_newest(state)
        known = state.known([RecordKey(key)]).get(RecordKey(key))
    if known is None or known.state in ABSENT:
        return
    if known.target_id is None:
        raise SettingsError(f"Record {key} was sent, and its answer was lost.", hint="Run again, which asks about it.")
    what = "adopted" if known.adopted else "created"
    raise SettingsError(
        f"Record {key} was {what} by a run already: it is {known.entity} {known.target_id}.",
        hint="Undo that run, which `casebook-etl status` names, decide, and run again; or merge the two in Casebook.",
    )


# ------------------------------------------------------------------ what cannot be right


def _impossible(setting: Setting, state: StateReader, decisions: Sequence[Decision]) -> dict[Decision, Doubt]:
    """What state alone rules out."""
    known = state.known([each.record_key for each in decisions])
    by_hand = _settled_by_hand(setting)
    said = Counter(each.record_key for each in decisions)
    chosen: dict[tuple[str, TargetId], RecordKey] = {}
    found: dict[Decision, Doubt] = {}
    for each in decisions:
        there = known.get(each.record_key)
        doubt = _unfit(each, there, by_hand, state)
        if doubt is None and said[each.record_key] > 1:
            doubt = Doubt(f"Record {each.record_key} is decided more than once.", "Leave one of its lines.")
        if doubt is None and there is not None and each.target_id:
            doubt = _taken(each, there, state, chosen)
        if doubt is not None:
            found[each] = doubt
    return found


def _unfit(decision: Decision, known: KnownRecord | None, by_hand: set[str], state: StateReader) -> Doubt | None:
    """Why this cannot be said of a record in its state."""
    key = decision.record_key
    state_of = known.state if known else None
    if state_of is RecordState.DUPLICATE and decision.verdict is Verdict.FOUND:
        return Doubt(f"Record {key} is in Casebook more than once.", "Say which one is kept: --keep KEY ID.")
    if decision.verdict is Verdict.DELETED:
        return None if state_of is RecordState.CREATED else _not_created(key)
    if decision.verdict is Verdict.KEEP:
        if state_of is RecordState.DUPLICATE:
            return None
        return Doubt(f"Record {key} is not known to be in Casebook more than once.", _what_is_held(state))
    if state_of in (RecordState.UNCERTAIN, RecordState.DUPLICATE) or (known and _is_by_hand(decision, known, by_hand)):
        return None
    return Doubt(f"No held record has the key {key}.", _what_is_held(state))


def _not_created(key: RecordKey) -> Doubt:
    return Doubt(
        f"Record {key} was not loaded, or is in Casebook more than once.",
        "The keys of records that are gone stand in report.html and problems.csv of the run that `verify` read back.",
    )


def _is_by_hand(decision: Decision, known: KnownRecord, by_hand: set[str]) -> bool:
    """Whether a person may say otherwise of a record what a person said before."""
    if known.state is RecordState.CREATED:
        return known.key in by_hand
    # Its request took effect after somebody had looked.
    return known.state in ABSENT and known.error == DECIDED_ABSENT and decision.verdict is Verdict.FOUND


def _taken(
    decision: Decision, known: KnownRecord, state: StateReader, chosen: dict[tuple[str, TargetId], RecordKey]
) -> Doubt | None:
    """Whether the id is another record's, by now or by another of these decisions."""
    key, target_id = decision.record_key, decision.target_id
    owner = state.by_target_id(known.entity, [target_id]).get(target_id)
    rival = chosen.setdefault((known.entity, target_id), key)
    other = owner if owner not in (None, key) else rival if rival != key else None
    if other is None:
        return None
    return Doubt(
        f"{known.entity} {target_id} belongs to record {other} already.",
        "Two records of ours never become one in Casebook: look for the right one.",
    )


def _to_look_at(
    state: StateReader, decisions: Sequence[Decision], *, force: bool
) -> tuple[list[tuple[KnownRecord, TargetId]], list[KnownRecord]]:
    """The records whose ids are to be looked at in Casebook, and those of which all copies are to be listed."""
    known = state.known([each.record_key for each in decisions])
    claimed = [(known[each.record_key], each.target_id) for each in decisions if each.verdict is Verdict.FOUND]
    doubled = [known[each.record_key] for each in decisions if known[each.record_key].state is RecordState.DUPLICATE]
    return ([] if force else claimed), doubled


def _said_to_be_gone(state: StateReader, decisions: Sequence[Decision]) -> list[KnownRecord]:
    keys = [each.record_key for each in decisions if each.verdict is Verdict.DELETED]
    return list(state.known(keys).values())


def _seen_otherwise(decision: Decision, looked: Looked) -> Doubt | None:
    """What Casebook shows against a decision."""
    key, copies = decision.record_key, looked.copies.get(decision.record_key)
    if copies is None:
        return looked.doubts.get(key)
    shown = ", ".join(copies)
    if decision.verdict is Verdict.KEEP and decision.target_id not in copies:
        hint = (
            f"These do: {shown}." if copies else "None does: say --absent-key KEY, and the next run creates it again."
        )
        return Doubt(f"No record {decision.target_id} carries the marker of record {key}.", hint)
    if decision.verdict is Verdict.ABSENT and copies:
        return Doubt(f"Record {key} is in Casebook: {shown}.", "Say which one is kept: --keep KEY ID.")
    return None


# ------------------------------------------------------------------ what is taken up


def _take(
    setting: Setting, store: StateStore, decisions: Sequence[Decision], looked: Looked, *, forced: bool
) -> Settled:
    known = store.known([each.record_key for each in decisions])
    store.commit(*(change for each in decisions for change in _changes(each, known[each.record_key]))).result()
    for each in decisions:
        there = known[each.record_key]
        facts = _facts(each, there, forced=forced)
        audit(setting, decision=each.text, entity=there.entity, record_key=there.key, **facts)
    surplus = {
        each.record_key: [copy for copy in looked.copies[each.record_key] if copy != each.target_id]
        for each in decisions
        if each.verdict is Verdict.KEEP
    }
    gone = [each.record_key for each in decisions if each.verdict is Verdict.DELETED]
    return Settled(len(decisions), surplus, _waiting_for(store, gone) if gone else {})


def _waiting_for(state: StateReader, parents: Collection[RecordKey]) -> dict[str, int]:
    """How many records the latest runs blocked for one of these parents, by mapping."""
    reasons = {f"parent {key}" for key in parents}
    blocked = (known for known in state.in_state(RecordState.BLOCKED) if known.error in reasons)
    return dict(Counter(known.mapping for known in blocked))


def _facts(decision: Decision, known: KnownRecord, *, forced: bool) -> dict[str, object]:
    """What the audit trail says of a decision beside itself."""
    if decision.verdict is Verdict.DELETED:
        return {"mapping": known.mapping, "target_id": known.target_id, "why": decision.why}
    return {"why_held": _why(known)} | ({"forced": True} if forced and decision.verdict is Verdict.FOUND else {})


def _changes(decision: Decision, known: KnownRecord) -> Iterable[Change]:
    """From what state believes to what a person says."""
    if decision.verdict is Verdict.DELETED:
        return [StoreAttribute(known.key, DELETED_ON_PURPOSE, now_text())]
    if decision.verdict is not Verdict.ABSENT:
        return kept(known, decision.target_id)
    if known.state is RecordState.UNCERTAIN:
        return [MarkRejected(known.key, None, DECIDED_ABSENT)]
    return [*_certain(known), MarkUndone(known.key)]


def kept(known: KnownRecord, target_id: TargetId) -> list[Change]:
    """The changes by which a record is this one of Casebook from now on; the next run sends all of it, and sees to what was
    sent once and the source has no more by then.
    """
    key = known.key
    anew = Intend(key, known.entity, known.mapping, "", b"", known.scope)
    if known.state in ABSENT:
        changes: list[Change] = [anew, MarkCreated(key, target_id)]
    elif known.target_id is None:
        changes = [MarkCreated(key, target_id)]
    elif known.target_id == target_id:
        changes = _certain(known)
    else:
        # An id once given never becomes another: the record is let go of and begins anew under the other one.
        changes = [*_certain(known), MarkUndone(key), anew, MarkCreated(key, target_id)]
    return [*changes, MarkUpdated(key, "", with_unknown_values(known.field_hashes))]


def _certain(known: KnownRecord) -> list[Change]:
    if known.state is RecordState.DUPLICATE and known.target_id is not None:
        return [MarkCreated(known.key, known.target_id)]
    return []


def keep_deletions(setting: Setting, store: StateStore) -> None:
    """Writes into a rebuilt state what was deleted on purpose, by the audit trail: else the next run would create it again."""
    lines = {
        line["record_key"]: line for line in audited(setting) if line.get("decision") in (Verdict.DELETED, RETURNED)
    }
    for key, line in lines.items():
        known = store.known([RecordKey(key)]).get(RecordKey(key))
        if line["decision"] == RETURNED or (known is not None and known.state is not RecordState.UNCERTAIN):
            continue
        begun: list[Change] = (
            [Intend(RecordKey(key), line["entity"], line["mapping"], "", b"")] if known is None else []
        )
        there = MarkCreated(RecordKey(key), TargetId(line["target_id"]))
        store.commit(*begun, there, StoreAttribute(there.key, DELETED_ON_PURPOSE, line["at"])).result()


# ------------------------------------------------------------------ what is told


def _settled_by_hand(setting: Setting) -> set[str]:
    """The records of which a person said last which one of Casebook they are."""
    lines = ((line.get("record_key"), str(line.get("decision"))) for line in audited(setting))
    said = {str(key): text for key, text in lines if key is not None and text not in (Verdict.DELETED, RETURNED)}
    return {key for key, text in said.items() if text.startswith((Verdict.FOUND, Verdict.KEEP))}


def _held(known: KnownRecord) -> Held:
    return Held(known.key, known.entity, known.mapping, marker(known.key), known.error or "the run was interrupted")


def _why(known: KnownRecord) -> str:
    return known.error or str(known.state)


def _what_is_held(state: StateReader) -> str:
    held = sorted({known.entity for known in state.in_state(*_TO_SETTLE)})
    open_still = sorted({known.entity for known in state.in_state(RecordState.INTENT)})
    doubled = sorted({known.entity for known in state.in_state(RecordState.DUPLICATE)})
    said = f"Held are records of: {', '.join(held)}." if held else "Nothing is held."
    if doubled:
        said += f" In Casebook more than once are records of: {', '.join(doubled)}."
    if open_still:
        said += f" Records of {', '.join(open_still)} were under way when a run was interrupted: run again, which asks about them."
    return said
