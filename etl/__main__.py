"""``python -m etl``: the same program as ``casebook-etl``."""

from __future__ import annotations

import os
import sys


def main() -> None:
    """Runs the command line."""
    # Arrow's own pool keeps what it once held; the system's gives it back, so that memory follows the batch size and not
    # the source. Arrow reads this once, when it is first imported.
    os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")
    from etl.cli import run_command_line  # noqa: PLC0415 - keeps an import of the package cheap

    sys.exit(run_command_line())


if __name__ == "__main__":
    main()
