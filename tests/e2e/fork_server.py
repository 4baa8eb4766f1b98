"""Starts the program without its second of imports: a process that has imported it forks one child for each command.

A child is a process like any other, and its kill as real; thousands of kills would spend nine tenths of their time on
imports otherwise. One command at a time: a line of JSON in, the child's process id and then its exit code out.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
from pathlib import Path


def serve() -> None:
    """Until standard input ends."""
    import etl.cli  # noqa: F401, PLC0415 - what every child needs

    for line in sys.stdin:
        order = json.loads(line)
        pid = os.fork()
        if pid == 0:
            _be_the_program(order)
        _say(pid)
        _, status = os.waitpid(pid, 0)
        _say(os.waitstatus_to_exitcode(status))
        _import_what_it_needed(Path(order["modules"]))


def _say(number: int) -> None:
    sys.stdout.write(f"{number}\n")
    sys.stdout.flush()


def _be_the_program(order: dict[str, str]) -> None:
    for number, path in ((0, os.devnull), (1, order["out"]), (2, order["err"])):
        os.dup2(os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600), number)
    sys.argv = ["casebook-etl", *order["arguments"]]
    from etl.cli import run_command_line  # noqa: PLC0415 - imported by the parent

    code = run_command_line()
    Path(order["modules"]).write_text("\n".join(sorted(sys.modules)))
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def _import_what_it_needed(listed: Path) -> None:
    """Modules that a child which ended by itself had to import late; the children after it find them there."""
    if listed.exists():
        for name in set(listed.read_text().split()) - sys.modules.keys():
            if name.partition(".")[0] == "etl":
                importlib.import_module(name)
        listed.unlink()


if __name__ == "__main__":
    serve()
