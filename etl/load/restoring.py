"""What state knows again of a record once the change that a run made to it is undone.

A link that the run promised and that is not set is not to be set any more. Whether the promise before that one was kept
is not known, so the next plan sends it anew.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from etl.core.changes import Change, MarkLinked, MarkRestored, MarkUnlinked
from etl.core.fingerprint import entry_of, field_name_hash, with_unknown_values
from etl.core.images import BeforeImage
from etl.core.keys import RecordKey, RecordKeys
from etl.core.records import RunId
from etl.core.state_port import KnownRecord, StateReader


class Restoring:
    """Tells what to write for each image of one run, the latest first."""

    def __init__(self, keys: RecordKeys, state: StateReader, run_id: RunId) -> None:
        self._keys = keys
        self._run_id = run_id
        self._unset: defaultdict[RecordKey, set[str]] = defaultdict(set)
        for key, link in state.pending_links():
            self._unset[key].add(link.field)

    def changes(self, image: BeforeImage, known: KnownRecord) -> Iterator[Change]:
        """A link is to be set again, or the record is as it was before the run."""
        if image.link:
            self._unset[known.key].add(image.link)
            yield MarkUnlinked(known.key, image.link)
            # Where nothing was sent the link was ended, and state forgot that it had been promised.
            if not image.sent.links:
                yield MarkRestored(known.key, image.fingerprint, image.field_hashes, image.run_id)
        elif known.run_id == self._run_id or known.run_id != image.run_id:
            yield from self._before(image, known)
        # Else an earlier round of this undoing has restored it, or the update never took effect.

    def _before(self, image: BeforeImage, known: KnownRecord) -> Iterator[Change]:
        blob, mark = image.field_hashes, image.fingerprint
        promised = {each for each in self._unset[known.key] if self._is_promised(each, blob, known.field_hashes)}
        if promised:
            self._unset[known.key] -= promised
            yield from (MarkLinked(known.key, each) for each in sorted(promised))
            before = [each for each in sorted(promised) if entry_of(self._keys, blob, each) is not None]
            blob = with_unknown_values(blob, [field_name_hash(self._keys, each) for each in before])
            mark = self._keys.fingerprint([blob])
        yield MarkRestored(known.key, mark, blob, image.run_id)

    def _is_promised(self, link: str, before: bytes, now: bytes) -> bool:
        """Whether it was the update that promised a link: it neither left nor cleared what it found."""
        left = (entry_of(self._keys, before, link), self._keys.field_hash(link, ""), None)
        return entry_of(self._keys, now, link) not in left
