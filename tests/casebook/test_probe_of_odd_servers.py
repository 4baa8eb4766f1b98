"""The probe against servers that behave as no sandbox does: odd pages, odd refusals, odd tokens."""

from __future__ import annotations

import asyncio
import json

import httpx
import pytest
from pydantic import SecretStr

from etl.casebook.probe import reading
from etl.casebook.probe.line import ProbeLine
from etl.casebook.probe.paging import paging
from etl.casebook.probe.roles import role
from etl.casebook.probe.rungs import rung
from etl.casebook.probe.writing import harmless_entities, write_probes
from etl.catalog.loader import load_catalog
from etl.catalog.model import Marker
from etl.core.capabilities import UNKNOWN, Evidence, Fact, probed
from etl.core.errors import TargetError
from etl.mapping.model import Profile
from etl.settings import Credentials
from tests.casebook.conftest import CountedClock

CATALOG = load_catalog("sandbox")
PROFILE = Profile("live", "https://api.casebook.example", "https://login.casebook.example/oauth2/token", "t")
TOKEN = {"access_token": "t1", "expires_in": 3600}


def asked(api, question, token=TOKEN, clock=None):
    """The answer to a question put over a line to a server in a function."""

    def answer(request):
        return httpx.Response(200, json=token) if request.url.path == "/oauth2/token" else api(request)

    async def work():
        line = ProbeLine(
            PROFILE,
            CATALOG,
            Credentials("an id", SecretStr("a secret"), "CASEBOOK_LIVE_CLIENT_SECRET"),
            httpx.MockTransport(answer),
            clock=clock,
        )
        try:
            return await question(line)
        finally:
            await line.close()

    return asyncio.run(work())


def page(*ids, more=False):
    rows = [{"type": "genders", "id": each, "attributes": {"name": each}} for each in ids]
    return httpx.Response(200, json={"data": rows, "links": {"next": "/people/genders?page[number]=2"} if more else {}})


def refusal(status, detail="", **headers):
    body = {"errors": [{"status": str(status), "detail": detail}]}
    return httpx.Response(status, json=body, headers=headers)


def of_genders(api):
    return asked(api, lambda line: paging(line, [("gender", False)]))


def test_a_server_that_gives_the_same_page_again_is_seen():
    assert of_genders(lambda _: page("a", "b", more=True)).walk == probed("repeats")


def test_a_server_whose_list_never_ends_is_seen():
    def api(request):
        number = request.url.params.get("page[number]")
        return page(f"row{number}") if number else page("a", "b")

    assert of_genders(api).walk == probed("endless")


def test_the_largest_page_is_read_from_the_refusal_that_names_it():
    tried = []

    def api(request):
        size = int(request.url.params.get("page[size]", 10))
        tried.append(size)
        return page("a") if size <= 73 else refusal(400, "At most 73 records a page, see 2024.1.")

    assert of_genders(api).largest == probed(73)
    assert tried[:3] == [10, 10_000, 73]


def test_a_refusal_that_names_nothing_leads_to_a_size_that_is_accepted():
    def api(request):
        return page("a") if int(request.url.params.get("page[size]", 10)) <= 120 else refusal(400)

    assert of_genders(api).largest == probed(100)


def test_a_list_that_cannot_be_read_tells_nothing():
    found = of_genders(lambda _: httpx.Response(404))
    assert (found.default, found.largest, found.walk) == (UNKNOWN, UNKNOWN, UNKNOWN)


@pytest.mark.parametrize(
    ("operation", "status", "fact"),
    [
        ("create", 403, probed("missing")),
        ("create", 400, probed("granted")),
        ("create", 422, probed("granted")),
        ("create", 405, probed("not offered")),
        ("create", 404, probed("not offered")),
        ("create", 500, UNKNOWN),
        ("get", 404, probed("granted")),
        ("update", 404, probed("granted")),
        ("delete", 404, probed("granted")),
        ("delete", 403, probed("missing")),
        ("list", 200, probed("granted")),
        ("list", 404, probed("not offered")),
    ],
)
def test_a_role_is_told_by_the_refusal(operation, status, fact):
    assert asked(lambda _: refusal(status), lambda line: role(line, "person", operation)) == fact


def test_role_probes_carry_no_record_and_name_none():
    seen = []

    def api(request):
        seen.append((request.method, request.url.path, request.content))
        return refusal(404)

    async def all_of_them(line):
        return [await role(line, "person", each) for each in ("create", "update", "delete")]

    asked(api, all_of_them)
    assert [content for _, _, content in seen] == [b'{"data":null}', b'{"data":null}', b""]
    nobody = "/people/people/00000000-0000-4000-8000-000000000000"
    assert [(method, path) for method, path, _ in seen] == [
        ("POST", "/people/people"),
        ("PATCH", nobody),
        ("DELETE", nobody),
    ]


