"""A small migration project in sight of the tests: each test changes a document of it and loads it.

In the documents of the tests ``¦`` marks the very character at which the mistake has to be told.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from textwrap import dedent

import pytest

from etl.core.errors import MappingError, Mistake
from etl.mapping.model import Field, Project
from etl.mapping.project import load_project
from tests.mapping.small_documents import CASES, PEOPLE, PROJECT

MARK = "¦"


class Desk:
    """Writes a project's documents and loads it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.marks: list[str] = []

    def write(self, documents: Mapping[str, str]) -> None:
        for name, marked in documents.items():
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            text = dedent(marked)
            if MARK in text:
                line, column = (
                    text[: text.index(MARK)].count("\n") + 1,
                    text.index(MARK) - text.rfind("\n", 0, text.index(MARK)),
                )
                self.marks.append(f"{name}:{line}:{column}")
            path.write_text(text.replace(MARK, ""), encoding="utf-8")

    def load(
        self,
        documents: Mapping[str, str] | None = None,
        *,
        environ: Mapping[str, str] | None = None,
        profile: str | None = None,
    ) -> Project:
        self.write({"project.yaml": PROJECT, "people.yaml": PEOPLE, **(documents or {})})
        return load_project(self.folder, profile=profile, environ=environ or {})

    def people(self, *lines: str) -> str:
        """The people document with further fields."""
        return PEOPLE + "".join(f"  {line}\n" for line in lines)

    def cases(self, *lines: str) -> str:
        """The document of cases, whose key has two parts, with further fields."""
        return CASES + "".join(f"  {line}\n" for line in lines)

    def project(self, *lines: str) -> str:
        """project.yaml with further lines."""
        return PROJECT + "".join(f"{line}\n" for line in lines)

    def field(self, line: str, documents: Mapping[str, str] | None = None) -> Field:
        """The resolved form of one more field of people."""
        project = self.load({"people.yaml": self.people(line), **(documents or {})})
        mapping = next(each for each in project.mappings if each.name == "people")
        return mapping.fields[-1]

    def field_mistake(self, line: str, documents: Mapping[str, str] | None = None) -> Mistake:
        """The one mistake of one more field of people."""
        return self.only_mistake({"people.yaml": self.people(line), **(documents or {})})

    def mistakes(
        self,
        documents: Mapping[str, str] | None = None,
        *,
        environ: Mapping[str, str] | None = None,
        profile: str | None = None,
    ) -> tuple[Mistake, ...]:
        with pytest.raises(MappingError) as raised:
            self.load(documents, environ=environ, profile=profile)
        return raised.value.mistakes

    def only_mistake(
        self,
        documents: Mapping[str, str] | None = None,
        *,
        environ: Mapping[str, str] | None = None,
        profile: str | None = None,
    ) -> Mistake:
        """The project's one mistake, which must stand at the mark."""
        found = self.mistakes(documents, environ=environ, profile=profile)
        assert len(found) == 1, "\n".join(map(str, found))
        assert f"{found[0].file}:{found[0].line}:{found[0].column}" == self.marks[0], str(found[0])
        return found[0]


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path / "mappings" / "small")
