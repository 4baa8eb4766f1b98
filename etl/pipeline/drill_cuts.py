"""What goes wrong in a drill: every call of a load is cut once at each boundary where a call can be cut.

The first create of each entity is let through, because absence can only be proved beside a record that is there; every
other request meets the fault the first time it comes, whatever the order in which the loader sends.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from etl.pipeline.drill_ground import LATE_S
from etl.sandbox.faults import FaultRule, parse_faults

MIXED = f"reset_after_commit@POST:0.08,reset_before_commit@POST:0.05,late_commit(delay_s={LATE_S})@POST:0.02"
"""The misbehaviour while processes are killed."""
_UPLOAD = "upload"
_EXPIRIES = 30
_APART = 8
"""Requests between two expiries at the least, for each request that may be in flight: each of those may be refused, and
come again under the new token, before the next expiry. A token that is refused as soon as it is given rightly stops a load.
"""


@dataclass(frozen=True, slots=True)
class Cut:
    """One boundary: its name as people read it, and its rules."""

    name: str
    rules: tuple[FaultRule, ...]


def cuts(entities: Iterable[str], records: int, concurrency: int) -> list[Cut]:
    """Every boundary, for creates of these entities and for whatever else a load of so many records sends, with so many
    requests in flight.
    """
    names = sorted(set(entities))
    lost = FaultRule("reset_after_commit")
    return [
        Cut("cut before anything was done", _everywhere(FaultRule("reset_before_commit"), names)),
        Cut("cut after it was done", _everywhere(lost, names)),
        Cut("cut amid the answer", _everywhere(FaultRule("cut_body"), names)),
        Cut("500 after it was done", _everywhere(FaultRule("status", status=500, after_commit=True), names)),
        Cut("503 before anything was done", _everywhere(FaultRule("status", status=503), names)),
        Cut("somebody else's page in its place", _everywhere(FaultRule("foreign_body"), names)),
        Cut("done only later", _creates(FaultRule("late_commit", delay_s=LATE_S), names)),
        Cut("tokens that expire early", (_expiring(records, concurrency),)),
    ]


def mixed(text: str) -> tuple[FaultRule, ...]:
    """The faults that go with kills: a person's own choice, else the usual mixture. Raises SettingsError."""
    return parse_faults(text or MIXED)


def _expiring(records: int, concurrency: int) -> FaultRule:
    """Expiries that a load of this size meets, at least one, and no two of which one request can meet."""
    apart = max(_APART * concurrency, records // _EXPIRIES)
    if apart <= records:
        return FaultRule("expire_tokens", every=apart)
    return FaultRule("expire_tokens", nth=(max(records // 2, 1),))


def _everywhere(rule: FaultRule, entities: list[str]) -> tuple[FaultRule, ...]:
    others = replace(rule, methods=("GET", "PATCH"), once=True)
    return (*_creates(rule, entities), others, replace(rule, methods=("PUT",), entity=_UPLOAD, once=True))


def _creates(rule: FaultRule, entities: list[str]) -> tuple[FaultRule, ...]:
    return tuple(replace(rule, methods=("POST",), entity=name, spared=1, once=True) for name in entities)
