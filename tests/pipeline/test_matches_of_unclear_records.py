"""Records whose answer was lost, and that somebody has entered by hand meanwhile: asked about first, matched afterwards."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from etl.cli.progress import QuietProgress
from etl.core.exits import COMPLETE, HELD_BACK
from etl.core.outcomes import RecordState
from etl.core.state_port import KnownRecord
from etl.pipeline import runs
from etl.pipeline.wiring import Setting
from etl.sandbox import Handle
from etl.sandbox.database import Row
from tests.pipeline.lone import MAPPING, losing, setting_at, write_project


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_project(tmp_path)


@pytest.fixture
def sandbox() -> Iterator[Handle]:
    with losing() as handle:
        yield handle


def unclear(folder: Path, sandbox: Handle, adopt: str) -> tuple[Setting, str]:
    """The project after a run whose one create was lost, and the id under which a worker has entered the same person; a
    second row shows that records are seen.
    """
    (folder / "people.yaml").write_text(f"{MAPPING}match: [{{by: [first_name, last_name]}}]\nadopt: {adopt}\n")
    setting = setting_at(folder, sandbox.base_url)
    runs.run(setting, QuietProgress())
    values = {"first_name": "Ana", "last_name": "Rivera"}
    worker = Row("person", str(uuid.uuid4()), values, {}, "2026-01-01T00:00:00.000000Z", "a worker")
    sandbox.oracle.database.insert(worker, [], [], 0)
    (folder / "PERSONS.csv").write_text("ID,FIRST,LAST\n1,Ana,Rivera\n2,Bo,Reed\n")
    return setting, worker.id


def ana(setting: Setting) -> KnownRecord:
    with setting.reader() as state:
        return next(each for each in state.in_state() if each.attempt == 1 and each.state is not RecordState.CREATED)


def names(sandbox: Handle) -> list[str]:
    return sorted(str(each.attributes["last_name"]) for each in sandbox.oracle.records("person"))


def test_what_a_worker_entered_is_adopted_once_it_is_certain_that_ours_is_not_there(
    folder: Path, sandbox: Handle
) -> None:
    setting, worker = unclear(folder, sandbox, "true")
    key = ana(setting).key
    assert runs.run(setting, QuietProgress()).exit_code == HELD_BACK
    assert runs.run(setting, QuietProgress()).exit_code == COMPLETE
    with setting.reader() as state:
        known = state.known([key])[key]
    assert (known.state, known.target_id, known.adopted) == (RecordState.CREATED, worker, True)
    assert names(sandbox) == ["Reed", "Rivera"]


def test_a_record_of_which_a_person_has_to_decide_is_not_sent_again(folder: Path, sandbox: Handle) -> None:
    setting, _ = unclear(folder, sandbox, "false")
    for _ in range(2):
        finished = runs.run(setting, QuietProgress())
        assert (finished.exit_code, finished.stopped) == (HELD_BACK, None)
    assert ana(setting).state is RecordState.REJECTED
    assert names(sandbox) == ["Reed", "Rivera"]
