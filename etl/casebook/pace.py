"""How many requests may be in flight: found out by trying, because Casebook names no limit.

It begins low, doubles a round until the first sign of strain, and from then on creeps up by one a round (a round is as
many answers as may be in flight). Strain is the server asking to slow down, or answers of one kind that take clearly
longer than that kind's best round; either halves the number. Slower answers that a cut does not mend are the new normal,
or a server that is slower by day would end at one request for ever.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median

from etl.core.ports import Clock

ASKED, SLOW = "asked", "slow"
"""Why the pace was cut: the server asked for it, or its answers took clearly longer."""
_BEGIN = 4
_ROUND_AT_LEAST = 8
_CLEARLY_LONGER, _CLEARLY_S = 3.0, 0.25
"""Both have to be passed: so many times the best, and so many seconds above it."""
_MENDED = 0.8


@dataclass(frozen=True, slots=True)
class PaceFacts:
    """What became of the pace: requests in flight allowed at most, at the lowest after a cut, and now; cuts by reason."""

    most: int
    lowest: int
    last: int
    cuts: dict[str, int]


class Pace:
    """The number of requests that may be in flight, from 1 to ``most``. ``on_cut`` hears why and to what number, each
    time that it is lower than ever before.
    """

    def __init__(self, most: int, clock: Clock, on_cut: Callable[[str, int], None] | None = None) -> None:
        self.limit = min(_BEGIN, most)
        self._most = most
        self._clock = clock
        self._on_cut = on_cut
        self._cuts: Counter[str] = Counter()
        self._lowest = most
        self._cut_at = -1.0
        self._before_cut: dict[str, float] = {}
        self._best: dict[str, float] = {}
        self._round: dict[str, list[float]] = defaultdict(list)
        self._awaited = _ROUND_AT_LEAST

    @property
    def facts(self) -> PaceFacts:
        """What became of it so far."""
        return PaceFacts(self._most, self._lowest, self.limit, dict(self._cuts))

    def slow_down(self, began: float) -> None:
        """The server asked for it. Requests that left before the last cut say nothing new."""
        self._cut(ASKED, began)

    def learn(self, kind: str, began: float, duration_s: float) -> None:
        """An answer of a kind came after so many seconds; ``began`` by the monotonic clock."""
        if began < self._cut_at:
            return
        self._round[kind].append(duration_s)
        self._awaited -= 1
        if not self._cuts:
            self.limit = min(self.limit + 1, self._most)
        if self._awaited <= 0:
            self._end_round(began)

    def _end_round(self, began: float) -> None:
        kind = max(self._round, key=lambda each: len(self._round[each]))
        typical_s = median(self._round[kind])
        if self._is_strained(kind, typical_s):
            self._before_cut = {kind: typical_s}
            self._cut(SLOW, began)
        elif self._cuts:
            self.limit = min(self.limit + 1, self._most)
        self._begin_round()

    def _begin_round(self) -> None:
        self._round.clear()
        self._awaited = max(self.limit, _ROUND_AT_LEAST)

    def _is_strained(self, kind: str, typical_s: float) -> bool:
        before_cut = self._before_cut.pop(kind, None)
        if before_cut is not None and typical_s >= _MENDED * before_cut:
            self._best[kind] = typical_s
        best = self._best[kind] = min(self._best.get(kind, typical_s), typical_s)
        return typical_s > _CLEARLY_LONGER * best and typical_s > best + _CLEARLY_S and self.limit > 1

    def _cut(self, why: str, began: float) -> None:
        if began < self._cut_at:
            return
        self._cut_at = self._clock.monotonic()
        self._cuts[why] += 1
        self.limit = max(1, self.limit // 2)
        self._begin_round()
        if self._on_cut is not None and self.limit < self._lowest:
            self._on_cut(why, self.limit)
        self._lowest = min(self._lowest, self.limit)
