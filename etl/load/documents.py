"""Turns planned records into documents that may be sent: parents resolved, labels as option ids, checked a last time.

The server answers some values of a wrong type with 500, which would look like a lost answer; so nothing leaves that the
catalogue does not allow, and what cannot leave is noted as this run's failure.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from etl.catalog.payloads import Payloads
from etl.core.errors import Finding, RecordRejected
from etl.core.fingerprint import kept
from etl.core.outcomes import Action
from etl.core.records import Document
from etl.load.client_ids import client_id
from etl.load.notes import LoadNotes
from etl.load.parents import Parents
from etl.load.planned import PlannedRecord
from etl.load.ports import LoadPorts
from etl.load.render import Options, Renderer, UnknownOption

_Unfit = tuple[str, str]
"""A problem code and its detail: why a record cannot be sent as it is."""


class Documents:
    """Makes documents and tells what state remembers of them."""

    def __init__(self, ports: LoadPorts, options: Options, parents: Parents, notes: LoadNotes) -> None:
        self._keys = ports.keys
        self._catalog = ports.catalog
        self._renderer = Renderer(ports.catalog, options)
        self._payloads = Payloads(ports.catalog)
        self._parents = parents
        self._notes = notes

    async def of(self, record: PlannedRecord, fields: list[str]) -> Document | None:
        """The record with these references, or None where it cannot be sent as it is (noted as a failure)."""
        made = await self._made(record, fields)
        if isinstance(made, Document):
            return made
        self._notes.failures[record.key] = made
        return None

    async def looked_for(self, record: PlannedRecord, fields: list[str]) -> Document | None:
        """The same of a record that may have been sent already. None is no failure then: it only cannot be told by content."""
        made = await self._made(record, fields)
        return made if isinstance(made, Document) else None

    async def _made(self, record: PlannedRecord, fields: list[str]) -> Document | _Unfit:
        updating = record.action is Action.UPDATE
        wanted = (record.changed | record.cleared) - record.deferred if updating else None
        names = [*fields, *(record.cleared & {each.name for each in record.mapping.references})] if updating else fields
        links = await self._parents.links(record, names, drop=not updating) if names else {}
        try:
            document = self._renderer.document(record, links, only=wanted)
        except UnknownOption as unknown:
            return "unknown_option", f"{unknown.field}: {unknown.lookup}"
        findings = self._payloads.check(document, partial=updating)
        if findings:
            return "wrong_type", findings_text(findings)
        takes_ids = not updating and self._catalog.entity(record.entity).client_ids
        return replace(document, id=client_id(record.key)) if takes_ids else document

    def hashes(self, record: PlannedRecord, left_out: list[str], before: bytes = b"") -> bytes:
        """The field hashes of what is sent where some references are left out: of these stays what was written ``before``."""
        return kept(self._keys, before, record.field_hashes, left_out) if left_out else record.field_hashes

    def fingerprint(self, record: PlannedRecord, left_out: list[str], before: bytes = b"") -> str:
        """The fingerprint of what is sent where some references are left out."""
        return self._keys.fingerprint([self.hashes(record, left_out, before)]) if left_out else record.fingerprint


def refusal_text(refused: RecordRejected) -> str:
    """Status, codes and pointers of a refusal: never a value."""
    return f"{refused.status} {findings_text(refused.findings)}".strip()


def findings_text(findings: Sequence[Finding]) -> str:
    """Codes and pointers: never a value."""
    return "; ".join(f"{finding.code} {finding.pointer}".strip() for finding in findings)
