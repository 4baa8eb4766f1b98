"""Record keys are frozen: markers in Casebook are made from them, so a changed vector orphans every loaded record."""

from __future__ import annotations

import hashlib
import hmac
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from etl.core.keys import RecordKey, RecordKeys, canonical_part, identity_of, marker, parts_of_identity

KEYS = RecordKeys(bytes(range(32)))
parts = st.lists(st.text(max_size=6), min_size=1, max_size=3)


@pytest.mark.parametrize(
    ("entity", "space", "legacy", "key"),
    [
        ("person", "people", ["7"], "5942ffaf33ace11c176ce299e1044a0b"),
        ("person", "people", ["007"], "8dfa2b80985fa2ede19c3b14477a84de"),
        ("case", "people", ["7"], "3f329440e2385106695bf9b939b4acc6"),
        ("person", "clients", ["7"], "6cfedafe38df94ab572995cc32b112f5"),
        ("person", "people", ["a", "b"], "729d9b8155a0d33485d3af148dc8ce6c"),
        ("person", "people", ["ab", ""], "b17ff894d8c962fd7440e1f9f3953461"),
        ("person", "people", ["Zo\u00eb"], "cd53d8d095675814ca87689a528ce992"),
    ],
)
def test_golden_vectors_of_record_keys(entity: str, space: str, legacy: list[str], key: str) -> None:
    assert KEYS.record_key(entity, space, legacy) == key


def test_golden_vectors_of_everything_else_that_is_stored() -> None:
    assert marker(RecordKey("5942ffaf33ace11c176ce299e1044a0b")) == "mg1-lfbp7lztvtqryf3m"
    assert KEYS.check_value() == "4dbc0b662b9043db"
    assert KEYS.field_hash("last_name", "Ana").hex() == "602fb11b91ccebf8"
    assert KEYS.fingerprint([b"12345678"]) == "22639ba17ecffb47becea785a0cef093"
    assert RecordKeys(b"x" * 100).record_key("person", "people", ["7"]) == "c70dd6f4dd3d574f0958e792e1044262"


def test_a_record_key_is_what_its_definition_says() -> None:
    def framed(text: str) -> bytes:
        return len(text.encode()).to_bytes(4, "big") + text.encode()

    message = b"k1" + framed("person") + framed("people") + framed("7") + framed("é")
    expected = hmac.new(bytes(range(32)), message, hashlib.sha256).hexdigest()[:32]
    assert KEYS.record_key("person", "people", ["7", "é"]) == expected


@pytest.mark.parametrize(
    ("one", "other"),
    [("Zo\u00eb", "Zoe\u0308"), (" 7 ", "7"), ("7\t", "7"), ("\u00a07", "7"), ("\u212b", "\u00c5")],
)
def test_two_spellings_of_one_key_are_one_key(one: str, other: str) -> None:
    assert KEYS.record_key("person", "people", [one]) == KEYS.record_key("person", "people", [other])


@pytest.mark.parametrize(
    ("one", "other"), [("7", "07"), ("a", "A"), ("1 2", "12"), ("ß", "ss"), ("1", "\uff11"), ("7", "7.0"), ("", "0")]
)
def test_what_may_be_two_people_stays_two_keys(one: str, other: str) -> None:
    assert KEYS.record_key("person", "people", [one]) != KEYS.record_key("person", "people", [other])


@given(parts, parts)
def test_different_parts_never_share_a_key(one: list[str], other: list[str]) -> None:
    same = [*map(canonical_part, one)] == [*map(canonical_part, other)]
    assert (KEYS.record_key("person", "people", one) == KEYS.record_key("person", "people", other)) == same


@given(parts, st.binary(min_size=1, max_size=80))
def test_a_key_is_hmac_over_form_entity_space_and_parts(legacy: list[str], secret: bytes) -> None:
    texts = ["person", "people", *map(canonical_part, legacy)]
    message = b"k1" + b"".join(len(text.encode()).to_bytes(4, "big") + text.encode() for text in texts)
    expected = hmac.digest(secret, message, "sha256").hex()[:32]
    assert RecordKeys(secret).record_key("person", "people", legacy) == expected


@given(parts)
def test_an_identity_gives_its_parts_back(legacy: list[str]) -> None:
    assert parts_of_identity(identity_of(legacy)) == [*map(canonical_part, legacy)]


@given(parts, st.binary(min_size=1, max_size=80))
def test_another_project_key_makes_other_keys(legacy: list[str], secret: bytes) -> None:
    theirs = RecordKeys(secret).record_key("person", "people", legacy)
    assert (theirs == KEYS.record_key("person", "people", legacy)) == (secret == bytes(range(32)))


@given(st.binary(min_size=16, max_size=16))
def test_a_marker_is_safe_in_any_address_and_any_filter(key: bytes) -> None:
    assert re.fullmatch(r"mg1-[a-z2-7]{16}", marker(RecordKey(key.hex())))


def test_a_field_hash_tells_nothing_without_the_project_key() -> None:
    assert KEYS.field_hash("a", "x") != RecordKeys(b"other").field_hash("a", "x")
    assert KEYS.field_hash("a", "x") != KEYS.field_hash("b", "x")
    assert KEYS.field_hash("ab", "c") != KEYS.field_hash("a", "bc")
