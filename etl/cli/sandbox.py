"""``casebook-etl sandbox``: the local Casebook stand-in."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from etl.cli.common import JsonOption, NoColorOption, Output, QuietOption, VerboseOption, ending


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("sandbox", epilog="Example: casebook-etl sandbox --port 8089 --db runs/demo_agency-sandbox.db")(sandbox)


def sandbox(
    *,
    port: Annotated[
        int, typer.Option("--port", help="The port on 127.0.0.1; 0 takes a free one.", min=0, max=65535)
    ] = 8089,
    db: Annotated[
        str, typer.Option("--db", help="Its database file; kept. `:memory:` forgets all at the end.")
    ] = ":memory:",
    tenant: Annotated[
        Path | None, typer.Option("--tenant", help="A tenant overlay in place of the shipped one.")
    ] = None,
    faults: Annotated[
        str, typer.Option("--faults", help="Faults: a file, or such as `reset_after_commit:0.1,status_429:0.05`.")
    ] = "",
    habits: Annotated[
        str,
        typer.Option("--habits", help="Behaviours that the real service may have, such as `ignore_sort,page_max=20`."),
    ] = "",
    applications: Annotated[
        Path | None,
        typer.Option("--applications", help="A YAML file of registered applications with their roles and views."),
    ] = None,
    latency_ms: Annotated[int, typer.Option("--latency-ms", help="Delay of every answer.", min=0)] = 0,
    rps: Annotated[
        float | None, typer.Option("--rps", help="Rate limit in requests a second; more get 429.", min=0.001)
    ] = None,
    token_ttl: Annotated[int, typer.Option("--token-ttl", help="Life of a token in seconds.", min=1)] = 3600,
    strict_crnk: Annotated[
        bool, typer.Option("--strict-crnk", help="Answer values of a wrong type with 500, as the real framework may.")
    ] = False,
    seed: Annotated[int, typer.Option("--seed", help="Seed of the faults.")] = 0,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
    no_color: NoColorOption = False,
) -> None:
    """Serve a stand-in for Casebook on this machine until it is stopped; its page shows the records it holds."""
    output = Output(as_json, quiet, no_color=no_color, verbose=verbose)
    with ending(output):
        from etl.pipeline.sandboxes import SandboxChoices, serve_sandbox

        choices = SandboxChoices(
            db=db,
            tenant=tenant,
            faults=faults,
            latency_s=latency_ms / 1000,
            requests_per_s=rps,
            token_ttl_s=token_ttl,
            strict_crnk=strict_crnk,
            seed=seed,
            habits=habits,
            applications=applications,
        )
        serve_sandbox(choices, port, partial(_say_address, output))


def _say_address(output: Output, port: int) -> None:
    """The address, which is not known before where any free port was asked for."""
    address = f"http://127.0.0.1:{port}/"
    if output.as_json:
        output.answer({"address": address}, [])
        sys.stdout.flush()
    output.remark(f"Sandbox: {address}")
    sys.stderr.flush()
