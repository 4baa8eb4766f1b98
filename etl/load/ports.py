"""What loading needs from outside, in one frozen bundle that the composition root fills."""

from __future__ import annotations

from dataclasses import dataclass

from etl.catalog.model import Catalog
from etl.core.keys import RecordKeys
from etl.core.ports import BeforeImages, Clock, Files, Progress, Target
from etl.core.state_port import StateStore


@dataclass(frozen=True, slots=True)
class LoadPorts:
    """Everything outside that loading needs. Without ``images`` nothing is kept by which an update could be undone."""

    catalog: Catalog
    keys: RecordKeys
    target: Target
    state: StateStore
    files: Files
    clock: Clock
    progress: Progress
    images: BeforeImages | None = None