def test_a_filter_that_does_not_find_what_is_there_is_blind():
    person = CATALOG.entity("person")
    shown = {"type": "people", "id": "p1", "attributes": {"custom_fields": {"migrationKey": "mg1-aaaaaaaaaaaaaaaa"}}}

    def api(request):
        filtered = any(name.startswith("filter") for name in request.url.params)
        return httpx.Response(200, json={"data": [] if filtered else [shown]})

    async def question(line):
        seen = await reading.glimpse(line, "person")
        return await reading.slot_filter(line, person, "custom_fields.migrationKey", seen.records)

    assert asked(api, question) == probed("blind")


def test_records_of_another_type_are_counted_and_not_believed():
    row = {"type": "persons", "id": "p1", "attributes": {}}
    seen = asked(lambda _: httpx.Response(200, json={"data": [row]}), lambda line: reading.glimpse(line, "person"))
    assert (seen.records, seen.misshapen) == ((), 1)


@pytest.mark.parametrize(("said", "life_s"), [(3600, 3600.0), ("90", 90.0), (None, None), (-1, None), ("soon", None)])
def test_the_life_of_a_token_is_what_the_server_says(said, life_s):
    token = {"access_token": "t1", **({"expires_in": said} if said is not None else {})}
    assert asked(lambda _: page(), lambda line: line.token_life_s(), token) == life_s


def test_the_clock_of_the_server_is_compared_with_ours():
    async def question(line):
        await line.read("gender")
        return line.skew_s

    ahead = "Thu, 01 Jan 2099 00:00:00 GMT"
    assert asked(lambda _: httpx.Response(200, json={"data": []}, headers={"date": ahead}), question) > 60
    assert asked(lambda _: httpx.Response(200, json={"data": []}, headers={"date": "soon"}), question) is None


def test_a_create_whose_answer_is_lost_is_not_sent_again():
    posts = []

    def api(request):
        posts.append(request.method)
        raise httpx.ReadError("gone")

    with pytest.raises(TargetError):
        asked(api, lambda line: line.send("POST", "location", body=b'{"data":null}'))
    assert posts == ["POST"]


FILTER, SWEEP = Marker("filter", "slot"), Marker("sweep", "slot")
SCOPED, FILE = Marker("scoped", scope="case"), Marker("sweep", "slot", scope="target")
CREATED = Marker("created", scope="facility_location")
GRANTED = probed("granted")


@pytest.mark.parametrize(
    ("marker", "role_found", "sort", "filters", "found"),
    [
        (None, GRANTED, UNKNOWN, {}, Fact("hold", Evidence.CATALOGUE)),
        (FILTER, probed("missing"), UNKNOWN, {}, probed("hold")),
        (FILTER, GRANTED, UNKNOWN, {"slot": "honoured"}, probed("filter")),
        (FILTER, GRANTED, UNKNOWN, {}, Fact("filter", Evidence.CATALOGUE)),
        (FILTER, GRANTED, "honoured", {"slot": "ignored"}, probed("sweep")),
        (FILTER, GRANTED, UNKNOWN, {"slot": "blind"}, Fact("sweep", Evidence.CATALOGUE)),
        (FILTER, GRANTED, "ignored", {"slot": "refused"}, probed("hold")),
        (SWEEP, GRANTED, "refused", {}, probed("hold")),
        (FILE, GRANTED, "honoured", {"target": "refused"}, probed("hold")),
        (FILE, GRANTED, "honoured", {"target": "ignored"}, probed("sweep")),
        (SCOPED, GRANTED, "ignored", {"case": "ignored"}, probed("scoped")),
        (SCOPED, GRANTED, UNKNOWN, {"case": "refused"}, probed("hold")),
        (SCOPED, GRANTED, UNKNOWN, {}, Fact("scoped", Evidence.CATALOGUE)),
        (CREATED, GRANTED, UNKNOWN, {}, Fact("created", Evidence.CATALOGUE)),
        (CREATED, GRANTED, "honoured", {}, probed("created")),
        (CREATED, GRANTED, "ignored", {}, probed("hold")),
        (CREATED, GRANTED, "refused", {}, probed("hold")),
    ],
)
def test_a_rung_that_was_seen_to_fail_is_never_used(marker, role_found, sort, filters, found):
    known_sort = probed(sort) if isinstance(sort, str) else sort
    assert rung(marker, role_found, known_sort, {name: probed(value) for name, value in filters.items()}) == found


def test_people_are_never_harmless():
    assert harmless_entities(CATALOG) == ["intake_report", "location"]
    assert not any(
        entity.harmless for entity in CATALOG.entities.values() if {"last_name", "ssn"} & entity.attributes.keys()
    )


