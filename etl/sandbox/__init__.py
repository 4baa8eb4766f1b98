"""A local Casebook stand-in: a real server with the documented rules, faults on request, and a journal of the truth.

It reads the catalogue's data and shares neither model nor validation with the loader, so that one cannot hide the
other's mistakes.
"""

from etl.sandbox.app import create_app
from etl.sandbox.faults import FaultRule, parse_faults
from etl.sandbox.server import Handle, running, serve
from etl.sandbox.settings import Application, SandboxSettings, read_applications

__all__ = [
    "Application",
    "FaultRule",
    "Handle",
    "SandboxSettings",
    "create_app",
    "parse_faults",
    "read_applications",
    "running",
    "serve",
]
