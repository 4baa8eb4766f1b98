"""Attachment bytes, confined to the declared folders: a path out of legacy data is never trusted.

The path is walked one component at a time from the folder's own handle and no link is followed, so that nothing can be
exchanged between check and use; what is inspected is the opened handle, not the name.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import BinaryIO

from etl.core.errors import SourceUnavailable
from etl.core.ports import FileFacts

MISSING = "file_missing"
REFUSED = "file_refused"

_BLOCK_BYTES = 1 << 20
_LONGEST_NAME = 255
_LARGEST_READ = 1 << 30
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


class FolderFiles:
    """The files below the folders of ``files:`` sources, by source name."""

    def __init__(self, folders: Mapping[str, Path]) -> None:
        self._folders = dict(folders)
        self._names: dict[tuple[int, int, int], frozenset[str]] = {}

    def inspect(self, source: str, path: str) -> FileFacts | str:
        """Size and SHA-256 of a regular file, or the problem code that says why not."""
        opened = self._opened(source, path)
        if isinstance(opened, str):
            return opened
        with opened as stream:
            try:
                return _facts(stream)
            except OSError:
                return REFUSED

    def open(self, source: str, path: str) -> BinaryIO:
        """The file's bytes. Raises SourceUnavailable, which does not tell the path."""
        opened = self._opened(source, path)
        if isinstance(opened, str):
            hint = "Look at the file source's folder; it must stay as it was when the plan was made."
            raise SourceUnavailable(f"An attachment of source {source} cannot be read ({opened}).", hint=hint)
        return opened

    def _opened(self, source: str, path: str) -> BinaryIO | str:
        parts = _components(path)
        if parts is None:
            return REFUSED
        with ExitStack() as handles:
            try:
                folder = self._root(source, handles)
                for part in parts[:-1]:
                    folder = self._step(folder, part, _FOLDER)
                    handles.callback(os.close, folder)
                return _regular(self._step(folder, parts[-1], _FILE))
            except FileNotFoundError:
                return MISSING
            except OSError:
                return REFUSED

    def _root(self, source: str, handles: ExitStack) -> int:
        root = self._folders.get(source)
        if root is None or not root.is_dir():
            hint = "Check the path of this source in project.yaml."
            raise SourceUnavailable(f"The folder of file source {source} does not exist.", hint=hint)
        handle = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        handles.callback(os.close, handle)
        return handle

    def _step(self, folder: int, name: str, flags: int) -> int:
        """Opens a name inside a folder, spelt exactly so: some file systems would take any case."""
        handle = os.open(name, flags, dir_fd=folder)
        if name not in self._listing(folder):
            os.close(handle)
            raise FileNotFoundError
        return handle

    def _listing(self, folder: int) -> frozenset[str]:
        status = os.fstat(folder)
        key = (status.st_dev, status.st_ino, status.st_mtime_ns)
        if key not in self._names:
            self._names[key] = frozenset(os.listdir(folder))
        return self._names[key]


def _components(path: str) -> list[str] | None:
    """The names on the way, None for a path that is not plain and relative.

    >>> _components("scans/./a.pdf"), _components("../a.pdf"), _components("C:a.pdf")
    (['scans', 'a.pdf'], None, None)
    """
    if not path.isprintable() or any(character in path for character in "\\:") or path.startswith("/"):
        return None
    parts = [part for part in path.split("/") if part != "."]
    is_plain = parts and all(part not in ("", "..") and len(part.encode()) <= _LONGEST_NAME for part in parts)
    return parts if is_plain else None


def _facts(stream: BinaryIO) -> FileFacts:
    """Size and hash; a file that Casebook could never take is not read, its hash is "" (a sparse one has no end).

    What was read is told, not what the file was before: one that grows meanwhile is read to its new end, within the limit.
    """
    size = os.fstat(stream.fileno()).st_size
    if size > _LARGEST_READ:
        return FileFacts(size, "")
    digest = hashlib.sha256()
    while (read := stream.tell()) <= _LARGEST_READ and (block := stream.read(_BLOCK_BYTES)):
        digest.update(block)
    return FileFacts(read, "" if read > _LARGEST_READ else digest.hexdigest())


def _regular(handle: int) -> BinaryIO | str:
    if stat.S_ISREG(os.fstat(handle).st_mode):
        return os.fdopen(handle, "rb")
    os.close(handle)
    return REFUSED
