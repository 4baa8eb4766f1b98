"""A zip of files that another adapter reads: one file at a time is unpacked for as long as it is read.

The unpacked copy lies in a folder for its owner alone and is removed whatever happens. Names inside the zip choose
tables and nothing else; no file is written where a name says.
"""

from __future__ import annotations

import lzma
import shutil
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory

import pyarrow as pa

from etl.core.errors import SourceUnavailable, SourceUnreadable
from etl.core.ports import Source, TableFacts
from etl.sources.archives import files_of, open_archive
from etl.sources.names import check_tables


class ZipSource:
    """The files of a zip whose names match ``members``; a table's name is its file's stem.

    ``opened`` makes the adapter for one unpacked file. With ``many`` it is of a kind whose files hold tables of their
    own, whose names these then are.
    """

    def __init__(
        self, name: str, path: str, members: str, opened: Callable[[Path], Source], *, many: bool = False
    ) -> None:
        self.name = name
        self._path = Path(path)
        self._members = members
        self._opened = opened
        self._many = many
        self._file_of: dict[str, str] = {}
        self._place = f"{name} ({self._path.name})"
        self._facts: dict[str, TableFacts] = {}

    def tables(self) -> Sequence[str]:
        """The names of the tables inside, sorted. Raises SourceUnavailable if no file matches."""
        with open_archive(self._path, self._place) as archive:
            files = sorted(self._found(archive))
        if not self._many:
            return files
        found = [(table, file) for file in files for table in self._tables_in(file)]
        check_tables([table for table, _ in found], f"Source {self.name}")
        self._file_of = dict(found)
        return sorted(self._file_of)

    def read(self, table: str, batch_rows: int) -> Iterator[pa.RecordBatch]:
        """The batches that the inner adapter gives; see :meth:`etl.core.ports.Source.read`."""
        if self._many and table not in self._file_of:
            self.tables()
        with self.unpacked(self._file_of.get(table, table)) as path:
            source = self._opened(path)
            yield from source.read(table, batch_rows)
            facts = source.facts(table)
        self._facts[table] = replace(facts, origin=f"{self._path.name}: {facts.origin}")

    @property
    def file_name(self) -> str:
        """The zip's own name."""
        return self._path.name

    def facts(self, table: str) -> TableFacts:
        """Facts about a table that was read to its end; size and hash are those of the unpacked file."""
        return self._facts[table]

    @contextmanager
    def unpacked(self, file: str) -> Iterator[Path]:
        """One file of the zip by its stem, in a folder for its owner alone and for so long only."""
        with TemporaryDirectory(prefix="casebook-etl-") as folder:
            yield self._unpacked(file, Path(folder))

    def _tables_in(self, file: str) -> Sequence[str]:
        with self.unpacked(file) as path:
            return self._opened(path).tables()

    def _unpacked(self, table: str, folder: Path) -> Path:
        with open_archive(self._path, self._place) as archive:
            member = self._found(archive).get(table)
            if member is None:
                hint = "Look at the names inside the zip."
                raise SourceUnavailable(f"Source {self.name} has no table {table}.", hint=hint)
            path = folder / PurePosixPath(member.filename).name
            with self._sound(table), archive.open(member) as packed, path.open("xb") as unpacked:
                shutil.copyfileobj(packed, unpacked)
        return path

    @contextmanager
    def _sound(self, table: str) -> Iterator[None]:
        """Turns what unpacking damaged bytes raises, each way of packing something else, into SourceUnreadable."""
        try:
            yield
        except (zipfile.BadZipFile, zlib.error, lzma.LZMAError, RuntimeError, EOFError, OSError) as error:
            if isinstance(error, OSError) and error.errno is not None:
                raise  # the disk's own; damage that bzip2 finds has no number
            hint = "Get it again, without a password."
            message = f"{self._place}: the file of table {table} is damaged or encrypted."
            raise SourceUnreadable(message, hint=hint) from None

    def _found(self, archive: zipfile.ZipFile) -> dict[str, zipfile.ZipInfo]:
        named = [(PurePosixPath(each.filename), each) for each in files_of(archive)]
        matching = [(name.stem, each) for name, each in named if name.match(self._members)]
        if not matching:
            hint = "Names are compared with case; a pattern such as *.csv finds files in any folder of the zip."
            raise SourceUnavailable(f"No file inside the zip of source {self.name} matches its pattern.", hint=hint)
        check_tables([table for table, _ in matching], f"Source {self.name}")
        return dict(matching)
