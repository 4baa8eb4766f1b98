"""Keeps apart records on their way that could be taken for each other in Casebook.

A record without a marker is found again by its content under its parent. While the fate of one is being found out no other
may be sent under that parent that looks like it, or that carries all it carries: each would answer for the other. One whose
fate could not be found out keeps nobody back, but what is found may still be it.
"""

from __future__ import annotations

from collections import defaultdict

from etl.core.keys import RecordKey
from etl.core.records import Document, RemoteRecord, TargetId
from etl.load.compare import same_content

Home = tuple[str, TargetId]
"""An entity and the parent under which its records are looked for."""


class Twins:
    """Documents on their way, by home: from before a POST until it is settled; and those that may be there or not."""

    def __init__(self) -> None:
        self._homes: dict[Home, dict[RecordKey, Document]] = defaultdict(dict)
        self._home_of: dict[RecordKey, Home] = {}
        self._unclear: dict[Home, dict[RecordKey, Document | None]] = defaultdict(dict)
        self._unclear_in: dict[RecordKey, Home] = {}

    def rival(self, home: Home, document: Document) -> RecordKey | None:
        """A record on its way in the same home that could be mistaken for this document, or None."""
        others = self._homes.get(home, {}).items()
        return next((key for key, other in others if _alike(document, other)), None)

    def hold(self, home: Home, key: RecordKey, document: Document) -> None:
        """Keeps rivals of this record back until it is released."""
        self._homes[home][key] = document
        self._home_of[key] = home

    def lost(self, key: RecordKey) -> None:
        """The answer to a record that is held was lost."""
        home = self._home_of.get(key)
        if home is not None:
            self.suspect(home, key, self._homes[home][key])

    def suspect(self, home: Home, key: RecordKey, document: Document | None) -> None:
        """A record may be there or not; ``document`` is None where nobody can tell what was sent."""
        self._unclear[home][key] = document
        self._unclear_in[key] = home

    def cleared(self, key: RecordKey) -> None:
        """What became of a record is certain; does nothing for one of which it always was."""
        home = self._unclear_in.pop(key, None)
        if home is not None:
            del self._unclear[home][key]

    def unclear_beside(self, home: Home, key: RecordKey) -> list[Document | None]:
        """What else may be in a home without anybody knowing."""
        return [document for other, document in self._unclear.get(home, {}).items() if other != key]

    def release(self, key: RecordKey) -> None:
        """The way of the record ended in this run; does nothing for one that was never held."""
        home = self._home_of.pop(key, None)
        if home is None:
            return
        del self._homes[home][key]
        if not self._homes[home]:
            del self._homes[home]


def _alike(one: Document, other: Document) -> bool:
    return same_content(one, _as_shown(other)) or same_content(other, _as_shown(one))


def _as_shown(document: Document) -> RemoteRecord:
    return RemoteRecord(document.entity, TargetId(""), document.attributes, document.links)
