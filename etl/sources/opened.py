"""How a legacy file is found and opened: by a pattern, once, hashed as its bytes pass, and the same at the end as before.

Every adapter that reads files goes through here, so that all of them refuse a file that somebody still writes to.
"""

from __future__ import annotations

import glob
import hashlib
import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from etl.core.errors import SourceUnavailable, SourceUnreadable
from etl.sources.encoding import BLOCK_BYTES
from etl.sources.names import check_tables

_UNESCAPED = re.compile(r"\[([*?\[])\]")
"""A character of a folder's name that would else be one of a pattern."""


class FilePattern:
    """The files of a source that match an absolute pattern; a table's name is its file's stem."""

    def __init__(self, source: str, pattern: str) -> None:
        self._source = source
        self._pattern = pattern

    def paths(self) -> dict[str, Path]:
        """The files by table. Raises SourceUnavailable if none matches, SourceUnreadable if two share a name."""
        paths = self.files()
        check_tables([path.stem for path in paths], f"Source {self._source}")
        return {path.stem: path for path in paths}

    def files(self) -> list[Path]:
        """The files, sorted. Raises SourceUnavailable if none matches."""
        found = map(Path, glob.glob(self._pattern, recursive=True))  # noqa: PTH207 - the pattern is absolute
        paths = sorted(path for path in found if not path.is_dir())
        if not paths:
            hint = "Paths are relative to the project's project.yaml."
            raise SourceUnavailable(self._nothing(), hint=hint)
        return paths

    def _nothing(self) -> str:
        """What was looked for where; a folder that is not there is the reason by itself."""
        folder, pattern = os.path.split(self._pattern)
        shown = _UNESCAPED.sub(r"\1", folder)
        if not glob.has_magic(folder) and not Path(folder).is_dir():
            return f"There is no folder {shown}, where source {self._source} looks for {pattern}."
        return f"No file in {shown} matches {pattern}, the pattern of source {self._source}."

    def path(self, table: str) -> Path:
        """The file of a table. Raises SourceUnavailable."""
        path = self.paths().get(table)
        if path is None:
            raise SourceUnavailable(f"Source {self._source} has no table {table}.", hint="Look at the files' names.")
        return path


@contextmanager
def steady(path: Path, place: str) -> Iterator[BinaryIO]:
    """The file's bytes; raises SourceUnreadable in the end if the file changed meanwhile."""
    with _opened(path, place) as stream:
        before = _fingerprint(os.fstat(stream.fileno()))
        yield stream
        if _fingerprint(os.fstat(stream.fileno())) != before:
            hint = "Take a copy that nobody writes to, and read that."
            raise SourceUnreadable(f"{place} changed while it was read.", hint=hint)


def hashed(stream: BinaryIO, digest: hashlib._Hash) -> Iterator[bytes]:
    """The bytes from here to the end in blocks, each added to the digest."""
    while block := stream.read(BLOCK_BYTES):
        digest.update(block)
        yield block


def require_regular(path: Path, place: str, hint: str = "Check path and rights.") -> None:
    """Raises SourceUnavailable for what is not there or is no regular file: a pipe would be waited for without end."""
    try:
        mode = path.stat().st_mode
    except OSError as error:
        raise SourceUnavailable(f"{place} cannot be opened ({error.strerror}).", hint=hint) from None
    if not stat.S_ISREG(mode):
        raise SourceUnavailable(f"{place} is not a regular file.", hint="Give a file's path.")


def _opened(path: Path, place: str) -> BinaryIO:
    require_regular(path, place)
    try:
        return path.open("rb")
    except OSError as error:
        hint = "Check path and rights."
        raise SourceUnavailable(f"{place} cannot be opened ({error.strerror}).", hint=hint) from None


def _fingerprint(status: os.stat_result) -> tuple[int, int]:
    return status.st_size, status.st_mtime_ns
