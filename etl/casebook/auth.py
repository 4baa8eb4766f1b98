"""Keeps a bearer token: fetched with the application's credentials, renewed at 80 % of its life, held in memory only.

Life is measured by the monotonic clock from before the request was sent, so that neither a wrong wall clock nor a slow
answer makes a token look younger than it is. Many requests that find it old cause one renewal.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Protocol
from urllib.parse import urlencode

from pydantic import SecretStr

from etl.casebook.connection import Answer, Outgoing, Reply
from etl.casebook.failures import UNAUTHORIZED, failure
from etl.casebook.strict_json import NotStrictJson, read_object
from etl.core.errors import RecordRejected, ResponseLost, TargetBusy, TargetError, TargetRefused
from etl.core.ports import Clock
from etl.core.records import JsonValue

ASSUMED_LIFE_S = 55 * 60.0
_RENEW_AT = 0.8
_TOKEN = re.compile(r"[\x21-\x7e]+")
_REFUSALS = frozenset({400, UNAUTHORIZED, 403})


class ClientCredentials(Protocol):
    """An application's id and secret. ``origin`` names where they came from, such as an environment variable."""

    @property
    def client_id(self) -> str:
        """The id that the registration shows."""
        ...

    @property
    def client_secret(self) -> SecretStr:
        """Its secret."""
        ...

    @property
    def origin(self) -> str:
        """What to check where the server refuses them."""
        ...


@dataclass(frozen=True, slots=True)
class Token:
    """A bearer token and when, on the monotonic clock, to replace it. ``life_s`` is what the server says, if it does."""

    text: str = field(repr=False)
    renew_at: float
    life_s: float | None = None


class Tokens:
    """Gives the current token. ``ask`` sends a request as often as is sensible and judges the reply."""

    def __init__(
        self,
        credentials: ClientCredentials,
        token_url: str,
        clock: Clock,
        ask: Callable[[Outgoing, Callable[[Reply], Token | TargetError]], Awaitable[Token]],
        *,
        params_in: str = "body",
    ) -> None:
        self._credentials = credentials
        self._url = token_url
        self._place = f"The request for a token at {token_url}"
        self._clock = clock
        self._ask = ask
        self._in_query = params_in == "query"
        self._token: Token | None = None
        self._renewal = asyncio.Lock()

    async def current(self) -> str:
        """A token in the first 80 % of its life. Raises TargetBusy (nothing was sent with it) or TargetRefused."""
        if (token := self._young()) is not None:
            return token.text
        async with self._renewal:
            token = self._young() or await self._fetch()
            return token.text

    async def life_s(self) -> float | None:
        """How long the server says that the current token lives; None where it does not. Raises like :meth:`current`."""
        await self.current()
        return self._token.life_s if self._token is not None else None

    def discard(self, text: str) -> None:
        """Makes the next call of :meth:`current` fetch anew, unless that has happened since ``text`` was given out."""
        if self._token is not None and self._token.text == text:
            self._token = None

    def _young(self) -> Token | None:
        token = self._token
        return token if token is not None and self._clock.monotonic() < token.renew_at else None

    async def _fetch(self) -> Token:
        started = self._clock.monotonic()
        try:
            self._token = await self._ask(self._request(), lambda reply: self._judge(reply, started))
        except ResponseLost as error:
            raise TargetBusy(error.message, hint="Check the token_url of the profile.") from None
        return self._token

    def _request(self) -> Outgoing:
        parameters = urlencode(
            {
                "grant_type": "client_credentials",
                "client_id": self._credentials.client_id,
                "client_secret": self._credentials.client_secret.get_secret_value(),
            }
        )
        headers = {"content-type": "application/x-www-form-urlencoded", "accept": "application/json"}
        if self._in_query:
            joint = "&" if "?" in self._url else "?"
            return Outgoing("POST", f"{self._url}{joint}{parameters}", headers)
        return Outgoing("POST", self._url, headers, parameters.encode())

    def _judge(self, reply: Reply, started: float) -> Token | TargetError:
        if isinstance(reply, Answer) and reply.status in _REFUSALS:
            return self._refused(reply.status)
        error = failure(reply, safe=True, place=self._place, setting="token_url")
        if isinstance(error, RecordRejected):
            # Not a record's fault: the address is another one's.
            return TargetRefused(error.message, status=error.status, hint="Check the token_url of the profile.")
        if error is not None or not isinstance(reply, Answer):
            return error or ResponseLost(f"{self._place}: no answer.")
        return _token(reply, started) or TargetRefused(
            f"{self._place} was answered without a token.",
            status=reply.status,
            hint="Check the token_url of the profile.",
        )

    def _refused(self, status: int) -> TargetRefused:
        return TargetRefused(
            f"Casebook does not accept the application's credentials (status {status}).",
            status=status,
            hint=f"Check {self._credentials.origin}, and that the application is still registered.",
        )


def _token(answer: Answer, started: float) -> Token | None:
    try:
        body = read_object(answer.body)
    except NotStrictJson:
        return None
    text = body.get("access_token")
    if not isinstance(text, str) or _TOKEN.fullmatch(text) is None:
        return None
    life_s = _life_s(body.get("expires_in"))
    return Token(text, started + _RENEW_AT * (life_s or ASSUMED_LIFE_S), life_s)


def _life_s(value: JsonValue) -> float | None:
    try:
        life_s = float(value) if isinstance(value, str | int | float) else 0.0
    except (ValueError, OverflowError):
        return None
    return life_s if 0 < life_s < float("inf") else None
