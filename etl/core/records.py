"""Records on their way: the column names and schemas of batches, and the single record as it meets the wire."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NewType, TypeAlias

import pyarrow as pa

TargetId = NewType("TargetId", str)
"""The id Casebook gave."""
RunId = NewType("RunId", str)

ROW = "_row"
"""Record number in its source table, from 1."""
LINE = "_line"
"""Physical line where the row starts, from 1 (a CSV header is line 1); null for SQL."""
DAMAGE = "_damage"
"""Problem code of a row that could not be read (its cells are null), else null."""
GROUP = "_group"
"""Number of the group a row belongs to; rows of one group stand together."""
LEFT_OUT = "_left_out"
"""Of a base row of a mapping with a query: whether the query gives no row for it."""
ANSWERED = "_answered"
"""Number of the row in the answer of a mapping's query, from 1: it comes in no order."""
RESERVED = frozenset({ROW, LINE, DAMAGE, GROUP, LEFT_OUT, ANSWERED})
"""Names that no legacy column may bear."""

KEY = "_rk"
"""Record key of a mapped record."""
SOURCE_KEY = "_key"
"""Legacy key as text, parts joined by `` | ``; personal, never leaves the run's records."""
STATUS = "_status"
"""``valid``, ``quarantined`` or ``blocked``."""
REASON = "_reason"
"""Problem code that decided a status other than ``valid``."""

SNAPSHOT_COLUMNS = [(ROW, pa.int64()), (LINE, pa.int64()), (DAMAGE, pa.string())]

LEDGER_SCHEMA = pa.schema(
    [
        ("mapping", pa.string()),
        ("table", pa.string()),
        ("row", pa.int64()),
        ("line", pa.int64()),
        ("bucket", pa.string()),
        ("reason", pa.string()),
        ("record_key", pa.string()),
    ]
)
"""One row a base row and mapping, as mapping leaves it: ``record`` (it became the record ``record_key``), ``merged``
(into that record), ``ignored`` (by the rule in ``reason``) or ``quarantined`` (by the problem code in ``reason``)."""

PLAN_SCHEMA = pa.schema(
    [
        ("mapping", pa.string()),
        ("entity", pa.string()),
        ("record_key", pa.string()),
        ("row", pa.int64()),
        ("wave", pa.int32()),
        ("action", pa.string()),
        ("fingerprint", pa.string()),
        ("field_hashes", pa.binary()),
        ("changed", pa.list_(pa.string())),
        ("cleared", pa.list_(pa.string())),
        ("deferred", pa.list_(pa.string())),
    ]
)
"""One row a planned record, in load order, without values. ``wave`` counts from 1 over the whole plan; ``changed`` and
``cleared`` name the fields a PATCH carries (for ``update``); ``deferred`` the links set after the create."""

JsonValue: TypeAlias = "str | int | float | bool | list[JsonValue] | dict[str, JsonValue] | None"


@dataclass(frozen=True, slots=True)
class Ref:
    """A resolved link: which entity or lookup it points to, and the id there."""

    to: str
    id: TargetId


LinkValue: TypeAlias = Ref | tuple[Ref, ...] | None


@dataclass(frozen=True, slots=True)
class Document:
    """One record in Casebook's terms, before encoding.

    ``attributes`` holds plain JSON values by attribute name (``custom_fields`` is a nested object); ``links`` holds
    resolved links by link name of the catalogue, whatever carries them on the wire. None clears a value. ``id`` is the
    id that we choose for a new record, where the tenant takes ids from us.
    """

    entity: str
    attributes: Mapping[str, JsonValue] = field(default_factory=dict)
    links: Mapping[str, LinkValue] = field(default_factory=dict)
    id: TargetId | None = None


@dataclass(frozen=True, slots=True)
class RemoteRecord:
    """A record as Casebook shows it, decoded into the same terms as :class:`Document`.

    ``created_at`` is the server's text as it came, "" where absent.
    """

    entity: str
    id: TargetId
    attributes: Mapping[str, JsonValue]
    links: Mapping[str, LinkValue]
    created_at: str = ""
