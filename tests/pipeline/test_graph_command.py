"""`graph` shows the order and the references behind it, and says plainly where a drawing cannot be written."""

from __future__ import annotations

from pathlib import Path

from typer.testing import CliRunner

from etl.cli import app

PROJECT = str(Path(__file__).parents[2] / "mappings" / "demo_agency")


def test_a_drawing_that_cannot_be_written_is_told_with_what_to_do(tmp_path):
    ended = CliRunner().invoke(app, ["graph", PROJECT, "--svg", str(tmp_path / "missing" / "order.svg")])
    assert ended.exit_code == 2
    assert (
        "order.svg cannot be written (No such file or directory).\nName a file in a folder that exists." in ended.output
    )


def test_the_text_names_the_references_that_make_an_entity_wait():
    ended = CliRunner().invoke(app, ["graph", PROJECT])
    assert "\n  report_person after intake_report (report), person (person)\n" in ended.stdout
