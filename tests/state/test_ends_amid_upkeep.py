"""A process that ends while it brings a state database up to date or copies it: the old one is whole, and it goes on."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from etl.state import migrations, sqlite
from etl.state.backups import copy_to

FROZEN = Path(__file__).with_name("state_v1.sql").read_text(encoding="utf-8")
NEXT = (*migrations.STEPS, ("ALTER TABLE uploads ADD COLUMN checksum TEXT",))
ENDS = {
    "SIGKILL": "import os, signal\ndef end(*_):\n    os.kill(os.getpid(), signal.SIGKILL)\n",
    "exception": "def end(*_):\n    raise ZeroDivisionError\n",
    "cancellation": "def end(*_):\n    raise KeyboardInterrupt\n",
}
UPGRADE = """
from etl.state import migrations, sqlite
sqlite._set_version = end
steps = (*migrations.STEPS, ("ALTER TABLE uploads ADD COLUMN checksum TEXT",))
with sqlite.writer(Path(sys.argv[1])).connect() as connection:
    sqlite.bring_up_to_date(connection, Path(sys.argv[1]), steps)
"""
COPY = """
from etl.state.backups import copy_to
Path.replace = end
copy_to(Path(sys.argv[1]), Path(sys.argv[2]))
"""


def columns(path: Path) -> list[str]:
    with closing(sqlite3.connect(path)) as database:
        return [row[1] for row in database.execute("PRAGMA table_info(uploads)")]


def told(path: Path) -> dict[str, int]:
    """Figures of a state that should hold the two records of the frozen one."""
    with closing(sqlite3.connect(path)) as database:
        rows = database.execute("SELECT rk, target_id, state FROM records").fetchall()
        intact = database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    with closing(sqlite3.connect(":memory:")) as database:
        database.executescript(FROZEN)
        wanted = database.execute("SELECT rk, target_id, state FROM records").fetchall()
    lost = {row[0] for row in wanted} - {row[0] for row in rows}
    return {
        "n": len(wanted),
        "dup": len(rows) - len({row[0] for row in rows}),
        "lost": len(lost),
        "wrong_id": len({row[:2] for row in rows} - {row[:2] for row in wanted}),
        "corrupt": int(not intact),
        "held": len(set(rows) - set(wanted)),
    }


@pytest.fixture
def frozen(path) -> Path:
    path.parent.mkdir()
    with closing(sqlite3.connect(path)) as database:
        database.executescript(FROZEN)
    return path


@pytest.mark.parametrize("way", ENDS)
def test_an_upgrade_that_ends_in_its_midst_leaves_the_old_version_and_can_be_repeated(spawn, frozen, proof_line, way):
    process = spawn(ENDS[way] + UPGRADE)
    assert process.wait(60) != 0
    assert "checksum" not in columns(frozen)
    proof_line(f"C16: amid an upgrade, {way}", None, **told(frozen))
    assert not any(value for name, value in told(frozen).items() if name != "n")
    engine = sqlite.writer(frozen)
    with engine.connect() as connection:
        sqlite.bring_up_to_date(connection, frozen, NEXT)
    engine.dispose()
    assert "checksum" in columns(frozen)


@pytest.mark.parametrize("way", ENDS)
def test_a_copy_that_ends_before_it_is_whole_has_no_name_and_can_be_made_again(
    spawn, frozen, tmp_path, proof_line, way
):
    copy = tmp_path / "copy.state.db"
    process = spawn(ENDS[way] + COPY, str(copy))
    assert process.wait(60) != 0
    assert not copy.exists()
    copy_to(frozen, copy)
    proof_line(f"C15: amid a copy of the state, {way}", None, **told(copy))
    assert not any(value for name, value in told(copy).items() if name != "n")
