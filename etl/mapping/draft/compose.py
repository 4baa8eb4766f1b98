"""From a certificate to a draft, table by table: the straight line of `scaffold` but for reading and writing.

A mapping is proposed only where all that its entity requires of references was found; every other table and column ends
in `ignore` with the reason, so that the draft forgets nothing either.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from etl.catalog.model import Attribute, Catalog, Entity, Kind, Link
from etl.core.column_names import plural
from etl.core.intake import Certificate, Column, Reference, Table
from etl.mapping.draft.codes import crosswalk_of, merged
from etl.mapping.draft.examples import example_of
from etl.mapping.draft.flags import spread_lists
from etl.mapping.draft.groups import Group, groups_of
from etl.mapping.draft.keys import key_of, where_of
from etl.mapping.draft.leftovers import left_columns, left_table
from etl.mapping.draft.links import Parent, linked, owned
from etl.mapping.draft.matching import Match
from etl.mapping.draft.model import Confidence, Draft, DraftCrosswalk, DraftField, DraftMapping, Written
from etl.mapping.draft.required import unfilled
from etl.mapping.draft.tables import Placed, owner_columns, placed_tables, table_words
from etl.mapping.draft.terms import Terms
from etl.mapping.draft.values import reading

_SURE, _LIKELY = 0.95, 0.8


@dataclass(frozen=True, slots=True)
class Known:
    """What every table's draft needs to know: the certificate, what Casebook accepts, the words, the files' source."""

    certificate: Certificate
    catalog: Catalog
    terms: Terms
    files: str | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """A mapping to be: ``spelt`` is how references name it; ``group`` is set where rows become one by a key of theirs."""

    name: str
    entity: Entity
    table: Table
    key: tuple[str, ...]
    spelt: str
    placed: Placed | None
    group: Group | None = None


def draft(known: Known) -> Draft:
    """The draft of everything that a certificate shows."""
    placed = placed_tables(known.certificate.tables, known.certificate.references, known.catalog, known.terms)
    usable = {name: each for name, each in placed.items() if not each.entity.match_on and _has_file(each, known)}
    places = _places(usable, known)
    mappings, crosswalks = _mappings(places, known)
    return Draft(
        tuple(mappings),
        tuple(merged(crosswalks)),
        _ignored(mappings, placed, known),
        known.certificate.unreadable,
    )


def _has_file(placed: Placed, known: Known) -> bool:
    return placed.entity.step("upload") is None or known.files is not None


def _places(usable: Mapping[str, Placed], known: Known) -> list[Place]:
    """Where a mapping can be, each with its key and a name of its own."""
    tables = [each.table for each in usable.values()]
    entities = {each.entity.name for each in usable.values()}
    groups = groups_of(tables, entities, known.certificate.references, known.catalog, known.terms)
    wanted = [(each.entity, each.table, _key(each.table, known), each, None) for each in usable.values()]
    grouped = [(each.entity, each.table, (each.column.name,), None, each) for each in groups]
    keyed = [each for each in (*grouped, *wanted) if each[2]]
    counts: dict[str, int] = {}
    made = []
    for entity, table, key, place, group in keyed:
        counts[entity.name] = counts.get(entity.name, 0) + 1
        name = plural(entity.name) if counts[entity.name] == 1 else f"{plural(entity.name)}_{_plain(table.name)}"
        made.append(Place(name, entity, table, key, entity.name, place, group))
    return [
        replace(each, spelt=f"{each.entity.name}@{each.name}") if counts[each.entity.name] > 1 else each
        for each in made
    ]


def _key(table: Table, known: Known) -> tuple[str, ...]:
    found = known.certificate.references
    pointing = {each.column for each in found if each.table == table.name}
    return key_of(table, pointing, {each.parent_column for each in found if each.parent == table.name}, known.terms)


def _plain(table: str) -> str:
    return "".join(each if each.isalnum() else "_" for each in table.partition(".")[2].lower())


def _mappings(places: Sequence[Place], known: Known) -> tuple[list[DraftMapping], list[DraftCrosswalk]]:
    """The mappings that can stand: one whose parents fell away falls away too."""
    left = list(places)
    while True:
        made = [(each, _mapping(each, left, known)) for each in left]
        sound = [place for place, (mapping, _) in made if not _orphan_links(mapping, place.entity, known.catalog)]
        if len(sound) == len(left):
            return [each[0] for _, each in made], [walk for _, each in made for walk in each[1]]
        left = sound


def _orphan_links(mapping: DraftMapping, entity: Entity, catalog: Catalog) -> list[str]:
    """The references that an entity requires and the draft does not have."""
    filled = {each.name for each in mapping.fields}
    return [each.name for each in catalog.reference_links(entity.name) if each.required and each.name not in filled]


def _mapping(place: Place, places: Sequence[Place], known: Known) -> tuple[DraftMapping, list[DraftCrosswalk]]:
    where, asked = where_of(place.table, known.terms)
    references = list(_references(place, places, known))
    taken = {column for each in references for column in each.columns} | set(place.key) | set(asked)
    fields, crosswalks = _plain_fields(place, taken, known)
    taken |= {column for each in fields for column in each.columns}
    fields += spread_lists(place.table, place.entity, taken, known.catalog, known.terms)
    fields += _own_keys(place, fields, known.terms)
    filled = {each.name for each in (*references, *fields)}
    missing, opened = unfilled(place.name, place.entity, place.key, filled, known.catalog)
    notes: tuple[str, ...] = (f"rows where {asked[0]} says that they are deleted are left out",) if where else ()
    made = _made(place, where, [*references, *fields, *missing], notes)
    return replace(made, asked=asked, test=example_of(made, known.catalog)), [*crosswalks, *opened]


def _made(place: Place, where: str, fields: Sequence[DraftField], notes: tuple[str, ...]) -> DraftMapping:
    order = [*place.entity.attributes, *place.entity.links]
    ranked = sorted(fields, key=lambda each: order.index(each.name) if each.name in order else -1)
    name_fit = place.placed.candidate.name if place.placed else None
    is_named = name_fit is not None and name_fit.score >= _LIKELY
    if place.group is not None:
        why = f"no table holds them, but {place.group.column.name} tells which rows belong to one"
    else:
        why = f"the table's name says it ({name_fit.term})" if name_fit and is_named else "its columns say it"
    if place.table.declared_key and place.group is None:
        why = f"{why}; the source declares its key"
    return DraftMapping(
        name=place.name,
        entity=place.entity.name,
        table=place.table.name,
        key=place.key,
        where=where,
        fields=tuple(ranked),
        confidence=Confidence.HIGH if is_named else Confidence.MEDIUM,
        why=why,
        notes=notes,
        group=place.key if place.group else (),
        terms=((place.entity.name, name_fit.term),) if name_fit else (),
    )


# ---------------------------------------------------------------- fields


def _references(place: Place, places: Sequence[Place], known: Known) -> Iterator[DraftField]:
    if place.group is not None:
        return
    parents = list(_parents(place, places, known.certificate.references))
    yield from linked(place.entity, parents, known.catalog, known.terms)
    spelt = {each.entity.name: each.spelt for each in places}
    owner = owner_columns(place.table, known.terms)
    if not any(
        len(link.to) > 1 and parent.entity in link.to for link in _required_links(place, known) for parent in parents
    ):
        yield from owned(place.entity, owner, spelt, known.terms, known.catalog)


def _required_links(place: Place, known: Known) -> list[Link]:
    return [each for each in known.catalog.reference_links(place.entity.name) if each.required]


def _parents(place: Place, places: Sequence[Place], references: Sequence[Reference]) -> Iterator[Parent]:
    """What the columns of a table point to: measured references, and the groups that its own rows make."""
    for each in references:
        if each.table == place.table.name and each.column not in place.key[:1] * (len(place.key) == 1):
            for other in places:
                if other.table.name == each.parent and other.key == (each.parent_column,):
                    yield Parent(each.column, other.entity.name, other.spelt, each)
    for other in places:
        if other.group is not None and other.table is place.table:
            yield Parent(other.group.column.name, other.entity.name, other.spelt)


def _plain_fields(place: Place, taken: set[str], known: Known) -> tuple[list[DraftField], list[DraftCrosswalk]]:
    """Attributes and options that columns fill; in a group nothing but its key is the same for all rows."""
    fields: list[DraftField] = []
    crosswalks: list[DraftCrosswalk] = []
    matches = place.placed.candidate.matches if place.placed else ()
    for match in matches:
        if match.column.name not in taken:
            field, crosswalk = _field(match, place, known)
            fields.append(field)
            crosswalks += [crosswalk] if crosswalk else []
    return fields + list(_file(place, taken, known)), crosswalks


def _field(match: Match, place: Place, known: Known) -> tuple[DraftField, DraftCrosswalk | None]:
    attribute, link = place.entity.attributes.get(match.field), place.entity.links.get(match.field)
    why = f"named like {match.fit.term}" + ("" if match.column.filled else ", but it holds nothing")
    told = (match.field, match.column.name, _confidence(match), why, ((match.field, match.fit.term),))
    if attribute is not None and attribute.kind not in (Kind.ENUM, Kind.DROPDOWN):
        read = reading(match.column, attribute, known.terms)
        return _drafted(*told, read.value, read.decide), None
    crosswalk = _crosswalk(match.column, match.field, attribute, link, known)
    value = {"from": match.column.name, "crosswalk": crosswalk.name, "on_unmapped": "ask"}
    open_codes = sum(not each.target for each in crosswalk.codes)
    decide = f"{open_codes} codes have no label yet" if open_codes else ""
    if crosswalk.withheld:
        decide = "its values may be people's or are too many: write the codes into the crosswalk yourself"
    return _drafted(*told, value, decide), crosswalk


def _drafted(
    name: str,
    column: str,
    confidence: Confidence,
    why: str,
    terms: tuple[tuple[str, str], ...],
    value: Written,
    decide: str,
) -> DraftField:
    return DraftField(name, value, (column,), confidence, why, decide, terms)


def _confidence(match: Match) -> Confidence:
    if match.score >= _SURE:
        return Confidence.HIGH
    return Confidence.MEDIUM if match.score >= _LIKELY else Confidence.LOW


def _crosswalk(
    column: Column, field: str, attribute: Attribute | None, link: Link | None, known: Known
) -> DraftCrosswalk:
    """The crosswalk for a list of options, called after the list, so that columns with the same codes share it."""
    if link is not None:
        options = [each.label for each in known.catalog.options_of(link.to[0]) or ()]
        is_people = link.to[0] in known.catalog.entities
        return crosswalk_of(link.to[0], column, options, may_be_people=is_people)
    options = list(attribute.enum) if attribute else []
    return crosswalk_of(field.removeprefix("custom_fields."), column, options)


def _file(place: Place, taken: set[str], known: Known) -> Iterator[DraftField]:
    """The bytes of an attachment, where a column names their path."""
    if place.entity.step("upload") is None or known.files is None:
        return
    words = table_words(place.table, known.terms)
    fits = [
        (known.terms.field_fit(known.terms.words(each.name), place.entity.name, "file", words), each)
        for each in place.table.columns
        if each.name not in taken
    ]
    fit, column = max(fits, key=lambda each: each[0].score)
    if fit:
        value: Written = {"file": known.files, "path": column.name, "on_missing": "quarantine"}
        yield DraftField("file", value, (column.name,), Confidence.MEDIUM, f"named like {fit.term}")


def _own_keys(place: Place, fields: Sequence[DraftField], terms: Terms) -> Iterator[DraftField]:
    """Fields in which Casebook keeps the old system's number."""
    filled = {each.name for each in fields}
    for name in terms.own_keys:
        if name in place.entity.attributes and name not in filled and len(place.key) == 1:
            yield DraftField(name, place.key[0], place.key, Confidence.HIGH, "keeps the old number findable")


# ---------------------------------------------------------------- what is left


def _ignored(
    mappings: Sequence[DraftMapping], placed: Mapping[str, Placed], known: Known
) -> dict[str, str | Mapping[str, str]]:
    """Why each table, or each column of a table that is read, is left out."""
    ignored: dict[str, str | Mapping[str, str]] = {}
    for table in known.certificate.tables:
        read = frozenset(column for each in mappings for name, column in each.columns if name == table.name)
        if not read:
            ignored[table.name] = left_table(table, placed.get(table.name), known.catalog, known.terms)
        elif columns := left_columns(table, read, known.certificate.references, known.terms):
            ignored[table.name] = columns
    return ignored
