"""Episodes are declared strictly: where they end, how days are written, which columns they make."""

from __future__ import annotations

import datetime as dt

import pytest

from etl.mapping.columns import check_columns
from etl.pipeline.inline_tests import run_tests


def stays(episodes: str, *fields: str, key: str = "[PERSON_ID, episode.start]", more: str = "") -> dict[str, str]:
    return {
        "people.yaml": (
            "mapping: people\ntarget: person\n"
            f"source:\n  from: legacy.STAYS\n{more}  episodes: {episodes}\n"
            f"key: {key}\nfields:\n  first_name: FIRST_NM\n  last_name: LAST_NM\n"
            + "".join(f"  {line}\n" for line in fields)
        )
    }


SPELLS = "{by: PERSON_ID, start: BEG, end: FIN}"


def test_a_fold_reads_its_columns_and_makes_its_own(desk):
    mapping = desk.load(stays(SPELLS, "date_of_birth: episode.start")).mappings[0]
    assert mapping.base.group_by == ("PERSON_ID",)
    assert mapping.base.columns == ("PERSON_ID", "FIRST_NM", "LAST_NM", "BEG", "FIN")
    assert mapping.episodes.gap_days == 0


def test_columns_of_a_fold_are_known_to_the_closed_world(desk):
    project = desk.load(stays(SPELLS))
    found = check_columns(project, {"legacy.STAYS": ["PERSON_ID", "FIRST_NM", "LAST_NM", "BEG"]})
    assert [(each.code, "`FIN`" in each.message) for each in found] == [("unknown_column", True)]


def test_a_fold_changes_the_checksum(desk):
    sums = {desk.load(stays(each)).mappings[0].checksum for each in (SPELLS, SPELLS.replace("}", ", gap: 1}"))}
    assert len(sums) == 2


@pytest.mark.parametrize(
    ("episodes", "code", "said"),
    [
        ("¦{by: PERSON_ID, start: BEG}", "missing_key", "same: COLUMN"),
        ("{by: PERSON_ID, start: BEG, end: FIN, ¦same: KIND}", "useless_key", "to `by`"),
        ("{by: PERSON_ID, start: BEG, same: KIND, ¦gap: 1}", "useless_key", "no gaps"),
        ("{by: PERSON_ID, start: BEG, same: KIND, ¦open_if: X}", "useless_key", "no last days"),
        ("{by: PERSON_ID, start: BEG, end: FIN, in: ¦['%q']}", "wrong_argument", "date"),
        ("{by: PERSON_ID, start: BEG, end: FIN, gap: ¦-1}", "wrong_form", "greater than"),
        ("{by: PERSON_ID, start: BEG, end: FIN, ¦gapp: 1}", "unknown_key", "`gap`"),
    ],
)
def test_a_slip_in_a_fold_is_told_at_its_place(desk, episodes, code, said):
    found = desk.only_mistake(stays(episodes))
    assert found.code == code
    assert said in f"{found.message} {found.hint}"


def test_columns_that_no_fold_makes_are_told(desk):
    found = desk.only_mistake(stays(SPELLS, "date_of_birth: ¦episode.strat"))
    assert (found.code, found.hint) == ("unknown_column", "Did you mean `episode.start`?")


def test_where_is_asked_before_rows_are_folded(desk):
    found = desk.only_mistake(stays(SPELLS, more="  where: ¦episode.end is null\n"))
    assert "before they are folded" in found.message


def test_a_fold_takes_neither_a_group_nor_a_join_of_its_name(desk):
    more = "  group: {by: PERSON_ID}\n  join: {episode: {table: legacy.X, match: PERSON_ID}}\n"
    assert sorted(each.code for each in desk.mistakes(stays(SPELLS, more=more))) == ["join_name", "wrong_form"]


def test_an_inline_test_folds_the_rows_that_it_gives(desk):
    documents = stays(SPELLS, "date_of_birth: episode.start", "date_of_death: episode.end")
    documents["people.yaml"] += """\
tests:
  - name: two stays that overlap are one
    given:
      - {PERSON_ID: "1", FIRST_NM: Bo, LAST_NM: Ray, BEG: 2020-01-05, FIN: 2020-02-01}
      - {PERSON_ID: "1", FIRST_NM: Al, LAST_NM: Ray, BEG: 2020-01-01, FIN: 2020-01-09}
    expect: {first_name: Al, date_of_birth: 2020-01-01, date_of_death: 2020-02-01}
  - name: a stay that ends before it begins is held back
    given: {PERSON_ID: "1", FIRST_NM: Bo, LAST_NM: Ray, BEG: 2020-01-05, FIN: 2020-01-01}
    bucket: quarantined
    problems: [{code: episode_unclear}]
"""
    assert [each.failures for each in run_tests(desk.load(documents), dt.date(2026, 1, 31))] == [(), ()]
