"""``inspect`` end to end: what its arguments name is looked at, table by table, and becomes a certificate.

A project's CSV sources are looked at file by file, so that their bytes are judged too; what is no file of delimited text
goes through the adapter that reads its kind.
"""

from __future__ import annotations

import glob
import tempfile
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePath, PurePosixPath
from typing import TypeAlias, cast
from urllib.parse import urlsplit

from etl.core.errors import SettingsError, SourceError, SourceUnavailable
from etl.core.intake import Certificate
from etl.core.ports import Clock, Progress, Source
from etl.mapping.model import Position, SourceSpec
from etl.pipeline.offered import KINDS, declaration_inside, declarations
from etl.pipeline.projects import open_surroundings
from etl.pipeline.source_kinds import opened_source
from etl.sources.archives import files_of, open_archive
from etl.sources.encoding import check_encoding
from etl.sources.intake.intake import Intake, Opened
from etl.sources.intake.verdict import Declared
from etl.sources.sql import SqlSource
from etl.sources.zipped import ZipSource

_READ_BY_ENDING = ("dump", "excel", "parquet", "json_lines")
"""The kinds of files that are read without being declared, beside delimited text."""
_PACKED = frozenset((".gz", ".bak"))
_OF_LINES = ("csv", "fixed_width")
_NOWHERE = Position("", 1, 1)
_UNDECLARED = frozenset((".zip", ".gz", ".mdb", ".accdb", ".db", ".sqlite", ".bak", ".bcp", ".fmt", ".pdf", ".json"))


@dataclass(frozen=True, slots=True)
class FileToRead:
    """A file of lines, under the name that the certificate gives its table; ``opened`` as :class:`Intake` takes it."""

    path: Path
    name: str
    declared: Declared
    opened: Opened | None = None


@dataclass(frozen=True, slots=True)
class ZipToRead:
    """A zip of files of lines."""

    name: str
    archive: ZipSource
    declared: Declared
    opened: Opened | None = None


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A file beside those that are looked at, or in the same zip, which seems to hold data and is not read."""

    path: Path
    archive: str = ""

    @property
    def name(self) -> str:
        """The file's own name, behind that of its zip."""
        return f"{self.archive}: {self.path.name}" if self.archive else self.path.name


@dataclass(frozen=True, slots=True)
class Refused:
    """A declared source that cannot be opened."""

    name: str
    error: SourceError | SettingsError


Wanted: TypeAlias = FileToRead | ZipToRead | LeftOut | Refused | Source


def inspect_sources(
    arguments: Sequence[str], environ: Mapping[str, str], progress: Progress, clock: Clock
) -> Certificate:
    """The certificate of files, patterns, folders, database URLs and project folders.

    Raises SettingsError for an argument that cannot be used and SourceUnavailable for one that names nothing; what
    cannot be read inside is an observation.
    """
    wanted = _unambiguous([each for argument in arguments for each in _named_by(argument, environ)])
    progress.start("inspect")
    with (
        tempfile.TemporaryDirectory(prefix="casebook-etl-") as folder,
        Intake(Path(folder), progress, clock.now()) as intake,
    ):
        for each in wanted:
            if isinstance(each, FileToRead):
                intake.add_file(each.path, each.name, each.declared, each.opened)
            elif isinstance(each, ZipToRead):
                intake.add_zip(each.archive, each.declared, each.opened)
            elif isinstance(each, LeftOut):
                intake.leave_out(each.name, _how_to_declare(each))
            elif isinstance(each, Refused):
                intake.refuse(each.name, each.error)
            else:
                intake.add_source(each)
        return intake.certificate()


def _named_by(argument: str, environ: Mapping[str, str]) -> Iterator[Wanted]:
    path = Path(argument)
    if "://" in argument:
        yield SqlSource(_database_name(argument), argument)
    elif (path / "project.yaml").is_file():
        yield from _of_project(path, environ)
    elif path.is_dir():
        there = [each for each in sorted(path.iterdir()) if each.is_file() and not each.name.startswith(".")]
        read = [each for each in there if KINDS.get(each.suffix.lower()) in ("csv", *_READ_BY_ENDING)]
        yield from _files(read, argument)
        yield from map(LeftOut, (each for each in there if each not in read and _holds_data(each)))
    else:
        found = [path] if path.exists() else sorted(map(Path, glob.glob(argument, recursive=True)))  # noqa: PTH207 - a pattern may be absolute
        yield from _files([each for each in found if not each.is_dir()], argument)


def _database_name(url: str) -> str:
    """What the certificate calls a database: never its user or password."""
    return Path(urlsplit(url).path).stem or "database"


def _files(paths: Sequence[Path], argument: str) -> Iterator[FileToRead | Source]:
    if not paths:
        hint = "Give files, a pattern in quotes, a folder, a database URL or a project's folder."
        raise SourceUnavailable(f"{argument} names no file.", hint=hint)
    for path in paths:
        suffix = path.suffix.lower()
        if suffix in _UNDECLARED:
            hint = "Declare it as a source in project.yaml, then inspect the project's folder."
            raise SettingsError(f"{path} cannot be read without being declared.", hint=hint)
        if KINDS.get(suffix) in _READ_BY_ENDING:
            kind, place = KINDS[suffix], str(path.absolute())
            yield opened_source(
                SourceSpec(path.stem, kind, place if kind == "dump" else glob.escape(place), {}, _NOWHERE)
            )
        else:
            yield FileToRead(path, path.stem, Declared())


