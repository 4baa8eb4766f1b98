"""``python -m etl``: the same program as ``casebook-etl``."""

from __future__ import annotations

import sys


def main() -> None:
    """Runs the command line."""
    from etl.cli import run_command_line  # noqa: PLC0415 - keeps an import of the package cheap

    sys.exit(run_command_line())


if __name__ == "__main__":
    main()
