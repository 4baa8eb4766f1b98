"""What the operations on libraries add to the libraries: nothing is guessed, nothing is lost, nothing is looked up twice."""

from __future__ import annotations

import datetime as dt
import doctest
import importlib
import sys

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from etl.mapping.operations import Context, OperationMistake, bind
from etl.mapping.operations.domain_values import Unreadable, on_distinct

FAMILIES = ("domain_names", "domain_contact", "domain_places", "domain_placeholders")
LIBRARIES = {
    "name_part": "nameparser",
    "phone_number": "phonenumbers",
    "phone_extension": "phonenumbers",
    "email_address": "email_validator",
    "tax_number": "stdnum",
    "address": "scourgify",
    "us_state": "us",
    "country": "pycountry",
    "language": "pycountry",
}
ARGUMENTS = {"name_part": "last", "address": "line_1", "tax_number": "ein"}
WRONG = "!invalid_value"
quick = settings(deadline=None, max_examples=50)


@pytest.mark.parametrize("family", FAMILIES)
def test_the_examples_of_domain_operations_are_true(family):
    result = doctest.testmod(importlib.import_module(f"etl.mapping.operations.{family}"))
    assert result.attempted >= 3
    assert result.failed == 0


@pytest.mark.parametrize(("name", "library"), LIBRARIES.items())
def test_a_missing_library_is_a_mistake_of_the_mapping_that_names_the_extra(name, library, monkeypatch):
    importlib.import_module("etl.mapping.operations.domain_names")._parser.cache_clear()
    importlib.import_module("etl.mapping.operations.domain_places")._language_spellings.cache_clear()
    monkeypatch.setitem(sys.modules, library, None)
    if library == "stdnum":
        monkeypatch.setitem(sys.modules, "stdnum.exceptions", None)
    with pytest.raises(OperationMistake) as mistake:
        bind(name, ARGUMENTS.get(name))
    assert f"`{name}`" in mistake.value.message
    assert "casebook-etl[people]" in mistake.value.hint


@pytest.mark.parametrize(
    ("name", "argument"),
    [
        ("name_part", None),
        ("name_part", "family"),
        ("name_part", {"part": "last", "order": "any"}),
        ("phone_number", {"country": "USA"}),
        ("phone_number", {"form": "rfc"}),
        ("phone_extension", {"form": "e164"}),
        ("email_address", "x"),
        ("tax_number", "ssn"),
        ("address", None),
        ("address", "street"),
        ("us_state", "abbr"),
        ("country", "numeric"),
        ("language", {"give": "flag"}),
        ("placeholder_name", {"then": "warn"}),
        ("placeholder_date", {"also": []}),
        ("placeholder_date", {"also": [1]}),
    ],
)
def test_a_wrong_argument_of_a_domain_operation_is_refused_with_a_hint(name, argument):
    with pytest.raises(OperationMistake) as mistake:
        bind(name, argument)
    assert mistake.value.hint
    assert f"`{name}`" in mistake.value.message


@pytest.mark.parametrize("name", ["Rivera", "Ana y Luis Rivera", "Rivera/Lopez Ana", "Ana Rivera 2", "Jr", ",", "Ana,"])
def test_a_name_with_more_than_one_reading_is_never_guessed(name):
    assert bind("name_part", "first").on(name) == [WRONG]
    assert bind("name_part", "last").on(name) == [WRONG]


def test_the_parts_of_a_name_put_together_are_the_name():
    whole = "Dr. Ana Maria de la Cruz III"
    parts = [bind("name_part", part).on(whole)[0] for part in ("title", "first", "middle", "last", "suffix")]
    assert " ".join(parts) == whole


def test_an_address_of_which_a_word_would_be_lost_is_refused():
    lost = [
        "Corner of 5th and Main",
        "Main St & 5th Ave, Boise ID 83702",
        "12½ Elm St",
        "RR 2 Box 15, Athens, OH 45701",
    ]
    assert bind("address", "line_1").on(*lost) == [WRONG] * 4


def test_all_parts_of_an_address_come_from_the_same_reading():
    text = "12 First Avenue Apt 3, Fargo, North Dakota 58102-1234"
    parts = [bind("address", part).on(text)[0] for part in ("line_1", "line_2", "city", "state", "zip")]
    assert parts == ["12 FIRST AVE", "APT 3", "FARGO", "ND", "58102-1234"]


def test_lines_of_an_address_are_not_run_together():
    assert bind("address", "city").on("123 Main St\r\nColumbus OH 43215") == ["COLUMBUS"]


@quick
@given(number=st.integers(1, 9999), unit=st.integers(1, 99))
def test_no_number_of_an_address_changes(number, unit):
    text = f"{number} Elm Street Apt {unit}, Columbus, OH 43215"
    assert bind("address", "line_1").on(text) == [f"{number} ELM ST"]
    assert bind("address", "line_2").on(text) == [f"APT {unit}"]


@pytest.mark.parametrize("text", ["614-466-2000 cell", "1-800-FLOWERS", "614-466-2000 or 614-466-2001", "911", "x12"])
def test_a_phone_with_words_or_too_little_is_refused(text):
    assert bind("phone_number", None).on(text) == [WRONG]
    assert bind("phone_extension", None).on(text) == [WRONG]


def test_number_and_extension_of_a_phone_are_two_fields():
    text = "(614) 466-2000 Ext. 12"
    assert bind("phone_number", {"form": "national"}).on(text) == ["(614) 466-2000"]
    assert bind("phone_extension", None).on(text) == ["12"]