def _of_project(folder: Path, environ: Mapping[str, str]) -> Iterator[Wanted]:
    setting = open_surroundings(folder, None, environ)
    for spec in setting.project.sources.values():
        try:
            yield from _of_source(spec)
        except (SourceError, SettingsError) as error:
            yield Refused(spec.name, error)
    yield from map(LeftOut, _beside(setting.project.sources.values()))
    yield from _left_in_zips(setting.project.sources.values())


def _beside(specs: Collection[SourceSpec]) -> list[Path]:
    """Files that lie beside those of declared sources, seem to hold data, and that no source names."""
    places = [spec.location for spec in specs if spec.kind not in ("sql", "files")]
    places += [found.removeprefix("sqlite:///") for spec in specs if (found := spec.location).startswith("sqlite:///")]
    places += [str(each) for spec in specs for key in ("layout", "format") if (each := spec.options.get(key))]
    read = {Path(each) for place in places for each in (place, *glob.glob(place, recursive=True))}  # noqa: PTH207 - absolute
    folders = {each.parent for each in read if each.is_file()}
    return [
        each
        for folder in sorted(folders)
        for each in sorted(folder.iterdir())
        if each not in read and _holds_data(each)
    ]


def _left_in_zips(specs: Collection[SourceSpec]) -> Iterator[LeftOut]:
    """Files inside of declared zips that seem to hold data and that no source's pattern matches."""
    patterns: dict[Path, list[str]] = {}
    for spec in specs:
        if spec.kind == "zip":
            patterns.setdefault(Path(spec.location), []).append(str(spec.options["members"]))
    for path, wanted in patterns.items():
        try:
            with open_archive(path, path.name) as archive:
                names = [PurePosixPath(each.filename) for each in files_of(archive)]
        except SourceError:
            continue  # told of the source itself
        left = (each for each in names if not any(map(each.match, wanted)))
        yield from (LeftOut(Path(each.name), path.name) for each in left if _seems_data(each))


def _holds_data(path: Path) -> bool:
    return path.is_file() and _seems_data(path) and not path.name.startswith(".")


def _seems_data(path: PurePath) -> bool:
    return path.suffix.lower() in (KINDS.keys() | _PACKED)


def _how_to_declare(left: LeftOut) -> str:
    path = left.path
    if left.archive:
        declared = declaration_inside(PurePosixPath(path.name), left.archive)
        return f"{path.name}: " + (f"declare it as {declared}" if declared else "unpack it, and declare what comes out")
    try:
        if path.suffix.lower() in _PACKED:
            return f"{path.name}: unpack or restore it, and declare what comes out"
        return f"{path.name}: declare it as {', or '.join(declarations(path, path.name))}"
    except (SettingsError, SourceError) as error:
        return f"{path.name}: {error}"


def _of_source(spec: SourceSpec) -> Iterator[FileToRead | ZipToRead | Source]:
    """What is looked at of a declared source: files of lines one by one, so that their bytes are judged too."""
    of_lines = spec.options.get("kind", spec.kind) in _OF_LINES
    if spec.kind == "files":
        return
    if of_lines and spec.kind == "zip":
        archive = cast("ZipSource", opened_source(replace(spec, varies={})))
        yield ZipToRead(spec.name, archive, _declared(spec), _opened(spec))
    elif of_lines:
        yield from _declared_files(spec)
    else:
        yield opened_source(spec)


def _declared(spec: SourceSpec) -> Declared:
    encoding = _text(spec.options.get("encoding"))
    return Declared(
        encoding=check_encoding(encoding) if encoding else None,
        delimiter=_text(spec.options.get("delimiter")),
        quote=_text(spec.options.get("quote")) or '"',
        numbers_nameless=spec.options.get("nameless") == "number",
        delimited="layout" not in spec.options,
    )


def _opened(spec: SourceSpec) -> Opened | None:
    """What opens one file of a source in the encoding that it was found to have; None for delimited text."""
    if "layout" not in spec.options:
        return None
    options = dict(spec.options)
    return lambda pattern, encoding: opened_source(
        SourceSpec(spec.name, "fixed_width", pattern, options | {"encoding": encoding}, spec.position)
    )


def _declared_files(spec: SourceSpec) -> Iterator[FileToRead]:
    declared, opened = _declared(spec), _opened(spec)
    paths = sorted(map(Path, glob.glob(spec.location, recursive=True)))  # noqa: PTH207 - the pattern is absolute
    if not paths:
        raise SourceUnavailable(f"No file matches the pattern of source {spec.name}.", hint="Check project.yaml.")
    yield from (FileToRead(path, f"{spec.name}.{path.stem}", declared, opened) for path in paths if not path.is_dir())


def _text(value: object) -> str | None:
    return None if value is None else str(value)


def _unambiguous(wanted: Sequence[Wanted]) -> list[Wanted]:
    """Files of the same name in different folders are called by their folders too."""
    names = Counter(each.name for each in wanted)
    return [
        replace(each, name=str(each.path)) if isinstance(each, FileToRead) and names[each.name] > 1 else each
        for each in wanted
    ]
