"""Every YAML example is laid over a shipped project and loaded; every console block is played."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from etl.core.strict_yaml import read_document
from etl.mapping.columns import check_columns
from etl.mapping.project import load_project
from etl.pipeline.projects import open_project

Columns = dict[str, tuple[str, ...]]


@pytest.fixture(scope="session")
def headers(root: Path) -> dict[str, Columns]:
    """The columns of every table of the shipped projects."""
    return {name: _headers(root / "mappings" / name) for name in ("demo_agency", "hmis", "hsds")}


def _headers(folder: Path) -> Columns:
    environ = {name: value for name, value in os.environ.items() if name != "HMIS_EXPORT"}
    sources = open_project(folder, None, environ).sources()
    return {
        f"{source.name}.{table}": tuple(next(iter(source.read(table, 1))).schema.names[3:])
        for source in sources
        for table in source.tables()
    }


def _plain(text: str) -> Any:
    return read_document(text, "example").value


def _lay_over(folder: Path, kind: str, words: tuple[str, ...], content: dict[str, Any]) -> None:
    """Puts an example in the place of what the shipped project says there."""
    if kind == "project":
        path = folder / "project.yaml"
        merged = {**_plain(path.read_text("utf-8")), **content}
    elif kind == "mapping":
        path = next(
            (
                each
                for each in folder.glob("*.yaml")
                if _plain(each.read_text("utf-8")).get("mapping") == content["mapping"]
            ),
            folder / "example.yaml",
        )
        merged = content
        (folder / "overrides" / f"{content['mapping']}.csv").unlink(missing_ok=True)  # it corrects what was replaced
    else:
        path = next(
            each for each in folder.glob("*.yaml") if _plain(each.read_text("utf-8")).get("mapping") == words[1]
        )
        whole = _plain(path.read_text("utf-8"))
        merged = {**whole, "fields": {**whole["fields"], **content}}
    path.write_text(json.dumps(merged, ensure_ascii=False), "utf-8")  # JSON is YAML in which every text is quoted


def test_every_yaml_example_is_part_of_a_project_that_loads(
    example: Any, root: Path, tmp_path: Path, headers: dict[str, Columns]
) -> None:
    if example.setting("file"):
        pytest.skip("played with the console blocks of its document")
    kind = example.words[0] if example.words else ""
    assert kind in {"project", "mapping", "fields"}, f"{example}: say what the example is part of"
    name = example.setting("project", "demo_agency")
    folder = tmp_path / "mappings" / name
    shutil.copytree(root / "mappings" / name, folder)
    _lay_over(folder, kind, example.words, _plain(example.text))

    project = load_project(folder, environ={})

    unknown = [each for each in check_columns(project, headers[name]) if each.code == "unknown_column"]
    assert unknown == []


@pytest.mark.timeout(900)  # README is a whole migration, a process a command
def test_every_console_block_shows_what_really_comes_out(played: Path, tmp_path: Path, sessions: ModuleType) -> None:
    with sessions.Session(tmp_path) as session:
        differences, _ = session.play(played.read_text("utf-8"))
    assert not differences, "\n\n".join(map(str, differences))


def test_an_output_that_is_not_shown_so_is_found_out(tmp_path: Path, sessions: ModuleType) -> None:
    document = "```console\n$ printf 'one\\ntwo\\n'\none\nthree\n$ false\n$ true\n$ false\n$ echo $?\n1\n```\n"
    with sessions.Session(tmp_path) as session:
        differences, renewed = session.play(document)
    assert [each.command for each in differences] == ["printf 'one\\ntwo\\n'", "true"]
    assert "one\ntwo\n$ false" in renewed
