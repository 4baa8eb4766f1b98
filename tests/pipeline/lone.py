"""The smallest project that loads: one mapping, one table, one person, and a sandbox that loses the first create."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from etl.catalog.loader import load_catalog
from etl.pipeline.projects import open_project
from etl.pipeline.wiring import Setting
from etl.sandbox import Handle, SandboxSettings, parse_faults, running

PROJECT = """
project: lone
timezone: America/New_York
sources: {legacy: {csv: "*.csv", encoding: utf-8}}
profiles:
  sandbox: {base_url: "http://127.0.0.1:1", token_url: "http://127.0.0.1:1/oauth2/token", tenant: sandbox, quiet_s: 0.2}
"""
MAPPING = """
mapping: people
target: person
source: legacy.PERSONS
key: ID
fields: {first_name: FIRST, last_name: LAST}
"""
LOSES_THE_FIRST = "reset_before_commit(entity=person)@POST:first=1"


def write_project(folder: Path, *more_rows: str) -> Path:
    """The project, with more rows of its table than one where they are given."""
    project = folder / "mappings" / "lone"
    project.mkdir(parents=True)
    (project / "project.yaml").write_text(PROJECT)
    (project / "people.yaml").write_text(MAPPING)
    (project / "PERSONS.csv").write_text("\n".join(["ID,FIRST,LAST", "1,Ana,Rivera", *more_rows, ""]))
    return project


def setting_at(project: Path, url: str) -> Setting:
    """The project, to be loaded into the sandbox at an address."""
    setting = open_project(project, None, {})
    return replace(setting, profile=replace(setting.profile, base_url=url, token_url=f"{url}/oauth2/token"))


@contextmanager
def losing(faults: str = LOSES_THE_FIRST) -> Iterator[Handle]:
    """A sandbox with these faults."""
    with running(SandboxSettings(catalog=load_catalog("sandbox"), faults=parse_faults(faults))) as sandbox:
        yield sandbox
