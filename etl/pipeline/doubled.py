"""Records that are in Casebook more than once: listed with all their ids, and asked about again by every new run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from etl.core.errors import SettingsError, TargetError
from etl.core.keys import RecordKey, marker
from etl.core.outcomes import RecordState
from etl.core.ports import Progress
from etl.core.records import TargetId
from etl.core.state_port import StateStore
from etl.pipeline import capabilities
from etl.pipeline.looking import copies_of
from etl.pipeline.settling import kept
from etl.pipeline.silence import Silence
from etl.pipeline.wiring import Setting
from etl.report.words import counted


@dataclass(frozen=True, slots=True)
class Doubled:
    """A record that is in Casebook more than once. ``ids`` carry its marker, the oldest first; ``why`` says what has to be
    known beside, such as that nobody could look.
    """

    record_key: RecordKey
    entity: str
    mapping: str
    marker: str
    ids: tuple[TargetId, ...]
    why: str = ""


def doubled_records(setting: Setting) -> list[Doubled]:
    """The records that are in Casebook more than once, with all their ids; where nobody can look, with the one that state
    knows.
    """
    with setting.reader() as state:
        known = list(state.in_state(RecordState.DUPLICATE))
        try:
            copies, why = copies_of(capabilities.told(setting, Silence()), state, known), ""
        except (TargetError, SettingsError) as error:
            copies, why = (
                {each.key: [each.target_id] for each in known if each.target_id},
                f"the others: {error.message}",
            )
    return [
        Doubled(
            each.key,
            each.entity,
            each.mapping,
            marker(each.key),
            tuple(copies[each.key]),
            why or _told(copies[each.key]),
        )
        for each in known
    ]


def ask_about_doubled(setting: Setting, state: StateStore, progress: Progress) -> None:
    """Makes those `created` of which only one copy is left, and says how many are left twice. Raises TargetError."""
    known = list(state.in_state(RecordState.DUPLICATE))
    copies = copies_of(setting, state, known)
    for each in known:
        if len(copies[each.key]) == 1:
            state.commit(*kept(each, copies[each.key][0])).result()
    still = sum(len(copies[each.key]) != 1 for each in known)
    if still:
        progress.note(f"In Casebook more than once: {counted(still, 'record')}; `casebook-etl resolve` lists them.")


def _told(ids: Sequence[TargetId]) -> str:
    if not ids:
        return "none is left: --absent-key KEY lets the next run create it again"
    return "only one is left: run again" if len(ids) == 1 else ""
