"""Takes tables in, one after the other, and ends with references between them: the straight line of an intake.

Each table is copied into Parquet below a private temporary folder, as a run's snapshot would be, so that what is
measured is exactly what would be migrated. Memory is that of DuckDB's limit and one batch.
"""

from __future__ import annotations

import glob
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Self, TypeAlias

from etl.core.errors import SettingsError, SourceError
from etl.core.intake import Certificate, Column, FileVerdict, Observation, Place, Table
from etl.core.ports import Progress, Source
from etl.core.problems import Severity
from etl.core.records import DAMAGE, LINE, ROW
from etl.sources.csv import CsvSource
from etl.sources.engine import open_database, quoted
from etl.sources.intake.columns import Cells
from etl.sources.intake.declarations import broken, declared_by, declared_references, named
from etl.sources.intake.hints import names_look_like_data, people_of
from etl.sources.intake.judgement import Judge
from etl.sources.intake.keys import Keys
from etl.sources.intake.lines import PLACES, line_facts, offsets_of
from etl.sources.intake.parts import Parts
from etl.sources.intake.references import Read, orphans, references
from etl.sources.intake.verdict import Declared, verdict
from etl.sources.opened import steady
from etl.sources.snapshot import SnapshotTable, take_snapshot
from etl.sources.zipped import ZipSource

Opened: TypeAlias = "Callable[[str, str], Source]"

MEMORY_MB = 256
THREADS = 2
_ROW_LIMITS = frozenset((65_535, 65_536, 1_048_575, 1_048_576))


