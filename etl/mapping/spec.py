"""The documents' own form: what may stand in project.yaml and in a mapping, before any name is looked up.

Short forms are widened here (a text becomes a list of one, a table becomes a source), but no union is left to pydantic:
which kind of field a document means is decided by its first telling key, so that mistakes speak of that kind alone.
"""

from __future__ import annotations

import datetime as dt
import re
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import AfterValidator, BeforeValidator, Field, StrictBool, StrictInt, StringConstraints
from pydantic_core import PydanticCustomError

from etl.core.tolerances import ToleranceName
from etl.mapping.form import Form
from etl.mapping.hours import WORKDAYS, Day, OfficeHours

PolicyOnError: TypeAlias = Literal["quarantine", "empty", "default", "warn", "fail"]
PolicyOnUnmapped: TypeAlias = Literal["ask", "quarantine", "empty", "default", "keep", "fail"]
PolicyOnMissing: TypeAlias = Literal["block", "empty", "quarantine", "fail"]
PolicySendNull: TypeAlias = Literal["omit", "clear"]
PolicyOnMissingFile: TypeAlias = Literal["quarantine", "empty", "fail"]
TakeWord: TypeAlias = Literal["first", "last", "min", "max", "concat", "count"]

Text = Annotated[str, StringConstraints(min_length=1)]
_TIME_OF_DAY = re.compile(r"([01]\d|2[0-3]):[0-5]\d")


def _listed(value: object) -> object:
    return value if isinstance(value, list) else [value]


def _one_number(value: object) -> object:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise PydanticCustomError("float_type", "Expected a number.")
    return float(value)


def _time_of_day(value: object) -> object:
    if not isinstance(value, str) or _TIME_OF_DAY.fullmatch(value) is None:
        raise PydanticCustomError("time_of_day", 'Expected a time of day in quotes, as "07:00".')
    return dt.time.fromisoformat(value)


def _scalar(value: object) -> object:
    if value is None or isinstance(value, dict | list):
        raise PydanticCustomError("scalar", "Expected one text or number.")
    return value


def _name(value: str) -> str:
    if not value.replace("_", "a").replace("-", "a").isalnum() or not value.isascii() or not value[0].isalpha():
        raise PydanticCustomError("name", "A name is made of letters, digits, `_` and `-` and starts with a letter.")
    return value


def _pairs(value: object) -> object:
    """``COLUMN`` and ``[A, B]`` match columns of the same name; a mapping pairs visible columns with the table's."""
    listed = _listed(value) if isinstance(value, str) else value
    if isinstance(listed, list):
        return [(each, each) for each in listed]
    return list(value.items()) if isinstance(value, dict) else value


Names = Annotated[tuple[Text, ...], BeforeValidator(_listed), Field(min_length=1)]
Name = Annotated[Text, AfterValidator(_name)]
Scalar = Annotated[Any, AfterValidator(_scalar)]
Raw: TypeAlias = Any
"""A part that is filled by a form of its own, chosen by what it says."""
Number = Annotated[float, BeforeValidator(_one_number)]
TimeOfDay = Annotated[dt.time, BeforeValidator(_time_of_day)]
Steps = Annotated[list[Raw], BeforeValidator(_listed)]
Tolerances = Annotated[tuple[ToleranceName, ...], BeforeValidator(_listed), Field(min_length=1)]


# ---------------------------------------------------------------- project.yaml


class DefaultsForm(Form):
    """Policies for fields that name none."""

    on_error: PolicyOnError = "quarantine"
    on_unmapped: PolicyOnUnmapped = "quarantine"
    on_missing: PolicyOnMissing = "block"
    send_null: PolicySendNull = "omit"


class CsvForm(Form):
    """CSV files by a glob; a table's name is the file's stem."""

    csv: Text
    encoding: Text | None = None
    delimiter: Annotated[str, StringConstraints(min_length=1, max_length=1)] | None = None
    quote: Annotated[str, StringConstraints(min_length=1, max_length=1)] | None = None
    nameless: Literal["refuse", "number"] | None = None


class SqlForm(Form):
    """A database by its SQLAlchemy URL."""

    sql: Text
    tables: Names | None = None
    queries: dict[Name, Text] | None = None


class FilesForm(Form):
    """The folder that attachments' paths are confined to."""

    files: Text


class OfficeHoursForm(Form):
    """When people work in Casebook, and how fast requests may start meanwhile."""

    since: Annotated[TimeOfDay, Field(alias="from")]
    until: Annotated[TimeOfDay, Field(alias="to")]
    rate_per_s: Annotated[Number, Field(gt=0)]
    days: Annotated[tuple[Day, ...], BeforeValidator(_listed), Field(min_length=1)] = WORKDAYS

    def built(self) -> OfficeHours:
        """The hours as a value."""
        return OfficeHours(self.since, self.until, self.rate_per_s, self.days)


