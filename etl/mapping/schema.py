"""Writes the JSON Schema of a project's documents, so that an editor completes columns, fields, operations and labels.

The forms that read documents supply keys, policies and what is required, so the schema cannot forget a key; the project
supplies the names. It is made for completing: what only lint can judge (which table a column belongs to) is left open.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from pydantic.json_schema import models_json_schema

from etl.catalog.model import Attribute, Entity, Link
from etl.core.problems import problem_codes
from etl.mapping import spec
from etl.mapping.connections import SOURCE_KINDS
from etl.mapping.fields import FILE
from etl.mapping.form import Form
from etl.mapping.model import Project
from etl.mapping.operations.registry import BINDERS
from etl.mapping.scope import Entry, KeySpaces, labels

Schema: TypeAlias = dict[str, Any]

DIALECT = "http://json-schema.org/draft-07/schema#"
"""The version that editors understand best."""
_MAPPING_FORMS: tuple[type[Form], ...] = (
    spec.MappingForm,
    spec.EmitForm,
    spec.PipelineForm,
    spec.ConstForm,
    spec.EmptyForm,
    spec.BranchesForm,
    spec.BranchPipelineForm,
    spec.BranchConstForm,
    spec.ReferenceForm,
    spec.FileForm,
    spec.TestForm,
    spec.RuleForm,
)
_SCALAR: Schema = {"type": ["string", "number", "boolean"]}
_COLUMN: Schema = {"$ref": "#/definitions/column"}
_CONDITION: Schema = {"type": "string", "description": "A condition, such as STATUS = 'A' and CLOSED is null."}


@dataclass(frozen=True, slots=True)
class ProjectNames:
    """What a project may speak of; ``columns`` maps ``source.TABLE`` to its header, ``queried`` tells whether
    a mapping's query makes columns that no header has.
    """

    project: Project
    columns: Mapping[str, tuple[str, ...]]
    spaces: KeySpaces
    queried: bool = False


def mapping_schema(names: ProjectNames) -> Schema:
    """The schema of a mapping document."""
    definitions = _definitions(_MAPPING_FORMS)
    definitions |= {"column": _column(names), "table": _table(names), "operation": _operation()}
    entities = {each.name: each for each in names.project.catalog.entities.values() if each.creatable}
    for entity in entities.values():
        definitions[f"fields-of-{entity.name}"] = _fields(entity, names)
    _name_everything(definitions, names)
    top = definitions.pop("MappingForm")
    top["properties"] |= {
        "target": {"enum": sorted(entities), "description": "The entity of the catalogue that rows become."},
        "source": {"anyOf": [{"$ref": "#/definitions/table"}, {"$ref": "#/definitions/SourceForm"}]},
        "key": _one_or_many(_COLUMN),
        "include": _one_or_many({"type": "string"}),
        "emit": {"type": "object", "additionalProperties": {"$ref": "#/definitions/EmitForm"}, "minProperties": 1},
        "tests": {"type": "array", "items": {"$ref": "#/definitions/TestForm"}},
        "rules": {"type": "array", "items": {"$ref": "#/definitions/RuleForm"}},
    }
    top["required"] = ["mapping", "source", "key"]
    by_target = [_fields_of(name) for name in sorted(entities)]
    definitions["EmitForm"] |= {"allOf": by_target}
    definitions["EmitForm"]["properties"] |= {
        key: top["properties"][key] for key in ("target", "include", "rules", "tests")
    }
    return {
        "$schema": DIALECT,
        "title": f"A mapping of {names.project.name}",
        **top,
        "allOf": by_target,
        "definitions": definitions,
    }


def project_schema(names: ProjectNames) -> Schema:
    """The schema of project.yaml."""
    definitions = _definitions((spec.ProjectForm, spec.ProfileForm, spec.ProjectRuleForm, *SOURCE_KINDS.values()))
    for definition in definitions.values():
        _accept_single_values(definition)
    top = definitions.pop("ProjectForm")
    kinds = [{"$ref": f"#/definitions/{form.__name__}"} for form in dict.fromkeys(SOURCE_KINDS.values())]
    top["properties"] |= {
        "sources": {"type": "object", "additionalProperties": {"anyOf": [*kinds, {"type": "object"}]}},
        "profiles": {"type": "object", "additionalProperties": {"$ref": "#/definitions/ProfileForm"}},
        "rules": {"type": "array", "items": {"$ref": "#/definitions/ProjectRuleForm"}},
        "ignore": {
            "type": "object",
            "properties": {table: _ignored(header) for table, header in names.columns.items()},
        },
    }
    return {"$schema": DIALECT, "title": f"The project {names.project.name}", **top, "definitions": definitions}


# ---------------------------------------------------------------- forms


def _definitions(forms: Iterable[type[Form]]) -> dict[str, Schema]:
    """The forms, and those inside them, as pydantic describes them."""
    _, made = models_json_schema(
        [(form, "validation") for form in dict.fromkeys(forms)], by_alias=True, ref_template="#/definitions/{model}"
    )
    definitions: dict[str, Schema] = made["$defs"]
    return definitions


def _name_everything(definitions: Mapping[str, Schema], names: ProjectNames) -> None:
    """Puts the project's names where the forms take any text."""
    known = _by_key(names)
    for form, definition in definitions.items():
        for key in definition.get("properties", {}):
            given = known.get((form, key)) or known.get(("", key))
            if given is not None:
                definition["properties"][key] = given
        _accept_single_values(definition)


