"""What the operations on libraries add to the libraries: nothing is guessed, nothing is lost, nothing is looked up twice."""

from __future__ import annotations

import datetime as dt
import importlib
import sys

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from etl.mapping.operations import Context, OperationMistake, bind
from etl.mapping.operations.domain_values import Unreadable, on_distinct

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


@pytest.mark.parametrize(("name", "library"), LIBRARIES.items())
def test_a_missing_library_is_a_mistake_of_the_mapping_that_names_the_extra(name, library, monkeypatch):
    importlib.import_module("etl.mapping.operations.domain_names")._parser.cache_clear()
    importlib.import_module("etl.mapping.operations.domain_languages")._language_spellings.cache_clear()
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


def test_an_initial_or_a_generation_is_no_last_name_unless_a_comma_says_so():
    for name in ("RIVERA ANA M", "Rivera Ana M.", "III, Ana", "Jr., Ana Rivera"):
        assert bind("name_part", "first").on(name) == [WRONG]
    assert bind("name_part", "last").on("O, Ana", "Ana Li") == ["O", "Li"]


REMARKS = ("deceased", "Minor", "mother", "bio mom", "AKA Anna Lopez", "a.k.a. Annie", "DOB 1/2/2010", "see file", "f")


@pytest.mark.parametrize("part", ["first", "last", "nickname"])
@pytest.mark.parametrize("remark", REMARKS)
def test_a_remark_beside_a_name_is_neither_a_nickname_nor_lost(part, remark):
    assert bind("name_part", part).on(f"Ana Rivera ({remark})", f'Rivera, Ana "{remark}"') == [WRONG, WRONG]


@pytest.mark.parametrize(
    "name", ["Ana Rivera deceased", "Ana Rivera AKA Anna Lopez", "Rivera, Ana - minor", "Ana Rivera [x]"]
)
def test_a_remark_without_brackets_is_no_part_of_a_name(name):
    for part in ("first", "middle", "last"):
        assert bind("name_part", part).on(name) == [WRONG]


def test_names_that_are_remarks_only_in_brackets_are_read():
    assert bind("name_part", "last").on("Ana Minor", "Julia Child", "Ana Friend") == ["Minor", "Child", "Friend"]
    assert bind("name_part", "nickname").on("Ana (Annie) Minor", 'Ana "Big Ana" Child') == ["Annie", "Big Ana"]


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


@pytest.mark.parametrize(
    ("code", "given"),
    [("43215", "43215"), ("432151000", "43215-1000"), ("43215-1000", "43215-1000")]
    + [(code, WRONG) for code in ("4321", "432", "43215-1", "4321-1000", "43215-", "0")],
)
def test_a_zip_of_an_address_has_five_or_nine_digits_and_the_other_parts_are_as_they_are(code, given):
    text = f"12 Elm St, Columbus, OH {code}"
    assert bind("address", "zip").on(text) == [given]
    assert bind("address", "city").on(text) == ["COLUMBUS"]


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


@pytest.mark.parametrize("mark", [";", ",", "; ", " / ", "#", " x"])
def test_a_second_phone_number_is_no_extension(mark):
    for name in ("phone", "phone_number", "phone_extension"):
        assert bind(name, None).on(f"614-466-2000{mark}6144662001") == [WRONG]


PLACEHOLDER_PHONES = (
    "555-555-5555",
    "(999) 999-9999",
    "+1 222 222 2222",
    "614-555-5555 x3",
    "614.999.9999",
    "987-654-3210",
)


@pytest.mark.parametrize("text", PLACEHOLDER_PHONES)
def test_a_phone_number_that_stands_for_none_is_an_error_in_every_operation(text):
    for name in ("phone", "phone_number", "phone_extension"):
        assert bind(name, None).on(text) == [WRONG]


def test_phone_numbers_of_few_digits_that_exist_are_read():
    assert bind("phone", None).on("800-222-2222", "614-555-0123") == ["+18002222222", "+16145550123"]
    assert bind("phone_number", None).on("800-222-2222") == ["+18002222222"]


