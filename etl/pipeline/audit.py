"""The audit trail of a project and profile: who decided or undid what, and when, one JSON line each."""

from __future__ import annotations

import getpass
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from etl.pipeline.session import now_text
from etl.pipeline.wiring import Setting


def audit(setting: Setting, **facts: object) -> None:
    """Adds a line, durable on return. ``facts`` are keys, codes and counts, never people's data."""
    line = json.dumps({"at": now_text(), "by": getpass.getuser(), **facts}) + "\n"
    with os.fdopen(os.open(_path(setting), os.O_CREAT | os.O_APPEND | os.O_RDWR, 0o600), "a+b") as stream:
        stream.write((b"\n" if _was_cut(stream) else b"") + line.encode())
        stream.flush()
        os.fsync(stream.fileno())


def audited(setting: Setting) -> Iterator[dict[str, Any]]:
    """The lines so far, in order; one that a full disk cut off is passed over."""
    path = _path(setting)
    for line in path.read_text("utf-8").splitlines() if path.exists() else ():
        try:
            yield json.loads(line)
        except ValueError:
            continue


def _was_cut(stream: BinaryIO) -> bool:
    """Whether the last line has no end: a process that died, or a full disk, wrote a part of it."""
    size = stream.seek(0, os.SEEK_END)
    return size > 0 and os.pread(stream.fileno(), 1, size - 1) != b"\n"


def _path(setting: Setting) -> Path:
    return setting.project.runs_folder / f"{setting.project.name}-{setting.profile.name}.audit.jsonl"
