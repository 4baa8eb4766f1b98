"""The readers of texts as fixtures, and one test for each document and each example."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest


def _beside(name: str) -> ModuleType:
    """A module of this folder, which is no package."""
    if f"docs_{name}" not in sys.modules:
        spec = importlib.util.spec_from_file_location(f"docs_{name}", Path(__file__).with_name(f"{name}.py"))
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[spec.name] = module
        spec.loader.exec_module(module)
    return sys.modules[f"docs_{name}"]


_fences = _beside("fences")
_ELSEWHERE = {"catalog.md", "connect.md"}
"""Their YAML is tested beside the catalogue and the mapping language."""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    documents = _fences.documents()
    blocks = [each for document in documents for each in _fences.fences(document)]
    if "document" in metafunc.fixturenames:
        metafunc.parametrize("document", documents, ids=[each.name for each in documents])
    if "played" in metafunc.fixturenames:
        played = sorted({each.document for each in blocks if each.language == "console"})
        metafunc.parametrize("played", played, ids=[each.name for each in played])
    if "example" in metafunc.fixturenames:
        examples = [each for each in blocks if each.language == "yaml" and each.document.name not in _ELSEWHERE]
        metafunc.parametrize("example", examples, ids=map(str, examples))


@pytest.fixture(scope="session")
def root() -> Path:
    return Path(__file__).parents[2]


@pytest.fixture(scope="session")
def reference_pages() -> ModuleType:
    return _beside("reference_pages")


@pytest.fixture(scope="session")
def sessions() -> ModuleType:
    return _beside("sessions")


@pytest.fixture(scope="session")
def fences() -> ModuleType:
    return _fences


@pytest.fixture(scope="session")
def texts(root: Path) -> str:
    """All documents as one text."""
    return "\n".join(each.read_text("utf-8") for each in _fences.documents())
