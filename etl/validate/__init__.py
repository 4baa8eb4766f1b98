"""STAGE target columns to valid records and problems: fields first, column by column, then records as a whole."""

from __future__ import annotations

from etl.validate.fields import FieldChecks
from etl.validate.relations import check_relations, graph_mapping, note_row, report_loops
from etl.validate.rules import RecordRules

__all__ = ["FieldChecks", "RecordRules", "check_relations", "graph_mapping", "note_row", "report_loops"]
