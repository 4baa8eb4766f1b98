"""Laws that every operation keeps, whatever the text."""

from __future__ import annotations

import datetime as dt

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from etl.mapping.operations import Context, ValueType, bind, names

CONTEXT = Context(dt.date(2026, 1, 31), "America/New_York")
ARGUMENTS = {
    "null_if": ["UNK", "x"],
    "default": "none",
    "replace": {"pattern": "[0-9]+", "with": "#"},
    "matches": "[0-9]+",
    "length": {"min": 2, "max": 5},
    "pad": 5,
    "truncate": 4,
    "extract": {"pattern": "[0-9]+"},
    "split": ";",
    "part": {"on": ",", "take": -1},
    "date": {"in": ["%m/%d/%Y", "%Y-%m-%d"], "max": "today"},
    "integer": {"min": -5},
    "number": {"thousands": ","},
    "name_part": "last",
    "address": "line_1",
    "tax_number": "ein",
    "tribe": ["Navajo Nation", "Cherokee Nation", "Eastern Band of Cherokee Indians"],
}
NEAR_MISSES = [
    *(
        "VI",
        "iii",
        "RIVERA IV, ANA",
        "555-555-5555",
        "01-JAN-1900",
        "Baby Boy Rivera",
        "Ana Rivera (deceased)",
        "ASL",
        "UNK",
    ),
    *(
        "CO. OF FRANKLIN",
        "FRANKLIN CO",
        "COUNTY",
        "39049",
        "Franklin, County",
        "12 Elm St, Athens, OH 4570",
        "Ana (Annie) Lee",
    ),
    *("2021-02-30", "02/29/2024", "2026-02-01", "12", "-6", "1,234.5", "true", "Y", "OH", "ohio", "43215-1000", "2139"),
    *(
        "614-555-0123",
        "a@b.org",
        "219-09-1234",
        "40583",
        "59",
        "<b>x</b> &amp;",
        "JosÃ©",
        "MCDONALD III",
        "a;;b",
        "UNK",
    ),
    *("2024-11-03 01:30", "2024-03-10 02:30:00", "9999-12-31T23:59:59.999999-12:00", "0001-01-01", "١٢", "\u00a0", "é"),
]
TEXTS = st.none() | st.sampled_from(NEAR_MISSES) | st.text(max_size=12)
COLUMNS = st.lists(TEXTS, max_size=8)
quick = settings(deadline=None, max_examples=25)


def applied(name, column):
    inputs = [pa.array(column, pa.string())]
    return bind(name, ARGUMENTS.get(name)).apply(inputs, CONTEXT)


def failed(result, count):
    rows = [False] * count
    for mark in result.errors:
        rows = [before or now for before, now in zip(rows, mark.rows.to_pylist(), strict=True)]
    return rows


@pytest.mark.parametrize("name", names())
@quick
@given(column=COLUMNS)
def test_values_and_errors_agree_and_have_the_promised_type(name, column):
    operation = bind(name, ARGUMENTS.get(name))
    result = applied(name, column)
    assert result.values.type == operation.produces.arrow
    assert len(result.values) == len(column)
    for wrong, value, text in zip(failed(result, len(column)), result.values.to_pylist(), column, strict=True):
        assert not (wrong and value is not None)
        assert not (wrong and text is None)
        assert value != ""


@pytest.mark.parametrize("name", sorted(set(names()) - {"default"}))
def test_null_stays_null_and_is_no_error(name):
    result = applied(name, [None, None])
    assert result.values.null_count == 2
    assert result.errors == result.warnings == ()


@pytest.mark.parametrize("name", names())
@quick
@given(column=COLUMNS)
def test_each_value_is_judged_alone(name, column):
    whole = applied(name, column)
    for index, text in enumerate(column):
        single = applied(name, [text])
        assert single.values[0] == whole.values[index]
        assert failed(single, 1)[0] == failed(whole, len(column))[index]


@pytest.mark.parametrize("name", names())
@quick
@given(rows=st.lists(st.tuples(TEXTS, TEXTS), max_size=8), cut=st.integers(0, 8))
def test_neither_the_order_of_rows_nor_the_size_of_batches_matters(name, rows, cut):
    operation = bind(name, ARGUMENTS.get(name))

    def outcome(some):
        columns = zip(*some, strict=True) if some else ((), ())
        inputs = [pa.array(column, pa.string()) for column in columns]
        result = operation.apply(inputs if operation.joins else inputs[:1], CONTEXT)
        return list(zip(result.values.to_pylist(), failed(result, len(some)), strict=True))

    assert outcome(rows) == outcome(rows[::-1])[::-1]
    assert outcome(rows) == outcome(rows[:cut]) + outcome(rows[cut:])


