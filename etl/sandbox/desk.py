"""One request in, one outcome out: the desk sends an arrival to the token endpoint, the storage or a resource.

It knows nothing of sockets and faults; it changes the database only inside the transaction its caller holds, which is
what lets a fault stand exactly before or exactly after the commit.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from etl.sandbox.access import Gate, allowed, demand
from etl.sandbox.answers import Refused, refuse
from etl.sandbox.checks import Checker
from etl.sandbox.database import Database, Row
from etl.sandbox.queries import QueryReader
from etl.sandbox.resources import Caller, Habits, Outcome, Resources
from etl.sandbox.schema import Resource, Schema, compile_schema
from etl.sandbox.settings import SandboxSettings
from etl.sandbox.uploads import PREFIX, Storage

TOKEN_PATH = "/oauth2/token"  # noqa: S105 - a path, not a secret
_MARKER = re.compile(rb"mg1-[a-z2-7]{16}")


@dataclass(frozen=True, slots=True)
class Arrival:
    """A request read to its end. Header names are in lower case."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes
    base_url: str

    @property
    def content_type(self) -> str:
        """The content type as it was sent, "" where it was not."""
        return self.headers.get("content-type", "")

    @property
    def marker(self) -> str | None:
        """The marker its body carries."""
        found = _MARKER.search(self.body)
        return found[0].decode() if found else None


@dataclass(frozen=True, slots=True)
class Desk:
    """Serves one tenant."""

    schema: Schema
    database: Database
    gate: Gate
    storage: Storage
    resources: Resources
    visibility_lag_s: float

    def entity_of(self, path: str) -> str:
        """Return what a path concerns: an entity or lookup, ``token``, ``upload`` or nothing."""
        if path == TOKEN_PATH:
            return "token"
        if path.startswith(PREFIX):
            return "upload"
        found = self.schema.find(path)
        return found[0].name if found else ""

    def handle(self, arrival: Arrival, lag_s: float = 0.0) -> Outcome:
        """Carry a request out, or refuse it."""
        try:
            return self._routed(arrival, lag_s)
        except Refused as refused:
            return Outcome(refused.reply())

    def _routed(self, arrival: Arrival, lag_s: float) -> Outcome:
        if arrival.path == TOKEN_PATH:
            _demand_method(arrival, "POST")
            return Outcome(self.gate.grant(arrival.content_type, arrival.query, arrival.body))
        if arrival.path.startswith(PREFIX):
            _demand_method(arrival, "PUT")
            return Outcome(self.storage.put(arrival.path, arrival.query, arrival.headers, arrival.body))
        return self._resource(arrival, lag_s)

    def _resource(self, arrival: Arrival, lag_s: float) -> Outcome:
        application = self.gate.admit(arrival.headers.get("authorization", ""))
        found = self.schema.find(arrival.path)
        if found is None:
            raise refuse(404, "not_found", "No such resource.")
        resource, record_id = found
        operation = _operation(arrival.method, resource, record_id)
        demand(application, operation, resource)
        return self._perform(
            operation, arrival, Caller(application, arrival.base_url, lag_s or self.visibility_lag_s), found
        )

    def _perform(self, operation: str, arrival: Arrival, caller: Caller, found: tuple[Resource, str]) -> Outcome:
        resource, record_id = found
        match operation:
            case "create":
                return self.resources.create(resource, caller, arrival.content_type, arrival.body)
            case "list":
                return self.resources.list_page(resource, caller, arrival.query)
            case "get":
                return self.resources.get(resource, caller, record_id, arrival.query)
            case "update":
                return self.resources.update(resource, caller, record_id, arrival.content_type, arrival.body)
            case _:
                return self.resources.delete(resource, caller, record_id)


def open_desk(settings: SandboxSettings) -> Desk:
    """Open the database of a sandbox, seeds its lists, and puts everything in place."""
    schema = compile_schema(settings.catalog)
    database = Database(settings.db, _indexed(settings))
    _seed(database, schema)
    storage = Storage(database, database.secret(), settings.upload_ttl_s)
    checker = Checker(schema, database, 500 if settings.strict_crnk else 422)
    queries = QueryReader(
        database,
        schema.page_size,
        settings.page_max,
        settings.commas_mean_or,
        settings.unfilterable,
        settings.ignored_filters,
        settings.ignore_sort,
    )
    habits = Habits(settings.accept_client_ids, settings.custom_fields_replace, settings.cascade_deletes)
    resources = Resources(schema, database, checker, queries, storage, habits)
    return Desk(
        schema,
        database,
        Gate(settings.applications, settings.token_ttl_s),
        storage,
        resources,
        settings.visibility_lag_s,
    )


def _indexed(settings: SandboxSettings) -> list[str]:
    """List the attributes that markers are asked for by an exact filter."""
    found = set()
    for entity in settings.catalog.entities.values():
        slot = entity.marker.slot if entity.marker and entity.marker.ask == "filter" else None
        if slot is not None and slot in entity.attributes:
            found.add(entity.attributes[slot].wire_name)
    return sorted(found)


def _seed(database: Database, schema: Schema) -> None:
    with database.transaction():
        for row in schema.rows:
            database.seed(Row(row.member, row.id, row.attributes, {}, "2020-01-01T00:00:00.000000Z", "Administrator"))


def _demand_method(arrival: Arrival, method: str) -> None:
    if arrival.method != method:
        raise Refused(
            refuse(405, "method_not_allowed", "The address does not offer this.").complaints, {"Allow": method}
        )


def _operation(method: str, resource: Resource, record_id: str) -> str:
    of_one = {"GET": "get", "PATCH": "update", "DELETE": "delete"}
    of_all = {"GET": "list", "POST": "create"}
    operation = (of_one if record_id else of_all).get(method)
    if operation is None:
        raise Refused(
            refuse(405, "method_not_allowed", "The resource does not offer this.").complaints,
            {"Allow": allowed(resource)},
        )
    return operation
