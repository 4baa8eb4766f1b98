"""The audit trail of a project and profile: who decided or undid what, and when, one JSON line each."""

from __future__ import annotations

import getpass
import json
import os
from pathlib import Path

from etl.pipeline.session import now_text
from etl.pipeline.wiring import Setting


def audit(setting: Setting, **facts: object) -> None:
    """Adds a line, durable on return. ``facts`` are keys, codes and counts, never people's data."""
    line = {"at": now_text(), "by": getpass.getuser(), **facts}
    path: Path = setting.project.runs_folder / f"{setting.project.name}-{setting.profile.name}.audit.jsonl"
    with os.fdopen(os.open(path, os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o600), "a", encoding="utf-8") as stream:
        stream.write(json.dumps(line) + "\n")
        stream.flush()
        os.fsync(stream.fileno())
