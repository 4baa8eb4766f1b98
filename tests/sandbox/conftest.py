"""A client in the same process, and the documents the tests send."""

import asyncio
from collections.abc import Iterator
from functools import lru_cache

import httpx
import pytest

from etl.catalog.loader import load_catalog
from etl.sandbox import SandboxSettings, create_app

JSON_API = "application/vnd.api+json"
CREDENTIALS = {"grant_type": "client_credentials", "client_id": "sandbox", "client_secret": "sandbox"}


@lru_cache
def sandbox_catalog():
    return load_catalog("sandbox")


class Client:
    """Speaks to one sandbox in-process; every request carries the bearer token unless headers are given."""

    def __init__(self, **settings):
        self.app = create_app(SandboxSettings(**{"catalog": sandbox_catalog(), **settings}))
        self.oracle = self.app.state.oracle
        self._runner = asyncio.Runner()
        self._http = httpx.AsyncClient(transport=httpx.ASGITransport(self.app), base_url="http://sandbox.example")
        self._token = None

    def raw(self, method, path, **arguments):
        return self._runner.run(self._http.request(method, path, **arguments))

    def together(self, *requests):
        async def all_of_them():
            return await asyncio.gather(*(self._http.request(*request) for request in requests))

        return self._runner.run(all_of_them())

    def wait(self, seconds):
        self._runner.run(asyncio.sleep(seconds))

    def login(self, client_id="sandbox", client_secret=CREDENTIALS["client_secret"]):
        answer = self.raw(
            "POST", "/oauth2/token", data={**CREDENTIALS, "client_id": client_id, "client_secret": client_secret}
        )
        assert answer.status_code == 200
        self._token = answer.json()["access_token"]
        return self

    @property
    def bearer(self):
        if self._token is None:
            self.login()
        return {"Authorization": f"Bearer {self._token}"}

    def get(self, path, **parameters):
        return self.raw("GET", path, params=parameters, headers=self.bearer)

    def post(self, path, document):
        return self.raw("POST", path, json=document, headers={**self.bearer, "Content-Type": JSON_API})

    def patch(self, path, document):
        return self.raw("PATCH", path, json=document, headers={**self.bearer, "Content-Type": JSON_API})

    def delete(self, path):
        return self.raw("DELETE", path, headers=self.bearer)

    def form(self, method, path, text):
        headers = {**self.bearer, "Content-Type": "application/x-www-form-urlencoded"}
        return self.raw(method, path, content=text.encode(), headers=headers)

    def create(self, path, attributes=None, **links):
        answer = self.post(path, document(path, attributes, **links))
        assert answer.status_code == 201, answer.text
        return answer.json()["data"]["id"]

    def person(self, last_name="Quill", **attributes):
        return self.create("/people/people", {"first_name": "Ann", "last_name": last_name, **attributes})

    def case(self, name="Household", **attributes):
        return self.create(
            "/cases/cases",
            {"name": name, **attributes},
            case_type=("case_types", option("case_type", "Housing")),
            case_status=("case_statuses", option("case_status", "Open")),
        )

    def close(self):
        self._runner.run(self._http.aclose())
        self._runner.close()
        self.app.state.close()


def document(path, attributes=None, record_id=None, **links):
    """A JSON:API document; a link is (type, id), a list of such pairs, or None."""
    data = {"type": path.rsplit("/", 1)[-1], "attributes": attributes or {}}
    if links:
        data["relationships"] = {name: {"data": linkage(value)} for name, value in links.items()}
    if record_id:
        data["id"] = record_id
    return {"data": data}


def linkage(value):
    if isinstance(value, list):
        return [linkage(item) for item in value]
    return value and {"type": value[0], "id": value[1]}


def option(name, label):
    return next(row.id for row in sandbox_catalog().options_of(name) if row.label == label)


def errors(answer):
    return [(error["code"], error.get("source", {}).get("pointer", "")) for error in answer.json()["errors"]]


@pytest.fixture
def sandbox_of() -> Iterator:
    opened = []

    def make(**settings):
        opened.append(Client(**settings))
        return opened[-1]

    yield make
    for client in opened:
        client.close()


@pytest.fixture
def sandbox(sandbox_of):
    return sandbox_of()


@pytest.fixture
def kit():
    """The functions above, since test folders are no packages."""
    return Kit


class Kit:
    document = staticmethod(document)
    option = staticmethod(option)
    errors = staticmethod(errors)
    catalog = staticmethod(sandbox_catalog)
    JSON_API = JSON_API
    CREDENTIALS = CREDENTIALS
    Client = Client
