"""Every example of a problem, by its code: what the page shows, and a test runs."""

from __future__ import annotations

from collections.abc import Mapping

from tests.docs import examples_of_graphs, examples_of_rows
from tests.docs.examples_of_deliveries import DELIVERED
from tests.docs.examples_of_loads import LOADED
from tests.docs.problem_example import Example

VALIDATED: Mapping[str, Example] = {**examples_of_rows.EXAMPLES, **examples_of_graphs.EXAMPLES}
PROBLEMS: Mapping[str, Example] = {
    **VALIDATED,
    **{code: each.example for code, each in (*LOADED.items(), *DELIVERED.items())},
}