class Memory:
    """A server that keeps locations under the ids they bring; what a second create with one does is its nature."""

    def __init__(self, second):
        self.second = second
        self.held = {}

    def __call__(self, request):
        target_id = request.url.path.removeprefix("/providers/locations").strip("/")
        if request.method == "POST":
            return self.create(json.loads(request.content)["data"])
        if request.method == "DELETE":
            return httpx.Response(204 if self.held.pop(target_id, None) else 404)
        shown = [self.held[target_id]] if target_id in self.held else []
        if target_id:
            return httpx.Response(200, json={"data": shown[0]}) if shown else refusal(404)
        return httpx.Response(200, json={"data": list(self.held.values())[::-1]})

    def create(self, data):
        target_id = data.get("id") or f"made{len(self.held)}"
        if target_id in self.held and self.second == "refuses":
            return refusal(409)
        if target_id in self.held and self.second == "doubles":
            target_id = f"made{len(self.held)}"
        if target_id not in self.held or self.second == "overwrites":
            self.held[target_id] = {**data, "id": target_id}
        return httpx.Response(201, json={"data": self.held[target_id]})


@pytest.mark.parametrize(
    ("second", "kept"), [("refuses", True), ("keeps the first", True), ("overwrites", False), ("doubles", False)]
)
def test_ids_of_ours_count_only_where_a_second_create_does_no_harm(second, kept):
    server = Memory(second)
    told = asked(server, lambda line: write_probes(line, "location"))
    assert (told.client_ids, told.left, server.held) == (probed(kept), (), {})


class Slow(Memory):
    """The same server, which shows and deletes a record only some time after it was made; ``lag_s`` None: never."""

    def __init__(self, second, clock, lag_s, by_id_s=None):
        super().__init__(second)
        self.clock, self.lag_s, self.by_id_s = clock, lag_s, by_id_s
        self.hidden = {}

    def __call__(self, request):
        before = set(self.held)
        hidden = {target_id: self.held.pop(target_id) for target_id in before if self.is_hidden(target_id, request)}
        if request.method == "POST":
            self.held |= hidden
            hidden = {}
        answer = super().__call__(request)
        self.held |= hidden
        self.hidden |= dict.fromkeys(set(self.held) - before, self.clock.monotonic())
        return answer

    def is_hidden(self, target_id, request):
        lag_s = self.lag_s
        if lag_s is not None and self.by_id_s is not None and target_id in request.url.path:
            lag_s = self.by_id_s
        return lag_s is None or self.clock.monotonic() - self.hidden[target_id] < lag_s


def slow(second, *lags):
    clock = CountedClock()
    server = Slow(second, clock, *lags)
    began_s = clock.monotonic()
    told = asked(server, lambda line: write_probes(line, "location"), clock=clock)
    return told, server, clock.monotonic() - began_s


@pytest.mark.parametrize("second", ["refuses", "keeps the first", "doubles"])
def test_a_probe_record_that_is_not_shown_yet_is_waited_for_and_deleted(second):
    told, server, took_s = slow(second, 0.7)
    assert (told.left, server.held) == ((), {})
    assert 0.7 <= told.lag_s.value < 1.5
    assert took_s < 5


def test_a_record_that_is_listed_late_is_gone_once_it_was_shown_and_deleted():
    told, server, took_s = slow("refuses", 5.0, 0.0)
    assert (told.left, server.held) == ((), {})
    assert took_s < 10


def test_a_probe_record_that_is_never_shown_is_not_taken_for_deleted():
    told, server, took_s = slow("refuses", None)
    assert set(told.left) == set(server.held)
    assert len(told.left) == 2
    assert took_s < 4 * 60


def test_an_id_of_ours_that_is_overwritten_unseen_is_not_told_as_kept():
    told, _, _ = slow("overwrites", 0.7)
    assert told.client_ids == probed(False)
    told, _, _ = slow("overwrites", None)
    assert told.client_ids == UNKNOWN


@pytest.mark.parametrize(
    ("answer", "unclear"),
    [
        (httpx.ReadError("gone"), True),
        (httpx.Response(502, text="a proxy"), True),
        (refusal(500), True),
        (httpx.Response(201, json={}), True),
        (refusal(422), False),
    ],
)
def test_a_create_whose_answer_does_not_tell_what_was_made_is_told(answer, unclear):
    def api(request):
        if request.method != "POST":
            return httpx.Response(200, json={"data": []})
        if isinstance(answer, Exception):
            raise answer
        return answer

    told = asked(api, lambda line: write_probes(line, "location"), clock=CountedClock())
    assert (told.unclear, told.left) == (unclear, ())
    assert told.why
