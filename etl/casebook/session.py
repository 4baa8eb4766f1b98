"""Talks to the API itself: puts the bearer token on each request and renews it once where it is not accepted.

A 401 that certainly comes from the API had no effect, so the request is sent again under a new token. A 401 that may
come from somebody else still discards the token, but a create that met it counts as lost.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from functools import lru_cache
from typing import TypeVar
from urllib.parse import quote, urlencode

from etl.casebook.addresses import check_address
from etl.casebook.auth import ClientCredentials, Token, Tokens
from etl.casebook.channel import Channel
from etl.casebook.connection import Answer, Outgoing, Reply
from etl.casebook.failures import NOT_FOUND, UNAUTHORIZED, failure
from etl.casebook.strict_json import NotStrictJson, read_object
from etl.core.errors import RecordRejected, ResponseLost, TargetError, TargetRefused
from etl.core.ports import Clock, Fence
from etl.core.records import JsonValue, TargetId
from etl.mapping.model import Profile

MEDIA_TYPE = "application/vnd.api+json"
T = TypeVar("T")


class Session:
    """Requests in the name of the registered application. Raises SettingsError for an address in the open."""

    def __init__(self, profile: Profile, credentials: ClientCredentials, channel: Channel, clock: Clock) -> None:
        check_address(profile.base_url, f"base_url of profile {profile.name}")
        check_address(profile.token_url, f"token_url of profile {profile.name}")
        self.base_url = profile.base_url.rstrip("/")
        self._channel = channel
        self._deadline_s = profile.deadline_s
        self._tokens = Tokens(
            credentials, profile.token_url, clock, self._ask_for_token, params_in=profile.token_params_in
        )

    def url(self, path: str, target_id: TargetId | None = None, query: Sequence[tuple[str, str]] = ()) -> str:
        """The address of a collection or of one of its records."""
        address = self.base_url + path + (f"/{quote(target_id, safe='')}" if target_id is not None else "")
        return f"{address}?{urlencode(query, quote_via=quote)}" if query else address

    async def token_life_s(self) -> float | None:
        """How long the server says that the token in use lives; None where it does not. Raises TargetError without one."""
        return await self._tokens.life_s()

    def write(
        self,
        verb: str,
        url: str,
        judge: Callable[[Reply], T | TargetError],
        *,
        entity: str,
        body: bytes = b"",
        content_type: str = MEDIA_TYPE,
        fence: Fence | None = None,
    ) -> Awaitable[T]:
        """Sends a POST, PATCH or DELETE; only the latter two are repeated after a lost answer. ``fence`` is awaited right
        before each time it leaves.
        """

        def signed(token: str) -> Outgoing:
            return Outgoing(verb, url, _headers(token, content_type), body, fence)

        return self._authorised(signed, judge, entity)

    async def read(self, url: str, *, entity: str) -> dict[str, JsonValue] | None:
        """The document at an address, None for 404. Raises TargetRefused for an answer that is no document."""
        place = f"GET {entity}"
        try:
            return await self._authorised(
                lambda token: Outgoing("GET", url, _headers(token, MEDIA_TYPE)),
                lambda reply: _document(reply, place),
                entity,
            )
        except _Missing:
            return None
        except ResponseLost as error:
            if error.status is None or error.status >= 300:  # noqa: PLR2004 - only a success can be of a wrong form
                raise
            raise TargetRefused(
                f"{place} was answered, but not with a JSON:API document.",
                status=error.status,
                hint="Check the profile's base_url and whether a proxy answers in Casebook's place.",
            ) from None

    async def _authorised(
        self, signed: Callable[[str], Outgoing], judge: Callable[[Reply], T | TargetError], entity: str
    ) -> T:
        token = await self._tokens.current()
        try:
            return await self._ask(signed(token), judge, entity)
        except (TargetRefused, ResponseLost) as error:
            if error.status != UNAUTHORIZED:
                raise
            self._tokens.discard(token)
            if isinstance(error, ResponseLost):
                raise
        token = await self._tokens.current()
        return await self._ask(signed(token), judge, entity)

    def _ask(self, outgoing: Outgoing, judge: Callable[[Reply], T | TargetError], entity: str) -> Awaitable[T]:
        safe = outgoing.verb != "POST"
        return self._channel.ask(outgoing, judge, entity=entity, safe=safe, deadline_s=self._deadline_s)

    def _ask_for_token(self, outgoing: Outgoing, judge: Callable[[Reply], Token | TargetError]) -> Awaitable[Token]:
        return self._channel.ask(outgoing, judge, entity="token", safe=True, deadline_s=self._deadline_s)


class _Missing(TargetError):
    """There is nothing at the address."""


@lru_cache(maxsize=4)
def _headers(token: str, content_type: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}", "accept": MEDIA_TYPE, "content-type": content_type}


def _document(reply: Reply, place: str) -> dict[str, JsonValue] | TargetError:
    error = failure(reply, safe=True, place=place)
    if isinstance(error, RecordRejected):
        return _Missing(place) if error.status == NOT_FOUND else _unreadable(error)
    if error is not None or not isinstance(reply, Answer):
        return error or ResponseLost(f"{place}: no answer.")
    return _parsed(reply, place)


def _parsed(answer: Answer, place: str) -> dict[str, JsonValue] | ResponseLost:
    try:
        document = read_object(answer.body)
    except NotStrictJson:
        document = {}
    return document if "data" in document else ResponseLost(f"{place}: no document.", status=answer.status)


def _unreadable(error: RecordRejected) -> TargetRefused:
    return TargetRefused(
        error.message, status=error.status, hint="Check path, filters and attributes in the tenant overlay."
    )
