"""The options that commands share mean the same everywhere, and a value that means nothing is refused."""

from __future__ import annotations

import pytest
import typer.main
from typer.testing import CliRunner

from etl import __version__
from etl.cli import app


def commands(group, *names):
    """Every command, those of groups included, with how it is called."""
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, *names, name)
        else:
            yield pytest.param(command, id=" ".join([*names, name]))


@pytest.mark.parametrize("command", list(commands(typer.main.get_command(app))))
def test_every_command_takes_json_quiet_verbose_and_no_color(command):
    taken = {option for parameter in command.params for option in parameter.opts}
    assert {"--json", "--quiet", "-q", "--verbose", "-v", "--no-color"} <= taken


@pytest.mark.parametrize("name", ["init", "catalog show", "resolve", "state adopt"])
def test_what_is_said_beside_the_result_is_said_when_asked_for_and_not_quiet(name, tmp_path):
    arguments = [*name.split(), *([] if name == "catalog show" else [str(tmp_path / "new")]), "--no-color"]
    told = CliRunner().invoke(app, [*arguments, "-v"])
    assert told.stderr.splitlines()[-1].startswith(f"casebook-etl {__version__}: ")
    quiet = CliRunner().invoke(app, [*arguments, "-v", "-q"])
    assert "casebook-etl 0" not in quiet.stderr


@pytest.mark.parametrize("name", ["demo", "validate", "plan", "run", "verify"])
def test_a_progress_that_does_not_exist_is_refused(name, tmp_path):
    ended = CliRunner().invoke(app, [name, str(tmp_path), "--progress", "nonsense"])
    assert ended.exit_code == 2
    assert "auto, plain, none" in ended.output.replace("\n", " ")


@pytest.mark.parametrize(
    ("option", "value", "limit"),
    [
        ("--port", "99999", "65535"),
        ("--port", "-1", "equal to 0"),
        ("--rps", "-1", "0.001"),
        ("--rps", "0", "0.001"),
        ("--rps", "nan", "0.001"),
    ],
)
def test_a_number_that_a_sandbox_cannot_serve_by_is_refused_with_its_limit(option, value, limit, monkeypatch):
    served = []
    monkeypatch.setattr("etl.pipeline.sandboxes.serve_sandbox", lambda *settings: served.append(settings))
    ended = CliRunner().invoke(app, ["sandbox", option, value])
    assert (ended.exit_code, served) == (2, [])
    assert f"'{option}'" in ended.output
    assert limit in ended.output


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
