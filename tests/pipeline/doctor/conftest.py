"""A small project, sandboxes of every kind of tenant, and the examination of one by the other."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from etl.catalog.loader import load_catalog
from etl.catalog.model import Catalog
from etl.cli.progress import QuietProgress
from etl.core.capabilities import Capabilities, Check
from etl.pipeline.chart import DoctorChoices
from etl.pipeline.doctor import Examination, examine
from etl.pipeline.projects import open_project
from etl.pipeline.wiring import Setting
from etl.sandbox import SandboxSettings, running
from etl.sandbox.server import Handle
from etl.sandbox.settings import Application

CATALOG = load_catalog("sandbox")
WRITTEN = ("person", "note", "case_person", "case")
"""The entities that the project writes: one of each way of asking."""
NEEDED = ("create", "list", "get", "update")
KEY = "ab" * 32

PROJECT = """
project: small
timezone: America/New_York
sources: {legacy: {csv: "*.csv", encoding: utf-8}}
profiles:
  sandbox: {base_url: "http://127.0.0.1:1", token_url: "http://127.0.0.1:1/oauth2/token", tenant: sandbox, quiet_s: 0.2}
"""
MAPPINGS = {
    "people": """
mapping: people
target: person
source: legacy.PERSONS
key: ID
fields: {first_name: FIRST, last_name: LAST, gender: {from: SEX, crosswalk: gender}}
""",
    "cases": """
mapping: cases
target: case
source: legacy.PERSONS
key: ID
fields: {name: LAST, case_type: {const: Prevention}, case_status: {const: Open}}
""",
    "case_people": """
mapping: case_people
target: case_person
source: legacy.PERSONS
key: ID
fields: {case: {ref: case, key: ID}, person: {ref: person, key: ID}, role: {const: Child}}
""",
    "notes": """
mapping: notes
target: note
source: legacy.PERSONS
key: ID
fields: {subject: {const: Old file}, body: FIRST, note_type: {const: General}, target: {ref: case, key: ID}}
""",
}


@dataclass(frozen=True)
class World:
    """A project at a sandbox."""

    setting: Setting
    sandbox: Handle

    def examine(self, *, write_probes: bool = True, witnesses: tuple[tuple[str, Any], ...] = ()) -> Examination:
        return examine(self.setting, QuietProgress(), DoctorChoices(write_probes, witnesses))

    def known(self, **choices: Any) -> Capabilities:
        found = self.examine(**choices).capabilities
        assert found is not None
        return found

    def as_application(self, client_id: str) -> World:
        environ = {
            **self.setting.environ,
            "CASEBOOK_SANDBOX_CLIENT_ID": client_id,
            "CASEBOOK_SANDBOX_CLIENT_SECRET": "s3",
        }
        return replace(self, setting=replace(self.setting, environ=environ))

    def with_profile(self, **changes: Any) -> World:
        return replace(self, setting=replace(self.setting, profile=replace(self.setting.profile, **changes)))

    def made(self, entity: str, count: int = 3, client_id: str = "sandbox", **parents: str) -> list[str]:
        """Records of an entity made by an application, such as staff in the office would."""
        secret = "sandbox" if client_id == "sandbox" else "s3"
        given = {"grant_type": "client_credentials", "client_id": client_id, "client_secret": secret}
        token = httpx.post(self.sandbox.token_url, data=given).json()["access_token"]
        return [self._made(entity, token, parents) for _ in range(count)]

    def _made(self, entity: str, token: str, parents: dict[str, str]) -> str:
        known = CATALOG.entity(entity)
        attributes = {"person": {"first_name": "Ann", "last_name": "Quill"}, "case": {"name": "Quill"}}
        given = dict(attributes.get(entity, {}))
        links = {
            name: _linkage(link.to[0])
            for name, link in known.links.items()
            if link.required and link.to[0] in CATALOG.lookups
        }
        for name, target_id in parents.items():
            link = known.links[name]
            if link.carried_as:
                given[link.carried_as] = target_id
            else:
                links[name] = {"data": {"type": CATALOG.entity(link.to[0]).type, "id": target_id}}
        body = {"data": {"type": known.type, "attributes": given, "relationships": links}}
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/vnd.api+json"}
        answer = httpx.post(f"{self.sandbox.base_url}{known.path}", json=body, headers=headers)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["data"]["id"])


def _linkage(lookup: str) -> dict[str, Any]:
    first = (CATALOG.options_of(lookup) or ())[0]
    return {"data": {"type": CATALOG.lookups[lookup].type, "id": first.id}}


def application(client_id: str, roles: dict[str, tuple[str, ...]], **settings: Any) -> Application:
    return Application(client_id, "s3", client_id, roles=roles, **settings)


def exact_roles(catalog: Catalog = CATALOG) -> dict[str, tuple[str, ...]]:
    """What the project needs and nothing else; the tenant's own lists are read by all."""
    nothing = dict.fromkeys(catalog.entities, ())
    return {**nothing, **dict.fromkeys(WRITTEN, NEEDED), "*": ("list", "get")}


def of(examination: Examination, name: str, standing: str = "failed") -> list[str]:
    """What the checks of a name with a standing are about."""
    return [each.about for each in examination.checks if (each.name, each.standing) == (name, standing)]


def check(examination: Examination, name: str, about: str = "") -> Check:
    return next(each for each in examination.checks if (each.name, each.about) == (name, about))


class Kit:
    CATALOG, WRITTEN, NEEDED = CATALOG, WRITTEN, NEEDED
    application = staticmethod(application)
    exact_roles = staticmethod(exact_roles)
    of = staticmethod(of)
    check = staticmethod(check)


@pytest.fixture
def kit() -> type[Kit]:
    """The functions above, since test folders are no packages."""
    return Kit


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "mappings" / "small"
    (folder / "crosswalks").mkdir(parents=True)
    (folder / "project.yaml").write_text(PROJECT)
    for name, text in MAPPINGS.items():
        (folder / f"{name}.yaml").write_text(text)
    (folder / "crosswalks" / "gender.csv").write_text("SEX,target\nF,Female\nM,Male\n")
    (folder / "PERSONS.csv").write_text("ID,FIRST,LAST,SEX\n1,Ana,Rivera,F\n2,Ben,Okafor,M\n3,Mia,Lind,F\n")
    return folder


@pytest.fixture
def world(project: Path) -> Iterator[Callable[..., World]]:
    """A sandbox with settings of one's own, and the project that loads into it."""
    with ExitStack() as stack:

        def make(**settings: Any) -> World:
            handle = stack.enter_context(running(SandboxSettings(**{"catalog": CATALOG, **settings})))
            setting = open_project(project, None, {"CASEBOOK_ETL_PROJECT_KEY": KEY})
            profile = replace(setting.profile, base_url=handle.base_url, token_url=handle.token_url)
            return World(replace(setting, profile=profile), handle)

        yield make
