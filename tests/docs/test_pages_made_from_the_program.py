"""Reference pages equal what the program says of itself."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import pytest
import typer.main

from etl.cli import app
from etl.core.problems import problem_codes


@pytest.mark.parametrize("page", ["commands.md", "lint.md", "problems.md"])
def test_the_page_is_what_the_program_says_now(page: str, root: Path, reference_pages: ModuleType) -> None:
    made = reference_pages.PAGES[page]()
    assert (root / "docs" / page).read_text("utf-8") == made, "run: python tests/docs/reference_pages.py"


def test_every_command_has_a_help_text_and_an_example(reference_pages: ModuleType) -> None:
    for name, command in reference_pages.leaves(typer.main.get_command(app)):
        assert command.help, name
        assert command.epilog.startswith(f"Example: casebook-etl {name}"), name


def test_every_option_says_what_it_is_for(reference_pages: ModuleType) -> None:
    commands = reference_pages.leaves(typer.main.get_command(app))
    silent = [(name, each.name) for name, command in commands for each in command.params if not each.help]
    assert silent == []


def test_every_problem_code_has_a_section(reference_pages: ModuleType) -> None:
    page = reference_pages.problems_page()
    assert {each.code for each in problem_codes() if f"### `{each.code}`\n" not in page} == set()
