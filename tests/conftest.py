"""What every test shares: nothing is written outside the folders of the tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True, scope="session")
def _witnesses_of_the_tests_alone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Witnesses of state databases are kept in the user's own folder; those of the tests are not."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CASEBOOK_ETL_WITNESS_FOLDER", str(tmp_path_factory.mktemp("witnesses")))
        yield
