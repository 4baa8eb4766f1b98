"""The share of finished projects that a draft finds: a floor under it, and the page that publishes it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

FLOORS = {"demo_agency": (0.80, 0.90), "hmis": (0.40, 0.75), "hsds": (0.40, 0.65)}
"""Least share of the finished fields, and of the drafted ones, that is right; also on exports that the environment names."""
ELSEWHERE = [name for name in ("HMIS_EXPORT", "HSDS_EXPORT") if name in os.environ]


@pytest.mark.parametrize("name", list(FLOORS))
def test_the_share_that_is_right_does_not_sink(share, name):
    from etl.mapping.draft.terms import shipped_terms  # noqa: PLC0415 - after the environment is set

    found = share.share_of(name, shipped_terms())
    of_finished, of_drafted = FLOORS[name]
    assert found.right / found.finished >= of_finished
    assert found.right / found.drafted >= of_drafted


def test_without_the_words_that_only_it_uses_less_is_found_and_never_more(share):
    from etl.mapping.draft.terms import shipped_terms  # noqa: PLC0415 - after the environment is set

    whole = share.share_of("hmis", shipped_terms())
    less = share.share_of("hmis", share.held_out("hmis"))
    assert 0 < less.right < whole.right


@pytest.mark.skipif(bool(ELSEWHERE), reason="the page shows the figures of the shipped data")
def test_the_page_shows_the_present_shares(share):
    from etl.mapping.draft.terms import shipped_terms  # noqa: PLC0415 - after the environment is set

    page = (Path(__file__).parents[3] / "docs" / "scaffold.md").read_text("utf-8")
    for name in share.PROJECTS:
        found = share.share_of(name, shipped_terms())
        assert f"| `{name}` | {found} | {found.right} of {found.drafted} |" in page, found


def test_the_same_columns_with_another_meaning_are_not_right(share):
    """The directory's mapping takes parts out of an address in one column; the draft takes it whole."""
    from etl.mapping.draft.terms import shipped_terms  # noqa: PLC0415 - after the environment is set

    found = share.share_of("hsds", shipped_terms())
    assert found.near > found.right
