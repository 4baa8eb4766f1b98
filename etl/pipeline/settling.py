"""Held records: those whose answer was lost and whose absence cannot be proved. A person who has looked settles them.

Each decision becomes a line in ``runs/<project>-<profile>.audit.jsonl``: who, when, which record, what was decided.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from etl.core.changes import Change, MarkCreated, MarkRejected, MarkUpdated
from etl.core.errors import SettingsError
from etl.core.keys import RecordKey, marker
from etl.core.outcomes import DECIDED_ABSENT, RecordState
from etl.core.ports import KnownRecord, StateReader
from etl.core.records import TargetId
from etl.pipeline.audit import audit
from etl.pipeline.match_queue import decide
from etl.pipeline.wiring import Setting

_HELD = (RecordState.INTENT, RecordState.UNCERTAIN)
_TO_SETTLE = (RecordState.UNCERTAIN,)
"""An intent may belong to a request that still takes effect: only a run, which asks and waits, makes of it what a person may
decide about.
"""


@dataclass(frozen=True, slots=True)
class Held:
    """A held record, with what a person needs to look for it in Casebook."""

    record_key: RecordKey
    entity: str
    mapping: str
    marker: str
    why: str


def held_records(setting: Setting) -> list[Held]:
    """Everything that waits for a certain answer, by entity."""
    with setting.reader() as state:
        return [_held(known) for known in state.in_state(*_HELD)]


def settle_absent(setting: Setting, entity: str) -> int:
    """Decides that no held record of an entity is in Casebook: the next run sends them. Returns how many."""
    with setting.store("resolve") as store:
        chosen = [known for known in store.in_state(*_TO_SETTLE) if known.entity == entity]
        _require(chosen, f"No record of {entity} is held.", store)
        for known in chosen:
            store.commit(MarkRejected(known.key, None, DECIDED_ABSENT)).result()
            _audit(setting, known, "absent")
        return len(chosen)


def settle_found(setting: Setting, key: str, target_id: str) -> None:
    """Decides that a held record is the one with this Casebook id; its fields are compared and sent by the next run."""
    with setting.store("resolve") as store:
        chosen = [known for known in store.in_state(*_TO_SETTLE) if known.key == key]
        _require(chosen, f"No held record has the key {key}.", store)
        changes: list[Change] = [MarkCreated(chosen[0].key, TargetId(target_id)), MarkUpdated(chosen[0].key, "", b"")]
        store.commit(*changes).result()
        _audit(setting, chosen[0], f"found {target_id}")


def settle_match(setting: Setting, key: str, decision: str) -> None:
    """Decides which record of Casebook an undecided one is, or that it is none of the candidates (``new``)."""
    question = decide(setting, key, decision)
    audit(setting, decision=f"match {decision}", entity=question.entity, record_key=key, candidates=question.ids)


def _held(known: KnownRecord) -> Held:
    return Held(known.key, known.entity, known.mapping, marker(known.key), known.error or "the run was interrupted")


def _require(chosen: Sequence[KnownRecord], message: str, state: StateReader) -> None:
    if not chosen:
        raise SettingsError(message, hint=_what_is_held(state))


def _what_is_held(state: StateReader) -> str:
    held = sorted({known.entity for known in state.in_state(*_TO_SETTLE)})
    open_still = sorted({known.entity for known in state.in_state(RecordState.INTENT)})
    said = f"Held are records of: {', '.join(held)}." if held else "Nothing is held."
    if open_still:
        said += f" Records of {', '.join(open_still)} were under way when a run was interrupted: run again, which asks about them."
    return said


def _audit(setting: Setting, known: KnownRecord, decision: str) -> None:
    audit(setting, decision=decision, entity=known.entity, record_key=known.key, why_held=known.error)
