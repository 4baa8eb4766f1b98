"""Every example of a mistake under the heading of its subject, by its code: what the page shows, and a test lints."""

from __future__ import annotations

from collections.abc import Mapping

from tests.docs import (
    mistakes_of_fields,
    mistakes_of_mappings,
    mistakes_of_projects,
    mistakes_of_tables,
    mistakes_of_yaml,
)
from tests.docs.lint_example import Example

SUBJECTS: Mapping[str, Mapping[str, Example]] = {
    "Mistakes of YAML": mistakes_of_yaml.EXAMPLES,
    "Mistakes of the project and its tenant": mistakes_of_projects.EXAMPLES,
    "Mistakes of tables and columns": mistakes_of_tables.EXAMPLES,
    "Mistakes of mappings": mistakes_of_mappings.EXAMPLES,
    "Mistakes of fields": mistakes_of_fields.EXAMPLES,
}
MISTAKEN: Mapping[str, Example] = {code: each for examples in SUBJECTS.values() for code, each in examples.items()}
