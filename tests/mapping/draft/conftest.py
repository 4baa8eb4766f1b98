"""Small tables as an intake would measure them, written in sight of the tests."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

from etl.casebook.clock import SystemClock
from etl.catalog.loader import load_catalog
from etl.core.intake import Certificate
from etl.mapping.draft.compose import Known, draft
from etl.mapping.draft.model import Draft
from etl.mapping.draft.terms import shipped_terms
from etl.pipeline.intake import inspect_sources


class Silent:
    def start(self, stage: str, total: int | None = None) -> None:
        pass

    def advance(self, count: int = 1) -> None:
        pass

    def note(self, text: str) -> None:
        pass


@pytest.fixture
def certify(tmp_path):
    """The certificate of tables given as CSV text, each by its name."""

    def run(**tables: str) -> Certificate:
        (tmp_path / "project.yaml").write_text(
            'project: small\ntimezone: America/New_York\nsources: {old: {csv: "*.csv"}}\n'
            'profiles: {sandbox: {base_url: "http://127.0.0.1:8089", token_url: "http://127.0.0.1:8089/oauth2/token",'
            " tenant: sandbox}}\n",
            encoding="utf-8",
        )
        for name, text in tables.items():
            (tmp_path / f"{name}.csv").write_text(text, encoding="utf-8")
        return inspect_sources([str(tmp_path)], {}, Silent(), SystemClock())

    return run


@pytest.fixture
def drafted(certify):
    """The draft of tables given as CSV text."""

    def run(**tables: str) -> Draft:
        return draft(Known(certify(**tables), load_catalog("sandbox"), shipped_terms()))

    return run


@pytest.fixture(scope="session")
def share() -> ModuleType:
    """The measure, which stands beside the tests."""
    if "scaffold_share" not in sys.modules:
        spec = importlib.util.spec_from_file_location("scaffold_share", Path(__file__).with_name("share.py"))
        module = importlib.util.module_from_spec(spec)
        sys.modules[spec.name] = module
        spec.loader.exec_module(module)
    return sys.modules["scaffold_share"]
