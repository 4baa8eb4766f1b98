"""PATCH of a record after what it held was put aside, so that undoing the run can bring it back.

The image is durable before the PATCH leaves. A PATCH of custom fields reads and merges them: that is the target's part.
"""

from __future__ import annotations

from collections.abc import Mapping

from etl.core.images import BeforeImage
from etl.core.records import Document, JsonValue, LinkValue, RemoteRecord
from etl.core.state_port import KnownRecord
from etl.load.ports import LoadPorts


async def patch(
    ports: LoadPorts, known: KnownRecord, document: Document, *, link: str = "", file: bool = False
) -> None:
    """Changes a record that is there; ``document`` may be empty where only its ``file`` is about to be replaced.

    Raises what the target raises; RecordRejected with status 404 where the record is gone.
    """
    if known.target_id is None:
        return
    if ports.images is not None:
        shown = await ports.target.get(known.entity, known.target_id)
        if shown is not None:
            await ports.images.keep(_image(known, document, shown, link=link, file=file))
    if document.attributes or document.links:
        await ports.target.update(known.target_id, document)


def _image(known: KnownRecord, sent: Document, shown: RemoteRecord, *, link: str, file: bool) -> BeforeImage:
    return BeforeImage(
        key=known.key,
        mapping=known.mapping,
        target_id=shown.id,
        sent=sent,
        before=_same_fields(sent, shown),
        fingerprint=known.fingerprint,
        field_hashes=known.field_hashes,
        run_id=known.run_id,
        link=link,
        file=file,
    )


def _same_fields(sent: Document, shown: RemoteRecord) -> Document:
    """What a record shows in the fields that are about to be sent; None where it shows nothing."""
    attributes: dict[str, JsonValue] = {}
    for name, value in sent.attributes.items():
        there = shown.attributes.get(name)
        attributes[name] = _same_members(value, there) if isinstance(value, dict) else there
    links: dict[str, LinkValue] = {name: _emptied(link, shown.links.get(name)) for name, link in sent.links.items()}
    return Document(sent.entity, attributes, links)


def _same_members(sent: Mapping[str, JsonValue], shown: JsonValue) -> dict[str, JsonValue]:
    there = shown if isinstance(shown, dict) else {}
    return {name: there.get(name) for name in sent}


def _emptied(sent: LinkValue, shown: LinkValue) -> LinkValue:
    """A link as it was; one that holds many and held none is an empty list."""
    return () if shown is None and isinstance(sent, tuple) else shown
