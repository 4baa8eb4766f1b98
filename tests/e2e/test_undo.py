"""Undoing a run: the sandbox is as it was, but for what people edited since; killed in the middle it goes on."""

from __future__ import annotations

import contextlib
import json
import sqlite3
import time
import uuid
from collections import Counter
from dataclasses import replace

import pytest

from etl.sandbox.database import LinkRow, Row
from tests.e2e.harness import Ended, Place, etl, finished, sandbox, small, start, writes
from tests.e2e.pictures import is_intact, known


def run_id_of(place: Place, nth: int = -1) -> str:
    names = [path.parent.name for path in place.runs.glob("*/options.json")]
    return sorted(names)[nth]


def undo(place: Place, run_id: str, *options: object) -> Ended:
    return etl("undo", run_id, place.project, "--profile", "sandbox", "--progress", "none", "--yes", *options)


def contents(oracle):
    """Everything the sandbox holds, by id."""
    return {record.id: record for entity in oracle.counts() for record in oracle.records(entity)}


def change(place, file, old, new):
    path = place.folder / "data" / file
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new), "utf-8")


def overwrite(oracle, record_id, **values):
    """Somebody edits a record in Casebook."""
    row = oracle.database.row(record_id)
    oracle.database.replace(replace(row, attributes={**row.attributes, **values}))


def add_goal(oracle, case_id):
    """Somebody adds a goal to a case, in Casebook."""
    row = Row("goal", str(uuid.uuid4()), {}, {"case": (case_id,)}, "2026-01-01T00:00:00.000000Z", "a worker")
    oracle.database.insert(row, [LinkRow("case", case_id, holds=True)], [], 0)


def one(oracle, entity, **values):
    return next(
        each
        for each in oracle.records(entity)
        if all(each.attributes.get(name) == value for name, value in values.items())
    )


@pytest.fixture
def loaded(tmp_path):
    with sandbox() as casebook:
        place = small(tmp_path, casebook.base_url)
        ended = place.run()
        assert ended.code == 0, ended.text
        yield place, casebook.oracle


def test_what_a_run_created_is_gone_and_a_later_run_loads_it_again(loaded):
    place, oracle = loaded
    first = contents(oracle)
    ended = undo(place, run_id_of(place), "--json")
    assert ended.code == 0, ended.text
    assert ended.answer["removed"] == {"case": 3, "case_person": 4, "person": 4}
    assert contents(oracle) == {}
    assert undo(place, run_id_of(place)).code == 0, "once more is nothing more"
    ended = place.run()
    assert ended.code == 0, ended.text
    assert Counter(each.entity for each in contents(oracle).values()) == Counter(each.entity for each in first.values())


def test_children_go_before_their_parents(loaded):
    place, oracle = loaded
    undo(place, run_id_of(place))
    order = [entity for method, entity in writes(oracle) if method == "DELETE"]
    assert order.index("case_person") < order.index("case")
    assert [entry.status for entry in oracle.journal("DELETE")] == [204] * 11, "no parent was tried before its children"


def test_what_a_run_changed_is_as_before(loaded):
    place, oracle = loaded
    before = contents(oracle)
    cases = place.project / "cases.yaml"
    cases.write_text(cases.read_text("utf-8").replace("goals: GOAL", "goals: {from: GOAL, send_null: clear}"), "utf-8")
    change(place, "PERSONS.csv", "Dot,Moss", "Dot,Reed")
    change(place, "CASES.csv", "Stay together", "")
    change(place, "PERSONS.csv", "3,Cy,Vale,2011-07-08,2", "3,Cy,Vale,2011-07-08,1")
    assert place.run().code == 0
    assert contents(oracle) != before
    ended = undo(place, run_id_of(place), "--json")
    assert ended.code == 0, ended.text
    assert ended.answer["restored"] == {"case": 1, "person": 2}
    assert contents(oracle) == before
    assert place.run().code == 0
    assert one(oracle, "person", first_name="Dot").attributes["last_name"] == "Reed"


def test_what_people_changed_since_stays_with_what_it_hangs_on_and_is_listed(loaded):
    place, oracle = loaded
    bea = one(oracle, "person", first_name="Bea")
    overwrite(oracle, bea.id, middle_name="Kim")
    ended = undo(place, run_id_of(place), "--json")
    assert ended.code == 1, ended.text
    left = contents(oracle)
    assert {each.attributes["first_name"] for each in left.values()} == {"Ada", "Bea"}, "Ada is Bea's mother"
    spared = {(each["why"], *each["fields"]) for each in ended.answer["spared"]}
    assert spared == {("edited", "middle_name"), ("depended_on",)}
    account = json.loads((place.runs / run_id_of(place) / "undo.json").read_text("utf-8"))
    assert {each["target_id"] for each in account["rounds"][-1]["spared"]} == set(left)
    assert "Kim" not in json.dumps(account)


def test_a_changed_value_that_somebody_changed_again_is_not_brought_back(loaded):
    place, oracle = loaded
    change(place, "PERSONS.csv", "Dot,Moss", "Dot,Reed")
    assert place.run().code == 0
    dot = one(oracle, "person", first_name="Dot")
    overwrite(oracle, dot.id, last_name="Hill")
    ended = undo(place, run_id_of(place), "--json")
    assert ended.code == 1
    assert [(each["why"], each["fields"]) for each in ended.answer["spared"]] == [("edited", ["last_name"])]
    assert one(oracle, "person", first_name="Dot").attributes["last_name"] == "Hill"