class Intake:
    """Looks at files and other sources and collects what it finds; ``folder`` is an empty, private, temporary folder."""

    def __init__(self, folder: Path, progress: Progress, taken: datetime) -> None:
        self._folder = folder
        self._progress = progress
        self._taken = taken
        self._database = open_database(folder / "temp", MEMORY_MB, THREADS)
        self._reads: list[Read] = []
        self._observations: list[Observation] = []
        self._unreadable: list[str] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._database.close()

    def add_file(
        self, path: Path, name: str, declared: Declared, opened: Opened | None = None, origin: str = ""
    ) -> None:
        """Looks at a file of lines, its bytes first; what cannot be read is observed and never raised.

        ``opened`` makes the adapter for a file and its encoding, unless the file is delimited text. ``origin`` is where
        the certificate says that it came from, by default its name.
        """
        self._progress.note(f"{name} ...")
        try:
            with steady(path, name) as stream:
                facts = line_facts(stream)
                found, observations = verdict(stream, facts, declared, name)
            self._observations += observations
            if found.delimiter or opened is not None:
                pattern = glob.escape(str(path.absolute()))
                source = (
                    opened(pattern, found.encoding)
                    if opened is not None
                    else _delimited(name, pattern, found, declared)
                )
                self._add(source, path.stem, name, found, origin)
                self._observations += self._cut_short(name, ends_open=facts.ends_open)
                self._locate(path, name, is_wide=bool(facts.wide))
            else:
                self._unreadable.append(name)
        except (SourceError, SettingsError) as error:
            self.refuse(name, error)

    def add_zip(self, archive: ZipSource, declared: Declared, opened: Opened | None) -> None:
        """Looks at every file of a zip of files of lines; their byte offsets are those of the unpacked file."""
        try:
            files = archive.tables()
        except (SourceError, SettingsError) as error:
            self.refuse(archive.name, error)
            return
        for file in files:
            name = f"{archive.name}.{file}"
            try:
                with archive.unpacked(file) as path:
                    self.add_file(path, name, declared, opened, f"{archive.file_name}: {path.name}")
            except (SourceError, SettingsError) as error:
                self.refuse(name, error)

    def add_source(self, source: Source) -> None:
        """Looks at every table of a source."""
        try:
            tables = source.tables()
        except (SourceError, SettingsError) as error:
            self.refuse(source.name, error)
            return
        for table in tables:
            name = f"{source.name}.{table}"
            self._progress.note(f"{name} ...")
            try:
                self._add(source, table, name, None, "")
            except (SourceError, SettingsError) as error:
                self.refuse(name, error)

    def certificate(self) -> Certificate:
        """Everything found so far, with the references between all tables."""
        declared = declared_references(self._database, self._reads)
        certain = [each.reference for each in declared if each.reference is not None]
        pairs = {(each.table, each.column) for each in certain}
        guessed = references(self._database, self._reads)
        found = [*certain, *(each for each in guessed if (each.table, each.column) not in pairs)]
        return Certificate(
            taken=f"{self._taken:%Y-%m-%dT%H:%M:%SZ}",
            tables=tuple(read.table for read in self._reads),
            references=tuple(found),
            observations=(*self._observations, *broken(declared), *orphans(found)),
            unreadable=tuple(self._unreadable),
        )

    def _add(self, source: Source, table: str, name: str, file: FileVerdict | None, origin: str) -> None:
        folder = self._folder / f"{len(self._reads) + len(self._unreadable):05d}"
        snapshot = take_snapshot([source], {source.name: [table]}, folder, self._progress)
        taken = snapshot.tables[0]
        if names_look_like_data(taken.columns):
            self._unreadable.append(name)
            self._observations.append(Observation("header_missing", Severity.BLOCK, name))
            return
        parts = Parts(self._database, snapshot.path(taken), taken.columns)
        columns = tuple(self._columns(parts, taken, name))
        schema = declared_by(source, table)
        declared_key = named(schema.key, taken.columns) if schema else ()
        keys = Keys(self._database, parts, name)
        spoiled = keys.observations(columns, declared_key)
        self._observations += [*self._damage(parts.of(), name), *spoiled, *_limits(taken, name)]
        made = Table(
            name=name,
            origin=origin or taken.origin,
            size_bytes=taken.size_bytes,
            sha256=taken.source_sha256,
            rows=taken.rows,
            damaged=taken.damaged,
            columns=columns,
            keys=keys.found(columns),
            file=file,
            declared_key=declared_key,
        )
        self._reads.append(Read(made, parts, source.name, schema))

    def _damage(self, relation: str, name: str) -> Iterator[Observation]:
        """The damaged rows by what is wrong with them; control characters only where no line has told of them."""
        damage, row, line = quoted(DAMAGE), quoted(ROW), quoted(LINE)
        sql = (
            f"select {damage}, count(*), list(struct_pack(row := {row}, line := {line}) order by {row})[:{PLACES}] "  # noqa: S608 - our own text
            f"from {relation} where {damage} is not null group by 1 order by 1"
        )
        told = {each.code for each in self._observations if each.table == name}
        for code, count, places in self._database.execute(sql).fetchall():
            found = tuple(Place(each["row"], each["line"]) for each in places)
            if code != "control_character" or not told & {"nul_bytes", "control_bytes"}:
                yield Observation(code, Severity.BLOCK, name, count=count, places=found)

    def _columns(self, parts: Parts, taken: SnapshotTable, name: str) -> Iterator[Column]:
        cells = Cells(self._database, parts)
        judge = Judge(cells, name, f"{self._taken:%Y-%m-%d}")
        blanks = cells.blanks()
        for column in taken.columns:
            measured = _with_people(cells.column(column, blanks[column]))
            self._observations += judge.observations(measured)
            if measured.people:
                detail = f"{measured.people}, by its {measured.people_evidence}"
                self._observations.append(Observation("people", Severity.INFO, name, column, measured.filled, detail))
            yield measured

    def _locate(self, path: Path, name: str, *, is_wide: bool) -> None:
        """Adds the byte offset to every place of a file's table."""
        if is_wide:
            return
        ours = [each for each in self._observations if each.table == name]
        with path.open("rb") as stream:
            offsets = offsets_of(
                stream, [place.line for each in ours for place in each.places if place.line is not None]
            )
        for position, each in enumerate(self._observations):
            if each.table == name:
                places = tuple(_located(place, offsets) for place in each.places)
                self._observations[position] = replace(each, places=places)

    def _cut_short(self, name: str, *, ends_open: bool) -> Iterator[Observation]:
        """A last row that is damaged, in a file whose last line has no end."""
        if not self._reads or self._reads[-1].table.name != name:
            return
        read = self._reads[-1]
        damage, row, line = quoted(DAMAGE), quoted(ROW), quoted(LINE)
        sql = f"select {row}, {line}, {damage} from {read.parts.of()} order by {row} desc limit 1"  # noqa: S608 - our own text
        last = self._database.execute(sql).fetchall()
        if ends_open and last and last[0][2] is not None:
            yield Observation("truncated", Severity.BLOCK, name, places=(Place(last[0][0], last[0][1]),))

    def leave_out(self, name: str, detail: str) -> None:
        """Tells of a file that is not looked at."""
        self._observations.append(Observation("not_read", Severity.WARN, name, detail=detail))

    def refuse(self, name: str, error: SourceError | SettingsError) -> None:
        """Tells of something that could not be looked at."""
        self._unreadable.append(name)
        self._observations.append(Observation("unreadable", Severity.BLOCK, name, detail=str(error)))


def _delimited(name: str, pattern: str, found: FileVerdict, declared: Declared) -> Source:
    return CsvSource(
        name,
        pattern,
        found.encoding,
        found.delimiter,
        declared.quote,
        numbers_nameless=declared.numbers_nameless,
    )


def _with_people(column: Column) -> Column:
    """The column with what it tells of people; codes of people are kept no longer."""
    people, evidence = people_of(column)
    return replace(column, people=people, people_evidence=evidence, codes=() if people else column.codes)


def _limits(taken: SnapshotTable, name: str) -> Iterator[Observation]:
    """As many rows as fit on a sheet, with or without a header."""
    if taken.rows in _ROW_LIMITS:
        yield Observation("excel_row_limit", Severity.WARN, name, count=taken.rows)


def _located(place: Place, offsets: dict[int, int]) -> Place:
    if place.offset_bytes is not None or place.line is None:
        return place
    return replace(place, offset_bytes=offsets.get(place.line))
