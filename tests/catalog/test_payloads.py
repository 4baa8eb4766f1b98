"""The last check before a request: what the catalogue does not allow is found, and no value is told."""

import pytest

from etl.catalog.loader import load_catalog
from etl.catalog.model import Attribute, Catalog, Entity, Kind
from etl.catalog.payloads import Payloads, payload_model
from etl.core.records import Document, Ref

SANDBOX = load_catalog("sandbox")
UUID = "7d9f0000-0000-4000-8000-000000000001"
PERSON = {"first_name": "Ana", "last_name": "Rivera"}


def found(entity, attributes, links=None, *, partial=False):
    document = Document(entity, attributes, links or {})
    return [(each.code, each.pointer) for each in Payloads(SANDBOX).check(document, partial=partial)]


def test_a_complete_record_has_no_findings():
    attributes = {
        **PERSON,
        "date_of_birth": "2011-02-09",
        "hispanic_or_latino": "unable to determine",
        "custom_fields": {
            "migrationKey": "mg1-aaaaaaaaaaaaaaaa",
            "legacyCounty": UUID,
            "needsInterpreter": False,
            "annualIncome": 450.5,
            "veteranStatus": None,
        },
    }
    links = {"gender": Ref("gender", UUID), "races": (Ref("race", UUID),), "mother": Ref("person", UUID)}
    assert found("person", attributes, links) == []


@pytest.mark.parametrize(
    ("attributes", "code", "place"),
    [
        ({"last_name": None}, "required_missing", "last_name"),
        ({"last_name": 7}, "wrong_type", "last_name"),
        ({"date_of_birth": "02/09/2011"}, "bad_format", "date_of_birth"),
        ({"date_of_birth": "2021-02-30"}, "bad_format", "date_of_birth"),
        ({"date_of_birth": 20110209}, "wrong_type", "date_of_birth"),
        ({"hispanic_or_latino": "Yes"}, "not_in_enum", "hispanic_or_latino"),
        ({"nickname": "Annie"}, "unknown_attribute", "nickname"),
        ({"custom_fields": {"legacyCounty": "Adams"}}, "bad_format", "custom_fields/legacyCounty"),
        ({"custom_fields": {"needsInterpreter": "true"}}, "wrong_type", "custom_fields/needsInterpreter"),
        ({"custom_fields": {"annualIncome": "450"}}, "wrong_type", "custom_fields/annualIncome"),
        ({"custom_fields": {"annualIncome": True}}, "wrong_type", "custom_fields/annualIncome"),
        ({"custom_fields": {"annualIncome": float("nan")}}, "wrong_type", "custom_fields/annualIncome"),
        ({"custom_fields": {"motherId": UUID}}, "unknown_attribute", "custom_fields/motherId"),
        ({"custom_fields": []}, "wrong_type", "custom_fields"),
    ],
)
def test_each_fault_of_a_persons_attributes_is_found(attributes, code, place):
    assert found("person", {**PERSON, **attributes}) == [(code, f"/data/attributes/{place}")]


@pytest.mark.parametrize(
    ("moment", "codes"),
    [
        ("2024-02-09T10:30:00Z", []),
        ("2024-02-09T10:30:00.123456-05:00", []),
        ("2024-02-09T10:30:00", ["bad_format"]),
        ("2024-02-09", ["bad_format"]),
        ("2024-02-30T10:30:00Z", ["bad_format"]),
    ],
)
def test_a_date_time_needs_its_offset(moment, codes):
    links = {"provider": Ref("provider", UUID)}
    assert [code for code, _ in found("visit", {"start_at": moment}, links)] == codes


@pytest.mark.parametrize(("latitude", "codes"), [(90, []), (-90.0, []), (90.01, ["out_of_range"])])
def test_bounds_of_numbers_are_kept(latitude, codes):
    assert [code for code, _ in found("location", {"latitude": latitude})] == codes


def test_what_only_casebook_sets_cannot_be_sent():
    attributes = {"file_name": "scan.pdf", "upload_url": "https://files.example/x"}
    links = {"target": Ref("case", UUID)}
    assert found("attachment", attributes, links) == [("unknown_attribute", "/data/attributes/upload_url")]


@pytest.mark.parametrize(
    ("links", "finding"),
    [
        ({}, ("required_missing", "/data/relationships/person")),
        ({"person": None}, ("required_missing", "/data/relationships/person")),
        ({"person": Ref("provider", UUID)}, ("wrong_target", "/data/relationships/person")),
        ({"person": (Ref("person", UUID),)}, ("wrong_type", "/data/relationships/person")),
        ({"person": Ref("person", UUID), "owner": None}, ("unknown_link", "/data/relationships/owner")),
    ],
)
def test_each_fault_of_a_link_is_found(links, finding):
    assert found("education", {}, links) == [finding]


def test_an_update_misses_nothing_but_clears_nothing_required():
    assert found("person", {"middle_name": None}, partial=True) == []
    assert found("person", {"last_name": None}, partial=True) == [("required_missing", "/data/attributes/last_name")]
    assert found("education", {}, {"person": None}, partial=True) == [
        ("required_missing", "/data/relationships/person")
    ]


def test_findings_tell_no_values():
    attributes = {
        "first_name": ["Zebulon"],
        "ssn": 123456789,
        "hispanic_or_latino": "Zebulon",
        "date_of_birth": "Zebulon",
    }
    told = str(Payloads(SANDBOX).check(Document("person", attributes)))
    assert "Zebulon" not in told
    assert "123456789" not in told


def test_the_model_itself_tells_no_values_either():
    with pytest.raises(ValueError, match="string") as caught:
        payload_model(SANDBOX.entity("person")).model_validate({**PERSON, "ssn": 123456789})
    assert "123456789" not in str(caught.value)


def test_a_field_may_be_called_anything():
    names = ["json", "model_config", "model_fields", "field_0", "class", "copy", "_x", "with blank", "a-b"]
    entity = Entity(
        "odd", "people", "odds", "/people/odds", ("create",), {n: Attribute(n, Kind.STRING) for n in names}, {}
    )
    catalog = Catalog(SANDBOX.api, {"odd": entity}, {})
    assert Payloads(catalog).check(Document("odd", dict.fromkeys(names, "x"))) == []
    assert [each.pointer for each in Payloads(catalog).check(Document("odd", dict.fromkeys(names, 1)))] == [
        f"/data/attributes/{name}" for name in names
    ]


def test_a_bound_day_counts_whole_for_a_date_time():
    attribute = Attribute("at", Kind.DATETIME, minimum="2020-01-01", maximum="2020-12-31")
    entity = Entity("odd", "people", "odds", "/people/odds", ("create",), {"at": attribute}, {})
    payloads = Payloads(Catalog(SANDBOX.api, {"odd": entity}, {}))
    assert payloads.check(Document("odd", {"at": "2020-12-31T23:59:59Z"})) == []
    assert [each.code for each in payloads.check(Document("odd", {"at": "2021-01-01T00:00:00Z"}))] == ["out_of_range"]


def test_lengths_and_patterns_of_a_tenant_are_kept():
    attribute = Attribute("zip", Kind.STRING, max_length=5, pattern=r"\d+")
    entity = Entity("odd", "people", "odds", "/people/odds", ("create",), {"zip": attribute}, {})
    payloads = Payloads(Catalog(SANDBOX.api, {"odd": entity}, {}))
    codes = [
        [each.code for each in payloads.check(Document("odd", {"zip": text}))] for text in ("02139", "021391", "0213x")
    ]
    assert codes == [[], ["too_long"], ["bad_format"]]
