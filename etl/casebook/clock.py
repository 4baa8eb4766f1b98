"""The machine's own clock, for whoever needs one outside the stages, which have none."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime

_WITH_SLEEP: int | None = getattr(time, "CLOCK_BOOTTIME", None)
"""Where the system has it: a clock that also counts while the machine is suspended."""


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """The wall clock in UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Seconds on a clock that never goes back, and that a suspended machine does not stop where the system can tell."""
        return time.monotonic() if _WITH_SLEEP is None else time.clock_gettime(_WITH_SLEEP)

    async def sleep(self, delay_s: float) -> None:
        """Waits."""
        await asyncio.sleep(delay_s)
