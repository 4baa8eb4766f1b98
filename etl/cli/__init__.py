"""The command line: one short module a command; heavy imports stay inside functions, so that ``--help`` is quick."""

from __future__ import annotations

import sys
import threading

import typer

from etl.cli import (
    catalog,
    demo,
    doctor,
    drill,
    graph,
    init,
    inline_tests,
    inspect,
    lint,
    plan,
    report,
    resolve,
    run,
    sandbox,
    scaffold,
    schema,
    state,
    status,
    undo,
    validate,
    verify,
    where,
)
from etl.cli.common import end_of_thread
from etl.core import interrupts

app = typer.Typer(
    name="casebook-etl",
    help="Moves a human-services agency's legacy data into Casebook and proves that nothing was lost or doubled.",
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)
for module in (
    demo,
    init,
    inspect,
    scaffold,
    lint,
    inline_tests,
    validate,
    plan,
    doctor,
    run,
    verify,
    undo,
    resolve,
    status,
    where,
    report,
    graph,
    state,
    sandbox,
    drill,
    schema,
    catalog,
):
    module.register(app)


@app.callback(invoke_without_command=True)
def _main(*, version: bool = typer.Option(False, "--version", help="Show the version and exit.")) -> None:
    if version:
        from etl import __version__

        sys.stdout.write(f"casebook-etl {__version__}\n")
        raise typer.Exit


def run_command_line() -> int:
    """Runs the program on its arguments; returns the exit code."""
    threading.excepthook = end_of_thread
    try:
        app()
    except SystemExit as ended:
        if _is_untold_interrupt(ended):
            sys.stderr.write(interrupts.MESSAGE)
        return ended.code if isinstance(ended.code, int) else 1
    return 0


def _is_untold_interrupt(ended: SystemExit) -> bool:
    """Whether the library of commands ended by an interrupt outside a command's body: while it read the arguments, or while
    the command loaded what it needs. It exits without a word then.
    """
    return isinstance(getattr(ended.__context__, "__cause__", None), KeyboardInterrupt)
