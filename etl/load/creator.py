"""Who created a record, as Casebook shows it: our registered application's name tells our records from people's."""

from __future__ import annotations

from collections.abc import Iterable

from etl.core.records import JsonValue, RemoteRecord

_CREATOR = "created_by"
"""Casebook shows the name of the application that made a record as "Created by" (developer guide)."""


def creator(shown: RemoteRecord) -> JsonValue:
    """The name under which a record was created; None where it shows none."""
    return shown.attributes.get(_CREATOR) or None


def creators(ours: Iterable[RemoteRecord]) -> set[JsonValue]:
    """The names under which records of ours were created: our application's, as the target calls it."""
    return {creator(each) for each in ours} - {None}
