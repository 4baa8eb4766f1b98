"""Projects and loads that several proofs start from."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from tests.e2e.harness import KEY, Place, copy_project, trim
from tests.e2e.pictures import Reference, reference_load


@pytest.fixture(autouse=True, scope="session")
def _one_project_key() -> Iterator[None]:
    """The same project key everywhere, so that loads of the same data carry the same markers."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CASEBOOK_ETL_PROJECT_KEY", KEY)
        yield


@pytest.fixture(scope="session")
def part(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A part of the sample agency, small enough to be loaded often, every record of which can be asked for."""
    place = copy_project(tmp_path_factory.mktemp("part"), "demo_agency")
    trim(place.sample, 0.12)
    return place.sample


@pytest.fixture(scope="session")
def reference(part: Path, tmp_path_factory: pytest.TempPathFactory) -> Reference:
    """That part, loaded without any trouble."""
    return reference_load(copy_project(tmp_path_factory.mktemp("reference"), "demo_agency", part))


@pytest.fixture
def agency(part: Path, tmp_path: Path) -> Place:
    """A copy of that part of one's own."""
    return copy_project(tmp_path, "demo_agency", part)


@pytest.fixture
def locked_postgres_url(postgres_url: str) -> Iterator[sa.URL]:
    """That server with a user whom it asks for a password, and a wrong one."""
    engine = sa.create_engine(postgres_url, poolclass=sa.NullPool)
    with engine.connect() as connection:
        rules = Path(str(connection.exec_driver_sql("show hba_file").scalar()))
        before = rules.read_text("utf-8")
        rules.write_text(f"local all clerk scram-sha-256\n{before}", "utf-8")
        connection.exec_driver_sql("create role clerk login password 'the-right-one'")
        connection.exec_driver_sql("select pg_reload_conf()")
        connection.commit()
    yield sa.make_url(postgres_url).set(username="clerk", password="opens-nothing")
    rules.write_text(before, "utf-8")
    with engine.connect() as connection:
        connection.exec_driver_sql("drop role clerk")
        connection.exec_driver_sql("select pg_reload_conf()")
        connection.commit()
