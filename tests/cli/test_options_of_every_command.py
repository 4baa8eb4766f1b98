"""The options that commands share mean the same everywhere, and a value that means nothing is refused."""

from __future__ import annotations

import pytest
import typer.main
from typer.testing import CliRunner

from etl.cli import app

ASKED = ("demo", "lint", "validate", "plan", "run", "verify", "status", "where", "report", "graph")


@pytest.mark.parametrize("name", ASKED)
def test_quiet_verbose_and_no_color_are_taken(name):
    command = typer.main.get_command(app).commands[name]
    taken = {option for parameter in command.params for option in parameter.opts}
    assert {"--json", "--quiet", "-q", "--verbose", "-v", "--no-color"} <= taken


@pytest.mark.parametrize("name", ["demo", "validate", "plan", "run", "verify"])
def test_a_progress_that_does_not_exist_is_refused(name, tmp_path):
    ended = CliRunner().invoke(app, [name, str(tmp_path), "--progress", "nonsense"])
    assert ended.exit_code == 2
    assert "auto, plain, none" in ended.output.replace("\n", " ")


PROJECT = """\
project: p
timezone: UTC
sources: {s: {csv: "*.csv"}}
profiles: {q: {base_url: "https://a.example", token_url: "https://a.example/t", tenant: sandbox}}
"""


def test_quiet_lint_says_nothing_but_the_result(tmp_path):
    (tmp_path / "project.yaml").write_text(PROJECT)
    told = CliRunner().invoke(app, ["lint", str(tmp_path), "-v"])
    assert "Rules tried: no-mapping" in told.stderr
    assert CliRunner().invoke(app, ["lint", str(tmp_path), "-v", "--quiet"]).stderr == ""
