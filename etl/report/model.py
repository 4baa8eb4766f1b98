"""The summary of a run: the contract that machines read, in version 1, and what every report is written from.

Every count comes from the run's own files and is taken anew each time, so nothing here can drift from the evidence. New
fields may be added within a version; a field that changes its meaning makes a new one.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from etl.core.outcomes import Bucket

DRY_RUNS = frozenset({"validate", "plan"})
HELD_BACK = (Bucket.QUARANTINED, Bucket.BLOCKED)
NOT_LOADED = (*HELD_BACK, Bucket.REJECTED, Bucket.UNCERTAIN, Bucket.PENDING)


class Part(BaseModel):
    """A part of the summary: frozen, and closed to unknown names."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class Buckets(Part):
    """Number of base rows in each bucket of the ledger."""

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    adopted: int = 0
    rejected: int = 0
    quarantined: int = 0
    blocked: int = 0
    uncertain: int = 0
    pending: int = 0
    merged: int = 0
    ignored: int = 0

    def of(self, *buckets: Bucket) -> int:
        """The sum of some buckets."""
        return sum(int(getattr(self, bucket)) for bucket in buckets)

    @property
    def total(self) -> int:
        """The sum of all buckets."""
        return self.of(*Bucket)


class EntityCounts(Buckets):
    """One entity: its base rows by bucket over all its mappings, and what belongs to its records.

    ``rows`` counts base rows read, ``records`` the records they became, ``deferred_links`` the links that are set after
    the create, ``attachments`` the files to be uploaded.
    """

    rows: int = 0
    records: int = 0
    deferred_links: int = 0
    attachments: int = 0


class MappingAccount(Buckets):
    """One mapping's account: ``read`` base rows, each in exactly one bucket.

    ``lost`` rows were read and are in no bucket, ``doubled`` counts entries beyond a row's first, ``stray`` counts entries
    that belong to no row that was read or name no bucket.
    """

    mapping: str
    entity: str
    table: str
    read: int
    lost: int = 0
    doubled: int = 0
    stray: int = 0

    @property
    def balanced(self) -> bool:
        """Whether every row read is in exactly one bucket."""
        return self.read == self.total and not (self.lost or self.doubled or self.stray)


class TableAccount(Part):
    """One source table's account: every row is used, unmatched, ignored or damaged."""

    table: str
    rows: int
    used: int
    unmatched: int
    ignored: int
    damaged: int
    reason: str = ""

    @property
    def balanced(self) -> bool:
        """Whether the four counts make up the rows."""
        return self.rows == self.used + self.unmatched + self.ignored + self.damaged


class Ledger(Part):
    """Both accounts, and what is wrong with them in sentences; ``balanced`` is true where nothing is."""

    mappings: tuple[MappingAccount, ...] = ()
    tables: tuple[TableAccount, ...] = ()
    faults: tuple[str, ...] = ()
    balanced: bool = False


class PlanActions(Part):
    """What the plan would do with the records of one entity."""

    create: int = 0
    update: int = 0
    nothing: int = 0
    blocked: int = 0
    adopt: int = 0


class Tolerated(Part):
    """How often a field was shown other than sent in a way that its tolerance allows."""

    entity: str
    field: str
    tolerance: str
    count: int


class Verification(Part):
    """What reading back compared, by entity, and how many findings of each problem code it made. ``scope`` says how much
    was read back, ``unsought`` names the entities in which no doubles were looked for, ``deleted``
    counts records that are gone and acknowledged to have been deleted on purpose.
    """

    scope: str = "all"
    tolerated: tuple[Tolerated, ...] = ()
    unsought: tuple[str, ...] = ()

    checked: dict[str, int] = Field(default_factory=dict)
    expected: dict[str, int] = Field(default_factory=dict)
    deleted: dict[str, int] = Field(default_factory=dict)
    findings: dict[str, int] = Field(default_factory=dict)


class OpenFindings(Part):
    """What the latest reading back found, by problem code, where a run came after it: ``run_id`` is the run read back."""

    run_id: str
    findings: dict[str, int] = Field(default_factory=dict)

    @property
    def total(self) -> int:
        """All of them."""
        return sum(self.findings.values())


class Stop(Part):
    """What ended a command early."""

    code: str
    message: str
    hint: str = ""


class Rates(Part):
    """How fast the load was; ``load_s`` is of the process that ended it, ``records_per_s`` counts records that were created or
    updated, and is 0 where the run was interrupted and continued.
    """

    load_s: float = 0.0
    records_per_s: float = 0.0


class State(StrEnum):
    """The verdict in one word: of a dry run the first two, of a load the others."""

    READY = "ready"
    NOT_READY = "not_ready"
    COMPLETE = "complete"
    INCOMPLETE = "incomplete"


class Verdict(Part):
    """The verdict in one word and one sentence, and the commands that lead on."""

    state: State
    sentence: str
    next: tuple[str, ...] = ()


class Summary(Part):
    """One run, counted. ``requests`` counts answers by verb and status; ``problems`` counts rows by code and severity."""

    version: Literal[1] = 1
    run_id: str
    command: str
    project: str
    profile: str
    tenant: str
    tenant_invented: bool
    started: str
    ended: str | None
    exit_code: int | None
    error: Stop | None
    fingerprints: dict[str, str]
    entities: dict[str, EntityCounts]
    problems: dict[str, dict[str, int]]
    ledger: Ledger
    plan: dict[str, PlanActions]
    requests: dict[str, dict[str, int]]
    rates: Rates
    peak_memory_bytes: int | None
    pending_links: dict[str, int]
    pending_uploads: int
    stopped: dict[str, str]
    verify: Verification | None
    open_findings: OpenFindings | None = None
    verdict: Verdict

    @property
    def is_complete(self) -> bool:
        """Whether nothing was held back and nothing is left to do; of a dry run: whether a load could take every row."""
        return self.verdict.state in {State.READY, State.COMPLETE}

    @property
    def is_dry_run(self) -> bool:
        """Whether the command stops before the line that writes."""
        return self.command in DRY_RUNS

    def rows(self, *buckets: Bucket) -> int:
        """Number of base rows in some buckets, over all entities."""
        return sum(each.of(*buckets) for each in self.entities.values())