class ProfileForm(Form):
    """A Casebook tenant to load into."""

    base_url: Text
    token_url: Text
    tenant: Text
    protect: StrictBool = False
    quiet_s: Annotated[Number, Field(ge=0.2)] = 120.0
    body_format: Literal["jsonapi", "form"] = "jsonapi"
    concurrency: Annotated[StrictInt, Field(ge=1, le=256)] = 8
    rate_per_s: Annotated[Number, Field(gt=0)] | None = None
    office_hours: OfficeHoursForm | None = None
    one_case_at_a_time: StrictBool = True
    deadline_s: Annotated[Number, Field(gt=0, le=600)] = 30.0
    page_size: Annotated[StrictInt, Field(ge=1)] = 50
    client_id_env: Text | None = None
    client_secret_env: Text | None = None
    token_params_in: Literal["body", "query"] = "body"  # noqa: S105 - a place, no secret
    upload_hosts: Annotated[tuple[Text, ...], BeforeValidator(_listed)] = ()
    max_problems: Annotated[StrictInt, Field(ge=0)] | None = None
    undo_days: Annotated[StrictInt, Field(ge=0, le=3650)] = 30
    state: Text | None = None


class ProjectForm(Form):
    """project.yaml; sources, profiles and ignore entries are filled one by one."""

    project: Name
    timezone: Text
    sources: Annotated[dict[Name, Raw], Field(min_length=1)]
    profiles: dict[Name, Raw] = Field(default_factory=dict)
    defaults: DefaultsForm = DefaultsForm()
    ignore: dict[Text, Raw] = Field(default_factory=dict)
    varies: dict[Text, Raw] = Field(default_factory=dict)
    functions: Annotated[tuple[Text, ...], BeforeValidator(_listed)] = ()
    rules: list[Raw] = Field(default_factory=list)
    runs: Text | None = None


# ---------------------------------------------------------------- a mapping


class PickForm(Form):
    """Which of several matching rows a join takes."""

    order: Names
    take: Literal["first", "last"] = "first"


class JoinForm(Form):
    """Another table's columns beside each base row."""

    table: Text
    match: Annotated[tuple[tuple[Text, Text], ...], BeforeValidator(_pairs), Field(min_length=1)]
    expect: Literal["one", "at_most_one", "many"] = "at_most_one"
    pick: PickForm | None = None


class GroupForm(Form):
    """Several base rows become one record."""

    by: Names
    order: Annotated[tuple[Text, ...], BeforeValidator(_listed)] = ()


class EpisodesForm(Form):
    """Rows with dates become intervals: by their own ends, or, without ``end``, each until the next state begins."""

    by: Names
    start: Text
    end: Text | None = None
    formats: Annotated[Names | None, Field(alias="in")] = None
    gap: Annotated[StrictInt, Field(ge=0, le=36_525)] | None = None
    same: Annotated[tuple[Text, ...], BeforeValidator(_listed)] = ()
    open_if: Annotated[tuple[Text, ...], BeforeValidator(_listed)] = ()


class SourceForm(Form):
    """The base table and what stands beside it."""

    table: Text = Field(alias="from")
    join: dict[Name, JoinForm] = Field(default_factory=dict)
    query: Text | None = None
    where: Text | None = None
    group: GroupForm | None = None
    episodes: EpisodesForm | None = None


def _as_source(value: object) -> object:
    return {"from": value} if isinstance(value, str) else value


class MatchForm(Form):
    """A way to tell that a record is in Casebook already: fields that agree, and fields that are alike."""

    by: Names
    like: Annotated[tuple[Text, ...], BeforeValidator(_listed)] = ()
    at_least: Annotated[Number, Field(gt=0, le=1)] = 0.9
    ambiguous: Literal["ask"] = "ask"


class MappingForm(Form):
    """A mapping document; its fields are filled one by one."""

    mapping: Name
    version: Literal[1] = 1
    target: Text
    source: Annotated[SourceForm, BeforeValidator(_as_source)]
    key: Names
    keys: Name | None = None
    fields: Annotated[dict[Text, Raw], Field(min_length=1)]
    tests: list[Raw] = Field(default_factory=list)
    rules: list[Raw] = Field(default_factory=list)
    match: list[MatchForm] = Field(default_factory=list)
    adopt: StrictBool = False
    tolerate: dict[Text, Tolerances] = Field(default_factory=dict)
    send_null: PolicySendNull | None = None


class AgeForm(Form):
    """Full years between two days, within bounds."""

    since: Text = Field(alias="of")
    at: Text
    min: StrictInt | None = None
    max: StrictInt | None = None


class OnePerForm(Form):
    """Exactly one record of a group fulfils a condition."""

    by: Names
    when: Text


