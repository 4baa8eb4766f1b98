"""A profile's office hours: when the agency's people work in Casebook, so that a load leaves room for them.

The agency's own wall clock decides (``timezone`` of the project), so daylight saving time moves the change of the rate
and nothing else.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Literal, TypeAlias

Day: TypeAlias = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
WORKDAYS: tuple[Day, ...] = ("monday", "tuesday", "wednesday", "thursday", "friday")


@dataclass(frozen=True, slots=True)
class OfficeHours:
    """When people work, and how many requests may start a second meanwhile.

    ``until`` is no longer part of it; where it is not after ``since`` it is the next day's.
    """

    since: dt.time
    until: dt.time
    rate_per_s: float
    days: tuple[str, ...] = WORKDAYS

    def covers(self, moment: dt.datetime) -> bool:
        """Whether people work at a moment of the agency's wall clock.

        >>> OfficeHours(dt.time(7), dt.time(19), 5.0).covers(dt.datetime(2026, 7, 4, 12))  # a Saturday
        False
        """
        now, is_open_day = moment.time(), _day(moment) in self.days
        if self.since < self.until:
            return is_open_day and self.since <= now < self.until
        return (is_open_day and now >= self.since) or (
            _day(moment - dt.timedelta(days=1)) in self.days and now < self.until
        )


def _day(moment: dt.datetime) -> str:
    # Not by strftime, whose names follow the machine's language.
    return (*WORKDAYS, "saturday", "sunday")[moment.weekday()]
