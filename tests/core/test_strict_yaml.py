"""Strict YAML: what is read, where it stood, and everything that is refused."""

import json

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from etl.core.errors import MappingError
from etl.core.strict_yaml import Document, read_document, scan_document


def read(text: str) -> Document:
    return read_document(text, "people.yaml")


def mistakes(text: str) -> list[tuple[int, int, str]]:
    with pytest.raises(MappingError) as caught:
        read(text)
    return [(each.line, each.column, each.code) for each in caught.value.mistakes]


def test_plain_scalars_become_what_yaml_1_2_says():
    text = (
        "a: 1\nb: 1.5\nc: true\nd: ~\ne:\nf: 2024-02-09\ng: 1_000\nh: '012'\ni: 0x1F\nj: -3e2\nk: 0o17\nl: 0\nm: 0.5\n"
    )
    assert read(text).value == {
        "a": 1,
        "b": 1.5,
        "c": True,
        "d": None,
        "e": None,
        "f": "2024-02-09",
        "g": "1_000",
        "h": "012",
        "i": 31,
        "j": -300.0,
        "k": 15,
        "l": 0,
        "m": 0.5,
    }


def test_keys_are_text_however_they_look():
    assert read("1: a\nN: b\ntrue: c\n01: d\n").value == {"1": "a", "N": "b", "true": "c", "01": "d"}


def test_an_empty_document_is_nothing():
    assert read("# only a comment\n").value is None


def test_block_texts_and_flow_lists_are_read():
    assert read("a: |\n  one\n  two\nb: [x, {c: d}]\n").value == {"a": "one\ntwo\n", "b": ["x", {"c": "d"}]}


def test_a_byte_order_mark_is_no_part_of_the_first_key():
    assert read("\ufeffa: 1\n").value == {"a": 1}


def test_positions_count_from_one_and_characters_not_bytes():
    document = read("é: {ü: x, b: [1, two]}\nc:\n  - d\n")
    assert document.position(("é", "b", 1)) == (1, 18)
    assert document.position(("é", "b"), key=True) == (1, 11)
    assert document.position(("c", 0)) == (3, 5)


def test_the_position_of_a_missing_key_is_the_nearest_place_above_it():
    assert read("a:\n  b: 1\n").position(("a", "zzz", "y")) == (2, 3)


def test_a_scalar_keeps_its_spelling():
    document = read("a: 1.10\nb: '01'\nc: [x]\n")
    assert [document.text((key,)) for key in ("a", "b", "c", "zzz")] == ["1.10", "01", None, None]


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("a: 1\na: 2\n", (2, 1, "yaml_duplicate_key")),
        ('a: {"b": 1, b: 2}\n', (1, 13, "yaml_duplicate_key")),
        ("a: yes\n", (1, 4, "yaml_boolean")),
        ("a: No\n", (1, 4, "yaml_boolean")),
        ("a: ON\n", (1, 4, "yaml_boolean")),
        ("- off\n", (1, 3, "yaml_boolean")),
        ("a: [y]\n", (1, 5, "yaml_boolean")),
        ("a: N\n", (1, 4, "yaml_boolean")),
        ("a: 012\n", (1, 4, "yaml_number")),
        ("a: -007.5\n", (1, 4, "yaml_number")),
        ("a: 12:30\n", (1, 4, "yaml_number")),
        ("a: 1:20:30.5\n", (1, 4, "yaml_number")),
        ("a: .inf\n", (1, 4, "yaml_number")),
        ("a: .NaN\n", (1, 4, "yaml_number")),
        ("a: 1e999\n", (1, 4, "yaml_number")),
        ("a: " + "9" * 5000, (1, 4, "yaml_number")),
        ("a: &x 1\n", (1, 4, "yaml_anchor")),
        ("a: *x\n", (1, 4, "yaml_alias")),
        ("&x a: 1\n", (1, 1, "yaml_anchor")),
        ("*x : 1\n", (1, 1, "yaml_alias")),
        ("!!str a: 1\n", (1, 1, "yaml_tag")),
        ("<<: {a: 1}\n", (1, 1, "yaml_merge_key")),
        ("a: !!python/object:os.system x\n", (1, 4, "yaml_tag")),
        ("a: !x [1]\n", (1, 4, "yaml_tag")),
        ("a: !!str 1\n", (1, 4, "yaml_tag")),
        ("a:\n\tb: 1\n", (2, 1, "yaml_tab")),
        ("a:\n  \tb: 1\n", (2, 3, "yaml_tab")),
        ("? [a]\n: 1\n", (1, 3, "yaml_key")),
        ("? \n: 1\n", (1, 2, "yaml_key")),
        ("a: 1\n---\nb: 2\n", (2, 1, "yaml_documents")),
        ("%YAML 1.2\n---\na: 1\n", (1, 1, "yaml_directive")),
        ("a: [1\n", (2, 1, "yaml_syntax")),
        ("a: 'x\n", (2, 1, "yaml_syntax")),
        ("a: b: c\n", (1, 5, "yaml_syntax")),
        ("a: x\x00y\n", (1, 5, "yaml_character")),
        ("a: \ud800\n", (1, 4, "yaml_character")),
        ("[" * 51 + "]" * 51, (1, 51, "yaml_too_deep")),
        ("[" * 100_000, (1, 51, "yaml_too_deep")),
        ("a: " + "x" * 1_000_000, (1, 1, "yaml_too_large")),
        ("a: " + "é" * 600_000, (1, 1, "yaml_too_large")),
    ],
)
def test_what_could_mean_two_things_is_refused_where_it_stands(text, place):
    assert mistakes(text) == [place]


