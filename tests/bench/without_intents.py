"""The command line with intents off, for the benchmark alone: what the protocol costs is the difference.

An intent is held back and written together with its outcome, as loaders do that keep their map after each write.
"""

from __future__ import annotations

from etl.__main__ import main
from etl.core.changes import Intend
from etl.state.store import SqlStore

HELD: dict[str, Intend] = {}
COMMIT = SqlStore.commit_telling


def commit(self, told, *changes):
    if len(changes) == 1 and isinstance(changes[0], Intend):
        HELD[changes[0].key] = changes[0]
        told.set_result(None)
        return
    held = [HELD.pop(each.key) for each in changes if each.key in HELD]
    COMMIT(self, told, *held, *changes)


SqlStore.commit_telling = commit
if __name__ == "__main__":
    main()
