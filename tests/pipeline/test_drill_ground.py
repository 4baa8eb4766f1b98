"""Where a drill takes place: asking whether a load is complete leaves no stream of the state open."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from etl.catalog.loader import load_catalog
from etl.core.outcomes import RecordState
from etl.pipeline import runs
from etl.pipeline.drill_ground import Field, Ground
from etl.pipeline.projects import open_project
from etl.pipeline.silence import Silence
from etl.sandbox import SandboxSettings, parse_faults, running
from etl.state.reader import SqlReader

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


def test_asking_whether_a_load_is_complete_reads_every_stream_to_its_end(tmp_path: Path, monkeypatch):
    (tmp_path / "project.yaml").write_text(PROJECT)
    (tmp_path / "people.yaml").write_text(MAPPING)
    (tmp_path / "PERSONS.csv").write_text("ID,FIRST,LAST\n1,Ana,Rivera\n2,Bo,Rivera\n")
    open_streams: list[str] = []
    stream = SqlReader._stream

    def watched(self, query):
        open_streams.append("")
        yield from stream(self, query)
        open_streams.pop()

    faults = parse_faults("reset_before_commit(entity=person)@POST")
    with running(SandboxSettings(catalog=load_catalog("sandbox"), faults=faults)) as sandbox:
        opened = open_project(tmp_path, None, {})
        url = sandbox.base_url
        setting = replace(opened, profile=replace(opened.profile, base_url=url, token_url=f"{url}/oauth2/token"))
        runs.run(setting, Silence())
        place = Field(Ground(str(tmp_path), "sandbox", str(tmp_path / "runs")), setting, sandbox.oracle)
        assert {row.state for row in place.rows()} == {RecordState.UNCERTAIN}
        monkeypatch.setattr(SqlReader, "_stream", watched)
        assert not place.is_complete([])
        assert not open_streams
