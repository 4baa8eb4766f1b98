"""`verify` finds every one of a thousand planted damages, of every kind, and accuses no record that is as it should be."""

from __future__ import annotations

import json
import random
import uuid
from collections import Counter
from collections.abc import Callable
from dataclasses import replace

import pytest

from etl.pipeline.pictures import Proof
from tests.e2e.harness import Place, etl, sandbox, small

SEED = 20260701
PROJECT = {
    "people.yaml": """\
mapping: people
target: person
source: legacy.PERSONS
key: ID
fields:
  first_name: FIRST
  last_name: LAST
  date_of_birth: {from: BORN, do: [date]}
  custom_fields.legacyNumber: ID
  mother: {ref: person, key: MOTHER, on_missing: empty}
tolerate: {first_name: [case, trim]}
""",
    "notes.yaml": """\
mapping: notes
target: note
source: legacy.NOTES
key: NOTE
fields:
  target: {ref: case, key: CASE_NO}
  subject: TOPIC
  body: TEXT
  note_type: {const: Contact}
""",
    "scans.yaml": """\
mapping: scans
target: attachment
source: legacy.SCANS
key: SCAN
fields:
  target: {ref: case, key: CASE_NO}
  file_name: PATH
  file: {file: docs, path: PATH}
""",
}


def project(folder, url: str, size: int) -> Place:
    """``size`` people, as many memberships and notes, a third as many cases and scans."""
    cases = size // 3
    tables = {
        "PERSONS": ["ID,FIRST,LAST,BORN,MOTHER"]
        + [f"{n},First{n},Last {n} of many,19{n % 90 + 10}-03-04,{n - 7 if n > 7 else ''}" for n in range(1, size + 1)],
        "CASES": ["CASE_NO,TITLE,GOAL"] + [f"C{n},Family {n},Stay together {n}" for n in range(cases)],
        "MEMBERS": ["CASE_NO,ID"] + [f"C{n % cases},{n}" for n in range(1, size + 1)],
        "NOTES": ["NOTE,CASE_NO,TOPIC,TEXT"]
        + [f"N{n},C{n % cases},Topic {n},A visit number {n} that went well" for n in range(size)],
        "SCANS": ["SCAN,CASE_NO,PATH"] + [f"S{n},C{n},scan{n}.pdf" for n in range(cases)],
    }
    files: dict[str, str | bytes] = {f"data/{name}.csv": "\n".join(rows) + "\n" for name, rows in tables.items()}
    files |= {f"data/files/scan{n}.pdf": f"%PDF scan {n}".encode() for n in range(cases)}
    return small(folder, url, {**PROJECT, **files})


class Damages:
    """Plants damages in a sandbox, each on a record of its own; ``planted`` tells what has to be found where."""

    def __init__(self, oracle, seed: int) -> None:
        self.oracle = oracle
        self.database = oracle.database
        self.chance = random.Random(seed)  # noqa: S311 - a test that repeats
        self.free = {entity: [each.id for each in oracle.records(entity)] for entity in oracle.counts()}
        for ids in self.free.values():
            self.chance.shuffle(ids)
        self.planted: set[tuple[str, str]] = set()

    def plant(self, count: int) -> None:
        kinds: list[Callable[[], tuple[str, str]]] = [
            self.lose,
            self.alter,
            self.alter_custom,
            self.clear,
            self.cut,
            self.double_marked,
            self.double_unmarked,
            self.mislink,
            self.unlink,
            self.cut_file,
            self.lose_file,
        ]
        while len(self.planted) < count:
            kind = kinds[len(self.planted) % len(kinds)]
            try:
                self.planted.add(kind())
            except IndexError:
                kinds.remove(kind)

    def take(self, entity: str):
        return self.database.row(self.free[entity].pop())

    def overwrite(self, row, **values: object) -> None:
        attributes = {name: each for name, each in {**row.attributes, **values}.items() if each is not None}
        self.database.replace(replace(row, attributes=attributes))

    def lose(self) -> tuple[str, str]:
        row = self.take(self.chance.choice(["note", "case_person"]))
        self.database.remove(row.id)
        return "lost_in_target", row.id

    def alter(self) -> tuple[str, str]:
        entity, name, value = self.chance.choice(
            [("person", "last_name", "Reed"), ("person", "date_of_birth", "1900-01-01"), ("note", "subject", "Other")]
        )
        row = self.take(entity)
        self.overwrite(row, **{name: value})
        return "altered_in_target", row.id

    def alter_custom(self) -> tuple[str, str]:
        row = self.take("person")
        self.overwrite(row, **{"custom_fields.legacyNumber": "0"})
        return "altered_in_target", row.id

    def clear(self) -> tuple[str, str]:
        row = self.take("note")
        self.overwrite(row, subject=None)
        return "altered_in_target", row.id

    def cut(self) -> tuple[str, str]:
        row = self.take("note")
        body = str(row.attributes["body"])
        self.overwrite(row, body=body[: self.chance.randrange(1, len(body))])
        return "truncated_in_target", row.id

    def double_marked(self) -> tuple[str, str]:
        return self.double(self.chance.choice(["person", "note"]))

    def double_unmarked(self) -> tuple[str, str]:
        return self.double("case_person")

    def double(self, entity: str) -> tuple[str, str]:
        row = self.take(entity)
        twin = replace(row, id=str(uuid.UUID(int=self.chance.getrandbits(128), version=4)))
        self.database.insert(twin, self.database.links_of(row.id), [], 0)
        return "duplicate_in_target", twin.id

    def mislink(self) -> tuple[str, str]:
        row = self.take("case_person")
        own = {each.target for each in self.database.links_of(row.id)}
        other = self.chance.choice([each.id for each in self.oracle.records("person")[:50] if each.id not in own])
        links = [
            replace(each, target=other) if each.name == "person" else each for each in self.database.links_of(row.id)
        ]
        attributes = {**row.attributes} | ({"person_id": other} if "person_id" in row.attributes else {})
        moved = {**row.links} | ({"person": (other,)} if "person" in row.links else {})
        self.database.replace(replace(row, attributes=attributes, links=moved), links)
        return "mislinked_in_target", row.id

    def unlink(self) -> tuple[str, str]:
        row = self.take("person")
        while "custom_fields.motherId" not in row.attributes:
            row = self.take("person")
        self.overwrite(row, **{"custom_fields.motherId": None})
        return "mislinked_in_target", row.id

    def cut_file(self) -> tuple[str, str]:
        row = self.take("attachment")
        self.overwrite(row, byte_size=3, sha256="0" * 64)
        return "file_differs_in_target", row.id

    def lose_file(self) -> tuple[str, str]:
        row = self.take("attachment")
        self.overwrite(row, byte_size=None, sha256=None)
        return "file_differs_in_target", row.id


