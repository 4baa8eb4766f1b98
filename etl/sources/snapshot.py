"""The snapshot: the frozen, hashed copy of all tables that a run works on from here to its end.

One Parquet file a table, written under another name and renamed when whole; ``manifest.json`` is written last, so a
folder without it is no snapshot. Damaged rows are kept as they are; problems are made of them later.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import BinaryIO
from urllib.parse import quote

import pyarrow as pa

from etl.core.errors import SourceUnavailable, SourceUnreadable
from etl.core.ports import Progress, Source
from etl.core.records import DAMAGE, SNAPSHOT_COLUMNS
from etl.sources.parquet_stream import ParquetStream

BATCH_ROWS = 32_000
MANIFEST = "manifest.json"
_FORM = 1


@dataclass(frozen=True, slots=True)
class SnapshotTable:
    """One table: ``file`` is a name inside the snapshot's folder, ``source_sha256`` hashes a file's bytes or, for SQL,
    the rows as read; ``sha256`` hashes the Parquet file.
    """

    source: str
    table: str
    file: str
    rows: int
    damaged: int
    columns: tuple[str, ...]
    origin: str
    encoding: str
    size_bytes: int | None
    source_sha256: str
    sha256: str

    @property
    def relation(self) -> str:
        """The name by which mappings and queries know it: ``source.table``."""
        return f"{self.source}.{self.table}"


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All tables, sorted by source and table. ``fingerprint`` changes with any fact of any table."""

    folder: Path
    tables: tuple[SnapshotTable, ...]
    fingerprint: str

    def path(self, table: SnapshotTable) -> Path:
        """Where the table's Parquet file is."""
        return self.folder / table.file


def take_snapshot(
    sources: Sequence[Source],
    wanted: Mapping[str, Sequence[str]] | None,
    folder: Path,
    progress: Progress,
    batch_rows: int = BATCH_ROWS,
) -> Snapshot:
    """Reads every table of every source into ``folder`` and writes the manifest.

    ``wanted`` names the tables to take by source (None: all; a source that is not named: none). Raises
    SourceUnavailable for a wanted table that does not exist, and what the sources raise; then no manifest is left.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.chmod(0o700)
    (folder / MANIFEST).unlink(missing_ok=True)
    progress.start("extract")
    named = [(source, table) for source in sources for table in _chosen(source, wanted)]
    tables = [_take(source, table, folder, progress, batch_rows) for source, table in named]
    return _sealed(folder, sorted(tables, key=lambda each: (each.source, each.table)))


def read_snapshot(folder: Path) -> Snapshot:
    """The snapshot in a folder, checked against its manifest.

    Raises SourceUnavailable where there is none, SourceUnreadable where a file is not as it was written.
    """
    try:
        manifest = json.loads((folder / MANIFEST).read_bytes())
        tables = tuple(SnapshotTable(**{**each, "columns": tuple(each["columns"])}) for each in manifest["tables"])
        snapshot = Snapshot(folder, tables, manifest["fingerprint"])
    except FileNotFoundError:
        raise SourceUnavailable(f"There is no snapshot in {folder.name}.", hint="Extract again.") from None
    except (ValueError, KeyError, TypeError):
        raise SourceUnreadable("The snapshot's manifest is damaged.", hint="Extract again.") from None
    for table in tables:
        _check(snapshot, table)
    if snapshot.fingerprint != _fingerprint(tables):
        raise SourceUnreadable("The snapshot's manifest was changed.", hint="Extract again.")
    return snapshot


def _chosen(source: Source, wanted: Mapping[str, Sequence[str]] | None) -> Sequence[str]:
    offered = source.tables()
    if wanted is None:
        return offered
    asked = sorted(wanted.get(source.name, ()))
    missing = [table for table in asked if table not in offered]
    if missing:
        hint = f"It has: {', '.join(offered)}."
        raise SourceUnavailable(f"Source {source.name} has no table {', '.join(missing)}.", hint=hint)
    return asked


def _take(source: Source, table: str, folder: Path, progress: Progress, batch_rows: int) -> SnapshotTable:
    name = f"{quote(source.name, safe='')}.{quote(table, safe='')}.parquet"
    rows = damaged = 0
    with _replaced(folder / name) as stream:
        batches = source.read(table, batch_rows)
        first = next(batches)
        with ParquetStream(stream, first.schema, row_group_rows=batch_rows) as writer:
            for batch in _counted(first, batches, progress):
                writer.add(batch)
                rows += batch.num_rows
                damaged += batch.num_rows - batch[DAMAGE].null_count
    facts = source.facts(table)
    return SnapshotTable(
        source=source.name,
        table=table,
        file=name,
        rows=rows,
        damaged=damaged,
        columns=tuple(first.schema.names[len(SNAPSHOT_COLUMNS) :]),
        origin=facts.origin,
        encoding=facts.encoding,
        size_bytes=facts.size_bytes,
        source_sha256=facts.sha256,
        sha256=_sha256(folder / name),
    )


def _counted(first: pa.RecordBatch, rest: Iterator[pa.RecordBatch], progress: Progress) -> Iterator[pa.RecordBatch]:
    yield first
    progress.advance(first.num_rows)
    for batch in rest:
        yield batch
        progress.advance(batch.num_rows)


def _sealed(folder: Path, tables: Sequence[SnapshotTable]) -> Snapshot:
    fingerprint = _fingerprint(tables)
    manifest = {"form": _FORM, "fingerprint": fingerprint, "tables": [asdict(table) for table in tables]}
    with _replaced(folder / MANIFEST) as stream:
        stream.write(json.dumps(manifest, indent=2).encode())
    return Snapshot(folder, tuple(tables), fingerprint)


def _fingerprint(tables: Sequence[SnapshotTable]) -> str:
    return hashlib.sha256(json.dumps([asdict(table) for table in tables], sort_keys=True).encode()).hexdigest()


def _check(snapshot: Snapshot, table: SnapshotTable) -> None:
    path = snapshot.path(table)
    if path.parent != snapshot.folder or not path.is_file() or _sha256(path) != table.sha256:
        hint = "Extract again, or restore the run's folder."
        raise SourceUnreadable(f"The snapshot of {table.relation} is missing or was changed.", hint=hint)


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


@contextmanager
def _replaced(path: Path) -> Iterator[BinaryIO]:
    """A new file for its owner alone, which takes the name only when it is whole and on disk."""
    partial = path.with_name(f"{path.name}.partial")
    partial.unlink(missing_ok=True)
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