def test_an_earlier_run_spares_what_a_later_one_changed_until_that_is_undone(loaded):
    place, oracle = loaded
    change(place, "PERSONS.csv", "Dot,Moss", "Dot,Reed")
    assert place.run().code == 0
    first, second = run_id_of(place, 0), run_id_of(place, 1)
    ended = undo(place, first, "--json")
    assert ended.code == 1
    assert "later_run" in {each["why"] for each in ended.answer["spared"]}
    assert one(oracle, "person", first_name="Dot")
    assert undo(place, second).code == 0
    ended = undo(place, first)
    assert ended.code == 0, ended.text
    assert contents(oracle) == {}


@pytest.mark.parametrize("cascade", [False, True])
def test_a_record_that_others_hung_something_on_stays(tmp_path, cascade):
    with sandbox(cascade_deletes=cascade) as casebook:
        place, oracle = small(tmp_path, casebook.base_url), casebook.oracle
        assert place.run().code == 0
        case = one(oracle, "case", name="Reed family")
        add_goal(oracle, case.id)
        ended = undo(place, run_id_of(place), "--json")
        assert ended.code == 1
        assert [(each["target_id"], each["why"]) for each in ended.answer["spared"]] == [(case.id, "depended_on")]
        assert oracle.counts() == {"case": 1, "goal": 1}


def test_it_asks_and_a_protected_profile_refuses(loaded):
    place, oracle = loaded
    before, run_id = contents(oracle), run_id_of(place)
    ended = etl("undo", run_id, place.project, "--json")
    assert (ended.code, ended.answer["error"]["hint"]) == (2, "Confirm with --yes.")
    ahead = etl("undo", run_id, place.project, "--dry-run", "--json")
    assert (ahead.code, ahead.answer["created"]) == (0, {"case": 3, "case_person": 4, "person": 4})
    assert undo(place, "20260101T000000Z-0000").code == 2
    place.edit("project.yaml", "quiet_s: 0.3", "quiet_s: 30, protect: true")
    ended = undo(place, run_id)
    assert ended.code == 2
    assert "--protected" in ended.err
    assert contents(oracle) == before


def test_before_images_hold_no_value_in_the_clear_and_are_private(loaded):
    place, _oracle = loaded
    change(place, "PERSONS.csv", "Dot,Moss", "Dot,Reed")
    assert place.run().code == 0
    folder = place.runs / run_id_of(place) / "before"
    content = b"".join(path.read_bytes() for path in folder.iterdir())
    assert b"Moss" not in content
    assert b"Reed" not in content
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}


@pytest.mark.parametrize("kills", [pytest.param(2), pytest.param(12, marks=pytest.mark.e2e)])
def test_killed_in_the_middle_it_goes_on(tmp_path, proof_line, kills):
    people = "ID,FIRST,LAST,BORN,MOTHER\n" + "".join(
        f"{n},Ann,L{n},1990-01-01,{n // 10 or ''}\n" for n in range(1, 121)
    )
    members = "CASE_NO,ID\n" + "".join(f"C{1 + n % 3},{n}\n" for n in range(1, 121))
    with sandbox(latency_s=0.01) as casebook:
        place = small(tmp_path, casebook.base_url, {"data/PERSONS.csv": people, "data/MEMBERS.csv": members})
        assert place.run().code == 0
        run_id = run_id_of(place)
        made, done = len(contents(casebook.oracle)), 0
        for _ in range(kills):
            before = len(casebook.oracle.journal("DELETE"))
            process = start("undo", run_id, place.project, "--profile", "sandbox", "--yes", "--progress", "none")
            while len(casebook.oracle.journal("DELETE")) < before + 8 and process.poll() is None:
                time.sleep(0.005)
            process.kill()
            done += finished(process).code < 0
        ended = undo(place, run_id)
        assert ended.code == 0, ended.text
        figures = after_undo(place, casebook.oracle)
        proof_line(f"undo killed {kills} times", None, n=made, **figures, kills=done)
        assert contents(casebook.oracle) == {}
        assert not any(figures.values())


def after_undo(place, oracle):
    """``dup``: what is still there; ``lost``: deletes beyond one a record; ``wrong_id``: what state still calls ours."""
    rows, left = known(place.state), contents(oracle)
    deleted = Counter(entry.record_id for entry in oracle.journal("DELETE") if entry.status == 204)
    return {
        "dup": len(left),
        "lost": deleted.total() - len(deleted),
        "wrong_id": sum(each.target_id is not None for each in rows),
        "corrupt": int(not is_intact(place.state)),
        "held": sum(each.state != "undone" for each in rows),
    }


def test_what_an_undoing_that_was_killed_had_removed_itself_counts_as_removed(loaded):
    place, oracle = loaded
    run_id, case = run_id_of(place), one(oracle, "case", name="Reed family")
    with contextlib.closing(sqlite3.connect(place.state)) as database:
        database.execute("update records set state = 'undoing' where target_id = ?", (case.id,))
        database.commit()
    oracle.database.remove(case.id)
    ended = undo(place, run_id, "--json")
    assert ended.code == 0, ended.text
    assert (ended.answer["removed"]["case"], ended.answer["gone"]) == (3, {})
