"""Where a run keeps what it made: one folder a run, files written whole or not at all, private to their owner."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Self

import pyarrow as pa

from etl.core.ports import Clock
from etl.core.records import RunId
from etl.sources.parquet_stream import ParquetStream


def new_run_id(now: datetime) -> RunId:
    """A run's id: its second in UTC and, in four hexadecimal digits, which part of that second it began in, so that ids sort
    in the order in which runs began.
    """
    return RunId(f"{now:%Y%m%dT%H%M%SZ}-{now.microsecond * 0x10000 // 1_000_000:04x}")


class RunFolder:
    """The files of one run, below ``runs/<run id>/``."""

    def __init__(self, runs_folder: Path, run_id: RunId) -> None:
        self.run_id = run_id
        self.path = runs_folder / run_id
        self.snapshot = self.path / "snapshot"
        self.mapped = self.path / "records" / "mapped"
        self.planned = self.path / "records" / "planned"
        self.temp = self.path / "temp"
        self.problems = self.path / "problems.parquet"
        self.plan_problems = self.path / "plan_problems.parquet"
        self.load_problems = self.path / "load_problems.parquet"
        self.rows = self.path / "records" / "rows.parquet"
        self.verdicts = self.path / "records" / "verdicts.parquet"
        self.ledger = self.path / "ledger.parquet"
        self.tables = self.path / "tables.parquet"
        self.plan = self.path / "plan.parquet"
        self.plan_file = self.path / "plan.json"
        self.outcomes = self.path / "outcomes.parquet"
        self.manifest = self.path / "manifest.json"
        self.log = self.path / "log.jsonl"
        self.options = self.path / "options.json"
        self.before = self.path / "before"
        self.undo = self.path / "undo.json"
        self.matches = self.path / "records" / "matches.parquet"

    @classmethod
    def new(cls, runs_folder: Path, clock: Clock) -> Self:
        """The folder of a run that begins now; where another began in the same moment, the next moment's."""
        # Not below: a file in the place of the runs' folder would be tried for ever.
        runs_folder.mkdir(parents=True, exist_ok=True)
        while True:
            with suppress(FileExistsError):
                return cls(runs_folder, new_run_id(clock.now())).create()

    def create(self) -> Self:
        """Makes the folders, readable by their owner only; ``runs/`` itself too, which may come from a checkout. Raises
        FileExistsError where the run has one.
        """
        self.path.mkdir(mode=0o700)
        for folder in (
            self.path.parent,
            self.path,
            self.snapshot,
            self.mapped.parent,
            self.mapped,
            self.planned,
            self.temp,
        ):
            folder.mkdir(mode=0o700, exist_ok=True)
            folder.chmod(0o700)
        return self

    def write_json(self, path: Path, content: object) -> None:
        """Writes a JSON file, its names in order; see :meth:`write_text`."""
        self.write_text(path, json.dumps(content, indent=2, ensure_ascii=False, sort_keys=True) + "\n")

    def write_text(self, path: Path, text: str) -> None:
        """Writes a file by rename, so that a reader never sees half of it."""
        with replaced(path) as temporary:
            temporary.write_text(text, "utf-8")


@contextmanager
def replaced(path: Path) -> Iterator[Path]:
    """A temporary name beside ``path`` that takes its place, durably, when the block ends well; else nothing is left."""
    temporary = path.with_name(f".{path.name}.part")
    temporary.unlink(missing_ok=True)
    os.close(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    try:
        yield temporary
        with temporary.open("rb") as stream:
            os.fsync(stream.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


class ParquetSink:
    """Writes batches of one schema to a Parquet file that appears when it is closed well; implements ``ProblemSink``."""

    def __init__(self, path: Path, schema: pa.Schema | None = None, keys: Sequence[str] = ()) -> None:
        self._whole = ExitStack()
        place = self._whole.enter_context(replaced(path))
        self._stream = self._whole.enter_context(ParquetStream(place, schema, keys=keys))
        self.rows = 0

    def add(self, batch: pa.RecordBatch) -> None:
        """Hands a batch to the file's own thread, see :meth:`ParquetStream.add`; the first one fixes the schema where
        none was given.
        """
        self._stream.add(batch)
        self.rows += batch.num_rows

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._whole.__exit__(kind, error, trace)
