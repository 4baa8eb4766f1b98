"""The process that a drill kills: one `run` of the project at the drill's sandbox, told what to load on standard input."""

from __future__ import annotations

import json
import os
import sys

from etl.core.errors import EtlError
from etl.core.exits import exit_code_of
from etl.pipeline import runs
from etl.pipeline.drill_ground import Ground
from etl.pipeline.silence import Silence


def main() -> int:
    """Runs once; returns the exit code of `run`. An error is told by its code alone."""
    ground = Ground(**json.loads(sys.stdin.read()))
    try:
        return runs.run(ground.setting(os.environ), Silence()).exit_code
    except EtlError as error:
        sys.stderr.write(f"{error.code}\n")
        return exit_code_of(error)


if __name__ == "__main__":
    sys.exit(main())
