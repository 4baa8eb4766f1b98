"""Foreign keys: record keys of parents, as the parents' own mappings make them."""

from __future__ import annotations

from etl.mapping.model import OnMissing, Reference, ReferenceTarget


def reference(*targets, by=None, operations=(), split=None):
    return Reference(tuple(targets), by, OnMissing.BLOCK, None, tuple(operations), split)


PERSON = ReferenceTarget("person", "people", "", ("P",))


def test_a_reference_is_the_record_key_of_its_parent(workshop, make):
    rows = make.batch(ID=["7", "8"], P=["8", " 7 "])
    mapped = workshop.run(rows, make.field("mother", reference(PERSON), kind="link"))
    first, second = mapped.records["_rk"].to_pylist()
    assert mapped.records["mother"].to_pylist() == [second, first]
    assert mapped.records["_key"].to_pylist() == ["7", "8"]


def test_a_key_with_a_blank_part_points_nowhere(workshop, make, told):
    pair = ReferenceTarget("person", "people", "", ("P", "Q"))
    mapped = workshop.run(
        make.batch(ID="123", P=["1", "1", None], Q=["2", " ", "2"]), make.field("m", reference(pair), kind="link")
    )
    assert mapped.records["m"].to_pylist() == [make.keys.record_key("person", "people", ["1", "2"]), None, None]
    assert told(mapped) == []


def test_operations_clean_the_key_first(workshop, make, told):
    value = reference(PERSON, operations=make.pipe("P", do=["zip"]).operations)
    mapped = workshop.run(make.batch(ID="12", P=[" 43215", "x"]), make.field("m", value, kind="link"))
    assert mapped.records["m"].to_pylist() == [make.keys.record_key("person", "people", ["43215"]), None]
    assert told(mapped) == [("invalid_value", "block", "m", 2, "zip a")]


def test_several_keys_in_one_cell_become_a_list(workshop, make):
    rows = make.batch(ID="123", P=["1; 2", None, ";"])
    mapped = workshop.run(rows, make.field("members", reference(PERSON, split=";"), many=True))
    one, two = (make.keys.record_key("person", "people", [key]) for key in "12")
    assert mapped.records["members"].to_pylist() == [[one, two], None, None]


def test_a_code_selects_the_entity_and_a_second_column_names_it(workshop, make, told):
    value = reference(
        ReferenceTarget("case", "cases", "C", ("O",)), ReferenceTarget("person", "people", "P", ("O",)), by="T"
    )
    mapped = workshop.run(
        make.batch(ID="1234", O=["1", "1", "1", None], T=["C", "P", "X", "X"]), make.field("target", value, kind="link")
    )
    expected = [
        make.keys.record_key("case", "cases", ["1"]),
        make.keys.record_key("person", "people", ["1"]),
        None,
        None,
    ]
    assert mapped.records["target"].to_pylist() == expected
    assert mapped.records["target._entity"].to_pylist() == ["case", "person", None, None]
    assert told(mapped) == [("invalid_value", "block", "target", 3, "by T a")]


def test_exactly_one_of_several_targets_may_have_a_key(workshop, make, told):
    value = reference(ReferenceTarget("case", "cases", "", ("C",)), ReferenceTarget("person", "people", "", ("P",)))
    mapped = workshop.run(
        make.batch(ID="123", C=["1", "1", None], P=[None, "2", None]), make.field("target", value, kind="link")
    )
    assert mapped.records["target"].to_pylist() == [make.keys.record_key("case", "cases", ["1"]), None, None]
    assert mapped.records["target._entity"].to_pylist() == ["case", None, None]
    assert told(mapped) == [("invalid_value", "block", "target", 2, "expect one")]


def test_a_withheld_reference_names_no_entity(workshop, make):
    value = reference(ReferenceTarget("case", "cases", "", ("C",)), ReferenceTarget("person", "people", "", ("P",)))
    mapped = workshop.run(
        make.batch(ID="1", C=["1"], P=[None]), make.field("target", value, kind="link", when="C = '2'")
    )
    assert mapped.records["target._entity"].to_pylist() == [None]
