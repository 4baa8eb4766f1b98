"""A checksum is of meaning: comments, layout and order are free, every decision counts."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

LINES = (
    "middle_name: {from: MID, do: [trim, {length: {max: 9}}], on_error: empty}",
    "gender: {from: SEX, crosswalk: sex, on_unmapped: ask}",
    'custom_fields.legacyNumber: {const: "LEG-{PERSON_ID}"}',
    "marital_status: {choose: [{when: \"M = 'M'\", const: Married}, {const: Single}]}",
    "mother: {ref: person, key: MOTHER_ID, on_missing: empty}",
)
SEX = "SEX,target\nF,Female\nM,Male\n"


def load(desk, *lines, project="", sex=SEX):
    documents = {"people.yaml": desk.people(*lines), "crosswalks/sex.csv": sex}
    if project:
        documents["project.yaml"] = project
    return desk.load(documents)


def sums(project):
    return project.mappings[0].checksum, project.checksum


@settings(
    max_examples=8, deadline=None, phases=[Phase.generate], suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(shuffled=st.permutations(LINES), comment=st.text("abc xyz", max_size=9), blanks=st.integers(0, 3))
def test_comments_blank_lines_and_the_order_of_fields_mean_nothing(desk, shuffled, comment, blanks):
    before = sums(load(desk, *LINES))
    after = sums(load(desk, *(f"{line}  # {comment}" + "\n" * blanks for line in shuffled)))
    assert before == after


def test_long_and_short_form_mean_the_same(desk):
    assert sums(load(desk, "ssn: SSN")) == sums(load(desk, "ssn: {from: [SSN], do: [], on_error: quarantine}"))


def test_advice_in_a_crosswalk_means_nothing(desk):
    assert sums(load(desk, *LINES)) == sums(load(desk, *LINES, sex="SEX,target,rows\nM,Male,9\nF,Female,7\n"))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("from: MID", "from: MID_NM"),
        ("max: 9", "max: 8"),
        ("do: [trim, ", "do: [squeeze, "),
        ("on_error: empty", "on_error: warn"),
        ("on_unmapped: ask", "on_unmapped: empty"),
        ("LEG-{", "OLD-{"),
        ("M = 'M'", "M = 'V'"),
        ("const: Single", "const: Unknown"),
        ("key: MOTHER_ID", "key: MOM_ID"),
        ("on_missing: empty", "on_missing: block"),
        ("on_error: empty}", "on_error: empty, when: A = 1}"),
    ],
)
def test_every_decision_counts(desk, old, new):
    before = sums(load(desk, *LINES))
    after = sums(load(desk, *(line.replace(old, new) for line in LINES)))
    assert all(one != other for one, other in zip(before, after, strict=True))


def test_a_crosswalks_decision_counts(desk):
    assert sums(load(desk, *LINES))[0] != sums(load(desk, *LINES, sex=SEX.replace("M,Male", "M,")))[0]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("source: legacy.PERSONS", "source: legacy.PEOPLE"),
        ("key: PERSON_ID", "key: ID"),
        ("key: PERSON_ID", "key: PERSON_ID\nkeys: k"),
    ],
)
def test_rows_and_key_count(desk, old, new):
    before = desk.load().mappings[0].checksum
    assert desk.load({"people.yaml": desk.people().replace(old, new)}).mappings[0].checksum != before


def test_the_time_zone_counts_and_addresses_do_not(desk):
    before = sums(load(desk))
    elsewhere = desk.project().replace("data/*.csv", "other/*.csv").replace("8089", "9999")
    assert sums(load(desk, project=elsewhere)) == before
    after = sums(load(desk, project=desk.project().replace("New_York", "Chicago")))
    assert all(one != other for one, other in zip(before, after, strict=True))


def test_what_is_ignored_counts_for_the_project_alone(desk):
    before = sums(load(desk))
    after = sums(load(desk, project=desk.project("ignore: {legacy.LOG: technical}")))
    assert before[0] == after[0]
    assert before[1] != after[1]
