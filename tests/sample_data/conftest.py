"""The generator as a module, and the folder that holds what it made."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

SAMPLE = Path(__file__).parents[2] / "sample_data"


@pytest.fixture(scope="session")
def sample() -> Path:
    return SAMPLE


@pytest.fixture(scope="session")
def generate() -> ModuleType:
    """`sample_data/generate.py`; it stands outside every package."""
    spec = importlib.util.spec_from_file_location("sample_data_generate", SAMPLE / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    before = list(sys.path)
    spec.loader.exec_module(module)
    sys.path[:] = before
    return module


@pytest.fixture(scope="session", params=["expected.json", "hmis/expected.json", "hsds/expected.json"])
def expected(request: pytest.FixtureRequest) -> dict[str, Any]:
    """Each of the three expected accounts in turn."""
    content: dict[str, Any] = json.loads((SAMPLE / request.param).read_text(encoding="utf-8"))
    return content
