"""``python -m etl``: the same program as ``casebook-etl``."""

from __future__ import annotations

import gc
import os
import sys

OBJECTS_BETWEEN_COLLECTIONS = 250_000
"""Python's own 700 lets its collector walk everything imported hundreds of times while columns make short-lived objects:
a tenth of what `validate` takes. Columns are not its business, and they are what is large here. What is imported for a
command makes fewer objects than this.
"""


def main() -> None:
    """Runs the command line."""
    # Arrow's own pool keeps what it once held; the system's gives it back, so that memory follows the batch size and not
    # the source. Arrow reads this once, when it is first imported.
    os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")
    gc.set_threshold(OBJECTS_BETWEEN_COLLECTIONS, 20, 50)
    from etl.cli import run_command_line  # noqa: PLC0415 - keeps an import of the package cheap

    sys.exit(run_command_line())


if __name__ == "__main__":
    main()
