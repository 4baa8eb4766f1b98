"""A small migration project in sight of the tests: each test changes one document of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from textwrap import dedent

import pytest

from etl.core.errors import MappingError, Mistake
from etl.mapping.model import Project
from etl.mapping.project import load_project

PROJECT = """\
project: small
timezone: America/New_York
sources:
  legacy: {csv: "data/*.csv", encoding: cp1252}
  docs: {files: scans}
profiles:
  sandbox: {base_url: "http://127.0.0.1:8089", token_url: "http://127.0.0.1:8089/oauth2/token", tenant: sandbox}
"""
PEOPLE = """\
mapping: people
target: person
source: legacy.PERSONS
key: PERSON_ID
fields:
  first_name: FIRST_NM
  last_name: LAST_NM
"""


class Desk:
    """Writes a project's documents and loads it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def write(self, documents: Mapping[str, str]) -> None:
        for name, text in documents.items():
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(dedent(text), encoding="utf-8")

    def load(
        self, documents: Mapping[str, str] = {}, *, environ: Mapping[str, str] = {}, profile: str | None = None
    ) -> Project:
        self.write({"project.yaml": PROJECT, "people.yaml": PEOPLE, **documents})
        return load_project(self.folder, profile=profile, environ=environ)

    def mistakes(
        self, documents: Mapping[str, str] = {}, *, environ: Mapping[str, str] = {}, profile: str | None = None
    ) -> tuple[Mistake, ...]:
        with pytest.raises(MappingError) as raised:
            self.load(documents, environ=environ, profile=profile)
        return raised.value.mistakes

    def mistake(self, documents: Mapping[str, str] = {}, *, environ: Mapping[str, str] = {}) -> Mistake:
        """The only mistake of the project."""
        found = self.mistakes(documents, environ=environ)
        assert len(found) == 1, "\n".join(map(str, found))
        return found[0]


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path / "mappings" / "small")


@pytest.fixture
def people_with() -> Callable[..., str]:
    """The people document with further lines under ``fields``."""
    return lambda *lines: PEOPLE + "".join(f"  {line}\n" for line in lines)