def found_by_verify(place: Place, *options: str) -> tuple[int, list[dict[str, str]]]:
    ended = etl("verify", place.project, "--progress", "none", "--json", *options)
    manifest = json.loads(place.latest("manifest.json").read_text("utf-8"))
    return ended.code, manifest["verify"]["findings"]


def judged(planted: set[tuple[str, str]], found: set[tuple[str, str]]) -> Proof:
    """Planted damages that were not found, by kind; in ``held`` what was accused though it is sound."""
    missed = Counter(code for code, _ in planted - found)
    return Proof(
        n=len(planted),
        dup=missed["duplicate_in_target"],
        lost=missed["lost_in_target"],
        wrong_id=missed["mislinked_in_target"],
        corrupt=missed.total() - sum(missed[f"{kind}_in_target"] for kind in ("duplicate", "lost", "mislinked")),
        held=len(found - planted),
    )


@pytest.mark.parametrize(("count", "size"), [(55, 60), pytest.param(1_000, 700, marks=pytest.mark.e2e)])
def test_every_planted_damage_is_found_and_nothing_else(tmp_path, count, size, proof_line):
    with sandbox() as casebook:
        place = project(tmp_path, casebook.base_url, size)
        ended = place.run()
        assert ended.code == 0, ended.text
        assert found_by_verify(place) == (0, [])
        damages = Damages(casebook.oracle, SEED)
        damages.plant(count)
        code, findings = found_by_verify(place)
    proof = judged(damages.planted, {(each["code"], each["target_id"]) for each in findings})
    proof_line(f"verify finds {count} planted damages", SEED, **proof.figures(), found=len(findings))
    assert len(damages.planted) == count
    assert code == 1
    assert proof.is_clean, damages.planted ^ {(each["code"], each["target_id"]) for each in findings}


@pytest.fixture(scope="module")
def loaded(tmp_path_factory):
    with sandbox() as casebook:
        place = project(tmp_path_factory.mktemp("loaded"), casebook.base_url, 60)
        assert place.run().code == 0
        yield place, casebook.oracle


def test_a_tolerated_difference_is_listed_and_no_finding(loaded):
    place, oracle = loaded
    damages = Damages(oracle, SEED)
    one, other = damages.take("person"), damages.take("person")
    damages.overwrite(one, first_name=str(one.attributes["first_name"]).upper())
    damages.overwrite(other, first_name=" " + str(other.attributes["first_name"]))
    ended = etl("verify", place.project, "--json", "--progress", "none")
    assert ended.code == 0, ended.text
    assert {(each["field"], each["tolerance"], each["count"]) for each in ended.answer["verify"]["tolerated"]} == {
        ("first_name", "case", 1),
        ("first_name", "trim", 1),
    }
    assert "tolerated: person.first_name by case (1)" in etl("verify", place.project, "--progress", "none").out


def test_a_sample_says_its_seed_and_draws_the_same_again(loaded):
    place, _ = loaded
    ended = etl("verify", place.project, "--json", "--progress", "none", "--sample", "10%", "--seed", "7")
    first = ended.answer["verify"]
    assert first["scope"] == "a sample of 0.1 of all, seed 7"
    assert first["checked"] == {"attachment": 2, "case": 2, "case_person": 6, "note": 6, "person": 6}
    assert first["unsought"] == ["attachment", "case_person", "note"]
    again = etl("verify", place.project, "--json", "--progress", "none", "--sample", "10%", "--seed", "7")
    assert again.answer["verify"] == first


def test_rotating_parts_read_back_every_record_once(loaded):
    place, oracle = loaded
    total: Counter[str] = Counter()
    for number in (1, 2, 3):
        ended = etl("verify", place.project, "--json", "--progress", "none", "--subset", f"{number}/3")
        total.update(ended.answer["verify"]["checked"])
    assert total == oracle.counts()


@pytest.mark.parametrize("options", [("--sample", "0"), ("--sample", "101%"), ("--subset", "4/3"), ("--seed", "1")])
def test_a_scope_that_means_nothing_is_refused(loaded, options):
    place, _ = loaded
    assert etl("verify", place.project, *options).code == 2


def test_a_sample_finds_damage_of_what_it_reads(tmp_path):
    with sandbox() as casebook:
        place = project(tmp_path, casebook.base_url, 12)
        assert place.run().code == 0
        damages = Damages(casebook.oracle, SEED)
        planted = {damages.lose(), damages.alter(), damages.double("person"), damages.cut_file(), damages.mislink()}
        code, findings = found_by_verify(place, "--sample", "1000", "--seed", "1")
    assert code == 1
    assert {(each["code"], each["target_id"]) for each in findings} == planted
