"""What an earlier reading back found and nobody has looked at since: carried from run to run until a whole one is clean.

A run sends only what changed in the source, so no run mends what was altered in Casebook; forgetting the findings with the
run that they were found on would make a damaged load look complete.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

_KEY = "open_findings"


def carry(manifest: dict[str, Any], earlier: Mapping[str, Any] | None) -> None:
    """Takes what is open after an earlier run over into a new one's manifest."""
    left = _left(earlier) if earlier is not None else None
    if left is not None:
        manifest[_KEY] = left


def close_reading(manifest: dict[str, Any]) -> None:
    """Takes the reading back out of the manifest of a run that goes on loading; what it found stays open."""
    left = _left(manifest)
    manifest.pop("verify", None)
    if left is not None:
        manifest[_KEY] = left


def before_reading(manifest: dict[str, Any], *, whole: bool) -> None:
    """Makes room for a new reading: a whole one answers everything that is open, a part of it nothing."""
    close_reading(manifest)
    if whole:
        manifest.pop(_KEY, None)


def _left(manifest: Mapping[str, Any]) -> dict[str, Any] | None:
    """The run that was read back and the findings by code; None where nothing is open."""
    carried = manifest.get(_KEY) or {}
    own = Counter(each["code"] for each in (manifest.get("verify") or {}).get("findings", ()))
    found = own | Counter(carried.get("findings", {}))
    return (
        {"run_id": carried.get("run_id", manifest["run_id"]), "findings": dict(sorted(found.items()))}
        if found
        else None
    )
