"""Tells when a project's files change, for commands that go on looking while somebody edits."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

_WATCHED = ("*.yaml", "*.yml", "tenants/*.yaml", "crosswalks/*.csv", "includes/*.yaml", "overrides/*.csv", "*.py")


def changes(folder: Path, wait: Callable[[], None]) -> Iterator[None]:
    """Yields at once, and again each time a document of the folder has changed; ``wait`` is called between looks."""
    seen = None
    while True:
        now = _stamps(folder)
        if now != seen:
            seen = now
            yield
        wait()


def _stamps(folder: Path) -> frozenset[tuple[str, int, int]]:
    """Name, time and size of each document; one that vanishes between two looks is left out."""
    found = set[tuple[str, int, int]]()
    for pattern in _WATCHED:
        for path in folder.glob(pattern):
            try:
                status = path.stat()
            except FileNotFoundError:
                continue
            found.add((str(path), status.st_mtime_ns, status.st_size))
    return frozenset(found)
