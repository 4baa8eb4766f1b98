"""The product's own oracle (:mod:`etl.pipeline.pictures`) at the hand of tests: state files, reference loads, accounts."""

from __future__ import annotations

import contextlib
import sqlite3
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from etl.core.state_port import KnownRecord
from etl.pipeline import pictures
from etl.pipeline.pictures import Good, Proof
from etl.sandbox.oracle import Oracle
from etl.state import ServerPlace
from etl.state.opening import open_reader
from tests.e2e.harness import Place, sandbox, sandbox_catalog

__all__ = ["Picture", "Proof", "Reference", "buckets", "is_intact", "known", "prove", "reference_load"]


class Picture(pictures.Picture):
    """What a sandbox of the shipped tenant holds."""

    def __init__(self, oracle: Oracle) -> None:
        super().__init__(oracle, sandbox_catalog())


def known(state: Path | ServerPlace) -> list[KnownRecord]:
    """All records of a state database."""
    with open_reader(state) as reader:
        return list(reader.in_state())


def is_intact(state: Path | ServerPlace) -> bool:
    """SQLite's own check of a file; a server checks its own."""
    if isinstance(state, ServerPlace):
        return True
    with contextlib.closing(sqlite3.connect(state)) as database:
        return bool(database.execute("pragma integrity_check").fetchall() == [("ok",)])


def prove(state: Path | ServerPlace, oracle: Oracle, good: Mapping[str, str], records: Counter[str]) -> Proof:
    """Compares a load with a good one: ``good`` gives the content of each record key, ``records`` counts contents."""
    return pictures.prove(known(state), Picture(oracle), Good(good, records), intact=is_intact(state))


@dataclass(frozen=True, slots=True)
class Reference:
    """A load that met no trouble: where it lies, its summary, its contents."""

    place: Place
    summary: Mapping[str, Any]
    good: Mapping[str, str]
    records: Counter[str]


def reference_load(place: Place) -> Reference:
    """Loads a project into a quiet sandbox."""
    with sandbox() as quiet:
        ended = place.point_at(quiet.base_url).run()
        assert ended.code in (0, 1), ended.text
        made = pictures.good(known(place.state), Picture(quiet.oracle))
    return Reference(place, place.summary(), made.contents, made.records)


def buckets(summary: Mapping[str, Any]) -> dict[str, dict[str, int]]:
    """The account of rows by mapping, without what does not count rows."""
    names: Sequence[str] = (
        "created",
        "updated",
        "unchanged",
        "quarantined",
        "blocked",
        "rejected",
        "uncertain",
        "pending",
    )
    return {
        account["mapping"]: {name: account[name] for name in names if account[name]}
        for account in summary["ledger"]["mappings"]
    }