def _accept_single_values(definition: Schema) -> None:
    """Where a list is taken, one text alone is taken too."""
    for key, part in definition.get("properties", {}).items():
        if part.get("type") == "array" and part.get("items", {}).get("type") == "string":
            definition["properties"][key] = {"anyOf": [part["items"], part]}


def _by_key(names: ProjectNames) -> dict[tuple[str, str], Schema]:
    """What keys take: of one form, or ("") of any."""
    column, table = _COLUMN, {"$ref": "#/definitions/table"}
    columns, branch = _one_or_many(column), _any_of("BranchPipelineForm", "BranchConstForm", "EmptyForm")
    crosswalks = sorted(names.project.crosswalks)
    cells = {"type": "object", "propertyNames": _anything_or(column), "additionalProperties": {}}
    return {
        ("", "when"): _CONDITION,
        ("", "where"): _CONDITION,
        ("", "check"): _CONDITION,
        ("", "do"): _one_or_many({"$ref": "#/definitions/operation"}),
        ("", "crosswalk"): {"enum": crosswalks},
        ("TestWithForm", "crosswalk"): {
            "type": "object",
            "properties": {name: {"type": "object"} for name in crosswalks},
        },
        ("", "default"): _SCALAR,
        ("", "const"): _SCALAR,
        ("", "choose"): {"type": "array", "items": branch, "minItems": 1},
        ("", "many"): {"type": "array", "items": branch, "minItems": 1},
        ("PipelineForm", "from"): columns,
        ("BranchPipelineForm", "from"): columns,
        ("ReferenceForm", "key"): columns,
        ("ReferenceForm", "by"): column,
        ("ReferenceForm", "ref"): _references(names),
        ("FileForm", "path"): column,
        ("FileForm", "file"): {"enum": [each.name for each in names.project.sources.values() if each.kind == "files"]},
        ("SourceForm", "from"): table,
        ("JoinForm", "table"): table,
        ("JoinForm", "match"): {"anyOf": [column, {"type": "array", "items": column}, {"type": "object"}]},
        ("GroupForm", "by"): columns,
        ("EpisodesForm", "by"): columns,
        ("EpisodesForm", "start"): column,
        ("EpisodesForm", "end"): column,
        ("EpisodesForm", "same"): columns,
        ("MatchForm", "by"): _one_or_many({"type": "string"}),
        ("TestForm", "given"): {"anyOf": [cells, {"type": "array", "items": cells}]},
        ("TestProblemForm", "code"): {"enum": [each.code for each in problem_codes()]},
    }


# ---------------------------------------------------------------- names of the project


def _column(names: ProjectNames) -> Schema:
    known = sorted({column for header in names.columns.values() for column in header})
    joined = {"type": "string", "pattern": "\\.", "description": "A joined column: ALIAS.COLUMN."}
    if names.queried:
        return _anything_or({"enum": known})
    return {"anyOf": [{"enum": known}, joined]} if known else {"type": "string"}


