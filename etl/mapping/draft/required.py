"""What an entity requires and no column of the table fills: a decision each, never a guess."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from etl.catalog.model import Attribute, Catalog, Entity, Kind
from etl.mapping.draft.codes import open_crosswalk
from etl.mapping.draft.model import Confidence, DraftCrosswalk, DraftField, Written

_TEXTS = (Kind.STRING, Kind.TEXT)
_WHY = "Casebook requires it and no column fits"


def unfilled(
    mapping: str, entity: Entity, key: Sequence[str], filled: Collection[str], catalog: Catalog
) -> tuple[list[DraftField], list[DraftCrosswalk]]:
    """The fields that are missing, and for those with a list of options a crosswalk that asks for one label."""
    attributes = [each for each in entity.attributes.values() if each.required and not each.read_only]
    lists = [each.name for each in attributes if each.enum]
    lists += [each.name for each in entity.links.values() if each.required and catalog.is_lookup(each.to[0])]
    asked = [name for name in lists if name not in filled]
    plain = [each for each in attributes if not each.enum and each.name not in filled]
    opened = [open_crosswalk(f"{mapping}_{name}", key[0]) for name in asked]
    return [*(_empty(each, entity, key) for each in plain), *(_undecided(each, mapping, key) for each in asked)], opened


def _empty(attribute: Attribute, entity: Entity, key: Sequence[str]) -> DraftField:
    """A text is made of the old key where it is the only one asked for; a person's name, say, is never made up: it stays
    empty, and the record waits.
    """
    texts = [each for each in entity.attributes.values() if each.required and each.kind in _TEXTS]
    if texts == [attribute]:
        label = entity.name.replace("_", " ").capitalize()
        value: Written = {"const": f"{label} {' '.join(f'{{{each}}}' for each in key)}"}
        return DraftField(attribute.name, value, tuple(key), Confidence.LOW, _WHY, "is there a better text?")
    return DraftField(attribute.name, {"empty": True}, (), Confidence.LOW, _WHY, "where does it come from?")


def _undecided(name: str, mapping: str, key: Sequence[str]) -> DraftField:
    value = {"from": key[0], "crosswalk": f"{mapping}_{name}", "on_unmapped": "ask"}
    return DraftField(name, value, (key[0],), Confidence.LOW, _WHY, "one label for all rows, in the crosswalk")
