"""casebook-etl: moves an agency's legacy data into Casebook and proves that nothing was lost or doubled.

The public names below load on first use, so that importing the package costs nothing.
"""

from __future__ import annotations

from importlib import import_module

TYPE_CHECKING = False
"""As :mod:`typing` has it, which takes longer to load than all else here."""

__version__ = "0.1.0"

__all__ = [
    "EtlError",
    "Finished",
    "MappingError",
    "RunChoices",
    "Setting",
    "Summary",
    "lint",
    "load_catalog",
    "open_project",
    "run",
    "verify",
]

_HOMES = {
    "EtlError": "etl.core.errors",
    "Finished": "etl.pipeline.session",
    "MappingError": "etl.core.errors",
    "RunChoices": "etl.pipeline.runs",
    "Setting": "etl.pipeline.wiring",
    "Summary": "etl.report",
    "lint": "etl.pipeline.projects",
    "load_catalog": "etl.catalog.loader",
    "open_project": "etl.pipeline.projects",
    "run": "etl.pipeline.runs",
    "verify": "etl.pipeline.runs",
}

if TYPE_CHECKING:
    from etl.catalog.loader import load_catalog
    from etl.core.errors import EtlError, MappingError
    from etl.pipeline.projects import lint, open_project
    from etl.pipeline.runs import RunChoices, run, verify
    from etl.pipeline.session import Finished
    from etl.pipeline.wiring import Setting
    from etl.report import Summary


def __getattr__(name: str) -> object:
    """Loads a public name from its home."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
