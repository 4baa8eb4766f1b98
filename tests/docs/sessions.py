"""Plays the console blocks of a document in a scratch copy of the sample, and compares what comes out with what is shown.

``$ command`` is run, the lines below are its output; ``$ echo $?`` shows the exit code of the command before, which is 0
where nothing is shown; a line ``...`` stands for any lines. Run ``python tests/docs/sessions.py README.md`` to write the
present output into a document.
"""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Self

ROOT = Path(__file__).parents[2]
DOCUMENTED_PORT = "8089"
_RUN_ID = re.compile(r"\d{8}T\d{6}Z-[0-9a-f]{4}")
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\+00:00")
_RATE = re.compile(r"(?:[\d,.]+|…) a second")
_STAGE = re.compile(r"(?:extract|map|validate|plan|load|verify) \.\.\.")
_FENCE = re.compile(r"^```(?P<info>[^\n`]*)\n(?P<text>.*?)^```$", re.DOTALL | re.MULTILINE)
_START_S = 30.0


@dataclass(frozen=True, slots=True)
class Difference:
    """A command whose output or exit code is not as shown."""

    command: str
    shown: list[str]
    found: list[str]

    def __str__(self) -> str:
        return "\n".join([f"$ {self.command}", "--- shown", *self.shown, "--- found", *self.found])


class Session:
    """A scratch copy of the sample, and the commands run in it. Use as a context manager."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._port = str(_free_port())
        self._servers: list[subprocess.Popen[bytes]] = []
        self._exit_code = 0

    def __enter__(self) -> Self:
        for name in ("mappings", "sample_data"):
            shutil.copytree(ROOT / name, self._folder / name, ignore=shutil.ignore_patterns("*.key"))
        for project in self._folder.glob("mappings/*/project.yaml"):
            self._write(project, project.read_text("utf-8"))
        return self

    def __exit__(self, *_: object) -> None:
        for server in self._servers:
            server.terminate()
            server.wait()

    def play(self, document: str) -> tuple[list[Difference], str]:
        """Everything that a document shows, in order; the differences, and the document with the present output."""
        differences: list[Difference] = []

        def played(found: re.Match[str]) -> str:
            language, *words = found["info"].split() or [""]
            file = next((word.removeprefix("file=") for word in words if word.startswith("file=")), "")
            if file:
                self._write(self._folder / file, found["text"])
            if language != "console":
                return found[0]
            text = "".join(self._step(*each, differences) for each in _steps(found["text"]))
            return f"```{found['info']}\n{text}```"

        return differences, _FENCE.sub(played, document)

    def _step(self, command: str, shown: list[str], differences: list[Difference]) -> str:
        found = [str(self._exit_code)] if command == "echo $?" else self._run(command)
        if command == "echo $?":
            self._exit_code = 0
        if not _alike(shown, found):
            differences.append(Difference(command, shown, found))
            shown = found
        return "\n".join([f"$ {command}", *shown]) + "\n"

    def _run(self, command: str) -> list[str]:
        """What it writes; an exit code that the document never asked for counts as output."""
        unasked = [f"exit code {self._exit_code} of the command before is not shown"] if self._exit_code else []
        words = command.replace(DOCUMENTED_PORT, self._port).replace("make demo", "casebook-etl demo")
        line = re.sub(r"(?<![\w./-])casebook-etl(?= )", f"'{sys.executable}' -m etl", words)
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "NO_COLOR": "1", "COLUMNS": "200"}
        if command.endswith("&"):
            self._serve(line.removesuffix("&"), environment)
            return unasked
        ended = subprocess.run(  # noqa: S603 - our own documents
            ["/bin/sh", "-c", line], cwd=self._folder, env=environment, capture_output=True, text=True, check=False
        )
        self._exit_code = ended.returncode
        written = ended.stdout or ended.stderr
        return [*unasked, *(self._plain(each) for each in written.splitlines() if not _STAGE.fullmatch(each))]

    def _serve(self, line: str, environment: dict[str, str]) -> None:
        """Starts a server in the background and waits until it answers."""
        self._servers.append(
            subprocess.Popen(  # noqa: S603 - our own documents
                ["/bin/sh", "-c", f"exec {line}"], cwd=self._folder, env=environment, stderr=subprocess.DEVNULL
            )
        )
        until = time.monotonic() + _START_S
        while time.monotonic() < until:
            with socket.socket() as tried:
                if tried.connect_ex(("127.0.0.1", int(self._port))) == 0:
                    return
            time.sleep(0.05)
        raise TimeoutError(line)

    def _write(self, path: Path, text: str) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text.replace(DOCUMENTED_PORT, self._port), "utf-8")

    def _plain(self, line: str) -> str:
        return line.replace(f"{self._folder.resolve()}/", "").replace(self._port, DOCUMENTED_PORT).rstrip()


def _steps(block: str) -> Iterator[tuple[str, list[str]]]:
    """Each command of a block with the lines that it shows."""
    for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
        command, *shown = part.splitlines()
        while command.endswith("\\"):
            command = command[:-1].rstrip() + " " + shown.pop(0).strip()
        yield command, shown


def _alike(shown: list[str], found: list[str]) -> bool:
    """Whether the output has the shown form."""
    pattern = "".join(r"(?:.*\n)*" if line == "..." else re.escape(_form(line)) + r"\n" for line in shown)
    return re.fullmatch(pattern, "".join(_form(line) + "\n" for line in found)) is not None


def _form(line: str) -> str:
    """A line without what is new each time, and without the width of its columns."""
    for changing in (_RUN_ID, _UUID, _MOMENT, _RATE):
        line = changing.sub("*", line)
    return " ".join(line.split())


def _free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def renew(document: Path) -> None:
    """Writes the present output into a document."""
    with tempfile.TemporaryDirectory() as folder, Session(Path(folder)) as session:
        differences, text = session.play(document.read_text("utf-8"))
    for each in differences:
        sys.stderr.write(f"{each}\n")
    document.write_text(text, "utf-8")


if __name__ == "__main__":
    for name in sys.argv[1:]:
        renew(Path(name))