@pytest.mark.parametrize("state", ["OH", "VA", "MD", "MO", "LA", "AK", "PR", "NV", "IN", "CT"])
def test_every_county_of_a_state_is_read_as_itself_by_number_full_name_and_name(state):
    ways = {give: bind("county", {"state": state, "give": give}) for give in ("name", "full", "fips")}
    numbers = [f"{place:02}{county:03}" for place in (2, 9, 18, 22, 24, 29, 32, 39, 51, 72) for county in range(1000)]
    every = [each for each in ways["fips"].on(*numbers) if each != "!invalid_value"]
    assert len(every) == len(set(every)) >= 14
    shown = {give: way.on(*every) for give, way in ways.items()}
    for give, way in ways.items():
        for texts in shown.values():
            assert way.on(*texts) == way.on(*(each.upper() for each in texts)) == shown[give]


@pytest.mark.parametrize(
    ("state", "text", "name"),
    [
        ("OH", "CO. OF FRANKLIN", "Franklin"),
        ("OH", "Franklyn", "!invalid_value"),
        ("OH", "18049", "!invalid_value"),
        ("OH", "049", "!invalid_value"),
        ("VA", "Fairfax", "!invalid_value"),
        ("VA", "Fairfax Co", "Fairfax County"),
        ("VA", "City of Fairfax", "Fairfax city"),
        ("VA", "James City", "James City"),
        ("NV", "CARSON CITY", "Carson City"),
        ("LA", "Parish of Orleans", "Orleans"),
        ("MO", "Sainte Genevieve County", "Ste. Genevieve"),
        ("PR", "BAYAMON", "Bayamón"),
        ("IN", "DE KALB", "DeKalb"),
    ],
)
def test_a_county_is_one_of_its_state_or_an_error(state, text, name):
    assert bind("county", {"state": state}).on(text) == [name]


def test_a_county_beside_its_state_is_read_as_by_an_operation_for_that_state():
    texts = ["Franklin", "FRANKLIN CO", "Fairfax", "18001", "Adams", "County", "", None]
    states = ["OH", "VA", "LA", "IN", "XX"]
    beside = bind("county", {"state": {"from": "ST"}})
    assert (beside.columns, beside.joins) == (("ST",), False)
    for state in states[:-1]:
        alone = bind("county", {"state": state}).on(*texts)
        assert beside.on_columns(texts, [state] * len(texts)) == alone
    pairs = [(text, state) for text in texts for state in states]
    mixed = beside.on_columns(*(list(each) for each in zip(*pairs, strict=True)))
    assert mixed == [beside.on_columns([text], [state])[0] for text, state in pairs]


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ("oh", "Adams"),
        (" Ohio ", "Adams"),
        ("39", "!invalid_value"),
        ("Ohoi", "!invalid_value"),
        (None, "!invalid_value"),
    ],
)
def test_a_county_is_an_error_where_its_state_cannot_be_read(state, expected):
    assert bind("county", {"state": {"from": "ST"}}).on_columns(["ADAMS CO", ""], [state, state]) == [expected, None]


@pytest.mark.parametrize("text", ["01", "39049", "COUNTY", "co.", "County of", "County 7", "???", "-"])
def test_without_a_list_numbers_and_the_bare_word_are_no_county(text):
    assert bind("county", None).on(text) == ["!invalid_value"]
    assert bind("county", None).on("CO. OF FRANKLIN", "FRANKLIN CO") == ["Franklin", "Franklin"]


@quick
@given(names_of_counties=st.lists(st.sampled_from(["St. Clair", "DeKalb", "Prince George's", "La Salle"]), min_size=1))
def test_a_known_county_is_found_however_it_is_written(names_of_counties):
    spellings = [name.upper().replace("ST. ", "Saint ") + " co." for name in names_of_counties]
    known = ["DeKalb", "La Salle", "Prince George's", "St. Clair"]
    assert bind("county", known).apply([pa.array(spellings)], CONTEXT).values.to_pylist() == names_of_counties


IDEMPOTENT = (
    "trim",
    "squeeze",
    "upper",
    "lower",
    "title_name",
    "digits",
    "truncate",
    "null_if",
    "default",
    "state",
    "pad",
    "county",
    "tribe",
    "part",
    "extract",
)
STABLE = (
    *("phone", "email", "ssn", "zip", "matches", "length", "phone_number", "email_address", "tax_number", "us_state"),
    *("country", "language", "placeholder_name", "placeholder_date"),
)
ONCE_ONLY = {
    "gives another type": ("boolean", "date", "datetime", "excel_date", "integer", "number", "split"),
    "another text by design": ("hash", "replace", "strip_html", "fix_mojibake", "concat", "coalesce"),
    "takes something out": ("name_part", "address", "phone_extension"),
}
"""Operations of which no law says that their results may go through them again, by the reason."""


def test_every_operation_says_whether_its_results_may_go_through_it_again():
    claimed = [*IDEMPOTENT, *STABLE, *(name for some in ONCE_ONLY.values() for name in some)]
    assert sorted(claimed) == sorted(names())


@pytest.mark.parametrize("name", IDEMPOTENT + STABLE)
@quick
@given(column=COLUMNS)
def test_what_came_out_goes_through_unchanged(name, column):
    once = applied(name, column).values
    twice = bind(name, ARGUMENTS.get(name)).apply([once], CONTEXT)
    assert twice.values == once
    assert twice.errors == ()


