"""What may stand under ``sources:`` in project.yaml beside CSV files, databases and folders of attachments."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from pydantic import Field, StrictInt

from etl.mapping.form import Form
from etl.mapping.spec import Text

Types: TypeAlias = dict[Text, Text]
"""The form that columns take, by column."""


class DumpForm(Form):
    """One SQL dump, read without a server."""

    dump: Text
    encoding: Text | None = None
    dialect: Literal["tsql", "mysql", "postgres"] | None = None


class FixedWidthForm(Form):
    """Files of fixed columns by a glob, with their layout: a CSV file or a COBOL copybook."""

    fixed_width: Text
    layout: Text
    encoding: Text | None = None


class ExcelForm(Form):
    """Workbooks by a glob; a table is a sheet."""

    excel: Text
    header_row: Annotated[StrictInt, Field(ge=1)] | None = None
    nameless: Literal["refuse", "number"] | None = None
    types: Types = Field(default_factory=dict)


class JsonLinesForm(Form):
    """Files of one JSON object a line, by a glob."""

    json_lines: Text


class ParquetForm(Form):
    """Parquet files by a glob."""

    parquet: Text


class BcpForm(Form):
    """Character files of SQL Server's bcp by a glob, with their format file (not the XML kind)."""

    bcp: Text
    format: Text
    encoding: Text | None = None
    types: Types = Field(default_factory=dict)


class AccessForm(Form):
    """One Microsoft Access database, read by mdbtools."""

    access: Text
    types: Types = Field(default_factory=dict)
