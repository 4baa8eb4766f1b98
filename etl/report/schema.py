"""The published JSON Schema of ``summary.json``, so that a monitor can check what it reads."""

from __future__ import annotations

import json

from etl.report.model import Summary


def summary_schema() -> str:
    """The schema as the text of a JSON document."""
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **Summary.model_json_schema(mode="serialization"),
    }
    return json.dumps(schema, indent=2, ensure_ascii=False, sort_keys=True) + "\n"