@quick
@given(
    word=st.sampled_from(["RIVERA", "o'brien", "MCDONALD", "vi", "tran"]),
    numeral=st.sampled_from(["II", "III", "IV", "VII", "VIII"]),
    small=st.booleans(),
)
def test_a_numeral_stays_one_wherever_a_suffix_may_stand(word, numeral, small):
    texts = [numeral, f"{word.upper()} {numeral}", f"{word.upper()} {numeral}, ANA"]
    titled = bind("title_name", None).on(*(each.lower() if small else each for each in texts))
    assert [numeral in each.replace(",", "").split() for each in titled] == [True] * 3


def test_vi_is_a_name_unless_it_stands_behind_another_word():
    assert bind("title_name", None).on("VI", "TRAN, VI", "vi tran", "JOHN SMITH VI") == [
        "Vi",
        "Tran, Vi",
        "Vi Tran",
        "John Smith VI",
    ]


@quick
@given(
    day=st.dates(min_value=dt.date(1, 1, 1)),
    written=st.sampled_from(["%Y-%m-%d", "%m/%d/%Y", "%d.%m.%Y", "%Y%m%d", "%d%b%Y"]),
)
def test_every_day_that_exists_is_read_as_itself(day, written):
    names_of_months = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"]
    parts = {
        "%Y": f"{day.year:04}",
        "%m": f"{day.month:02}",
        "%d": f"{day.day:02}",
        "%b": names_of_months[day.month - 1],
    }
    text = written
    for part, value in parts.items():
        text = text.replace(part, value)
    assert bind("date", written).apply([pa.array([text])], CONTEXT).values.to_pylist() == [day]


@quick
@given(year=st.integers(1, 9999), month=st.integers(0, 13), day=st.integers(0, 32))
def test_no_day_rolls_over_into_another(year, month, day):
    try:
        expected = dt.date(year, month, day)
    except ValueError:
        expected = None
    text = f"{year:04}-{month:02}-{day:02}"
    assert bind("date", None).apply([pa.array([text])], CONTEXT).values.to_pylist() == [expected]


@quick
@given(second=st.integers(-2_000_000_000, 4_000_000_000))
def test_a_moment_with_an_offset_is_read_as_itself(second):
    moment = dt.datetime.fromtimestamp(second, dt.UTC)
    assert bind("datetime", None).apply([pa.array([moment.isoformat()])], CONTEXT).values.to_pylist() == [moment]


@quick
@given(number=st.integers(-(10**18) + 1, 10**18 - 1))
def test_every_whole_number_of_eighteen_digits_is_read_exactly(number):
    assert bind("integer", None).apply([pa.array([str(number)])], CONTEXT).values.to_pylist() == [number]


@quick
@given(cents=st.integers(-(10**14), 10**14))
def test_a_number_is_never_rounded_on_the_way(cents):
    text = f"{'-' if cents < 0 else ''}{abs(cents) // 100}.{abs(cents) % 100:02}"
    read = bind("number", None).apply([pa.array([text])], CONTEXT).values[0].as_py()
    assert f"{read:.2f}" == text or (cents == 0 and read == 0)


@quick
@given(
    parts=st.lists(st.text("ab ", min_size=0, max_size=3), max_size=5),
    mark=st.sampled_from([";", "|", "\\", "..", " - ", "\\E"]),
)
def test_split_gives_the_nonblank_trimmed_parts(parts, mark):
    text = mark.join(parts)
    expected = [part.strip() for part in text.split(mark) if part.strip()] or None
    assert bind("split", mark).apply([pa.array([text], pa.string())], CONTEXT).values.to_pylist() == [expected]


@quick
@given(
    columns=st.lists(st.lists(st.sampled_from([None, "", "a", "b"]), min_size=3, max_size=3), min_size=1, max_size=4)
)
def test_joining_columns_leaves_blanks_out_and_keeps_rows_apart(columns):
    inputs = [pa.array(column, pa.string()) for column in columns]
    rows = [[cell for cell in row if cell] for row in zip(*columns, strict=True)]
    assert bind("concat", "-").apply(inputs, CONTEXT).values.to_pylist() == ["-".join(row) or None for row in rows]
    assert bind("coalesce", None).apply(inputs, CONTEXT).values.to_pylist() == [next(iter(row), None) for row in rows]


def test_a_warning_keeps_the_value():
    result = applied("truncate", ["abcdef", "abc"])
    assert result.values.to_pylist() == ["abcd", "abc"]
    assert [(mark.code, mark.rows.to_pylist()) for mark in result.warnings] == [("too_long", [True, False])]


def test_marks_are_free_of_nulls():
    for name in names():
        for mark in applied(name, [None, "x", ""]).errors:
            assert pc.sum(pc.is_null(mark.rows)).as_py() == 0


def test_operations_that_join_say_so_and_name_their_further_columns():
    assert bind("coalesce", ["B", "C"]).columns == ("B", "C")
    assert {name for name in names() if bind(name, ARGUMENTS.get(name)).joins} == {"concat", "coalesce"}


def test_only_split_makes_lists():
    makers = {name for name in names() if bind(name, ARGUMENTS.get(name)).produces is ValueType.TEXTS}
    assert makers == {"split"}
