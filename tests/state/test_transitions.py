"""Any sequence of changes, legal or not, in any grouping and with openings in between: the store equals a plain dict."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from etl.core.changes import (
    Adopt,
    Intend,
    MarkBlocked,
    MarkCreated,
    MarkDuplicate,
    MarkLinked,
    MarkRejected,
    MarkRestored,
    MarkSpared,
    MarkUncertain,
    MarkUndoing,
    MarkUndone,
    MarkUnlinked,
    MarkUpdated,
    MarkUploaded,
    PendingLink,
    StoreAttribute,
)
from etl.core.errors import StateError
from etl.core.keys import RecordKey
from etl.core.records import RunId, TargetId
from etl.state import open_store

KEYS = [RecordKey(letter * 32) for letter in "abc"]
keys = st.sampled_from(KEYS)
ids = st.sampled_from([TargetId("1"), TargetId("2")])
links = st.sampled_from([(), (PendingLink("mother", KEYS[2]),)])
changes = st.one_of(
    st.builds(Intend, keys, st.just("person"), st.just("people"), st.sampled_from(["f1", "f2"]), st.just(b"h")),
    st.builds(MarkCreated, keys, ids, links, st.sampled_from([None, 3])),
    st.builds(MarkUpdated, keys, st.just("f3"), st.just(b"i"), links),
    st.builds(MarkRejected, keys, st.just(422), st.just("blank")),
    st.builds(MarkUncertain, keys, st.just("silence")),
    st.builds(MarkDuplicate, keys, ids),
    st.builds(MarkBlocked, keys, st.just("person"), st.just("people"), keys),
    st.builds(MarkLinked, keys, st.just("mother")),
    st.builds(MarkUploaded, keys),
    st.builds(Adopt, keys, st.just("person"), st.just("people"), ids, st.just("f4"), st.just(b"j")),
    st.builds(MarkUndoing, keys),
    st.builds(MarkSpared, keys),
    st.builds(MarkUndone, keys),
    st.builds(MarkRestored, keys, st.just("f0"), st.just(b"k"), st.just(RunId("r0"))),
    st.builds(MarkUnlinked, keys, st.just("mother")),
    st.builds(StoreAttribute, keys, st.just("assignment_id"), st.sampled_from(["7", "8"])),
)
OPEN = {"intent", "uncertain"}
UNSENT = {"absent", "blocked", "rejected", "undone"}


@dataclass
class Model:
    """The rules said once more, as plainly as possible."""

    state: dict[str, str] = field(default_factory=dict)
    attempt: dict[str, int] = field(default_factory=dict)
    print: dict[str, str] = field(default_factory=dict)
    target: dict[str, str] = field(default_factory=dict)
    links: set[str] = field(default_factory=set)
    pending_links: set[str] = field(default_factory=set)
    uploads: set[str] = field(default_factory=set)
    pending_uploads: set[str] = field(default_factory=set)
    attributes: dict[str, str] = field(default_factory=dict)

    def takes(self, change: object) -> bool:  # noqa: C901, PLR0912 - one table of all rules, to be read beside the product's
        """Applies a change, or leaves everything as it is and says no."""
        key = change.key
        state = self.state.get(key, "absent")
        match change:
            case Intend() if state in UNSENT | OPEN:
                self.state[key], self.print[key] = "intent", change.fingerprint
                self.attempt[key] = self.attempt.get(key, 0) + 1
            case MarkCreated() if (state in OPEN and self.is_free(change)) or (
                state == "duplicate" and self.target[key] == change.target_id
            ):
                self.state[key], self.target[key] = "created", change.target_id
                self.add_links(change)
                if change.upload_bytes is not None:
                    self.uploads.add(key)
                    self.pending_uploads.add(key)
            case MarkUpdated() if state == "created":
                self.print[key] = change.fingerprint
                self.add_links(change)
            case MarkRejected() if state in ("intent", "uncertain"):
                self.state[key] = "rejected"
            case MarkUncertain() if state in OPEN:
                self.state[key] = "uncertain"
            case MarkDuplicate() if state in OPEN and self.is_free(change):
                self.state[key], self.target[key] = "duplicate", change.target_id
            case MarkBlocked() if state in UNSENT:
                self.state[key] = "blocked"
                self.print.setdefault(key, "")
            case MarkDuplicate() if state == "duplicate" and self.target[key] == change.target_id:
                pass
            case MarkBlocked() if state in {"created", "duplicate"}:
                pass
            case MarkLinked() if key in self.links:
                self.pending_links.discard(key)
            case MarkUnlinked() if key in self.links:
                self.pending_links.add(key)
            case Adopt() if state in UNSENT and self.is_free(change):
                self.state[key], self.target[key], self.print[key] = "created", change.target_id, "f4"
            case MarkRestored() if state == "created":
                self.print[key] = "f0"
            case MarkUndoing() | MarkSpared() if state in {"created", "undoing"}:
                self.state[key] = "undoing" if isinstance(change, MarkUndoing) else "created"
            case MarkUndone() if state in {"created", "undoing"}:
                self.state[key] = "undone"
                del self.target[key]
                for facts in (self.links, self.pending_links, self.uploads, self.pending_uploads):
                    facts.discard(key)
                self.attributes.pop(key, None)
            case MarkUploaded() if key in self.uploads:
                self.pending_uploads.discard(key)
            case StoreAttribute() if state in {"created", "duplicate"}:
                self.attributes[key] = change.value
            case _:
                return False
        return True

    def is_free(self, change: Adopt | MarkCreated | MarkDuplicate) -> bool:
        """Whether no other record has this id."""
        return all(key == change.key for key, target in self.target.items() if target == change.target_id)

    def add_links(self, change: MarkCreated | MarkUpdated) -> None:
        """Makes the link pending, if the change has one."""
        if change.links:
            self.links.add(change.key)
            self.pending_links.add(change.key)


class StillClock:
    """A clock that stands still."""

    def now(self):
        return datetime(2026, 7, 1, tzinfo=UTC)

    def monotonic(self):
        return 0.0


class StoreAgainstModel(RuleBasedStateMachine):
    """Runs the same changes against both."""

    @initialize()
    def begin(self):
        self.folder = tempfile.TemporaryDirectory()
        self.model = Model()
        self.groups = 0
        self.open()

    def open(self):
        path = Path(self.folder.name) / "state.db"
        self.store = open_store(path, project="p", target="t", key_check="k", run_command="run", clock=StillClock())

    @rule(group=st.lists(changes, min_size=1, max_size=25))
    def commit_a_group(self, group):
        self.groups += 1
        futures = [self.store.commit(change) for change in group]
        errors = [future.exception(timeout=10) for future in futures]
        assert all(error is None or isinstance(error, StateError) for error in errors)
        assert [error is None for error in errors] == [self.model.takes(change) for change in group]

    @precondition(lambda self: self.groups >= 5)
    @rule()
    def open_again(self):
        self.groups = 0
        self.store.close()
        self.open()

    @invariant()
    def both_tell_the_same(self):
        records = self.store.known(KEYS)
        model = self.model
        assert {key: record.state.value for key, record in records.items()} == model.state
        assert {key: record.attempt for key, record in records.items() if record.attempt} == model.attempt
        assert {key: record.fingerprint for key, record in records.items()} == model.print
        assert {key: record.target_id for key, record in records.items() if record.target_id} == model.target
        assert {key for key, _ in self.store.pending_links()} == model.pending_links
        assert set(self.store.pending_uploads()) == model.pending_uploads
        found = {key: self.store.attribute(key, "assignment_id") for key in model.state}
        assert {key: value for key, value in found.items() if value is not None} == model.attributes

    def teardown(self):
        if hasattr(self, "store"):
            self.store.close()
            self.folder.cleanup()


StoreAgainstModel.TestCase.settings = settings(
    max_examples=12,
    stateful_step_count=15,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],  # each example opens a database: shrinking takes minutes
    suppress_health_check=list(HealthCheck),
)
TestTheStoreEqualsAPlainDict = StoreAgainstModel.TestCase
