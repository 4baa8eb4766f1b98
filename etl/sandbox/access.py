"""Who may do what: bearer tokens for registered applications, their roles, and which rows their view hides.

Roles refuse, views hide: a limited view answers as if the other rows were not there, which is what makes it dangerous to
a duplicate check.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import parse_qsl

from etl.sandbox.answers import FORM, JSON, Refused, Reply, json_reply, refuse
from etl.sandbox.database import Condition
from etl.sandbox.schema import Resource
from etl.sandbox.settings import Application

ASSIGNMENT = "assignment_id"


@dataclass(frozen=True, slots=True)
class _Token:
    application: Application
    expires: float


class Gate:
    """Gives tokens and recognises them. Tokens live in memory: a restarted sandbox knows none."""

    def __init__(self, applications: Sequence[Application], ttl_s: float) -> None:
        self._applications = {application.client_id: application for application in applications}
        self._ttl_s = ttl_s
        self._tokens: dict[str, _Token] = {}

    def grant(self, content_type: str, query: str, body: bytes) -> Reply:
        """Return a token for client credentials in the form body or the query, or the error OAuth asks for."""
        is_form = content_type.partition(";")[0].strip().lower() == FORM
        given = dict(parse_qsl(query) + (parse_qsl(body.decode("utf-8", "replace")) if is_form else []))
        if given.get("grant_type") != "client_credentials":
            return _oauth_error(400, "unsupported_grant_type" if "grant_type" in given else "invalid_request")
        application = self._applications.get(given.get("client_id", ""))
        if application is None or not _same(application.client_secret, given.get("client_secret", "")):
            return _oauth_error(401, "invalid_client")
        token = secrets.token_urlsafe(24)
        self._tokens[token] = _Token(application, time.monotonic() + self._ttl_s)
        return json_reply(200, {"access_token": token, "expires_in": self._ttl_s, "token_type": "Bearer"}, JSON)

    def admit(self, authorization: str) -> Application:
        """Return the application behind a bearer header. Raises Refused with 401."""
        scheme, _, token = authorization.partition(" ")
        known = self._tokens.get(token.strip())
        if scheme.lower() != "bearer" or known is None:
            raise _unauthorized("invalid_token", "A valid bearer token is needed.")
        if known.expires <= time.monotonic():
            del self._tokens[token.strip()]
            raise _unauthorized("token_expired", "The bearer token has expired.")
        return known.application

    def expire_all(self) -> None:
        """Make every token unknown."""
        self._tokens.clear()


def _same(secret: str, given: str) -> bool:
    return secrets.compare_digest(secret.encode(), given.encode())


def _oauth_error(status: int, code: str) -> Reply:
    return json_reply(status, {"error": code}, JSON)


def _unauthorized(code: str, detail: str) -> Refused:
    return Refused(refuse(401, code, detail).complaints, {"WWW-Authenticate": "Bearer"})


def demand(application: Application, operation: str, resource: Resource) -> None:
    """Raise Refused: 405 for what the resource does not offer, 403 for what the application may not."""
    if operation not in resource.operations:
        raise Refused(
            refuse(405, "method_not_allowed", "The resource does not offer this.").complaints,
            {"Allow": allowed(resource)},
        )
    if not application.may(operation, resource.name):
        raise refuse(403, "forbidden", "The application's roles do not allow this.")


_METHODS = {"create": "POST", "list": "GET", "get": "GET", "update": "PATCH", "delete": "DELETE"}


def allowed(resource: Resource) -> str:
    """Return the methods a resource offers."""
    return ", ".join(sorted({_METHODS[operation] for operation in resource.operations if operation in _METHODS}))


def visible(application: Application, resource: Resource) -> tuple[Condition, ...]:
    """Return the conditions under which an application sees rows of a resource; lists of the tenant are seen by all."""
    if application.view == "all" or "create" not in resource.operations:
        return ()
    if application.view == "limited":
        return (Condition("created_by = ?", (application.name,)),)
    return _assigned(application) if ASSIGNMENT in resource.made else ()


def _assigned(application: Application) -> tuple[Condition, ...]:
    """Units of work that some record ties both to this user and, by its link, to the unit."""
    sql = "id IN (SELECT unit.target FROM links AS unit JOIN links AS person USING (source) WHERE person.target = ? AND unit.target <> person.target)"
    return (Condition(sql, (application.user,)),)
