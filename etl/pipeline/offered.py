"""What a file of legacy data would be declared as, by its ending: what `init` writes, and what `inspect` says of files that
nothing reads.
"""

from __future__ import annotations

import csv
from pathlib import Path, PurePosixPath

from etl.core.errors import SettingsError, SourceError
from etl.sources.archives import files_of, open_archive
from etl.sources.copybook import COPYBOOKS

KINDS = {
    **dict.fromkeys((".csv", ".txt", ".tsv", ".psv", ".dat"), "csv"),
    ".sql": "dump",
    **dict.fromkeys((".xlsx", ".xlsm", ".xls"), "excel"),
    ".parquet": "parquet",
    **dict.fromkeys((".jsonl", ".ndjson"), "json_lines"),
    **dict.fromkeys((".mdb", ".accdb"), "access"),
    **dict.fromkeys((".db", ".sqlite"), "sql"),
    ".zip": "zip",
    ".bcp": "bcp",
}
"""The kind of source that reads a file, by its ending."""
_IN_ZIPS = ("csv", "dump", "excel", "parquet", "json_lines")
"""Those that an ending alone declares inside a zip."""
_ONE_FILE = ("dump", "access", "sql", "zip")
_DELIMITERS = ",;\t|"
_FIRST_LINE = 1 << 16


def declarations(path: Path, shown: str) -> list[str]:
    """How a file or folder, called ``shown`` in project.yaml, is declared; a folder may take several sources.

    Raises SettingsError for a file that nobody can declare by its ending alone.
    """
    if path.is_dir():
        return _of_folder(path, shown)
    suffix = path.suffix.lower()
    kind = KINDS.get(suffix, "csv")
    if suffix in COPYBOOKS:
        hint = "Give the data's file: its layout is found beside it under the same name, or declare `layout:` yourself."
        raise SettingsError(f"{path.name} is a copybook, which says how data stands and holds none.", hint=hint)
    if kind == "zip" and path.is_file():
        return _of_zip(path, shown)
    if kind == "csv" and path.is_file():
        return [_of_lines(path, shown)]
    if kind == "bcp":
        return [f'{{bcp: "{shown}", format: "{PurePosixPath(shown).with_suffix(".fmt")}"}}']
    return [f'{{{kind}: "{"sqlite:///" * (kind == "sql")}{shown}"}}']


def _of_folder(folder: Path, shown: str) -> list[str]:
    """Files of a kind and an ending are one source where one pattern can name them."""
    there = (each for each in sorted(folder.iterdir()) if each.is_file() and not each.name.startswith("."))
    found = [each for each in there if each.suffix.lower() in KINDS]
    lines: list[str] = []
    for suffix in dict.fromkeys(each.suffix for each in found):
        files = [each for each in found if each.suffix == suffix]
        kind = KINDS[suffix.lower()]
        each_by_itself = [line for each in files for line in _of_file(each, f"{shown}/{each.name}")]
        if kind not in (*_ONE_FILE, "bcp") and all(line.startswith(f"{{{kind}:") for line in each_by_itself):
            nameless = ", nameless: number" if any("nameless" in line for line in each_by_itself) else ""
            each_by_itself = [f'{{{kind}: "{shown}/*{suffix}"{nameless}}}']
        lines += each_by_itself
    return lines or [f'{{csv: "{shown}/*.csv"}}']


def _of_file(path: Path, shown: str) -> list[str]:
    """A file of a folder; one that cannot be declared by its ending is a comment."""
    try:
        return declarations(path, shown)
    except (SettingsError, SourceError) as error:
        return [f"# decide: {error}"]


def _of_zip(path: Path, shown: str) -> list[str]:
    """A source for each ending; files of data that are not read inside a zip are comments."""
    with open_archive(path, path.name) as archive:
        names = [PurePosixPath(each.filename) for each in files_of(archive)]
    able, others = {}, []
    for each in names:
        if declared := declaration_inside(each, shown):
            able[each.suffix] = declared
        elif each.suffix.lower() in KINDS:
            others.append(
                f"# decide: {each.name} inside {path.name} is not read there. Unpack it, and give what is inside."
            )
    if not able:
        hint = "Unpack it, and give what is inside."
        raise SettingsError(f"{path.name} holds no file that is read inside a zip.", hint=hint)
    return [*able.values(), *others]


def declaration_inside(member: PurePosixPath, archive: str) -> str | None:
    """How a file inside of a zip, and all of its ending, are declared; None where its ending does not tell it."""
    kind = KINDS.get(member.suffix.lower())
    return f'{{zip: "{archive}", {kind}: "*{member.suffix}"}}' if kind in _IN_ZIPS else None


def _of_lines(path: Path, shown: str) -> str:
    for suffix in sorted(COPYBOOKS):
        if path.with_suffix(suffix).is_file():
            return f'{{fixed_width: "{shown}", layout: "{PurePosixPath(shown).with_suffix(suffix)}"}}'
    first = _first_line(path)
    if first and path.suffix.lower() in (".txt", ".dat") and not set(first) & set(_DELIMITERS):
        hint = "If its columns have fixed widths, put its layout beside it under the same name (.cpy), or declare it as fixed_width."
        raise SettingsError(f"The first line of {path.name} holds no delimiter.", hint=hint)
    return f'{{csv: "{shown}"{", nameless: number" * _has_nameless(path)}}}'


def _has_nameless(path: Path) -> bool:
    """Whether a name is missing in the first line."""
    first = _first_line(path)
    delimiter = max(_DELIMITERS, key=first.count)
    names = next(csv.reader([first], delimiter=delimiter), [])
    return len(names) > 1 and not all(each.strip() for each in names)


def _first_line(path: Path) -> str:
    with path.open("rb") as stream:
        return stream.readline(_FIRST_LINE).replace(b"\0", b"").decode("latin-1").rstrip("\r\n")
