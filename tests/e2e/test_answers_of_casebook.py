"""Each answer code of Casebook, end to end: what the run does, its exit code, what report and state say, how it goes on."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from etl.catalog.model import Kind
from etl.sandbox.settings import OPERATIONS, Application
from tests.e2e.harness import etl, sandbox, sandbox_catalog, small, writes
from tests.e2e.pictures import known

ALL = {"person": 4, "case": 3, "case_person": 4}


def states(place):
    return Counter((row.entity, row.state) for row in known(place.state))


def refusals(place):
    return {row["detail"] for row in place.rows("load_problems.parquet") if row["code"] == "rejected_by_target"}


def statuses(oracle, method):
    return Counter(entry.status for entry in oracle.journal(method) if entry.entity not in ("token", "upload"))


@pytest.mark.parametrize("status", [400, 404, 415, 422])
def test_a_refused_record_is_rejected_alone_and_told_with_its_line(tmp_path, status):
    with sandbox(faults=f"status_{status}@POST case:first=1") as casebook:
        place = small(tmp_path, casebook.base_url)
        ended = place.run()
        assert ended.code == 1, ended.text
        account = place.summary()["entities"]["case"]
        assert (account["created"], account["rejected"]) == (2, 1)
        (problem,) = [row for row in place.rows("load_problems.parquet") if row["code"] == "rejected_by_target"]
        assert problem["detail"].startswith(f"{status} fault")
        assert problem["table"] == "legacy.CASES"
        assert problem["line"] in (2, 3, 4)
        assert states(place)["case", "rejected"] == 1
        assert place.summary()["ledger"]["balanced"]


def test_a_refused_record_is_sent_again_only_on_demand_and_its_children_follow(tmp_path):
    with sandbox(faults="status_400@POST case:first=1") as casebook:
        place = small(tmp_path, casebook.base_url)
        assert place.run().code == 1
        before = len(writes(casebook.oracle))
        assert place.run().code == 1
        assert len(writes(casebook.oracle)) == before, "a refused record was sent again unasked"
        ended = place.run("--retry", "rejected")
        assert ended.code == 0, ended.text
        assert casebook.oracle.counts() == ALL


def test_400_a_real_refusal_names_code_and_field_and_holds_children_back(tmp_path):
    with sandbox(catalog=with_attribute("case", "goals", required=True)) as casebook:
        place = small(tmp_path, casebook.base_url)
        ended = place.run()
        assert ended.code == 1
        assert refusals(place) == {"400 required /data/attributes/goals"}
        assert "goals" in place.latest("report.html").read_text("utf-8")
        assert casebook.oracle.counts()["case"] == 1
        assert states(place) == {
            ("person", "created"): 4,
            ("case", "created"): 1,
            ("case", "rejected"): 2,
            ("case_person", "created"): 1,
            ("case_person", "blocked"): 3,
        }


def test_422_a_real_refusal_of_one_value_rejects_that_record_alone(tmp_path):
    with sandbox(catalog=with_attribute("case", "goals", kind=Kind.INTEGER)) as casebook:
        place = small(tmp_path, casebook.base_url)
        ended = place.run()
        assert ended.code == 1
        assert refusals(place) == {"422 invalid_value /data/attributes/goals"}
        assert "Stay together" not in ended.text + place.latest("log.jsonl").read_text("utf-8")
        assert casebook.oracle.counts() == {"person": 4, "case": 2, "case_person": 3}


def test_401_a_token_that_expires_is_renewed_and_nothing_is_sent_twice(tmp_path):
    with sandbox(faults="expire_tokens@POST:nth=6") as casebook:
        ended = small(tmp_path, casebook.base_url).run()
        assert ended.code == 0, ended.text
        assert statuses(casebook.oracle, "POST")[401] > 0
        assert casebook.oracle.counts() == ALL


def test_401_wrong_credentials_stop_before_anything_is_sent_and_name_the_variables(tmp_path, monkeypatch):
    with sandbox() as casebook:
        place = small(tmp_path, casebook.base_url)
        monkeypatch.setenv("CASEBOOK_SANDBOX_CLIENT_ID", "sandbox")
        monkeypatch.setenv("CASEBOOK_SANDBOX_CLIENT_SECRET", "opens-nothing")
        ended = place.run()
        assert ended.code == 3
        assert "does not accept the application's credentials" in ended.err
        assert "CASEBOOK_SANDBOX_CLIENT_SECRET" in ended.err
        assert "opens-nothing" not in ended.text
        assert writes(casebook.oracle) == []
        monkeypatch.setenv("CASEBOOK_SANDBOX_CLIENT_SECRET", "sandbox")
        assert place.run().code == 0
        assert casebook.oracle.counts() == ALL


def test_403_on_one_entity_stops_that_entity_and_the_rest_goes_on(tmp_path):
    database = tmp_path / "sandbox.db"
    limited = Application(roles={"*": OPERATIONS, "case": ("list", "get")})
    place = small(tmp_path)
    with sandbox(database, applications=(limited,)) as casebook:
        ended = place.point_at(casebook.base_url).run()
        assert ended.code == 1, ended.text
        assert casebook.oracle.counts() == {"person": 4}
        summary = place.summary()
        assert summary["ledger"]["balanced"]
        assert "role" in summary["stopped"]["case"]
        assert "403" in place.latest("report.html").read_text("utf-8")
        url = casebook.base_url
    with sandbox(database) as casebook:
        place.edit("project.yaml", url, casebook.base_url)
        ended = place.run()
        assert ended.code == 0, ended.text
        assert casebook.oracle.counts() == ALL


def test_404_on_an_update_reports_the_record_as_lost_and_makes_no_new_one(tmp_path):
    with sandbox() as casebook:
        place = small(tmp_path, casebook.base_url)
        assert place.run().code == 0
        gone = next(row for row in casebook.oracle.records("person") if row.attributes["first_name"] == "Ada")
        casebook.oracle.database.remove(gone.id)
        change(place, "1,Ada,Vale", "1,Ada,Moss")
        ended = place.run()
        assert ended.code == 1, ended.text
        assert statuses(casebook.oracle, "PATCH") == Counter({404: 1})
        assert place.problems()["people", "lost_in_target"] == 1
        assert casebook.oracle.counts()["person"] == 3


def test_429_slows_the_run_down_and_loses_nothing(tmp_path):
    with sandbox(requests_per_s=6) as casebook:
        place = small(tmp_path, casebook.base_url)
        ended = place.run()
        assert ended.code == 0, ended.text
        answers = Counter(entry.status for entry in casebook.oracle.journal())
        assert answers[429] > 0
        assert casebook.oracle.counts() == ALL


def test_500_after_the_commit_is_asked_about_and_not_sent_again(tmp_path):
    with sandbox(faults="status_500_after_commit@POST case:first=1") as casebook:
        place = small(tmp_path, casebook.base_url)
        ended = place.run()
        assert ended.code == 0, ended.text
        assert statuses(casebook.oracle, "POST")[500] == 1
        assert casebook.oracle.counts() == ALL
        assert place.summary()["entities"]["case"]["created"] == 3


def test_500_every_time_for_one_record_rejects_that_record_after_some_rounds(tmp_path):
    """The server's own type error: it takes a goal for a number, and fails on the one case that has a goal."""
    failing = with_attribute("case", "goals", kind=Kind.INTEGER)
    with sandbox(catalog=failing, strict_crnk=True) as casebook:
        place = small(tmp_path, casebook.base_url)
        ended = place.run()
        assert ended.code == 1, ended.text
        assert 2 <= statuses(casebook.oracle, "POST")[500] <= 5
        assert place.problems()["cases", "server_error"] == 1
        assert casebook.oracle.counts() == {"person": 4, "case": 2, "case_person": 3}
        assert place.problems()["case_people", "parent_not_loadable"] == 1


