"""``init``: a folder in which a migration begins, with everything that a reader asks for first and no decision made.

Mapping documents lie beside project.yaml, as the mapping language has it; `scaffold` drafts them.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit
from zoneinfo import available_timezones

from etl.core.errors import SettingsError
from etl.core.suggest import did_you_mean
from etl.pipeline.offered import declarations

DATA = "data"
_GITIGNORE = f"""# People's data, keys and what runs leave behind never belong into version control.
/{DATA}/
/runs/
*.key
*.draft
/schema/
"""
_PROJECT = """# What the legacy system is, where its data lies, and where it goes. Docs: docs/mapping-language.md
project: {name}
timezone: {timezone}

sources:
{sources}

profiles:
  sandbox: # a rehearsal on this machine: casebook-etl sandbox
    base_url: "http://127.0.0.1:8089"
    token_url: "http://127.0.0.1:8089/oauth2/token"
    tenant: sandbox
    quiet_s: 2

# What happens where data goes wrong: hold the record back, and say so. What the source has no more stays in Casebook.
defaults: {{on_error: quarantine, on_unmapped: quarantine, on_missing: block, send_null: omit}}
"""
_README = """# {name}: moving the old system's data into Casebook

For the data owner: you need no program to work on this, only a text editor and a spreadsheet.

| file | what it is | your part |
|---|---|---|
| `project.yaml` | where the old data lies; under `ignore` what is left behind, and why | give each reason in your own words |
| `*.yaml` | one file for each kind of record: which old column fills which field | answer what is marked `# decide:` |
| `crosswalks/*.csv` | the old system's codes and what they are called in Casebook | fill the column `target` |
| `{data}/` | a place for exports; it stays out of version control | put exports here, never into e-mail |

An empty `target` is an open decision: its records wait until somebody decides. Nothing is guessed for you.

Step by step:

```
casebook-etl inspect .     what the old data holds, and what is broken in it
casebook-etl scaffold .    drafts of all files, made from the data
casebook-etl lint .        what is still wrong or missing in them
casebook-etl test .        tries the examples that stand beside the mappings
casebook-etl validate .    a dry run: which records would load, and why the others would not
```

## Decisions

Write down here who decided what, and when.
"""


@dataclass(frozen=True, slots=True)
class NewProject:
    """What a new project is asked to be; ``sources`` are places or NAME=PLACE, as typed in ``typed_in``."""

    folder: Path
    name: str
    timezone: str
    sources: tuple[str, ...]
    typed_in: Path


def start_project(wanted: NewProject) -> list[Path]:
    """Makes the folder and its files; returns their paths. Raises SettingsError where the folder holds something."""
    files = _files(wanted)
    if wanted.folder.exists() and (not wanted.folder.is_dir() or any(wanted.folder.iterdir())):
        hint = "Name a folder that does not exist yet, or an empty one."
        raise SettingsError(f"{wanted.folder} is not empty, and nothing is ever overwritten.", hint=hint)
    for name in ("crosswalks", DATA):
        (wanted.folder / name).mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (wanted.folder / name).write_text(text, encoding="utf-8")
    return [wanted.folder / name for name in files]


def _files(wanted: NewProject) -> dict[str, str]:
    if wanted.timezone not in available_timezones():
        hint = did_you_mean(wanted.timezone, available_timezones()) or "Such as America/New_York."
        raise SettingsError(f"Unknown time zone {wanted.timezone}.", hint=hint)
    name = _name(wanted.name)
    sources = "\n".join(_sources(wanted)) or f'  legacy: {{csv: "{DATA}/*.csv"}}'
    return {
        "project.yaml": _PROJECT.format(name=name, timezone=wanted.timezone, sources=sources),
        "README.md": _README.format(name=name, data=DATA),
        ".gitignore": _GITIGNORE,
        "crosswalks/.gitkeep": "",
    }


def _name(text: str) -> str:
    """A name as the mapping language takes it: letters, digits, `_` and `-`, a letter first."""
    plain = re.sub(r"[^A-Za-z0-9_-]+", "_", text).strip("_-")
    return plain if plain and plain[0].isalpha() else f"project_{plain}".rstrip("_")


def _sources(wanted: NewProject) -> list[str]:
    names: list[str] = []
    lines = []
    for each in wanted.sources:
        given, place = _parted(each)
        if given in names:
            raise SettingsError(f"Two sources are called {given}.", hint="Give each a name: --source NAME=PLACE.")
        for declared in _declared(place, wanted):
            if declared.startswith("#"):
                lines.append(f"  {declared}")
                continue
            name = _free(given or _default_name(place), names)
            names.append(name)
            lines.append(f"  {_name(name)}: {declared}")
    return lines


def _parted(text: str) -> tuple[str, str]:
    name, equals, place = text.partition("=")
    return (name, place) if equals and name.isidentifier() else ("", text)


def _default_name(place: str) -> str:
    return "legacy_db" if "://" in place else "legacy"


def _free(name: str, taken: Sequence[str]) -> str:
    numbered = (f"{name}{number}" for number in range(2, len(taken) + 3))
    return name if name not in taken else next(each for each in numbered if each not in taken)


def _declared(place: str, wanted: NewProject) -> list[str]:
    """What project.yaml says of a place; paths are relative to it where they can be."""
    if "://" in place:
        if urlsplit(place).password:
            hint = "Put it into the environment: --source 'db=postgresql://user:${LEGACY_PASSWORD}@host/name'."
            if not str(urlsplit(place).password).startswith("${"):
                raise SettingsError("A database URL with a password cannot stand in project.yaml.", hint=hint)
        return [f'{{sql: "{place}"}}']
    path = wanted.typed_in / place
    return declarations(path, _relative(path, wanted.folder))


def _relative(path: Path, folder: Path) -> str:
    return Path(os.path.relpath(path.absolute(), folder.absolute())).as_posix()
