"""Links lead somewhere, and no text speaks of one machine."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

_TEXTS = {
    "",
    ".cfg",
    ".csv",
    ".html",
    ".j2",
    ".json",
    ".lark",
    ".lock",
    ".md",
    ".py",
    ".sql",
    ".toml",
    ".txt",
    ".yaml",
    ".yml",
}
_TRACKED = ("docs", "etl", "mappings", "sample_data", "tests", ".ci")
_LINK = re.compile(r"\[[^\]]*\]\((?P<to>[^)\s]+)\)")
_OF_ONE_MACHINE = re.compile(
    r"(?<![\w.~}/])/(?:work|home|root|Users|opt)/\w"
    r"|[A-Z]:\\\\?Users"
    r"|pypi\.org/simple|files\.pythonhosted|(?:^|\s)--(?:extra-)?index-url|PIP_(?:EXTRA_)?INDEX_URL|artifactory|jfrog",
    re.MULTILINE,
)


def _tracked(root: Path) -> Iterator[Path]:
    places = [*root.iterdir(), *(path for name in _TRACKED for path in (root / name).rglob("*"))]
    return (path for path in places if path.is_file() and path.suffix in _TEXTS and "__pycache__" not in path.parts)


def test_every_link_between_texts_leads_somewhere(document: Path, reference_pages: ModuleType) -> None:
    for found in _LINK.finditer(document.read_text("utf-8")):
        target, _, anchor = found["to"].partition("#")
        if "://" in target:
            continue
        page = document.parent / target if target else document
        assert page.exists(), found["to"]
        assert not anchor or anchor in reference_pages.anchors(page.read_text("utf-8")), found["to"]


def test_every_page_can_be_reached_from_the_readme(root: Path) -> None:
    readme = (root / "README.md").read_text("utf-8")
    unreached = [each.name for each in (root / "docs").glob("*.md") if f"docs/{each.name}" not in readme]
    assert unreached == []


def test_no_text_names_a_place_of_one_machine_or_a_package_index(root: Path) -> None:
    named = [
        f"{path.relative_to(root)}: {found[0].strip()}"
        for path in _tracked(root)
        for found in _OF_ONE_MACHINE.finditer(path.read_text("utf-8", errors="replace"))
        if not path.is_relative_to(root / "tests")
    ]
    assert named == []


def test_no_tracked_text_names_the_folder_that_this_checkout_lies_in(root: Path) -> None:
    place = f"{root.resolve()}/"
    assert [str(path) for path in _tracked(root) if place in path.read_text("utf-8", errors="replace")] == []
