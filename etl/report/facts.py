"""What a run's folder tells the report: its manifest as typed values, and its Parquet files by name.

The manifest grows while a run goes on, so everything but its head has a default: a run that stopped early gets a report
too.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from etl.core.batching import few_texts, file_batches
from etl.core.errors import SettingsError
from etl.report.model import OpenFindings, Stop, Tolerated

BATCH_ROWS = 65_536


class _Fact(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)


class SnapshotTable(_Fact):
    """A table as it was extracted; ``table`` is ``source.TABLE``."""

    table: str
    rows: int
    damaged: int = 0
    columns: tuple[str, ...] = ()
    origin: str = ""
    encoding: str = ""
    sha256: str = ""


class MappedField(_Fact):
    """A target field, and the columns and crosswalks that feed it; ``kind`` is ``file`` for an attachment."""

    name: str
    columns: tuple[str, ...] = ()
    crosswalks: tuple[str, ...] = ()
    pii: str | None = None
    kind: str = ""


class MappingFact(_Fact):
    """A mapping: which table's rows become records of which entity."""

    name: str
    entity: str
    table: str
    fields: tuple[MappedField, ...] = ()


class EdgeFact(_Fact):
    """A reference in use: records of ``child`` name a record of ``parent`` in ``field``, ``count`` times."""

    parent: str
    child: str
    mapping: str = ""
    field: str = ""
    required: bool = False
    later: bool = False
    count: int = 0


class DeferredFact(_Fact):
    """A reference that is set after the create, and why."""

    mapping: str
    field: str
    why: str


class OrderFact(_Fact):
    """The load order: waves of entities, the references between them, those set later."""

    waves: tuple[tuple[str, ...], ...] = ()
    edges: tuple[EdgeFact, ...] = ()
    deferred: tuple[DeferredFact, ...] = ()


class FindingFact(_Fact):
    """A difference that reading back found."""

    code: str
    entity: str
    mapping: str = ""
    key: str | None = None
    target_id: str = ""
    field: str | None = None


class VerifyFact(_Fact):
    """What reading back compared, found and tolerated; in ``unsought`` entities no doubles were looked for. What is
    ``deleted`` is gone, and somebody acknowledged that it was deleted on purpose.
    """

    scope: str = "all"
    tolerated: tuple[Tolerated, ...] = ()
    unsought: tuple[str, ...] = ()
    checked: dict[str, int] = Field(default_factory=dict)
    expected: dict[str, int] = Field(default_factory=dict)
    deleted: dict[str, int] = Field(default_factory=dict)
    findings: tuple[FindingFact, ...] = ()


class PaceFact(_Fact):
    """How many requests were allowed in flight: at most, at the lowest, at the end; how often fewer, by reason."""

    most: int
    lowest: int
    last: int
    cuts: dict[str, int] = Field(default_factory=dict)


class OverrideAuthorFact(_Fact):
    """Who signed how many overrides, and when the next of them ends."""

    who: str
    count: int
    next_end: str = ""


class OverrideFact(_Fact):
    """How the overrides of a mapping ended; ``rows`` are the rows corrected."""

    mapping: str
    listed: int
    applied: int
    stale: int
    unused: int
    expired: int
    rows: int
    authors: tuple[OverrideAuthorFact, ...] = ()


class RunFacts(_Fact):
    """A run's manifest. ``folder`` is the project's, as one would type it where the command ran; ``state_outdated`` says that a
    dry run looked its parents up in a state that was not the newest.
    """

    run_id: str
    command: str
    project: str = ""
    folder: str = ""
    profile: str = ""
    tenant: str | None = ""
    tenant_invented: bool = False
    protected: bool = False
    concurrency: int | None = None
    rate_per_s: float | None = None
    max_problems: int | None = None
    ran_by: str = ""
    started: str = ""
    ended: str | None = None
    exit_code: int | None = None
    error: Stop | None = None
    fingerprints: dict[str, str] = Field(default_factory=dict)
    snapshot: tuple[SnapshotTable, ...] = ()
    order: OrderFact = OrderFact()
    mappings: tuple[MappingFact, ...] = ()
    overrides: tuple[OverrideFact, ...] = ()
    functions: tuple[str, ...] = ()
    stopped: dict[str, str] = Field(default_factory=dict)
    requests: dict[str, int] = Field(default_factory=dict)
    load_s: float | None = None
    continued: bool = False
    state_outdated: bool = False
    pace: PaceFact | None = None
    peak_memory_bytes: int | None = None
    pending_links: dict[str, int] = Field(default_factory=dict)
    pending_uploads: int = 0
    unsettled_elsewhere: int = 0
    verify: VerifyFact | None = None
    open_findings: OpenFindings | None = None


class RunFiles:
    """The files of one run, read in batches. A file that the run did not come to write has no rows."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def facts(self) -> RunFacts:
        """The manifest. Raises SettingsError where the folder holds no readable one."""
        path = self.folder / "manifest.json"
        hint = "Name a folder below `runs/` that holds a manifest.json."
        try:
            return RunFacts.model_validate_json(path.read_bytes())
        except FileNotFoundError:
            raise SettingsError(f"{self.folder.name} is no run: it has no manifest.json.", hint=hint) from None
        except ValidationError:
            raise SettingsError(f"The manifest.json of {self.folder.name} cannot be read.", hint=hint) from None

    def has(self, name: str) -> bool:
        """Whether the run wrote this file."""
        return (self.folder / name).is_file()

    def batches(self, name: str, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
        """The rows of a Parquet file in its order; of its columns those asked for."""
        if self.has(name):
            with self.opened(name) as file:
                yield from file_batches(file, BATCH_ROWS, columns)

    def opened(self, name: str, *, texts_once: bool = False) -> pq.ParquetFile:
        """A Parquet file that the run wrote. With ``texts_once`` columns of few different texts are read as dictionaries."""
        metadata = pq.read_metadata(self.folder / name)
        stored_once = few_texts(metadata) if texts_once else []
        return pq.ParquetFile(self.folder / name, metadata=metadata, read_dictionary=stored_once)

    def problems(self, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
        """The problems found before loading, then those of the plan and of the load."""
        for name in ("problems.parquet", "plan_problems.parquet", "load_problems.parquet"):
            yield from self.batches(name, columns)
