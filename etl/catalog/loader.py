"""Loads the catalogue: the public facts that are shipped, and over them what one tenant says.

Nothing is half loaded: a file with a mistake gives no catalogue but all its mistakes, each with its place.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from importlib.resources import files
from pathlib import Path

from etl.catalog.build import build_catalog
from etl.catalog.checks import flaws
from etl.catalog.layers import Raw, laid_over, marked, name_mistakes
from etl.catalog.mistakes import form_mistakes
from etl.catalog.model import Catalog
from etl.catalog.specs import CatalogSpec
from etl.core.errors import MappingError, Mistake, SettingsError
from etl.core.strict_yaml import Document, scan_document
from etl.core.suggest import nearest

_SHIPPED = files("etl.catalog")
_TENANTS = _SHIPPED / "tenants"
_ENDINGS = (".yaml", ".yml")


def load_catalog(tenant: str | Path | None = None) -> Catalog:
    """Load the public catalogue, with a tenant's overlay where one is named.

    ``tenant`` is a shipped overlay's name (``sandbox``) or the path of an overlay file; a text that ends in ``.yaml``
    or names a folder is a path. Raises SettingsError where there is no such overlay and MappingError with all mistakes in it.
    """
    facts = _facts(_public())
    if tenant is None:
        return _finished(_public(), facts)
    overlay = _layer(*_overlay(tenant), facts)
    named: Raw = {"tenant": Path(tenant).stem}
    return _finished(overlay, laid_over(facts, named | marked(_facts(overlay), facts)))


def shipped_tenants() -> tuple[str, ...]:
    """List the overlays that come with the product, in alphabetical order."""
    names = [Path(each.name) for each in _TENANTS.iterdir()]
    return tuple(sorted(name.stem for name in names if name.suffix in _ENDINGS))


@cache
def _public() -> Document:
    """Read the shipped facts once a process: nothing changes them, and layers never write into what is below."""
    return _layer("casebook.yaml", (_SHIPPED / "casebook.yaml").read_bytes(), {})


def _layer(file: str, content: bytes, below: Raw) -> Document:
    """Read one file; ``below`` is what its names may refer to."""
    document, mistakes = scan_document(_text(file, content), file)
    found = [*mistakes, *form_mistakes(document), *name_mistakes(document, below)]
    if found:
        raise MappingError(_one_a_place(found))
    return document


def _finished(document: Document, merged: Raw) -> Catalog:
    spec = CatalogSpec.model_validate(merged)
    catalog = build_catalog(spec)
    found = [
        document.mistake(flaw.path, flaw.message, hint=flaw.hint, code="catalog_flaw") for flaw in flaws(catalog, spec)
    ]
    if found:
        raise MappingError(found)
    return catalog


def _facts(document: Document) -> Raw:
    return document.value if isinstance(document.value, dict) else {}


def _text(file: str, content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        mistake = Mistake(file, line, 1, "The file is not UTF-8.", "Save it as UTF-8.", "encoding")
        raise MappingError([mistake]) from None


def _one_a_place(mistakes: Iterable[Mistake]) -> list[Mistake]:
    """Keep the first mistake of each place: a value that cannot be read has no right type either."""
    kept: dict[tuple[int, int], Mistake] = {}
    for mistake in mistakes:
        kept.setdefault((mistake.line, mistake.column), mistake)
    return list(kept.values())


def _overlay(tenant: str | Path) -> tuple[str, bytes]:
    """Find a tenant's overlay: its file name as mistakes show it, and its bytes."""
    if isinstance(tenant, str) and Path(tenant).name == tenant and not tenant.endswith(_ENDINGS):
        return _shipped_overlay(tenant)
    try:
        return str(tenant), Path(tenant).read_bytes()
    except OSError as error:
        message = f"The tenant overlay {tenant} cannot be read: {error.strerror}."
        raise SettingsError(
            message, hint='Correct "tenant" in the profile; paths are relative to project.yaml.'
        ) from None


def _shipped_overlay(name: str) -> tuple[str, bytes]:
    known = shipped_tenants()
    if name not in known:
        hint = f"{nearest(name, known)} Shipped are: {', '.join(known)}. The path of a file ends in .yaml.".strip()
        raise SettingsError(f"No tenant overlay called {name} is shipped.", hint=hint)
    return f"{name}.yaml", (_TENANTS / f"{name}.yaml").read_bytes()
