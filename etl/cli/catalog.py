"""``casebook-etl catalog``: what Casebook accepts, as far as it is known, with how sure each fact is."""

from __future__ import annotations

from typing import Annotated

import typer

from etl.cli.common import JsonOption, NoColorOption, Output, QuietOption, VerboseOption, ending

catalog_app = typer.Typer(help="Show what Casebook accepts.", no_args_is_help=True, pretty_exceptions_enable=False)


def register(app: typer.Typer) -> None:
    """Adds the command group."""
    app.add_typer(catalog_app, name="catalog")


@catalog_app.command("show", epilog="Example: casebook-etl catalog show person --tenant sandbox")
def show(
    entity: Annotated[str | None, typer.Argument(help="One entity; all of them by default.", metavar="ENTITY")] = None,
    *,
    tenant: Annotated[
        str | None, typer.Option("--tenant", help="A shipped tenant overlay (`sandbox`) or the path of one.")
    ] = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
    no_color: NoColorOption = False,
) -> None:
    """Show entities, attributes, links, lookups, markers and flows, each with its certainty."""
    output = Output(as_json, quiet, no_color=no_color, verbose=verbose)
    with ending(output):
        from etl.catalog.loader import load_catalog
        from etl.catalog.show import catalog_data, catalog_text, entity_data, entity_text

        catalog = load_catalog(tenant)
        if entity is None:
            output.answer(catalog_data(catalog), [catalog_text(catalog).rstrip()])
        else:
            output.answer(entity_data(catalog, entity), [entity_text(catalog, entity).rstrip()])
