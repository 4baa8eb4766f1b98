"""Starts the program without its second of imports: a process that has imported it forks one child for each command.

A child is a process like any other, and its kill as real; thousands of kills would spend nine tenths of their time on
imports otherwise. One command at a time: a line of JSON in, the child's process id and then its exit code out. It may be
told what else its environment holds, what it must believe not to be installed, and for which file it waits before it begins.
"""

from __future__ import annotations

import importlib
import json
import os
import pkgutil
import sys
import time
from pathlib import Path
from typing import Any

import etl
from etl.cli import run_command_line
from etl.core.interrupts import Terminable
from tests.e2e.fail_points import ENDED, plant


def serve() -> None:
    """Until standard input ends."""
    for module in pkgutil.walk_packages(etl.__path__, "etl."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    for line in sys.stdin:
        order = json.loads(line)
        pid = os.fork()
        if pid == 0:
            _be_the_program(order)
        _say(pid)
        _, status = os.waitpid(pid, 0)
        _say(os.waitstatus_to_exitcode(status))


def _say(number: int) -> None:
    sys.stdout.write(f"{number}\n")
    sys.stdout.flush()


def _be_the_program(order: dict[str, Any]) -> None:
    for number, path in ((0, os.devnull), (1, order["out"]), (2, order["err"])):
        os.dup2(os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600), number)
    sys.argv = ["casebook-etl", *order["arguments"]]
    os.environ |= order.get("environ", {})
    sys.modules |= dict.fromkeys(order.get("without", ()))
    while "waits_for" in order and not Path(order["waits_for"]).exists():
        time.sleep(0.002)
    if "ends" in order:
        plant(*order["ends"])
    try:
        with Terminable():
            code = run_command_line()
    except BaseException:  # noqa: BLE001 - only a planted end comes this far, and the child must not become a server
        code = ENDED
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    serve()
