"""How large a zip may grow when it is opened: decided from its directory before a byte is unpacked."""

from __future__ import annotations

import zipfile
from pathlib import Path, PurePosixPath

from etl.core.errors import SourceUnavailable, SourceUnreadable
from etl.sources.opened import require_regular

_LARGEST_BYTES = 64 << 30
_MOST_MEMBERS = 10_000
_LARGEST_RATIO = 1_000
_SMALL_BYTES = 64 << 20
"""Up to here any ratio is harmless."""


def open_archive(path: Path, place: str) -> zipfile.ZipFile:
    """The zip, opened and found harmless. Raises SourceUnavailable or SourceUnreadable."""
    require_regular(path, place)
    try:
        archive = zipfile.ZipFile(path)
    except OSError as error:
        hint = "Check path and rights."
        raise SourceUnavailable(f"{place} cannot be opened ({error.strerror}).", hint=hint) from None
    except zipfile.BadZipFile:
        hint = "Get the file again; it may have been cut off on its way."
        raise SourceUnreadable(f"{place} is no sound zip file.", hint=hint) from None
    if _is_bomb(archive):
        archive.close()
        raise SourceUnreadable(f"{place} would grow beyond all measure.", hint="Unpack it by hand, and look inside.")
    return archive


def files_of(archive: zipfile.ZipFile) -> list[zipfile.ZipInfo]:
    """The files inside, as a pattern would find them on disk: none whose name begins with a dot, such as the second one
    that a Mac packs beside each file.
    """
    return [each for each in archive.infolist() if not each.is_dir() and not _name_of(each).startswith(".")]


def _name_of(member: zipfile.ZipInfo) -> str:
    return PurePosixPath(member.filename).name


def _is_bomb(archive: zipfile.ZipFile) -> bool:
    members = archive.infolist()
    size = sum(each.file_size for each in members)
    packed = sum(each.compress_size for each in members)
    grows = size > _SMALL_BYTES and size > packed * _LARGEST_RATIO
    return grows or size > _LARGEST_BYTES or len(members) > _MOST_MEMBERS