def test_two_letters_are_always_a_language_code_and_never_a_rare_name():
    assert bind("language", None).on("en", "EN", "es", "so") == ["English", "English", "Spanish", "Somali"]


@pytest.mark.parametrize(
    ("codes", "meant"),
    [
        (("ASL", "asl", "A.S.L.", "ase", "American Sign Language"), "American Sign Language"),
        (("ENG", "EN", "en", "English"), "English"),
        (("SPA", "ES", "spanish"), "Spanish"),
        (("CHI", "ZHO", "ZH", "Chinese"), "Chinese"),
        (("VIE", "VI", "Vietnamese"), "Vietnamese"),
        (("HAT", "HT", "Haitian Creole"), "Haitian"),
        (("RUS", "RU"), "Russian"),
        (("FRE", "FRA", "FR"), "French"),
        (("ARA", "AR"), "Arabic"),
        (("UKR", "Ukrainian"), "Ukrainian"),
        (("HMN", "Hmong"), "Hmong"),
        (("MAM", "Mam"), "Mam"),
    ],
)
def test_codes_that_agencies_use_mean_the_language_that_they_mean_there(codes, meant):
    assert bind("language", None).on(*codes) == [meant] * len(codes)


NO_LANGUAGE = (
    *("SP", "SPN", "SPAN", "SL", "SGN", "SIGN", "Sign Language", "Creole", "CR", "CRE", "CH", "CHN", "CN", "CAN", "MAN"),
    *("MND", "KR", "TAG", "TG", "FAR", "CAM", "KRN", "ROM", "SER", "CRO", "SAM", "E", "S", "O", "GE", "UK", "UN", "UNK"),
    *("UND", "MIS", "MUL", "ZXX", "NA", "N/A", "NO", "NON", "NONE", "OTH", "OT", "XX", "ARB", "HMG", "MIX", "MAR", "LA"),
)


@pytest.mark.parametrize("text", NO_LANGUAGE)
def test_letters_that_may_mean_something_else_are_no_language(text):
    assert bind("language", None).on(text, text.lower()) == [WRONG, WRONG]


def test_countries_are_found_without_accents_and_dots():
    assert bind("country", None).on("Cote d'Ivoire", "Côte d'Ivoire", "U.S.A.", "South Korea", "484") == [
        "CI",
        "CI",
        "US",
        "KR",
        "MX",
    ]


def test_every_code_of_a_state_gives_itself():
    codes = ["OH", "DC", "PR", "GU", "VI", "AS", "MP"]
    assert bind("us_state", None).on(*codes) == codes
    assert bind("us_state", {"give": "fips"}).on("Ohio") == ["39"]


@pytest.mark.parametrize(
    "name",
    [
        "Baby Boy",
        "baby girl A",
        "BB",
        "Unborn",
        "UNK.",
        "(unknown)",
        "Unknown Father",
        "N/A",
        "NFN",
        "Test",
        "Jane Doe",
    ],
)
def test_usual_placeholders_of_names_are_found(name):
    assert bind("placeholder_name", None).on(name) == [WRONG]


@pytest.mark.parametrize(
    "name", ["Babak", "Testa", "Unk-Larsen", "Naomi", "Noname Street", "Xander", "Doe", "Nan", "Li"]
)
def test_names_that_only_resemble_placeholders_stay(name):
    assert bind("placeholder_name", None).on(name) == [name]


def test_placeholder_dates_are_found_in_every_usual_writing():
    writings = ["1/1/1900", "01-01-1900", "19000101", "31.12.9999", "1900-01-01T00:00:00.000", "01/01/1900 12:00 AM"]
    assert bind("placeholder_date", None).on(*writings) == [WRONG] * 6


def test_emptied_placeholders_are_no_problem_and_found_ones_are():
    inputs = [pa.array(["UNK", "Ana"])]
    context = Context(dt.date(2026, 1, 31), "UTC")
    assert bind("placeholder_name", {"then": "empty"}).apply(inputs, context).errors == ()
    assert bind("placeholder_name", None).apply(inputs, context).errors[0].rows.to_pylist() == [True, False]


def test_each_distinct_value_is_read_once_and_blanks_never():
    seen = []

    def read(text: str) -> str:
        seen.append(text)
        if text == "bad":
            raise Unreadable
        return text.upper()

    operation = on_distinct("x", None, read)
    assert operation.on("a", "bad", "a", None, "  ", "bad") == ["A", WRONG, "A", None, None, WRONG]
    assert seen == ["a", "bad"]


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("cherokee nation", "Cherokee Nation"),
        ("CHEROKEE, EASTERN BAND", "Eastern Band of Cherokee Indians"),
        ("Cherokee", "!invalid_value"),
        ("Cherokee Nation of Oklahoma", "!invalid_value"),
        ("Sac & Fox Nation", "Sac and Fox Nation"),
        ("Band of Indians", "!invalid_value"),
    ],
)
def test_a_tribe_is_read_only_where_one_nation_alone_can_be_meant(text, meant):
    known = ["Cherokee Nation", "Eastern Band of Cherokee Indians", "Sac and Fox Nation"]
    assert bind("tribe", known).on(text) == [meant]


def test_two_names_of_a_list_with_the_same_words_are_a_mistake():
    with pytest.raises(OperationMistake, match="same words"):
        bind("tribe", ["Fox Nation", "Nation, Fox"])
