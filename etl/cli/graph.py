"""``casebook-etl graph``: the dependency graph of a project with the load order and why."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from etl.cli.common import (
    JsonOption,
    NoColorOption,
    Output,
    ProfileOption,
    ProjectArgument,
    QuietOption,
    VerboseOption,
    ending,
    open_setting,
)
from etl.core.errors import SettingsError


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("graph", epilog="Example: casebook-etl graph mappings/demo_agency --svg order.svg")(graph)


def graph(
    project: ProjectArgument = Path(),
    *,
    profile: ProfileOption = None,
    svg: Annotated[Path | None, typer.Option("--svg", help="Write the drawing to this file.")] = None,
    mermaid: Annotated[bool, typer.Option("--mermaid", help="Write mermaid text for Markdown.")] = False,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
    no_color: NoColorOption = False,
) -> None:
    """Show which entity loads when, which references say so, and which links are set afterwards."""
    output = Output(as_json, quiet, no_color=no_color, verbose=verbose)
    with ending(output):
        from etl.pipeline.manifest import order_facts
        from etl.pipeline.projects import order_of
        from etl.plan.graph import explain
        from etl.report.graph import mermaid as mermaid_of
        from etl.report.graph import svg as svg_of

        order = order_of(open_setting(project, profile, verbose=verbose))
        facts = order_facts(order)
        if svg is not None:
            _write(svg, svg_of(facts))
            output.remark(f"Written: {svg}")
        lines = [mermaid_of(facts)] if mermaid else list(explain(order))
        output.answer(facts, lines)


def _write(path: Path, drawing: str) -> None:
    try:
        path.write_text(drawing, "utf-8")
    except OSError as error:
        raise SettingsError(
            f"{path} cannot be written ({error.strerror}).", hint="Name a file in a folder that exists."
        ) from None
