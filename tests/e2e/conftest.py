"""Projects and loads that several proofs start from."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.harness import KEY, Place, Reference, copy_project, reference_load, trim, without_unaskable


@pytest.fixture(autouse=True, scope="session")
def _one_project_key() -> Iterator[None]:
    """The same project key everywhere, so that loads of the same data carry the same markers."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CASEBOOK_ETL_PROJECT_KEY", KEY)
        yield


@pytest.fixture(scope="session")
def quarter(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A quarter of the sample agency, every record of which can be asked for."""
    place = copy_project(tmp_path_factory.mktemp("quarter"), "demo_agency")
    trim(place.sample, 0.25)
    without_unaskable(place.sample)
    return place.sample


@pytest.fixture(scope="session")
def reference(quarter: Path, tmp_path_factory: pytest.TempPathFactory) -> Reference:
    """That quarter, loaded without any trouble."""
    return reference_load(copy_project(tmp_path_factory.mktemp("reference"), "demo_agency", quarter))


@pytest.fixture
def agency(quarter: Path, tmp_path: Path) -> Place:
    """A copy of that quarter of one's own."""
    return copy_project(tmp_path, "demo_agency", quarter)
