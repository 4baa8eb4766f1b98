"""The probe's own way to the tenant: it shows each answer as it came, where the client would already have judged it.

Reads are repeated like the client's. A request that writes is sent once; one that can have no effect (an empty document,
a record that does not exist) is the only kind that goes to entities which are not marked as harmless.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import partial

from etl.casebook import wire
from etl.casebook.auth import ClientCredentials
from etl.casebook.channel import Channel, RequestEvent, Surroundings
from etl.casebook.clock import SystemClock
from etl.casebook.connection import Answer, Connection, Reply, Transport
from etl.casebook.failures import TOO_MANY, UNAUTHORIZED, failure, is_from_api
from etl.casebook.listing import Lists
from etl.casebook.retry import RetryBudget
from etl.casebook.session import MEDIA_TYPE, Session
from etl.casebook.strict_json import NotStrictJson, read_object
from etl.casebook.throttle import Throttle
from etl.catalog.model import Catalog
from etl.core.errors import TargetError
from etl.core.ports import Clock
from etl.core.records import JsonValue, TargetId
from etl.mapping.model import Profile

NOBODY = TargetId("00000000-0000-4000-8000-000000000000")
"""An id in the form of a UUID that no record has."""
NOTHING = b'{"data":null}'
"""A body that holds no record, so that nothing can come of it."""
SERVER_FAILS = 500
_BUDGET = RetryBudget(attempts=3, time_s=20.0)


@dataclass(frozen=True, slots=True)
class Seen:
    """One answer as it came. ``document`` is None where the body is no JSON object."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    document: Mapping[str, JsonValue] | None = field(repr=False)
    took_s: float
    from_api: bool

    @property
    def succeeded(self) -> bool:
        """Whether the status is a 2xx."""
        return 200 <= self.status < 300  # noqa: PLR2004 - the class of success

    @property
    def rows(self) -> list[JsonValue]:
        """The resources of a list; none where it is no list."""
        data = self.document.get("data") if self.document else None
        return data if isinstance(data, list) else []

    @property
    def has_more(self) -> bool:
        """Whether the server says that the list goes on."""
        links, meta = self._part("links"), self._part("meta")
        total = meta.get("totalResourceCount")
        return bool(links.get("next")) or (isinstance(total, int) and total > len(self.rows))

    def _part(self, name: str) -> Mapping[str, JsonValue]:
        part = self.document.get(name) if self.document else None
        return part if isinstance(part, dict) else {}


class ProbeLine:
    """Requests in the name of the registered application. Raises SettingsError for an address in the open.

    ``slowest_s`` is the longest that an answer took, ``skew_s`` how far the server's clock is ahead of ours (None: it does
    not say).
    """

    def __init__(
        self,
        profile: Profile,
        catalog: Catalog,
        credentials: ClientCredentials,
        transport: Transport | None = None,
        *,
        clock: Clock | None = None,
        on_event: Callable[[RequestEvent], None] | None = None,
    ) -> None:
        self.profile = profile
        self.catalog = catalog
        self.clock = clock or SystemClock()
        self.slowest_s = 0.0
        self.skew_s: float | None = None
        shared = Surroundings(self.clock, random.SystemRandom(), _BUDGET, Counter(), on_event)
        throttle = Throttle(min(profile.concurrency, 2), profile.rate_per_s, self.clock)
        self._channel = Channel(Connection(transport), throttle, shared)
        self._session = Session(profile, credentials, self._channel, self.clock)
        self.lists = Lists(self._session, catalog, profile.page_size)

    async def token_life_s(self) -> float | None:
        """How long the server says that a token lives; None where it does not say. Raises TargetError without a token."""
        return await self._session.token_life_s()

    async def read(self, name: str, *query: tuple[str, str], target_id: TargetId | None = None) -> Seen:
        """GET of an entity's or lookup's list, or of one record. Raises TargetError, CatalogMismatch."""
        return await self.send("GET", name, target_id=target_id, query=query)

    async def send(
        self,
        verb: str,
        name: str,
        *,
        target_id: TargetId | None = None,
        query: Sequence[tuple[str, str]] = (),
        body: bytes = b"",
        content_type: str = MEDIA_TYPE,
    ) -> Seen:
        """One request; the answer of whatever status but 401 and 429. Raises TargetError, CatalogMismatch."""
        url = self._session.url(wire.path_of(self.catalog, name), target_id, query)
        began = self.clock.monotonic()
        judge = partial(self._judged, verb=verb, place=f"{verb} {name}", began=began)
        seen: Seen = await self._session.write(verb, url, judge, entity=name, body=body, content_type=content_type)
        self.slowest_s = max(self.slowest_s, seen.took_s)
        self.skew_s = _skew_s(seen.headers.get("date", ""), self.clock.now())
        return seen

    async def close(self) -> None:
        """Closes the connection."""
        await self._channel.close()

    def _judged(self, reply: Reply, *, verb: str, place: str, began: float) -> Seen | TargetError:
        fails = isinstance(reply, Answer) and reply.status >= SERVER_FAILS and verb == "GET"
        if not isinstance(reply, Answer) or fails or reply.status in {UNAUTHORIZED, TOO_MANY}:
            error = failure(reply, safe=verb != "POST", place=place)
            if error is not None:
                return error
        return _seen(reply, self.clock.monotonic() - began) if isinstance(reply, Answer) else TargetError(place)


def _seen(answer: Answer, took_s: float) -> Seen:
    try:
        document = read_object(answer.body)
    except NotStrictJson:
        document = None
    return Seen(answer.status, answer.headers, document, took_s, is_from_api(answer))


def _skew_s(server_date: str, now: datetime) -> float | None:
    try:
        moment = parsedate_to_datetime(server_date)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() - now.timestamp()
