"""The form of one tiny example of what lint tells: lines of a small project, and for a mistake what is told about them.

Examples are data. ``lines`` are shown as they are written; a test lints every example and sees that and nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.docs.problem_example import visible
from tests.mapping.small_documents import PEOPLE, PROJECT

_KEY = re.compile(r"^(\w+):", re.MULTILINE)
_BLOCKS = re.compile(r"^(?=\S)", re.MULTILINE)


@dataclass(frozen=True)
class Example:
    """``lines`` are further fields of the people, unless ``file`` names another place: a document of the small project,
    whose keys they then take the place of, or a file of their own.

    ``beside`` is a further field, and ``more`` are files, that are needed for it; ``columns`` are those of the table beside
    the people's own three. ``mended`` are the lines put right, where few are. A byte that is no text is written as a
    surrogate. ``told_by`` is the command that tells it, where that is not lint.
    """

    lines: str
    told: str = ""
    mended: str = ""
    file: str = ""
    beside: str = ""
    columns: str = ""
    more: Mapping[str, str] = field(default_factory=dict)
    profile: str | None = None
    rows: bool = False
    is_mapped: bool = True
    told_by: str = ""

    @property
    def place(self) -> str:
        """The file in which the lines stand."""
        return self.file or "people.yaml"


def documents(example: Example, lines: str | None = None) -> dict[str, str]:
    """The files of an example's project, data included; with other ``lines`` where they are given."""
    told = example.lines if lines is None else lines
    fields = [example.beside] if example.file else [example.beside, told]
    header = ",".join(["PERSON_ID", "FIRST_NM", "LAST_NM", *filter(None, [example.columns])])
    found = {
        "project.yaml": PROJECT,
        "people.yaml": PEOPLE + "".join(f"  {line}\n" for each in fields for line in each.splitlines()),
        "data/PERSONS.csv": f"{header}\n{','.join('x' for _ in header.split(','))}\n",
        "scans/letter.pdf": "a letter\n",
        **example.more,
    }
    if example.file:
        found[example.file] = _with_keys(found.get(example.file, ""), told) if example.file.endswith(".yaml") else told
    if not example.is_mapped:
        del found["people.yaml"]
    return found


def written(folder: Path, files: Mapping[str, str]) -> Path:
    """The project of an example, in a folder of its own."""
    for name, text in files.items():
        path = folder / "small" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8", errors="surrogateescape")
    return folder / "small"


def shown(example: Example) -> str:
    """An example as it stands on the page."""
    files = {name: text for name, text in example.more.items() if not name.startswith("data/")}
    beside = f"{example.beside}\n" if example.beside else ""
    head = f"# {example.file}\n" if example.file and (not example.file.endswith(".csv") or not beside) else ""
    further = "".join(f"\n# {name}\n{_lines(text)}" for name, text in files.items())
    return f"```text\n{beside}{head}{_lines(example.lines)}{further}```\n{_answer(example)}"


def _answer(example: Example) -> str:
    command = example.told_by or (f"lint --profile {example.profile}" if example.profile else "")
    by = f" by `{command}`" if command else ""
    told = f"\n**Told{by}:**\n\n```text\n{_lines(example.told)}```\n" if example.told else ""
    return told + (f"\n**Mended:**\n\n```text\n{_lines(example.mended)}```\n" if example.mended else "")


def _lines(text: str) -> str:
    return f"{visible(text).rstrip()}\n"


def _with_keys(document: str, lines: str) -> str:
    """A document in which the keys that ``lines`` bring take the place of its own."""
    brought = set(_KEY.findall(lines))
    kept = [each for each in _BLOCKS.split(document) if each.partition(":")[0] not in brought]
    return "".join(kept) + lines.rstrip("\n") + "\n"
