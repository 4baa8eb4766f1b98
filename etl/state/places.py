"""Where a state database may lie: on a local disk, in a folder and a file that only this user can read.

Network drives are refused, because SQLite's write-ahead log and file locks do not hold across hosts; folders that a
service synchronises are refused, because it copies the file and its log at different moments and puts old ones back.
"""

from __future__ import annotations

import os
import re
from pathlib import Path, PurePosixPath

from etl.core.errors import StateError

_MOUNTS = Path("/proc/mounts")
_NETWORK_TYPES = frozenset({"nfs", "nfs4", "cifs", "smbfs", "smb3", "fuse.sshfs", "9p"} | {
    "afs", "ceph", "davfs", "fuse.davfs2", "fuse.glusterfs", "fuse.rclone", "fuse.s3fs", "fuse.google-drive-ocamlfuse",
})  # fmt: skip
_SYNCED = re.compile(
    r"(onedrive|dropbox|google ?drive|my drive|icloud ?drive|mobile documents|nextcloud)( \(.*\)| - .*)?"
)
"""Names that services give to the folders they synchronise, in lower case; a company's name may follow."""
_HINT = "Keep the runs folder on a disk of this machine: `runs:` in project.yaml names it."


def refuse_network_drive(path: Path) -> None:
    """Raises StateError if the (absolute) path lies on a network drive."""
    if path.drive.startswith("\\\\"):
        raise StateError(f"The state database {path} would lie on a network share.", hint=_HINT)
    kind = file_system(path, _mounts()) if _MOUNTS.exists() else ""
    if kind in _NETWORK_TYPES:
        raise StateError(f"The state database {path} would lie on a network drive ({kind}).", hint=_HINT)


def refuse_synced_folder(path: Path) -> None:
    """Raises StateError if the (absolute) path lies in a folder that a service keeps the same on several machines."""
    service = synced_folder(path)
    if service is not None:
        message = f"The state database {path} would lie in a synchronised folder ({service})."
        raise StateError(message, hint=_HINT)


def synced_folder(path: Path) -> str | None:
    """The folder on the way to a file that carries the name of a synchronised one, or that holds Dropbox's mark.

    >>> synced_folder(Path("/data/OneDrive - County/runs/a.db"))
    'OneDrive - County'
    """
    for folder in path.parents:
        if _SYNCED.fullmatch(folder.name.lower()) or (folder.name and (folder / ".dropbox.cache").is_dir()):
            return folder.name
    return None


def file_system(path: Path, mounts: str) -> str:
    r"""The file system type of an absolute path by the text of a mount table, "" where none fits; later lines win.

    >>> file_system(Path("/data/runs/a.db"), "dev / ext4 rw\nsrv:/x /data nfs4 rw")
    'nfs4'
    """
    best, kind = -1, ""
    for line in mounts.splitlines():
        fields = line.split(" ")
        point = PurePosixPath(_unescaped(fields[1]))
        if path.is_relative_to(point) and len(point.parts) >= best:
            best, kind = len(point.parts), fields[2]
    return kind


def make_private_folder(folder: Path) -> None:
    """Creates the folder and its missing parents for this user alone (0700); folders that exist keep their mode."""
    missing = [place for place in (folder, *folder.parents) if not place.exists()]
    for place in reversed(missing):
        place.mkdir(mode=0o700, exist_ok=True)


def create_private_file(path: Path) -> None:
    """Creates an empty file that only this user can read (0600). Raises FileExistsError."""
    os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | getattr(os, "O_NOFOLLOW", 0), 0o600))


def make_private(path: Path) -> None:
    """Takes everybody else's rights to a file away (0600)."""
    path.chmod(0o600)


def sync_file(path: Path) -> None:
    """Makes a file's content survive a power cut."""
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def sync_folder(folder: Path) -> None:
    """Makes a rename in the folder survive a power cut; Windows needs and offers no such call."""
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _mounts() -> str:
    return _MOUNTS.read_text(encoding="utf-8", errors="surrogateescape")


def _unescaped(point: str) -> str:
    return re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), point)
