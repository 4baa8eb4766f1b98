"""What every command shares: options, output for people and machines, and how an error ends the program.

Standard output carries the answer (one JSON object with ``--json``), standard error everything else. An exception never
reaches a person as a traceback: errors of ours say what to do next, anything else is named by type and place alone,
because its message could quote somebody's data.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from etl import __version__
from etl.core import interrupts
from etl.core.errors import EtlError, MappingError
from etl.core.exits import ENVIRONMENT, INTERRUPTED, exit_code_of

if TYPE_CHECKING:
    from etl.cli.progress import BarProgress, PlainProgress, QuietProgress
    from etl.pipeline.wiring import Setting

ProjectArgument = Annotated[
    Path,
    typer.Argument(
        metavar="PROJECT", help="The project's folder, which holds project.yaml.", show_default="current folder"
    ),
]
ProfileOption = Annotated[
    str | None, typer.Option("--profile", "-p", help="The profile of project.yaml to use; the first one by default.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Write one JSON object to standard output.")]
QuietOption = Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing but the result.")]


def _known_progress(value: str) -> str:
    if value not in _PROGRESS:
        raise typer.BadParameter(f"{value!r} is none of {', '.join(_PROGRESS)}")
    return value


_PROGRESS = ("auto", "plain", "none")
ProgressOption = Annotated[
    str,
    typer.Option(
        "--progress",
        help="How to show progress: auto (a bar on a terminal), plain or none.",
        callback=_known_progress,
    ),
]

VerboseOption = Annotated[
    bool,
    typer.Option(
        "--verbose",
        "-v",
        help="Show the run's log, where one is made: every request, never anybody's data; and how long it took.",
    ),
]
NoColorOption = Annotated[bool, typer.Option("--no-color", help="Plain text; the NO_COLOR variable does the same.")]


_OS_HINT = (
    "See that the runs folder of the project exists, is yours to write and has room; the same command then goes on."
)


@dataclass(frozen=True, slots=True)
class Output:
    """How one command answers."""

    as_json: bool = False
    quiet: bool = False
    progress: str = "auto"
    no_color: bool = False
    verbose: bool = False

    def answer(self, content: Mapping[str, Any], lines: list[str]) -> None:
        """The command's result: JSON, or lines for people."""
        text = json.dumps(content, indent=2, ensure_ascii=False, default=str) if self.as_json else "\n".join(lines)
        sys.stdout.write(text + "\n")

    def remark(self, text: str) -> None:
        """Something beside the result, on standard error; nothing where only the result is wanted."""
        if not self.quiet:
            sys.stderr.write(text + "\n")

    def make_progress(self) -> QuietProgress | PlainProgress | BarProgress:
        """The progress display that fits the terminal and the options."""
        from rich.console import Console

        from etl.cli.progress import BarProgress, PlainProgress, QuietProgress

        if self.quiet or self.progress == "none":
            return QuietProgress()
        plain = self.no_color or bool(os.environ.get("NO_COLOR"))
        console = Console(stderr=True, no_color=plain, highlight=False)
        return BarProgress(console) if self.progress == "auto" and console.is_terminal else PlainProgress()


def open_setting(project: Path, profile: str | None, *, verbose: bool = False) -> Setting:
    """A project, loaded and checked, with the profile in use. Raises MappingError, SettingsError."""
    from etl.pipeline.projects import open_project

    return replace(open_project(project, profile, os.environ), verbose=verbose)


def shown_path(path: Path) -> Path:
    """A path as one types it here: relative where it lies below the current folder."""
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


def by_entity(counts: Mapping[tuple[str, str], int]) -> dict[str, dict[str, int]]:
    """Counts by entity and what is counted, as a JSON object holds them."""
    records: dict[str, dict[str, int]] = {}
    for (entity, name), count in counts.items():
        records.setdefault(entity, {})[name] = count
    return records


def entity_lines(records: Mapping[str, Mapping[str, int]]) -> list[str]:
    """The same for people, one entity a line."""
    return [
        f"  {entity:22} " + ", ".join(f"{count} {name}" for name, count in each.items())
        for entity, each in records.items()
    ]


@contextmanager
def ending(output: Output) -> Iterator[None]:
    """Turns errors into messages and exit codes; every command's body runs inside."""
    began = time.monotonic()
    try:
        yield
    except EtlError as error:
        _tell(error, output)
        raise typer.Exit(exit_code_of(error)) from None
    except KeyboardInterrupt:
        sys.stderr.write(interrupts.MESSAGE)
        raise typer.Exit(INTERRUPTED) from None
    except (typer.Exit, typer.Abort):
        raise
    except BrokenPipeError:
        raise typer.Exit(ENVIRONMENT) from None
    except OSError as error:
        sys.stderr.write(f"The system refused a file: {error.strerror or type(error).__name__}.\n{_OS_HINT}\n")
        raise typer.Exit(ENVIRONMENT) from None
    except Exception as error:  # noqa: BLE001 - the top of the program
        sys.stderr.write(_unexpected(error))
        raise typer.Exit(ENVIRONMENT) from None
    finally:
        if output.verbose:
            output.remark(f"casebook-etl {__version__}: {time.monotonic() - began:.1f} s.")


def end_of_thread(ended: threading.ExceptHookArgs) -> None:
    """Says that a thread met a defect of ours. Python's own words carry values, which may be people's."""
    if isinstance(ended.exc_value, Exception):
        sys.stderr.write(_unexpected(ended.exc_value))


def _tell(error: EtlError, output: Output) -> None:
    if output.as_json:
        content: dict[str, Any] = {"error": {"code": error.code, "message": error.message, "hint": error.hint}}
        if isinstance(error, MappingError):
            content["error"]["mistakes"] = [
                {
                    "file": each.file,
                    "line": each.line,
                    "column": each.column,
                    "message": each.message,
                    "hint": each.hint,
                }
                for each in error.mistakes
            ]
        sys.stdout.write(json.dumps(content, indent=2, ensure_ascii=False) + "\n")
    sys.stderr.write(f"{error.message}\n" + (f"{error.hint}\n" if error.hint else ""))


def _unexpected(error: Exception) -> str:
    """Type and place of a defect of ours, without its message."""
    while isinstance(error, ExceptionGroup):
        error = error.exceptions[0]
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if f"{os.sep}etl{os.sep}" in frame.filename]
    place = f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else "an unknown place"
    return (
        f"This is a defect of casebook-etl: {type(error).__name__} at {place}.\n"
        "Nothing is lost: the same command goes on where it stopped. Please report the line above.\n"
    )
