"""What a profile's rate is at a moment: one by day, while the agency's people work in Casebook, and one for the rest.

The agency's own wall clock decides, so daylight saving time moves the change of the rate and nothing else.
"""

from __future__ import annotations

from zoneinfo import ZoneInfo

from etl.casebook.throttle import Rate
from etl.core.ports import Clock
from etl.mapping.model import Profile


def rate_by_hour(profile: Profile, timezone: str, clock: Clock) -> Rate:
    """Requests that may start a second, asked anew for each request; None: as many as can."""
    zone, hours = ZoneInfo(timezone), profile.office_hours

    def rate() -> float | None:
        if hours is not None and hours.covers(clock.now().astimezone(zone)):
            return hours.rate_per_s
        return profile.rate_per_s

    return rate