def _table(names: ProjectNames) -> Schema:
    return {"enum": sorted(names.columns)} if names.columns else {"type": "string"}


def _ignored(header: Iterable[str]) -> Schema:
    return {
        "anyOf": [
            {"type": "string"},
            {"type": "object", "properties": {column: {"type": "string"} for column in header}},
        ]
    }


def _references(names: ProjectNames) -> Schema:
    known = [
        name for entity, spaces in names.spaces.parts.items() for name in (entity, *(f"{entity}@{s}" for s in spaces))
    ]
    return {"anyOf": [_anything_or({"enum": sorted(known)}), {"type": "object"}]}


def _operation() -> Schema:
    """An operation by its name, or with an argument; the first sentence of its documentation is shown."""
    told = {name: (inspect.getdoc(binder) or "").split("\n", maxsplit=1)[0] for name, binder in sorted(BINDERS.items())}
    alone = [{"const": name, "description": text} for name, text in told.items()]
    argued: Schema = {name: {"description": text} for name, text in told.items()}
    argued["py"] = {"type": "string", "description": "A function of the project's own: module.function."}
    settled = {
        "type": "object",
        "properties": argued,
        "additionalProperties": False,
        "maxProperties": 1,
        "minProperties": 1,
    }
    return {"anyOf": [*alone, settled]}


# ---------------------------------------------------------------- fields


def _fields_of(entity: str) -> Schema:
    is_target = {"properties": {"target": {"const": entity}}, "required": ["target"]}
    return {"if": is_target, "then": {"properties": {"fields": {"$ref": f"#/definitions/fields-of-{entity}"}}}}


def _fields(entity: Entity, names: ProjectNames) -> Schema:
    catalog = names.project.catalog
    carriers = {name for link in entity.links.values() for name in (link.carried_as, link.type_as) if name}
    slot = entity.marker.slot if entity.marker and entity.marker.place == "value" else None
    fields = {
        each.name: _plain_field(Entry(each.name, attribute=each), names)
        for each in entity.attributes.values()
        if not each.read_only and each.name not in carriers | {slot}
    }
    for link in entity.links.values():
        is_list = catalog.is_lookup(link.to[0])
        fields[link.name] = _plain_field(Entry(link.name, link=link), names) if is_list else _reference_field(link)
    if entity.step("upload"):
        fields[FILE] = {"$ref": "#/definitions/FileForm"}
    return {"type": "object", "properties": fields, "additionalProperties": False}


def _plain_field(entry: Entry, names: ProjectNames) -> Schema:
    kinds = _any_of("PipelineForm", "ConstForm", "EmptyForm", "BranchesForm")
    known = labels(entry, names.project.catalog)
    options = f" One of: {', '.join(known)}." if known else ""
    part = entry.attribute or entry.link
    return {"description": f"{_said(part)}{options}", "anyOf": [_COLUMN, *kinds["anyOf"]]}


def _reference_field(link: Link) -> Schema:
    return {
        "description": f"{_said(link)} A reference to {' or '.join(link.to)}.",
        "allOf": [{"$ref": "#/definitions/ReferenceForm"}],
    }


def _said(part: Attribute | Link | None) -> str:
    """Type and duty of a field in words."""
    if part is None:
        return ""
    kind = str(part.kind) if isinstance(part, Attribute) else "link"
    duty = {True: ", required", None: ", perhaps required by the tenant"}.get(part.required, "")
    longest = f", at most {part.max_length} characters" if isinstance(part, Attribute) and part.max_length else ""
    return f"{kind}{duty}{longest}.{' ' + part.note if part.note else ''}"


def _any_of(*forms: str) -> Schema:
    return {"anyOf": [{"$ref": f"#/definitions/{form}"} for form in forms]}


def _one_or_many(item: Schema) -> Schema:
    return {"anyOf": [item, {"type": "array", "items": item, "minItems": 1}]}


def _anything_or(suggested: Schema) -> Schema:
    """Any text, with suggestions."""
    return {"anyOf": [suggested, {"type": "string"}]}
