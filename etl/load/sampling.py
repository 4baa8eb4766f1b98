"""Chooses the records that reading back looks at: all, so many, a share, or one of several rotating parts.

A sample is drawn by seeded hashes of record keys, stratum by stratum (entity, run, and whether the record is held to be
there), so that the same seed chooses the same records again, every stratum is in it, and no record is held in memory but
those chosen.
"""

from __future__ import annotations

import hashlib
import heapq
import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from etl.core.keys import RecordKey
from etl.core.outcomes import ABSENT, THERE
from etl.core.state_port import KnownRecord, StateReader

Stratum = tuple[str, str, bool]
"""An entity, the run that changed the record last, and whether state holds it to be there."""


@dataclass(frozen=True, slots=True)
class Scope:
    """How much is read back: everything, or exactly one of ``count`` (records), ``share`` (0 to 1) or ``part``
    (number and how many). ``seed`` makes a sample repeatable; parts need none and cover everything in turn.
    """

    count: int | None = None
    share: float | None = None
    part: tuple[int, int] | None = None
    seed: int = 0

    @property
    def is_all(self) -> bool:
        """Whether every record is read back."""
        return self.count is None and self.share is None and self.part is None

    def __str__(self) -> str:
        if self.count is not None:
            return f"a sample of {self.count:,}, seed {self.seed}"
        if self.share is not None:
            return f"a sample of {self.share:.4g} of all, seed {self.seed}"
        return f"part {self.part[0]} of {self.part[1]}" if self.part is not None else "all"


def quotas(strata: Counter[Stratum], scope: Scope) -> dict[Stratum, int]:
    """How many records of each stratum a sample takes: at least one, in proportion beyond that.

    Where ``count`` is smaller than the number of strata, every stratum still gives one: a sample that skips an entity
    would say nothing of it.

    >>> quotas(Counter({("person", "r1", True): 90, ("case", "r1", True): 10}), Scope(count=20))
    {('person', 'r1', True): 18, ('case', 'r1', True): 2}
    """
    total = strata.total()
    share = scope.share if scope.share is not None else min(1.0, (scope.count or 0) / total) if total else 0.0
    return {stratum: min(held, max(1, math.ceil(held * share - 1e-9))) for stratum, held in strata.items()}


def chosen(state: StateReader, scope: Scope) -> Iterator[KnownRecord]:
    """The records in scope, entity by entity: those that are there, and those that were sent and are held to be absent."""
    if scope.part is not None:
        number, parts = scope.part
        yield from (known for known in _sent(state) if _draw(known.key, 0) % parts == number - 1)
        return
    if scope.is_all:
        yield from _sent(state)
        return
    strata = Counter(_stratum(known) for known in _sent(state))
    takes = quotas(strata, scope)
    heaps: dict[Stratum, list[tuple[int, RecordKey]]] = {stratum: [] for stratum in takes}
    for known in _sent(state):
        _offer(heaps[_stratum(known)], (-_draw(known.key, scope.seed), known.key), takes[_stratum(known)])
    for entity in sorted({entity for entity, *_ in heaps}):
        keys = sorted(key for stratum, heap in heaps.items() if stratum[0] == entity for _, key in heap)
        yield from state.known(keys).values()


def _sent(state: StateReader) -> Iterator[KnownRecord]:
    """What may be in Casebook by our doing. A record that was never sent cannot have come late."""
    return (known for known in state.in_state(*THERE, *ABSENT) if known.state in THERE or known.attempt)


def _offer(heap: list[tuple[int, RecordKey]], candidate: tuple[int, RecordKey], most: int) -> None:
    """Keeps the candidates with the smallest draws."""
    if len(heap) < most:
        heapq.heappush(heap, candidate)
    else:
        heapq.heappushpop(heap, candidate)


def _stratum(known: KnownRecord) -> Stratum:
    return known.entity, known.run_id, known.state in THERE


def _draw(key: RecordKey, seed: int) -> int:
    """A record's lot, the same for the same seed."""
    return int.from_bytes(hashlib.blake2b(f"{seed}/{key}".encode(), digest_size=8).digest())


def batched(records: Iterator[KnownRecord], size: int) -> Iterator[Sequence[KnownRecord]]:
    """Records in lists of one entity, at most so long."""
    batch: list[KnownRecord] = []
    for record in records:
        if batch and (len(batch) == size or batch[0].entity != record.entity):
            yield batch
            batch = []
        batch.append(record)
    if batch:
        yield batch
