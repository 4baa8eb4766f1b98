"""Before-images: what a record held in Casebook before a run changed it, so that undoing the run can bring it back.

They hold people's data and so never lie on disk but sealed (:mod:`etl.state.images`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from etl.core.keys import RecordKey
from etl.core.records import Document, LinkValue, Ref, RunId, TargetId


@dataclass(frozen=True, slots=True)
class BeforeImage:
    """One change of one record: what was sent, what the same fields held before, and what state knew of the record.

    ``link`` names the deferred link that was set; "" for an update. ``file`` says that the record's bytes were replaced,
    which nothing brings back.
    """

    key: RecordKey
    mapping: str
    target_id: TargetId
    sent: Document
    before: Document
    fingerprint: str
    field_hashes: bytes
    run_id: RunId
    link: str = ""
    file: bool = False

    def as_json(self) -> dict[str, Any]:
        """A form that JSON can hold."""
        return {
            "key": self.key,
            "mapping": self.mapping,
            "target_id": self.target_id,
            "entity": self.sent.entity,
            "sent": _document_json(self.sent),
            "before": _document_json(self.before),
            "fingerprint": self.fingerprint,
            "field_hashes": self.field_hashes.hex(),
            "run_id": self.run_id,
            "link": self.link,
            "file": self.file,
        }


def image_of(content: Mapping[str, Any]) -> BeforeImage:
    """The image that :meth:`BeforeImage.as_json` wrote."""
    return BeforeImage(
        key=content["key"],
        mapping=content["mapping"],
        target_id=content["target_id"],
        sent=_document(content["entity"], content["sent"]),
        before=_document(content["entity"], content["before"]),
        fingerprint=content["fingerprint"],
        field_hashes=bytes.fromhex(content["field_hashes"]),
        run_id=content["run_id"],
        link=content["link"],
        file=content["file"],
    )


def _document_json(document: Document) -> dict[str, Any]:
    links = {name: _link_json(link) for name, link in document.links.items()}
    return {"attributes": dict(document.attributes), "links": links}


def _link_json(link: LinkValue) -> Any:  # noqa: ANN401 - as JSON has it
    if link is None:
        return None
    return [link.to, link.id] if isinstance(link, Ref) else [[each.to, each.id] for each in link]


def _document(entity: str, content: Mapping[str, Any]) -> Document:
    return Document(entity, content["attributes"], {name: _link(link) for name, link in content["links"].items()})


def _link(content: Any) -> LinkValue:  # noqa: ANN401 - as JSON has it
    if content is None:
        return None
    if content and isinstance(content[0], str):
        return Ref(content[0], TargetId(content[1]))
    return tuple(Ref(to, TargetId(identifier)) for to, identifier in content)
