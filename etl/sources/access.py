"""Microsoft Access databases as a source, through the programs of mdbtools: what they print is read like any CSV.

mdbtools must be installed; nothing passes through a shell. The printed table lies in a folder for its owner alone for as
long as it is read.
"""

from __future__ import annotations

import glob
import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow as pa

from etl.core.errors import SettingsError, SourceUnavailable, SourceUnreadable
from etl.core.ports import TableFacts
from etl.core.records import DAMAGE, SNAPSHOT_COLUMNS
from etl.sources.csv import CsvSource
from etl.sources.declared import declared_form, declared_forms, forms_of
from etl.sources.names import check_tables
from etl.sources.sql_text import Renderer

_EXPORTED = "table.csv"
_PRINTED = ("-d", ",", "-q", '"', "-R", "\n", "-D", "%Y-%m-%d", "-T", "%Y-%m-%d %H:%M:%S", "-b", "hexadecimal")
_COLUMN = re.compile(r"\s*\[(?P<name>.+?)\]\s+(?P<type>[A-Za-z][A-Za-z/ ]*?)\s*(?:\(.*?\))?(?:\s+NOT NULL)?\s*,?\s*")
_BINARY = {"OLE", "Binary", "Attachment"}


class AccessSource:
    """The tables of one .mdb or .accdb file; ``types`` declares the form of columns by name.

    Raises SettingsError for a type that is not known and where mdbtools is missing.
    """

    def __init__(self, name: str, path: str, types: Mapping[str, str] | None = None) -> None:
        self.name = name
        self._path = Path(path)
        self._place = f"{name} ({self._path.name})"
        self._forms = declared_forms(types or {}, name)
        self._facts: dict[str, TableFacts] = {}

    def tables(self) -> Sequence[str]:
        """The user's tables, sorted. Raises SourceUnavailable."""
        names = [line for line in self._said("mdb-tables", "-1").splitlines() if line.strip()]
        check_tables(names, f"Source {self.name}")
        return sorted(names)

    def read(self, table: str, batch_rows: int) -> Iterator[pa.RecordBatch]:
        """Batches in the order of the file; lines are those of what mdb-export prints."""
        if table not in self.tables():
            raise SourceUnavailable(f"Source {self.name} has no table {table}.", hint="Check its name and its case.")
        types = _declared_types(self._said("mdb-schema", "-T", table))
        with TemporaryDirectory(prefix="casebook-etl-") as folder:
            self._export(table, Path(folder) / _EXPORTED)
            printed = CsvSource(self.name, glob.escape(str(Path(folder) / _EXPORTED)), encoding="utf-8", delimiter=",")
            stem = Path(_EXPORTED).stem
            for batch in printed.read(stem, batch_rows):
                yield self._restated(batch, types)
            facts = printed.facts(stem)
        self._facts[table] = replace(facts, origin=self._path.name)

    def facts(self, table: str) -> TableFacts:
        """Facts about a table that was read to its end; size and hash are those of what mdb-export printed."""
        return self._facts[table]

    def _restated(self, batch: pa.RecordBatch, types: Mapping[str, str]) -> pa.RecordBatch:
        """The batch in the one text form; a row with bytes is damage."""
        columns = batch.schema.names[len(SNAPSHOT_COLUMNS) :]
        own = {name: _boolean for name in columns if types.get(name) == "Boolean"}
        forms = forms_of(columns, own | self._forms)
        rows = batch.to_pydict()
        for name in columns:
            if types.get(name) in _BINARY:
                rows[DAMAGE] = [
                    "undecodable_row" if cell else code for cell, code in zip(rows[name], rows[DAMAGE], strict=True)
                ]
        for name, form in zip(columns, forms, strict=True):
            rows[name] = [None if code else form(cell) for cell, code in zip(rows[name], rows[DAMAGE], strict=True)]
        return pa.RecordBatch.from_pydict(rows, schema=batch.schema)

    def _said(self, program: str, *options: str) -> str:
        done = self._run([_found(program, self.name), *options, "--", str(self._path)], subprocess.PIPE)
        return done.decode("utf-8", "replace")

    def _export(self, table: str, path: Path) -> None:
        with path.open("xb") as stream:
            program = _found("mdb-export", self.name)
            self._run([program, *_PRINTED, "--", str(self._path), table], stream.fileno())

    def _run(self, command: Sequence[str], output: int) -> bytes:
        """What the program printed. Its own complaints are not repeated: they may quote values."""
        if not self._path.is_file():
            hint = "Paths are relative to the project's project.yaml."
            raise SourceUnavailable(f"The Access file of source {self.name} does not exist.", hint=hint)
        environ = {**os.environ, "MDBICONV": "UTF-8"}
        done = subprocess.run(  # noqa: S603 - a program found by name, no shell, and `--` before what is not ours
            command, stdout=output, stderr=subprocess.DEVNULL, env=environ, check=False
        )
        if done.returncode:
            hint = "Open it in Access, compact and repair it, or export the tables as CSV."
            raise SourceUnreadable(f"{self._place} cannot be read by mdbtools.", hint=hint)
        return done.stdout or b""


def _found(program: str, source: str) -> str:
    path = shutil.which(program)
    if path is None:
        hint = "Install mdbtools, or export the tables as CSV."
        raise SettingsError(f"Source {source} is an Access file, and {program} is not installed.", hint=hint)
    return path


def _declared_types(schema: str) -> dict[str, str]:
    """The columns' types as mdb-schema prints them."""
    found = (_COLUMN.fullmatch(line) for line in schema.splitlines())
    return {each["name"]: each["type"].strip() for each in found if each}


_boolean: Renderer = declared_form("boolean", "Access")
