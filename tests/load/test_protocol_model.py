"""The protocol holds in every order of events, and the search is worth its name: it finds what weaker protocols do."""

from __future__ import annotations

import pytest

from tests.load.protocol_model import OURS, WEAKENED, Findings, Variant, search

SMALL = (3, 4)
LARGE = (5, 7)


def letter(variant: Variant) -> str:
    return variant.name[0]


@pytest.mark.parametrize("variant", OURS, ids=letter)
def test_nothing_is_doubled_or_orphaned_in_any_order_of_events(variant: Variant, proof_line) -> None:
    found = searched(variant, SMALL, proof_line)
    assert (found.duplicates, found.orphans) == (0, 0)
    assert {"created", "rejected"} <= found.good_ends


@pytest.mark.parametrize("variant", WEAKENED, ids=letter)
def test_every_weakening_is_found_out(variant: Variant, proof_line) -> None:
    found = searched(variant, SMALL, proof_line)
    assert found.duplicates > 0
    assert found.orphans > 0


@pytest.mark.e2e
@pytest.mark.parametrize("variant", OURS, ids=letter)
def test_nothing_is_doubled_or_orphaned_within_larger_bounds(variant: Variant, proof_line) -> None:
    found = searched(variant, LARGE, proof_line)
    assert (found.duplicates, found.orphans) == (0, 0)


@pytest.mark.e2e
@pytest.mark.parametrize("variant", WEAKENED, ids=letter)
def test_every_weakening_is_found_out_within_larger_bounds(variant: Variant, proof_line) -> None:
    found = searched(variant, LARGE, proof_line)
    assert found.duplicates > 0
    assert found.orphans > 0


def searched(variant: Variant, bounds: tuple[int, int], proof_line) -> Findings:
    found = search(variant, *bounds)
    wrong = {kind: found.orphans_by_kind[kind] for kind in ("lost", "wrong_id", "corrupt")}
    name = f"model {variant.name}, {bounds[0]} crashes, {bounds[1]} sends"
    proof_line(name, None, n=found.states, dup=found.duplicates, **wrong, held=found.held)
    return found
