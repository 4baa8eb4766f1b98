"""``python -m etl``: the same program as ``casebook-etl``."""

from __future__ import annotations

import gc
import os
import sys

from etl.core import interrupts

LARGE_BYTES = 1 << 19
"""From this size on memory is asked of the system piece by piece, and given back so. Left alone, the C library of Linux
raises this bound to the largest piece it ever saw, keeps what is below it, and a run's memory follows its source after all.
A higher bound saves processor time, but then joined tables of four million rows take more than memory may grow.
"""
SPARE_BYTES = 1 << 20
"""How much of what smaller pieces leave is kept for the next ones."""
ARENAS = 2
"""Threads share their memory: what one has done with, the next one takes. Apart, a dozen of them keep spares of their own; with
one piece for all, two that map wait for each other, which is a twentieth of what `validate` takes.
"""
_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -3, -8
"""What mallopt(3) calls M_TRIM_THRESHOLD, M_MMAP_THRESHOLD and M_ARENA_MAX."""
OBJECTS_BETWEEN_COLLECTIONS = 250_000
"""Python's own 700 lets its collector walk everything imported hundreds of times while columns make short-lived objects:
a tenth of what `validate` takes. Columns are not its business, and they are what is large here. What is imported for a
command makes fewer objects than this.
"""


def main() -> None:
    """Runs the command line; also what interrupts the loading of its parts is told in a line."""
    try:
        with interrupts.Terminable():
            code = _run()
    except KeyboardInterrupt:
        sys.stderr.write(interrupts.MESSAGE)
        code = interrupts.EXIT_CODE
    sys.exit(code)


def _run() -> int:
    import ctypes  # noqa: PLC0415 - an interrupt of any import is to be caught

    # Arrow's own pool keeps what it once held; the system's gives it back, so that memory follows the batch size and not
    # the source. Arrow reads this once, when it is first imported.
    os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")
    if sys.platform == "linux" and hasattr(library := ctypes.CDLL(None), "mallopt"):
        library.mallopt(_MMAP_THRESHOLD, LARGE_BYTES)
        library.mallopt(_TRIM_THRESHOLD, SPARE_BYTES)
        library.mallopt(_ARENA_MAX, ARENAS)
    gc.set_threshold(OBJECTS_BETWEEN_COLLECTIONS, 20, 50)
    _leave_pandas_alone()
    from etl.cli import run_command_line  # noqa: PLC0415 - keeps an import of the package cheap

    return run_command_line()


def _leave_pandas_alone() -> None:
    """Lets Arrow look for pandas where nothing is. It looks once, at the first list that it is given, lest the list be one of
    pandas' own, and to load it takes a third of a second. Arrow is given none such; who needs pandas imports it as ever.
    """
    import pyarrow as pa  # noqa: PLC0415 - after its pool of memory was chosen

    path, sys.path = sys.path, []
    try:
        pa.array([])
    finally:
        sys.path = path


if __name__ == "__main__":
    main()
