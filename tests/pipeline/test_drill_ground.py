"""Where a drill takes place: asking whether a load is complete leaves no stream of the state open."""

from __future__ import annotations

from pathlib import Path

from etl.core.outcomes import RecordState
from etl.pipeline import runs
from etl.pipeline.drill_ground import Field, Ground
from etl.pipeline.silence import Silence
from etl.state.reader import SqlReader
from tests.pipeline.lone import losing, setting_at, write_project


def test_asking_whether_a_load_is_complete_reads_every_stream_to_its_end(tmp_path: Path, monkeypatch):
    project = write_project(tmp_path, "2,Bo,Rivera")
    open_streams: list[str] = []
    stream = SqlReader._stream

    def watched(self, query):
        open_streams.append("")
        yield from stream(self, query)
        open_streams.pop()

    with losing("reset_before_commit(entity=person)@POST") as sandbox:
        setting = setting_at(project, sandbox.base_url)
        runs.run(setting, Silence())
        place = Field(Ground(str(project), "sandbox", str(tmp_path / "runs")), setting, sandbox.oracle)
        assert {row.state for row in place.rows()} == {RecordState.UNCERTAIN}
        monkeypatch.setattr(SqlReader, "_stream", watched)
        assert not place.is_complete([])
        assert not open_streams
