"""The collections themselves: create, list, get, update and delete of any entity the catalogue knows.

One code path serves all entities; what differs between them is data of the schema. Checks come first and writes last,
so a refusal never leaves anything behind.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from etl.catalog.model import Link
from etl.sandbox.access import visible
from etl.sandbox.answers import Reply, json_reply, refuse
from etl.sandbox.bodies import Submission, read_body
from etl.sandbox.checks import Checked, Checker
from etl.sandbox.database import Condition, Database, LinkRow, Row, Selection, json_place
from etl.sandbox.queries import ListQuery, QueryReader, page_links
from etl.sandbox.schema import CUSTOM, Resource, Schema
from etl.sandbox.settings import Application
from etl.sandbox.uploads import Storage


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks, at which address, and how long what is created now stays invisible."""

    application: Application
    base_url: str
    lag_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Habits:
    """Behaviours that are unknown of the real service and can be switched."""

    accept_client_ids: bool = False
    custom_fields_replace: bool = False
    cascade_deletes: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    """An answer, and the record that the request created, changed or removed."""

    reply: Reply
    record_id: str | None = None


@dataclass(frozen=True, slots=True)
class Resources:
    """Serves every resource of a tenant."""

    schema: Schema
    database: Database
    checker: Checker
    queries: QueryReader
    storage: Storage
    habits: Habits

    # ------------------------------------------------------------ reading

    def list_page(self, resource: Resource, caller: Caller, query: str) -> Outcome:
        """Return a page of records."""
        asked = self.queries.read(resource, query)
        conditions = (*asked.conditions, *visible(caller.application, resource), *self.database.hidden_now())
        selection = Selection(resource.members, conditions, asked.order, asked.page.size, asked.page.offset)
        rows = self.database.select(selection)
        total = self.database.count(selection)
        document = {
            "data": [self._shown(resource, row, caller, asked) for row in rows],
            "links": page_links(caller.base_url + resource.path, asked, total),
            "meta": {"totalResourceCount": total},
        }
        if asked.include:
            document["included"] = list(self._included(rows, caller, asked.include))
        return Outcome(json_reply(200, document))

    def get(self, resource: Resource, caller: Caller, record_id: str, query: str = "") -> Outcome:
        """One record."""
        asked = self.queries.read(resource, query)
        row = self._visible_row(resource, caller, record_id)
        document: dict[str, object] = {"data": self._shown(resource, row, caller, asked)}
        if asked.include:
            document["included"] = list(self._included([row], caller, asked.include))
        return Outcome(json_reply(200, document))

    def _visible_row(self, resource: Resource, caller: Caller, record_id: str) -> Row:
        conditions = (
            Condition("id = ?", (record_id,)),
            *visible(caller.application, resource),
            *self.database.hidden_now(),
        )
        found = self.database.select(Selection(resource.members, conditions, limit=1))
        if not found:
            raise refuse(404, "not_found", "No such record.")
        return found[0]

    def _included(self, rows: Sequence[Row], caller: Caller, names: Iterable[str]) -> Iterator[dict[str, object]]:
        wanted = dict.fromkeys(target for row in rows for name in names for target in row.links.get(name, ()))
        for record_id in wanted:
            row = self.database.row(record_id)
            resource = self.schema.by_name.get(row.entity) if row else None
            if row is not None and resource is not None:
                yield self._shown(resource, row, caller)

    # ------------------------------------------------------------ writing

    def create(self, resource: Resource, caller: Caller, content_type: str, body: bytes) -> Outcome:
        """Create a record: 201 with its address."""
        submission = read_body(resource, self.schema, content_type, body)
        checked = self.checker.check(resource, submission, creating=True)
        self._refuse_taken(resource, submission)
        row = self._new_row(resource, caller, submission, checked)
        links = self.checker.link_rows(resource, checked.targets)
        handles = [str(row.attributes[name]) for name in resource.made]
        self.database.insert(row, links, handles, time.time() + caller.lag_s if caller.lag_s else 0)
        shown = json_reply(201, {"data": self._shown(resource, row, caller)})
        return Outcome(replace(shown, headers={"Location": f"{caller.base_url}{resource.path}/{row.id}"}), row.id)

    def _new_row(self, resource: Resource, caller: Caller, submission: Submission, checked: Checked) -> Row:
        made = {name: str(uuid.uuid4()) for name in resource.made}
        given = {name: value for name, value in checked.attributes.items() if value is not None}
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        record_id = self._new_id(resource, submission)
        return Row(resource.name, record_id, {**given, **made}, checked.relationships, now, caller.application.name)

    def _refuse_taken(self, resource: Resource, submission: Submission) -> None:
        name = resource.unique
        value = submission.attributes.get(name) if name else None
        if name is None or value is None:
            return
        same = Condition(f"{json_place(name)} = ?", (str(value),))
        if self.database.select(Selection(resource.members, (same,), limit=1)):
            raise refuse(422, "taken", "Another record has this value.", pointer=submission.pointers[name])

    def _new_id(self, resource: Resource, submission: Submission) -> str:
        if not submission.client_id or not (self.habits.accept_client_ids or resource.takes_ids):
            return str(uuid.uuid4())
        if self.database.entity_of(submission.client_id) is not None:
            raise refuse(409, "conflict", "A record of this id exists.", pointer="/data/id")
        return submission.client_id

    def update(self, resource: Resource, caller: Caller, record_id: str, content_type: str, body: bytes) -> Outcome:
        """Change a record: attributes merge, custom fields merge key by key, links that are given replace."""
        row = self._visible_row(resource, caller, record_id)
        submission = read_body(resource, self.schema, content_type, body)
        if submission.client_id not in ("", record_id):
            raise refuse(400, "id_mismatch", "The id is not that of the address.", pointer="/data/id")
        checked = self.checker.check(resource, submission, creating=False)
        kept = {name: value for name, value in row.attributes.items() if not self._dropped(name, submission)}
        merged = {name: value for name, value in {**kept, **checked.attributes}.items() if value is not None}
        changed = replace(row, attributes=merged, links={**row.links, **checked.relationships})
        self.database.replace(changed, self._merged_links(resource, record_id, checked) if checked.targets else None)
        return Outcome(json_reply(200, {"data": self._shown(resource, changed, caller)}), record_id)

    def _dropped(self, name: str, submission: Submission) -> bool:
        return self.habits.custom_fields_replace and submission.custom_fields_given and name.startswith(CUSTOM)

    def _merged_links(self, resource: Resource, record_id: str, checked: Checked) -> list[LinkRow]:
        kept = [link for link in self.database.links_of(record_id) if link.name not in checked.targets]
        return [*kept, *self.checker.link_rows(resource, checked.targets)]

    def delete(self, resource: Resource, caller: Caller, record_id: str) -> Outcome:
        """Take a record away: 204. Children that point to it hold it (422) unless deletes cascade."""
        self._visible_row(resource, caller, record_id)
        doomed = self._with_children(record_id) if self.habits.cascade_deletes else [record_id]
        for one in doomed:
            self._refuse_held(one, doomed)
        for one in doomed:
            self._release(one)
            self.database.remove(one)
        return Outcome(Reply(204), record_id)

    def _refuse_held(self, record_id: str, doomed: Sequence[str]) -> None:
        if any(holds and source not in doomed for source, _, holds in self.database.pointing_to(record_id)):
            raise refuse(422, "still_referenced", "Other records point to this one.")

    def _with_children(self, record_id: str) -> list[str]:
        found = [record_id]
        for one in found:
            found += [source for source, _, holds in self.database.pointing_to(one) if holds and source not in found]
        return list(dict.fromkeys(reversed(found)))

    def _release(self, record_id: str) -> None:
        """Empty the ways back that point to a record about to go."""
        for source, name, _ in self.database.pointing_to(record_id):
            row = self.database.row(source)
            if row is not None and name in row.links:
                rest = tuple(target for target in row.links[name] if target != record_id)
                self.database.replace(replace(row, links={**row.links, name: rest}))

    # ------------------------------------------------------------ showing

    def _shown(self, resource: Resource, row: Row, caller: Caller, asked: ListQuery | None = None) -> dict[str, object]:
        """Return a record as JSON:API shows it; attributes nobody set are null."""
        fields = asked.fields if asked else None
        attributes = self._attributes(resource, row, caller)
        relationships = {
            link.name: {"data": self._linkage(link, row.links.get(link.name, ()))} for link in resource.relationships
        }
        shown: dict[str, object] = {"type": resource.type, "id": row.id, "attributes": _only(attributes, fields)}
        if relationships:
            shown["relationships"] = _only(relationships, fields)
        shown["links"] = {"self": f"{caller.base_url}{resource.path}/{row.id}"}
        return shown

    def _attributes(self, resource: Resource, row: Row, caller: Caller) -> dict[str, object]:
        flat: dict[str, object] = dict.fromkeys(name for name in resource.attributes if not name.startswith(CUSTOM))
        custom: dict[str, object] = {}
        for name, value in row.attributes.items():
            if name.startswith(CUSTOM):
                custom[name.removeprefix(CUSTOM)] = value
            else:
                flat[name] = value
        if resource.takes_custom_fields or custom:
            flat["custom_fields"] = custom or None
        if resource.upload is not None:
            flat[resource.upload.url_attribute or "upload_url"] = self.storage.url(caller.base_url, row.id)
        return {**flat, "created_at": row.created_at, "created_by": row.created_by}

    def _linkage(self, link: Link, targets: Sequence[str]) -> object:
        identifiers = [self._identifier(link, target) for target in targets]
        return identifiers if link.many else next(iter(identifiers), None)

    def _identifier(self, link: Link, target: str) -> dict[str, str]:
        name = link.to[0] if len(link.to) == 1 else self.database.entity_of(target) or link.to[0]
        return {"type": self.schema.types.get(name, name), "id": target}


def _only(members: Mapping[str, object], fields: frozenset[str] | None) -> dict[str, object]:
    return {name: value for name, value in members.items() if fields is None or name in fields}
