"""The client as its callers meet it: tokens, repeats, pages, and what it never tells."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections import Counter
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs

import httpx
import pytest

from etl.casebook.client import CasebookClient
from etl.casebook.clock import SystemClock
from etl.core.errors import (
    CatalogMismatch,
    EtlError,
    ResponseLost,
    SettingsError,
    TargetBusy,
    TargetRefused,
)
from etl.core.records import Document, TargetId
from tests.casebook.conftest import PERSON_ID, SECRET, CountedClock, Tenant, created, person, refused, replies, run


def people(*ids: str, **top: Any) -> httpx.Response:
    data = [{"type": "people", "id": each, "attributes": {"last_name": each}} for each in ids]
    return httpx.Response(200, json={"data": data, **top})


async def names(client: CasebookClient, **asked: Any) -> list[str]:
    return [each.id async for each in client.list("person", **asked)]


# ---------------------------------------------------------------- tokens


def test_many_refused_tokens_cause_one_renewal() -> None:
    tokens = iter(["old", "new", "never"])

    def api(request: httpx.Request) -> httpx.Response:
        return created(request) if request.headers["authorization"] == "Bearer new" else refused(401)

    tenant = Tenant(api, token=lambda _: httpx.Response(200, json={"access_token": next(tokens), "expires_in": 3600}))

    async def body(client: CasebookClient) -> None:
        await asyncio.gather(*(client.create(person()) for _ in range(8)))

    run(tenant, body)
    assert tenant.paths().count("POST /oauth2/token") == 2


def test_a_late_refusal_of_an_old_token_does_not_discard_the_new_one() -> None:
    tokens = iter(["old", "new", "never"])
    tenant = Tenant(created, token=lambda _: httpx.Response(200, json={"access_token": next(tokens)}))

    async def body(client: CasebookClient) -> list[str]:
        kept = client._session._tokens
        given = [await kept.current()]
        for _ in range(2):
            kept.discard("old")
            given.append(await kept.current())
        return given

    assert run(tenant, body) == ["old", "new", "new"]


def test_a_token_refused_after_renewal_stops() -> None:
    tenant = Tenant(lambda _: refused(401))
    with pytest.raises(TargetRefused) as caught:
        run(tenant, lambda client: client.create(person()))
    assert caught.value.status == 401
    assert tenant.paths().count("POST /people/people") == 2
    assert tenant.paths().count("POST /oauth2/token") == 2


def test_a_401_of_somebody_else_is_no_reason_to_create_again() -> None:
    tenant = Tenant(lambda _: httpx.Response(401, text="<html>log in</html>"))
    with pytest.raises(ResponseLost):
        run(tenant, lambda client: client.create(person()))
    assert tenant.paths().count("POST /people/people") == 1


@pytest.mark.parametrize(
    ("answer", "life_s"),
    [({"expires_in": 100}, 80), ({}, 44 * 60), ({"expires_in": "x"}, 44 * 60), ({"expires_in": -1}, 44 * 60)],
)
def test_a_token_is_renewed_at_four_fifths_of_its_life(answer: dict[str, Any], life_s: float) -> None:
    tenant = Tenant(created, token=lambda _: httpx.Response(200, json={"access_token": "t", **answer}))

    async def body(client: CasebookClient) -> list[int]:
        counts = []
        for pause_s in (0, life_s - 1, 2):
            tenant.clock.elapsed_s += pause_s
            await client.create(person())
            counts.append(tenant.paths().count("POST /oauth2/token"))
        return counts

    assert run(tenant, body) == [1, 1, 2]


@pytest.mark.parametrize("status", [400, 401, 403])
def test_refused_credentials_name_the_variable_to_check(status: int) -> None:
    tenant = Tenant(created, token=lambda _: httpx.Response(status, json={"error": "invalid_client", "secret": SECRET}))
    with pytest.raises(TargetRefused, match="CASEBOOK_LIVE_CLIENT_SECRET") as caught:
        run(tenant, lambda client: client.create(person()))
    assert SECRET not in repr(caught.value)
    assert tenant.paths() == ["POST /oauth2/token"]


def test_without_a_token_nothing_was_created() -> None:
    tenant = Tenant(created, token=lambda _: httpx.Response(502))
    with pytest.raises(TargetBusy):
        run(tenant, lambda client: client.create(person()))
    assert set(tenant.paths()) == {"POST /oauth2/token"}


@pytest.mark.parametrize("body", [b"", b"<html>", b'{"access_token": ""}', b'{"access_token": "a\\r\\nb"}', b"[]"])
def test_an_answer_without_a_token_stops(body: bytes) -> None:
    tenant = Tenant(created, token=lambda _: httpx.Response(200, content=body))
    with pytest.raises(TargetRefused):
        run(tenant, lambda client: client.create(person()))


def test_the_secret_travels_in_the_body_unless_the_profile_says_query() -> None:
    for where in ("body", "query"):
        tenant = Tenant(created, profile={"token_params_in": where})
        run(tenant, lambda client: client.create(person()))
        (asked, _) = tenant.seen
        text = asked.content.decode() if where == "body" else asked.url.query.decode()
        assert parse_qs(text)["client_secret"] == [SECRET]
        assert (asked.url.query == b"") == (where == "body")


# ---------------------------------------------------------------- repeats


def test_a_busy_server_slows_everybody_by_what_it_asks() -> None:
    tenant = Tenant(replies(refused(429, **{"retry-after": "9"}), created(httpx.Request("POST", "https://x"))))
    run(tenant, lambda client: client.create(person()))
    assert tenant.clock.slept
    assert 9 <= max(tenant.clock.slept) <= 9.9


def test_one_busy_answer_holds_back_the_requests_of_others_too() -> None:
    sent_at: list[float] = []

    def api(request: httpx.Request) -> httpx.Response:
        sent_at.append(time.monotonic())
        return refused(429, **{"retry-after": "0.2"}) if len(sent_at) == 1 else created(request)

    tenant = Tenant(api, clock=SystemClock(), profile={"concurrency": 1})

    async def body(client: CasebookClient) -> None:
        await asyncio.gather(*(client.create(person()) for _ in range(4)))

    run(tenant, body)
    assert len(sent_at) == 5
    assert sent_at[1] - sent_at[0] >= 0.2


def test_a_storm_of_429_ends_within_bounds_and_says_how_long_to_wait() -> None:
    tenant = Tenant(lambda _: refused(429, **{"retry-after": "1"}))
    with pytest.raises(TargetBusy) as caught:
        run(tenant, lambda client: client.create(person()))
    assert caught.value.retry_after_s == 1
    assert tenant.paths().count("POST /people/people") == 5


def test_a_create_that_never_left_is_sent_again() -> None:
    tenant = Tenant(replies(httpx.ConnectError("no"), created(httpx.Request("POST", "https://x"))))
    assert run(tenant, lambda client: client.create(person())).id == PERSON_ID


@pytest.mark.parametrize(
    "failure",
    [httpx.ReadError("x"), httpx.RemoteProtocolError("x"), httpx.WriteTimeout("x"), httpx.Response(503), refused(409)],
)
def test_a_create_whose_answer_is_lost_is_sent_once(failure: httpx.Response | Exception) -> None:
    tenant = Tenant(replies(failure))
    with pytest.raises(ResponseLost):
        run(tenant, lambda client: client.create(person()))
    assert tenant.paths().count("POST /people/people") == 1


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_never_followed(status: int) -> None:
    tenant = Tenant(lambda _: httpx.Response(status, headers={"location": "https://elsewhere.example/"}))
    for call in (lambda client: client.create(person()), lambda client: client.get("person", TargetId("1"))):
        with pytest.raises(TargetRefused, match="redirects"):
            run(tenant, call)
    assert {each.url.host for each in tenant.seen} == {"login.casebook.example", "api.casebook.example"}


def test_a_delete_that_was_lost_and_is_gone_counts_as_ours() -> None:
    lost = Tenant(replies(httpx.ReadError("x"), refused(404)))
    assert run(lost, lambda client: client.delete("person", TargetId("1"))) is True
    assert run(Tenant(lambda _: refused(404)), lambda client: client.delete("person", TargetId("1"))) is False


def test_an_answer_that_is_no_document_stops_a_read() -> None:
    tenant = Tenant(lambda _: httpx.Response(200, text="<html>welcome</html>"))
    with pytest.raises(TargetRefused, match="JSON:API"):
        run(tenant, lambda client: client.get("person", TargetId("1")))


def test_an_empty_201_is_completed_from_its_address_on_the_same_path_only() -> None:
    def api(location: str) -> Callable[[httpx.Request], httpx.Response]:
        def answer(request: httpx.Request) -> httpx.Response:
            if request.method == "POST":
                return httpx.Response(201, headers={"location": location})
            return httpx.Response(200, json=created(request).json())

        return answer

    found = run(Tenant(api(f"/people/people/{PERSON_ID}")), lambda client: client.create(person()))
    assert found.id == PERSON_ID
    for elsewhere in ("https://evil.example/people/people/1", "/cases/cases/1", "/people/people/", "http://["):
        tenant = Tenant(api(elsewhere))
        with pytest.raises(ResponseLost):
            run(tenant, lambda client: client.create(person()))
        assert [each.method for each in tenant.seen] == ["POST", "POST"]


def test_requests_are_counted_by_verb_and_status_and_told_without_values() -> None:
    tenant = Tenant(
        replies(
            refused(429, **{"retry-after": "0"}), httpx.ConnectError("no"), created(httpx.Request("POST", "https://x"))
        )
    )

    async def body(client: CasebookClient) -> Counter[tuple[str, int]]:
        await client.create(person())
        return Counter(client.requests)

    assert run(tenant, body) == {("POST", 200): 1, ("POST", 429): 1, ("POST", 0): 1, ("POST", 201): 1}
    assert [(each.entity, each.status, each.attempt) for each in tenant.events] == [
        ("token", 200, 1),
        ("person", 429, 1),
        ("person", None, 2),
        ("person", 201, 3),
    ]


# ---------------------------------------------------------------- updates and pages


def test_custom_fields_are_read_and_merged_because_a_tenant_may_replace_them() -> None:
    kept = {"migrationKey": "mg1-keep", "legacyNumber": "1"}

    def api(request: httpx.Request) -> httpx.Response:
        if request.method == "GET":
            data = {"type": "people", "id": PERSON_ID, "attributes": {"custom_fields": kept}}
            return httpx.Response(200, json={"data": data})
        return httpx.Response(204)

    tenant = Tenant(api)
    document = Document("person", {"custom_fields": {"legacyNumber": "2"}})
    run(tenant, lambda client: client.update(TargetId(PERSON_ID), document))
    sent = json.loads(tenant.seen[-1].content)
    assert sent["data"]["attributes"]["custom_fields"] == {"migrationKey": "mg1-keep", "legacyNumber": "2"}


def test_a_server_that_gives_small_pages_without_saying_so_is_read_to_the_end() -> None:
    ids = [f"p{number}" for number in range(25)]

    def api(request: httpx.Request) -> httpx.Response:
        start = (int(request.url.params["page[number]"]) - 1) * 10
        return people(*ids[start : start + 10])

    assert run(Tenant(api), names) == ids


def test_a_page_size_that_is_refused_falls_back_to_ten() -> None:
    def api(request: httpx.Request) -> httpx.Response:
        return people("a") if request.url.params["page[size]"] == "10" else refused(400)

    tenant = Tenant(api)

    async def body(client: CasebookClient) -> list[str]:
        return [*await names(client), *await names(client)]

    assert run(tenant, body) == ["a", "a"]
    assert len(tenant.seen) == 1 + 2 + 1


@pytest.mark.parametrize(
    "link",
    ["https://evil.example/people/people?page=2", "http://api.casebook.example/people/people", "/cases/cases?x=1"],
)
def test_a_next_page_elsewhere_is_refused(link: str) -> None:
    tenant = Tenant(lambda _: people("a", links={"next": link}))
    with pytest.raises(TargetRefused, match="outside its own collection"):
        run(tenant, names)
    assert {each.url.host for each in tenant.seen} == {"login.casebook.example", "api.casebook.example"}


def test_a_next_page_that_comes_again_is_refused() -> None:
    tenant = Tenant(lambda request: people(str(len(request.url.query)), links={"next": "/people/people?page=2"}))
    with pytest.raises(TargetRefused, match="again"):
        run(tenant, names)


def test_a_server_that_ignores_paging_is_refused() -> None:
    tenant = Tenant(lambda _: people(*(f"p{number}" for number in range(12))))
    with pytest.raises(TargetRefused, match="again and again"):
        run(tenant, names)


def test_a_record_that_slides_onto_the_next_page_is_given_once() -> None:
    pages = {"1": ["a", "b"], "2": ["b", "c"], "3": []}

    def api(request: httpx.Request) -> httpx.Response:
        number = request.url.params["page[number]"]
        return people(
            *pages[number],
            links={"next": f"/people/people?page[number]={int(number) + 1}"} if pages[number] else {"next": None},
        )

    assert run(Tenant(api), names) == ["a", "b", "c"]


def test_hits_are_compared_again_where_the_value_shows() -> None:
    tenant = Tenant(lambda _: people("Garcia", "GARCIA", "Lee"))
    assert run(tenant, lambda client: names(client, filters={"last_name": "Garcia"})) == ["Garcia"]


def test_a_label_with_several_ids_is_no_option() -> None:
    rows = [("1", "Female"), ("2", "Male"), ("3", "Male")]
    data = [{"type": "genders", "id": each, "attributes": {"name": name}} for each, name in rows]
    tenant = Tenant(lambda _: httpx.Response(200, json={"data": data, "links": {"next": None}}))

    async def body(client: CasebookClient) -> list[Any]:
        return await asyncio.gather(*(client.options("gender") for _ in range(5)))

    assert run(tenant, body) == [{"Female": "1"}] * 5
    assert len(tenant.seen) == 2


def test_what_the_catalogue_does_not_know_is_a_mismatch() -> None:
    for call in (
        lambda client: client.options("nothing"),
        lambda client: client.create(Document("person", {}, {"nobody": None})),
    ):
        with pytest.raises(CatalogMismatch):
            run(Tenant(created), call)


# ---------------------------------------------------------------- what is never told


@pytest.mark.parametrize(
    "address", ["http://api.casebook.example", "https://u:p@api.casebook.example", "ftp://x", "x", "https://["]
)
@pytest.mark.parametrize("which", ["base_url", "token_url"])
def test_peoples_data_is_sent_to_no_open_address(which: str, address: str) -> None:
    from etl.mapping.model import Profile  # noqa: PLC0415 - only this test makes a wrong one
    from tests.casebook.conftest import CATALOG  # noqa: PLC0415 - likewise

    addresses = {"base_url": "https://a.example", "token_url": "https://b.example", which: address}
    with pytest.raises(SettingsError, match=which):
        CasebookClient(Profile("p", tenant="t", **addresses), CATALOG, None)  # type: ignore[arg-type] # never reached


@pytest.mark.parametrize(
    "answer",
    [
        lambda request: refused(422, {"code": "c", "title": "t", "detail": "Garcia " + SECRET}),
        lambda request: refused(403, {"detail": "Garcia " + SECRET}),
        lambda request: httpx.Response(500, text="Garcia " + SECRET),
        lambda request: httpx.Response(302, headers={"location": f"https://x/?q=Garcia{SECRET}"}),
        lambda request: httpx.Response(200, text="Garcia" + SECRET),
        replies(httpx.ReadError("Garcia " + SECRET)),
        replies(httpx.ConnectError("Garcia " + SECRET)),
    ],
)
@pytest.mark.parametrize("where", ["api", "token"])
def test_no_error_event_or_log_line_tells_a_secret_or_a_person(
    where: str, answer: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    tenant = Tenant(created, profile={"token_params_in": "query"})
    setattr(tenant, where, answer)
    document = Document("person", {"last_name": "Garcia", "first_name": "Ana"})
    for call in (
        lambda client: client.create(document),
        lambda client: client.update(TargetId("1"), document),
        lambda client: names(client, filters={"last_name": "Garcia"}),
    ):
        with pytest.raises(EtlError) as caught:
            run(tenant, call)
        told = [str(caught.value), repr(caught.value), repr(vars(caught.value)), caplog.text, repr(tenant.events)]
        cause = caught.value.__cause__
        assert cause is None
        assert not any(word in text for text in told for word in ("Garcia", SECRET, "canary"))


def test_the_clock_of_these_tests_never_waits() -> None:
    clock = CountedClock()
    asyncio.run(clock.sleep(5))
    assert clock.monotonic() == 1005