def test_number_and_extension_of_a_phone_are_two_fields():
    text = "(614) 466-2000 Ext. 12"
    assert bind("phone_number", {"form": "national"}).on(text) == ["(614) 466-2000"]
    assert bind("phone_extension", None).on(text, "614-466-2000 #12") == ["12", "12"]


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
    *(
        "SP",
        "SPN",
        "SPAN",
        "SL",
        "SGN",
        "SIGN",
        "Sign Language",
        "Creole",
        "CR",
        "CRE",
        "CH",
        "CHN",
        "CN",
        "CAN",
        "MAN",
    ),
    *(
        "MND",
        "KR",
        "TAG",
        "TG",
        "FAR",
        "CAM",
        "KRN",
        "ROM",
        "SER",
        "CRO",
        "SAM",
        "E",
        "S",
        "O",
        "GE",
        "UK",
        "UN",
        "UNK",
    ),
    *(
        "UND",
        "MIS",
        "MUL",
        "ZXX",
        "NA",
        "N/A",
        "NO",
        "NON",
        "NONE",
        "OTH",
        "OT",
        "XX",
        "ARB",
        "HMG",
        "MIX",
        "MAR",
        "LA",
    ),
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
        "BABY BOY SMITH",
        "babygirl",
        "Smith, Baby-Girl",
        "Twin A",
        "twin boy #2",
        "Infant",
        "Infant of Ana",
        "Unborn Smith",
        "Child of Ana",
        "Doe, Jane",
        "Doe, Jane/John",
        "John Q. Doe 2",
        "FNU LNU",
        "Unknown, Unknown",
        "name unknown",
        "n.a.",
        ".",
    ],
)
def test_usual_placeholders_of_names_are_found(name):
    assert bind("placeholder_name", None).on(name) == [WRONG]


@pytest.mark.parametrize(
    "name",
    [
        *("Babak", "Testa", "Unk-Larsen", "Naomi", "Noname Street", "Xander", "Doe", "Nan", "Li", "Infante, Ana"),
        *("Babylon", "Twining", "Julia Child", "Child, Julia", "Jane Doering", "Mary Doe", "Temple", "Ana Baby"),
    ],
)
def test_names_that_only_resemble_placeholders_stay(name):
    assert bind("placeholder_name", None).on(name) == [name]


def test_placeholder_dates_are_found_in_every_usual_writing():
    writings = ["1/1/1900", "01-01-1900", "19000101", "31.12.9999", "1900-01-01T00:00:00.000", "01/01/1900 12:00 AM"]
    writings += ["01-JAN-1900", "1 January 1900", "Jan. 1st, 1900", "Monday, January 1, 1900", "01JAN1900:00:00:00"]
    writings += [
        "9999-12-31 23:59:59.999",
        "12/31/9999 11:59:59 PM",
        "1900-01-01T00:00:00Z",
        "30-Dec-1899",
        "88/88/8888",
    ]
    assert bind("placeholder_date", None).on(*writings) == [WRONG] * len(writings)


@quick
@given(
    day=st.sampled_from([dt.date(1900, 1, 1), dt.date(1899, 12, 30), dt.date(9999, 12, 31), dt.date(2099, 12, 31)]),
    written=st.sampled_from(
        ["%m/%d/%Y", "%d.%m.%Y", "%Y-%m-%d", "%d-%b-%Y", "%B %d, %Y", "%d%b%Y", "%Y%m%d", "%d %B %Y"]
    ),
    clock=st.sampled_from(["", " 00:00", " 12:00:00 AM", "T00:00:00.000Z"]),
)
def test_a_placeholder_date_is_found_in_whatever_format_date_may_ask_for(day, written, clock):
    text = day.strftime(written) + clock
    assert bind("placeholder_date", None).on(text, text.upper()) == [WRONG, WRONG]


def test_dates_that_may_be_true_are_no_placeholders():
    writings = ["01/01/1985", "1/1/00", "01-FEB-1900", "19000102", "2011-02-09 13:30", "JAN 1 2000", "May 5 1999"]
    assert bind("placeholder_date", None).on(*writings) == writings


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
