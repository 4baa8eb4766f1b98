"""The protocol holds in every order of events, and the search is worth its name: it finds what weaker protocols do."""

from __future__ import annotations

import json
import time

import pytest

from tests.load.protocol_model import OURS, WEAKENED, Findings, Variant, search

SMALL = (3, 4)
LARGE = (5, 7)


def letter(variant: Variant) -> str:
    return variant.name[0]


@pytest.mark.parametrize("variant", OURS, ids=letter)
def test_nothing_is_doubled_or_orphaned_in_any_order_of_events(variant: Variant, capsys) -> None:
    found = searched(variant, SMALL, capsys)
    assert (found.duplicates, found.orphans) == (0, 0)
    assert {"created", "rejected"} <= found.good_ends


@pytest.mark.parametrize("variant", WEAKENED, ids=letter)
def test_every_weakening_is_found_out(variant: Variant, capsys) -> None:
    found = searched(variant, SMALL, capsys)
    assert found.duplicates > 0
    assert found.orphans > 0


@pytest.mark.e2e
@pytest.mark.parametrize("variant", OURS, ids=letter)
def test_nothing_is_doubled_or_orphaned_within_larger_bounds(variant: Variant, capsys) -> None:
    found = searched(variant, LARGE, capsys)
    assert (found.duplicates, found.orphans) == (0, 0)


@pytest.mark.e2e
@pytest.mark.parametrize("variant", WEAKENED, ids=letter)
def test_every_weakening_is_found_out_within_larger_bounds(variant: Variant, capsys) -> None:
    found = searched(variant, LARGE, capsys)
    assert found.duplicates > 0
    assert found.orphans > 0


def searched(variant: Variant, bounds: tuple[int, int], capsys) -> Findings:
    began = time.monotonic()
    found = search(variant, *bounds)
    line = {
        "test": f"model {variant.name}",
        "seed": None,
        "n": found.states,
        "dup": found.duplicates,
        "lost": found.orphans,
        "wrong_id": 0,
        "corrupt": 0,
        "held": 0,
        "s": round(time.monotonic() - began, 2),
    }
    with capsys.disabled():
        print(f"\n{json.dumps(line)}")  # noqa: T201 - one line a variant for scripts
    return found
