"""What a command is ended with that a person or the system interrupts.

Nothing is imported at the head of it: it has to be there before anything is loaded that takes long enough to be interrupted.
"""

# ruff: noqa: PLC0415 - see above

from __future__ import annotations

EXIT_CODE = 130
MESSAGE = "Interrupted. The same command goes on where it stopped.\n"


class Terminable:
    """Lets SIGTERM end what is done inside as Ctrl-C does, so that private folders are removed and locks given back."""

    def __init__(self) -> None:
        self._is_ours = False

    def __enter__(self) -> None:
        import signal
        import threading

        is_main = threading.current_thread() is threading.main_thread()
        self._is_ours = is_main and signal.getsignal(signal.SIGTERM) == signal.SIG_DFL
        if self._is_ours:
            signal.signal(signal.SIGTERM, signal.default_int_handler)

    def __exit__(self, *_: object) -> None:
        import signal

        if self._is_ours:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