def test_503_is_waited_for_and_the_record_is_made_once(tmp_path):
    with sandbox(faults="status_503(retry_after=0)@POST case:nth=2;3,status_503(retry_after=0)@GET:nth=3") as casebook:
        place = small(tmp_path, casebook.base_url)
        ended = place.run()
        assert ended.code == 0, ended.text
        assert statuses(casebook.oracle, "POST")[503] == 2
        assert statuses(casebook.oracle, "GET")[503] == 1
        assert casebook.oracle.counts() == ALL


def test_503_for_all_that_could_prove_our_sight_is_held_and_settled_by_the_next_run(tmp_path):
    """Nobody of an entity is there yet, so that an empty answer proves nothing: hold, and ask again later."""
    with sandbox(faults="status_503(retry_after=0)@POST person:first=2") as casebook:
        place = small(tmp_path, casebook.base_url)
        ended = place.run()
        assert ended.code == 1, ended.text
        assert place.problems()["people", "uncertain"] == 2
        assert statuses(casebook.oracle, "POST")[503] == 2
        ended = place.run()
        assert ended.code == 0, ended.text
        assert casebook.oracle.counts() == ALL
        ids = {row.attributes["first_name"]: row.id for row in casebook.oracle.records("person")}
        bea = next(row for row in casebook.oracle.records("person") if row.id == ids["Bea"])
        assert bea.links["mother"] == (ids["Ada"],), "the link that had to be left out came later"


def test_503_that_does_not_end_stops_the_run_which_the_same_command_continues(tmp_path):
    place = small(tmp_path)
    database = tmp_path / "sandbox.db"
    with sandbox(database, "status_503(retry_after=7200)@GET") as casebook:
        ended = place.point_at(casebook.base_url).run()
        url = casebook.base_url
        assert ended.code == 3, ended.text
        assert writes(casebook.oracle) == []
    with sandbox(database) as casebook:
        place.edit("project.yaml", url, casebook.base_url)
        assert place.run().code == 0
        assert casebook.oracle.counts() == ALL


def test_status_tells_what_a_refusal_left_behind(tmp_path):
    with sandbox(faults="status_422@POST case:first=1") as casebook:
        place = small(tmp_path, casebook.base_url)
        place.run()
        told = etl("status", place.project, "--json").answer
        assert told["records"]["case"] == {"created": 2, "rejected": 1}


def with_attribute(entity, name, **changes):
    """The sandbox's tenant, other than the loader believes."""
    catalog = sandbox_catalog()
    old = catalog.entities[entity]
    attributes = {**old.attributes, name: replace(old.attributes[name], **changes)}
    return replace(catalog, entities={**catalog.entities, entity: replace(old, attributes=attributes)})


def change(place, old, new):
    path = place.folder / "data" / "PERSONS.csv"
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new), "utf-8")