class NoOverlapForm(Form):
    """Intervals of one key do not overlap."""

    by: Names
    start: Text = Field(alias="from")
    end: Text = Field(alias="to")


class RuleForm(Form):
    """A rule, of exactly one kind."""

    check: Text | None = None
    in_order: Annotated[tuple[Text, ...], BeforeValidator(_listed), Field(min_length=2)] | None = None
    age: AgeForm | None = None
    one_per: OnePerForm | None = None
    no_overlap: NoOverlapForm | None = None
    sql: Text | None = None
    severity: Literal["block", "warn", "info"] = "warn"
    say: Text | None = None


class ProjectRuleForm(RuleForm):
    """A rule of the project: over the records of a mapping, or of all mappings of an entity together."""

    of: Text


class IncludeForm(Form):
    """A group of fields that several mappings take in."""

    fields: Annotated[dict[Text, Raw], Field(min_length=1)]


class EmitForm(Form):
    """One of the records that a row becomes; without ``when`` every row becomes one."""

    target: Text | None = None
    when: Text | None = None
    fields: dict[Text, Raw] = Field(default_factory=dict)
    include: Raw = None
    rules: list[Raw] = Field(default_factory=list)
    tests: list[Raw] = Field(default_factory=list)
    match: list[MatchForm] = Field(default_factory=list)
    adopt: StrictBool = False
    tolerate: dict[Text, Tolerances] = Field(default_factory=dict)
    send_null: PolicySendNull | None = None


class TestWithForm(Form):
    """What an inline test supposes beside its rows."""

    crosswalk: dict[Text, dict[str, Scalar]] = Field(default_factory=dict)
    ids: dict[Text, dict[str, Scalar]] = Field(default_factory=dict)
    today: Text | None = None


class TestProblemForm(Form):
    """A problem that an inline test expects."""

    code: Text
    field: Text | None = None
    severity: Literal["block", "warn", "info"] | None = None


class TestForm(Form):
    """An inline test; ``given`` is one row, or a list of rows where the mapping groups them."""

    name: Text
    given: Raw
    supposed: TestWithForm = Field(alias="with", default=TestWithForm())
    expect: dict[Text, Raw] = Field(default_factory=dict)
    bucket: Literal["record", "quarantined", "ignored"] | None = None
    problems: list[TestProblemForm] = Field(default_factory=list)


# ---------------------------------------------------------------- fields


class PipelineForm(Form):
    """Columns through operations and a crosswalk; also a branch's value."""

    columns: Names = Field(alias="from")
    do: Steps = Field(default_factory=list)
    take: TakeWord | None = None
    crosswalk: Text | None = None
    on_unmapped: PolicyOnUnmapped | None = None
    on_error: PolicyOnError | None = None
    send_null: PolicySendNull | None = None
    default: Scalar = None
    when: Text | None = None
    pii: Name | None = None


class ConstForm(Form):
    """A constant, into which columns may be inserted."""

    const: Scalar
    send_null: PolicySendNull | None = None
    when: Text | None = None
    pii: Name | None = None


class EmptyForm(Form):
    """No value, said on purpose."""

    empty: Literal[True]
    send_null: PolicySendNull | None = None
    when: Text | None = None


class BranchesForm(Form):
    """``choose`` or ``many``: alternatives in order."""

    choose: Annotated[list[Raw], Field(min_length=1)] | None = None
    many: Annotated[list[Raw], Field(min_length=1)] | None = None
    on_unmapped: PolicyOnUnmapped | None = None
    on_error: PolicyOnError | None = None
    send_null: PolicySendNull | None = None
    default: Scalar = None
    when: Text | None = None
    pii: Name | None = None


class BranchPipelineForm(Form):
    """A pipeline inside a branch; policies belong to the whole field."""

    columns: Names = Field(alias="from")
    do: Steps = Field(default_factory=list)
    take: TakeWord | None = None
    crosswalk: Text | None = None
    on_unmapped: PolicyOnUnmapped | None = None
    when: Text | None = None


class BranchConstForm(Form):
    """A constant inside a branch."""

    const: Scalar
    when: Text | None = None


class ReferenceForm(Form):
    """A foreign key: one entity, one of several by a code, or whichever column is filled."""

    ref: Raw
    key: Names | None = None
    by: Text | None = None
    expect: Literal["one"] | None = None
    do: Steps = Field(default_factory=list)
    split: Text | None = None
    value: Text | None = None
    on_missing: PolicyOnMissing | None = None
    on_error: PolicyOnError | None = None
    send_null: PolicySendNull | None = None
    when: Text | None = None
    pii: Name | None = None


class FileForm(Form):
    """Bytes to attach."""

    file: Text
    path: Text
    on_missing: PolicyOnMissingFile = "quarantine"
    when: Text | None = None