def test_a_quoted_word_is_text_and_no_doubt():
    assert read("a: 'yes'\nb: \"012\"\nc: '12:30'\nd: '<<'\n").value == {
        "a": "yes",
        "b": "012",
        "c": "12:30",
        "d": "<<",
    }


def test_words_that_only_begin_like_booleans_are_text():
    assert read("a: yES\nb: offer\nc: yes no\n").value == {"a": "yES", "b": "offer", "c": "yes no"}


def test_all_mistakes_of_a_document_come_at_once_and_in_order():
    text = "a: yes\nb: 012\nb: &x 1\nc: *x\nd: !!int 3\n<<: 1\n"
    assert [code for _, _, code in mistakes(text)] == [
        "yaml_boolean",
        "yaml_number",
        "yaml_duplicate_key",
        "yaml_anchor",
        "yaml_alias",
        "yaml_tag",
        "yaml_merge_key",
    ]


def test_mistakes_before_a_syntax_error_are_told_too():
    assert [code for _, _, code in mistakes("a: yes\nb: [1\n")] == ["yaml_boolean", "yaml_syntax"]


def test_every_mistake_says_what_to_do_next():
    for text in ("a: yes\n", "a: 1\na: 2\n", "a: [1\n", "a:\n\tb: 1\n"):
        with pytest.raises(MappingError) as caught:
            read(text)
        assert all(each.hint for each in caught.value.mistakes)


def test_a_scan_gives_what_can_be_read_beside_the_mistakes():
    document, found = scan_document("a: 1\nb: yes\na: 3\n", "people.yaml")
    assert document.value == {"a": 1, "b": None}
    assert len(found) == 2


nested_texts = st.recursive(
    st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(min_size=1), inner, max_size=4),
    max_leaves=20,
)


@settings(deadline=None)
@given(nested_texts)
def test_quoted_texts_come_back_as_they_were_written(value):
    class Plain(yaml.SafeDumper):
        def ignore_aliases(self, data):
            return True

    assert read(yaml.dump(value, Dumper=Plain, default_style='"')).value == value


@settings(deadline=None)
@given(st.integers(-(10**30), 10**30) | st.floats(allow_nan=False, allow_infinity=False) | st.booleans() | st.none())
def test_json_scalars_mean_the_same_in_yaml(value):
    assert read(json.dumps(value)).value == value


@settings(deadline=None)
@given(st.text())
@example("\x85\tx")
@example("? ? ? x")
@example("a: &b\n - *b")
@example("!")
def test_any_text_is_read_or_refused_with_places_and_nothing_else(text):
    document, found = scan_document(text, "people.yaml")
    lines = text.count("\n") + text.count("\r") + text.count("\x85") + text.count("\u2028") + text.count("\u2029") + 2
    assert document.file == "people.yaml"
    assert all(1 <= each.line <= lines and each.column >= 1 for each in found)
