"""The certificate shows what was found and hides what it must, in every form; fingerprints tell exports apart."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from etl.core.errors import SettingsError
from etl.core.intake import Certificate, Column, Kind, Observation, People, Place, Reference, Table, Tally
from etl.core.observations import observation_code, observation_codes
from etl.core.problems import Severity
from etl.report.certificate import certificate_facts, certificate_lines
from etl.report.certificate_fingerprint import compared, fingerprint_of, read_fingerprint
from etl.report.certificate_html import certificate_page


def column(name, values, codes=(), people=None):
    """A column of these values and their counts."""
    tallies = tuple(Tally(text, rows) for text, rows in values.items())
    filled = sum(values.values())
    return Column(
        name=name,
        filled=filled,
        blank=0,
        null=0,
        padded=0,
        distinct=len(values),
        shortest=1,
        longest=20,
        kinds={Kind.TEXT: filled},
        shapes=(Tally("Aa", filled),),
        values=tallies,
        codes=tallies if codes else (),
        people=people,
    )


def table(name="PERSONS", rows=100, columns=()):
    return Table(name, f"{name}.csv", 10, "ab" * 32, rows, 0, tuple(columns), (("PERSON_ID",),))


def certificate(*tables, observations=(), references=()):
    return Certificate("2026-01-31T08:00:00Z", tuple(tables), tuple(references), tuple(observations))


NAMES = column("LAST_NM", {"Zyxwvut": 60, "Qponmlk": 40}, people=People.NAME)
SEX = column("SEX_CD", {"F": 60, "M": 40}, codes=True)
WHOLE = certificate(
    table(columns=[NAMES, SEX]),
    observations=[
        Observation("people", Severity.INFO, "PERSONS", "LAST_NM", 100, "name, by its name"),
        Observation("ragged_row", Severity.BLOCK, "PERSONS", count=2, places=(Place(3, 4, 120),)),
    ],
    references=[Reference("NOTES", "PERS_ID", "PERSONS", "PERSON_ID", 30, 1, 2, is_named=True)],
)
FORMS = {
    "json": lambda given, reveal: json.dumps(certificate_facts(given, reveal=reveal)),
    "terminal": lambda given, reveal: "\n".join(certificate_lines(given, reveal=reveal)),
    "page": lambda given, reveal: certificate_page(given, reveal=reveal),
}


@pytest.mark.parametrize("form", FORMS)
def test_no_form_shows_a_value_unless_it_is_asked_to(form):
    hidden, shown = (FORMS[form](WHOLE, reveal) for reveal in (False, True))
    assert "Zyxwvut" not in hidden
    assert "Zyxwvut" in shown


@pytest.mark.parametrize("form", FORMS)
def test_every_form_tells_what_was_found_where_and_which_columns_tell_of_people(form):
    text = FORMS[form](WHOLE, False)
    assert observation_code("ragged_row").title in text
    assert "120" in text
    assert "LAST_NM" in text
    assert "NOTES.PERS_ID" in text


def test_a_certificate_is_clean_unless_something_blocks_or_warns():
    info = Observation("empty_column", Severity.INFO, "T", "A")
    assert certificate_facts(certificate(observations=[info]))["clean"]
    for severity in (Severity.BLOCK, Severity.WARN):
        facts = certificate_facts(certificate(observations=[info, replace(info, severity=severity)]))
        assert not facts["clean"]
        assert facts["verdict"].startswith("Not clean")


def test_the_gravest_stands_first():
    listed = [Observation("people", severity, "T") for severity in (Severity.INFO, Severity.WARN, Severity.BLOCK)]
    facts = certificate_facts(certificate(observations=listed))
    assert [each["severity"] for each in facts["observations"]] == ["block", "warn", "info"]


class Tags(HTMLParser):
    """Gathers what a page asks a browser to load or run."""

    def __init__(self):
        super().__init__()
        self.asks = []

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        self.asks += [tag] if tag in {"script", "link", "img", "iframe", "object", "form"} else []
        self.asks += [name for name in given if name.startswith("on") or name in {"src", "style"}]
        self.asks += [given["href"]] if given.get("href", "#")[0] != "#" else []


def test_the_page_runs_and_loads_nothing_and_allows_only_its_own_style():
    page = certificate_page(WHOLE)
    tags = Tags()
    tags.feed(page)
    assert tags.asks == []
    style = re.search(r"<style>(.*)</style>", page, re.DOTALL)[1]
    allowed = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert f"default-src 'none'; style-src 'sha256-{allowed}'" in page
    assert "prefers-color-scheme:dark" in style


def test_names_of_columns_cannot_become_part_of_the_page():
    page = certificate_page(certificate(table('<script>"x', columns=[replace(SEX, name="<img src=x>")])))
    assert "<script>" not in page
    assert "<img" not in page


def test_a_fingerprint_holds_no_value_and_no_hash_that_another_one_holds():
    one, other = (fingerprint_of(WHOLE).model_dump_json() for _ in range(2))
    assert '"F"' not in one
    assert "Zyxwvut" not in one
    hashes = [set(re.findall(r'"([0-9a-f]{16})"', text)) for text in (one, other)]
    assert len(hashes[0]) == 2
    assert not hashes[0] & hashes[1]


def changes(before, after, *, reveal=False):
    """What a later certificate says beyond its own observations."""
    kept = read_fingerprint(fingerprint_of(before).model_dump_json().encode(), "x")
    return [
        (each.code, each.table, each.column, each.count, each.detail)
        for each in compared(after, kept, reveal=reveal).observations[len(after.observations) :]
    ]


def test_the_same_export_again_shows_no_change():
    assert changes(WHOLE, WHOLE) == []


def test_new_codes_show_their_shape_and_themselves_only_when_asked():
    after = certificate(table(columns=[NAMES, column("SEX_CD", {"F": 60, "M": 38, "X9": 2}, codes=True)]))
    assert changes(WHOLE, after) == [("new_codes", "PERSONS", "SEX_CD", 2, "a9 (2)")]
    assert changes(WHOLE, after, reveal=True)[0][-1] == "X9 (2)"


def test_a_column_of_codes_that_holds_more_than_codes_now_is_told():
    after = certificate(table(columns=[NAMES, column("SEX_CD", {str(number): 1 for number in range(100)})]))
    assert changes(WHOLE, after) == [("new_codes", "PERSONS", "SEX_CD", 98, "2 values then, 100 now")]


def test_a_code_that_is_no_longer_used_is_no_change():
    after = certificate(table(columns=[NAMES, column("SEX_CD", {"F": 100}, codes=True)]))
    assert changes(WHOLE, after) == []


@pytest.mark.parametrize(("rows", "code"), [(89, "shrunken"), (90, None), (150, None), (151, "grown")])
def test_tables_that_shrank_or_grew_are_told_beyond_a_tenth_and_a_half(rows, code):
    assert [each[0] for each in changes(WHOLE, certificate(table(rows=rows, columns=[NAMES, SEX])))] == [code] * bool(
        code
    )


def test_new_and_lost_columns_and_tables_are_told():
    other = certificate(table(columns=[NAMES, column("NEW", {"a": 100})]), table("MORE"))
    assert sorted(each[:3] for each in changes(WHOLE, other)) == [
        ("lost_column", "PERSONS", "SEX_CD"),
        ("new_column", "PERSONS", "NEW"),
        ("new_table", "MORE", ""),
    ]
    assert ("lost_table", "MORE", "") in [each[:3] for each in changes(other, WHOLE)]


def test_a_table_that_cannot_be_read_now_is_not_called_lost():
    assert changes(WHOLE, replace(certificate(), unreadable=("PERSONS",))) == []


@pytest.mark.parametrize("content", [b"", b"{}", b"[1]", b'{"form": 2, "taken": "", "salt": "", "tables": []}'])
def test_what_is_no_fingerprint_is_refused_with_its_place(content):
    with pytest.raises(SettingsError) as refusal:
        read_fingerprint(content, "old.json")
    assert "old.json" in refusal.value.message
    assert refusal.value.hint


def test_every_observation_says_why_it_matters_and_what_to_do():
    for each in observation_codes():
        assert each.title
        assert each.why.endswith(".")
        assert each.remedy.endswith(".")
