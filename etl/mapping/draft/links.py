"""References of a draft: a link is proposed where a column's values were found in another table's key, never by name alone.

Names only decide between several links to the same entity, such as mother and father.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from etl.catalog.model import Catalog, Entity, Link
from etl.core.intake import Column, Reference
from etl.mapping.draft.model import Confidence, DraftField, Written
from etl.mapping.draft.terms import Terms

_CERTAIN = 0.99


@dataclass(frozen=True, slots=True)
class Parent:
    """What a column points to: an entity in a key space (``spelt`` is ``person`` or ``person@staff``)."""

    column: str
    entity: str
    spelt: str
    found: Reference | None = None


def linked(entity: Entity, parents: Sequence[Parent], catalog: Catalog, terms: Terms) -> Iterator[DraftField]:
    """The references that columns of a table give an entity; each column and each link once, the best named first."""
    links = [each for each in catalog.reference_links(entity.name) if not each.many]
    pairs = [
        (_named(link, parent, terms), link, parent) for link in links for parent in parents if parent.entity in link.to
    ]
    ranked = sorted(pairs, key=lambda each: -each[0])
    links_used: set[str] = set()
    columns_used: set[str] = set()
    for _, link, parent in ranked:
        if link.name not in links_used and parent.column not in columns_used and _may_mean(link, parent, entity, terms):
            links_used.add(link.name)
            columns_used.add(parent.column)
            yield _reference(link, parent)


def _named(link: Link, parent: Parent, terms: Terms) -> float:
    """How well the column is named for the link; a required link counts for a little."""
    fit = terms.field_fit(terms.words(parent.column) - {"id", "key"}, parent.entity, link.name, frozenset())
    return fit.score + 0.1 * bool(link.required)


def _may_mean(link: Link, parent: Parent, entity: Entity, terms: Terms) -> bool:
    """Whether a column may stand for a link: rows that point at their own kind must be named for it."""
    return parent.entity != entity.name or _named(link, parent, terms) >= 0.6  # noqa: PLR2004 - the least fit


def _reference(link: Link, parent: Parent) -> DraftField:
    value: dict[str, Written] = {"ref": parent.spelt, "key": parent.column} | _common(link)
    found = parent.found
    if found is None:
        return DraftField(link.name, value, (parent.column,), Confidence.MEDIUM, "the key of the same group of rows")
    met = 1 - found.missing_values / found.values if found.values else 0.0
    why = f"{found.values - found.missing_values:,} of {found.values:,} values are in {found.parent}.{found.parent_column}"
    if found.is_declared:
        why = f"declared by the source; {why}"
    is_sure = found.is_declared or (found.is_named and met >= _CERTAIN)
    confidence = Confidence.HIGH if is_sure else Confidence.MEDIUM
    return DraftField(link.name, value, (parent.column,), confidence, why)


def _common(link: Link) -> dict[str, Written]:
    extra: dict[str, Written] = {"value": link.value} if link.value else {}
    return extra if link.required else extra | {"on_missing": "empty"}


def owned(
    entity: Entity, owner: tuple[Column, Column] | None, spelt: Mapping[str, str], terms: Terms, catalog: Catalog
) -> Iterator[DraftField]:
    """The reference to one of several entities by a code, where each code begins like the name of only one of them."""
    link = next((each for each in catalog.reference_links(entity.name) if each.required and len(each.to) > 1), None)
    if link is None or owner is None:
        return
    kind, key = owner
    told = {code.text: _meant(code.text, [each for each in link.to if each in spelt], terms) for code in kind.codes}
    known: dict[str, Written] = {code: spelt[entity] for code, entity in told.items() if entity}
    if known:
        decide = (
            ""
            if all(told.values())
            else "codes that are not listed here: " + ", ".join(c for c, e in told.items() if not e)
        )
        value: dict[str, Written] = {"ref": known, "by": kind.name, "key": key.name, **_common(link)}
        why = f"{kind.name} seems to say what {key.name} is the key of"
        yield DraftField(link.name, value, (kind.name, key.name), Confidence.MEDIUM, why, decide)


def _meant(code: str, entities: Sequence[str], terms: Terms) -> str:
    """The only entity whose name, or a term for it, begins like a code; "" where there is none or more."""
    plain = code.casefold().strip()
    for names in (frozenset, terms.short_names):
        found = [each for each in entities if plain and any(word.startswith(plain) for word in names((each,)))]
        if len(found) == 1:
            return found[0]
    return ""
