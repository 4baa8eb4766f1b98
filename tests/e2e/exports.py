"""A whole export loaded into a sandbox, looked at by legacy keys: what is expected is worked out from its files elsewhere."""

from __future__ import annotations

import csv
import importlib.util
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

import pytest

from etl.core.keys import RecordKeys
from etl.sandbox.oracle import Oracle
from tests.e2e.harness import KEY, Place, copy_project, sandbox
from tests.e2e.pictures import known


class Loaded:
    """A loaded export. From the product only record keys are used, to find the record that a legacy key became."""

    def __init__(self, place: Place, oracle: Oracle) -> None:
        self.place = place
        self.oracle = oracle
        self.summary = place.summary()
        self._keys = RecordKeys(bytes.fromhex(KEY))
        self._ids = {row.key: row.target_id for row in known(place.state) if row.state == "created"}

    def id(self, entity: str, space: str, *parts: str) -> str | None:
        return self._ids.get(self._keys.record_key(entity, space, parts))

    def held(self, entity: str):
        return {record.id: record for record in self.oracle.records(entity)}


@contextmanager
def loaded_export(folder: Path, name: str, variable: str, export: Path) -> Iterator[Loaded]:
    """The export that a variable names, loaded by the project of this name."""
    place = copy_project(folder, name)
    with pytest.MonkeyPatch.context() as patch, sandbox() as casebook:
        patch.setenv(variable, str(export))
        ended = place.point_at(casebook.base_url).run()
        assert ended.code in (0, 1), ended.text
        yield Loaded(place, casebook.oracle)


def counts_of(name: str) -> ModuleType:
    """The script of a few lines that counts an export of this kind on its own."""
    path = Path(__file__).parents[1] / f"sample_data/{name}_counts.py"
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def records_in(path: Path) -> int:
    """How many records a CSV file holds below its header."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        return sum(1 for _ in csv.reader(file)) - 1


def optional(target_id: str | None) -> Sequence[str]:
    """What a link holds that leads there, or nowhere."""
    return () if target_id is None else (target_id,)
