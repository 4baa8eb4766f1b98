"""The account of what was planted: it says where each row must end, worked out beside the product and not by it.

A row's own verdict comes from the fault planted in it; the only thing computed is the cascade: a sound row whose parent
is missing or held back is blocked, and so are its own children.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

LOADED = "loaded"
IGNORED = "ignored"
QUARANTINED = "quarantined"
BLOCKED = "blocked"


class Key(NamedTuple):
    """A legacy identity: the mapping that feeds its key space, and the key's text."""

    mapping: str
    text: str


class Verdict(NamedTuple):
    """Where a row ends, and why."""

    bucket: str = LOADED
    reason: str = ""


SOUND = Verdict()
ORPHAN = Verdict(BLOCKED, "parent_missing")
DELETED = Verdict(IGNORED, "where")
UNMATCHED = Verdict("unmatched", "unmatched_row")
"""No base row: the account of joined tables."""


def held(code: str) -> Verdict:
    """The verdict on a row that a problem of this code keeps out."""
    return Verdict(QUARANTINED, code)


@dataclass(slots=True)
class Entry:
    """A row of a mapping: its verdict, the parents it cannot do without, and the links it can leave out."""

    key: Key | None
    mapping: str
    verdict: Verdict
    needs: tuple[Key, ...]
    optional: tuple[tuple[str, Key], ...]


class Fault(NamedTuple):
    """A kind of dirt at a place, and what becomes of its rows."""

    dirt: str
    where: str
    bucket: str
    code: str


class Ledger:
    """Collects the rows of a block, settles them, and adds them to the totals."""

    def __init__(self) -> None:
        self.rows: Counter[str] = Counter()
        self.buckets: Counter[tuple[str, str, str]] = Counter()
        self.left_out: Counter[tuple[str, str]] = Counter()
        self.unmatched: Counter[str] = Counter()
        self.faults: Counter[Fault] = Counter()
        self._entries: list[Entry] = []

    def add(
        self,
        mapping: str,
        key: str | None,
        verdict: Verdict = SOUND,
        *,
        needs: Iterable[Key] = (),
        optional: Iterable[tuple[str, Key]] = (),
    ) -> None:
        """Takes one base row of one mapping into the account; ``key`` is None where the row has none."""
        whole = None if key is None else Key(mapping, key)
        self._entries.append(Entry(whole, mapping, verdict, tuple(needs), tuple(optional)))

    def plant(self, dirt: str, where: str, verdict: Verdict, code: str = "") -> Verdict:
        """Writes a planted fault down and hands its verdict back. ``code`` is the problem of a row that still loads."""
        self.faults[Fault(dirt, where, verdict.bucket, verdict.reason or code)] += 1
        return verdict

    def settle(self) -> None:
        """Blocks what hangs on missing or held parents, then adds the block's rows to the totals and forgets them."""
        _cascade(self._entries)
        loaded = {entry.key for entry in self._entries if entry.verdict.bucket == LOADED}
        for entry in self._entries:
            self.buckets[entry.mapping, entry.verdict.bucket, entry.verdict.reason] += 1
            if entry.verdict.bucket == LOADED:
                self._count_left_out(entry, loaded)
        self._entries.clear()

    def _count_left_out(self, entry: Entry, loaded: set[Key | None]) -> None:
        self.left_out.update((entry.mapping, field) for field in {f for f, key in entry.optional if key not in loaded})


def _cascade(entries: list[Entry]) -> None:
    """Repeats until nothing more is blocked: parents may stand after their children."""
    known = {entry.key for entry in entries if entry.verdict.bucket != IGNORED} - {None}
    loaded = {entry.key for entry in entries if entry.verdict.bucket == LOADED}
    waiting = [entry for entry in entries if entry.verdict.bucket == LOADED and entry.needs]
    while fallen := [entry for entry in waiting if not loaded.issuperset(entry.needs)]:
        for entry in fallen:
            entry.verdict = Verdict(BLOCKED, _reason(entry, known, loaded))
        loaded.difference_update(entry.key for entry in fallen)
        waiting = [entry for entry in waiting if entry.verdict.bucket == LOADED]


def _reason(entry: Entry, known: set[Key | None], loaded: set[Key | None]) -> str:
    reasons = {"parent_not_loadable" if key in known else "parent_missing" for key in entry.needs if key not in loaded}
    if len(reasons) > 1:
        raise AssertionError(f"a row of {entry.mapping} would be blocked for two reasons: plant them apart")
    return reasons.pop()
