"""Writes the pages that are made from the program itself: docs/commands.md, docs/lint.md and docs/problems.md.

A test keeps the files equal to what is made here. Run ``python tests/docs/reference_pages.py`` to write them again.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import typer.main

from etl.cli import app
from etl.core.problems import ProblemCode, problem_codes
from etl.mapping.lint import RULES
from etl.mapping.lint_model import LintRule
from etl.mapping.mistake_codes import MISTAKES

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.docs.lint_example import Example as LintExample
from tests.docs.lint_example import documents
from tests.docs.lint_example import shown as shown_to_lint
from tests.docs.lint_examples import EXAMPLES
from tests.docs.mistake_examples import SUBJECTS
from tests.docs.problem_example import PEOPLE, PROJECT, ROWS, shown
from tests.docs.problem_examples import PROBLEMS

DOCS = Path(__file__).parents[2] / "docs"

_COMMANDS_HEAD = """# Commands

One program: `casebook-etl`, or `python -m etl`. This page is made from the commands themselves; each also says it with
`--help`.

`PROJECT` is a project's folder, by default the current one. Standard output carries the answer, standard error all the
rest. With `--json` the answer is one JSON object; `--quiet`, `--verbose` and `--no-color` are taken everywhere too. How a
command ended is its exit code: see [errors](errors.md). Colours are left out where `NO_COLOR` is set.

A command that this version does not have, though you may look for it: a nightly synchronisation with deletions. What to do
instead stands in [sources](sources.md) and [loading](loading.md).
"""
_PROBLEMS_HEAD = """# Problems

What can be wrong with data. A problem is a row of `problems.parquet` (of the plan: `plan_problems.parquet`, while loading:
`load_problems.parquet`): it holds a code and a place (mapping, field, table, row, line), never a value of a cell. Whether it
holds the record back depends on the field's policy; its severity says so: `block` keeps the record out, `warn` lets it
through, `info` tells.

A row of `problems.parquet` counts records from 1; a line counts physical lines of the file from 1, so the header is
line 1. Databases have no lines.

This page is made from the program's own list. Mistakes in a project's documents are no problems but
[errors](errors.md): they are all told at once, and nothing runs.

Every code has an example, which a test runs. It shows what is added to, or takes the place of, a file of one small
project: lines without a file's name are the people's rows, and further fields of their mapping. Where `data/` stands in
a name, it is the source's folder. The people are invented.

```text
{project}
# people.yaml
{people}
# data/PERSONS.csv
{rows}```
"""

_LINT_HEAD = """# What lint looks for

`casebook-etl lint --rules` lists the same. A mistake stops the project and has to be mended; a warning is legal, and
hardly meant: with `--strict` it ends lint with 1. How lint mends what is certain stands in
[the mapping language](mapping-language.md#lint).

This page is made from the program's own list, and every example is tried by a test. Most are a few more lines of this
small project: further fields of `people.yaml`, or of the file that they name, where a key takes the place of the one that
is there. The table has the columns that an example reads.

```text
# project.yaml
{project}
# people.yaml
{people}
# data/PERSONS.csv
{rows}```

## Warnings
"""


def commands_page() -> str:
    """docs/commands.md."""
    sections = [_section(name, each) for name, each in leaves(typer.main.get_command(app))]
    return "\n".join([_COMMANDS_HEAD, *sections]).rstrip() + "\n"


def problems_page() -> str:
    """docs/problems.md."""
    parts = [_PROBLEMS_HEAD.format(project=PROJECT, people=PEOPLE, rows=ROWS)]
    for title, codes in _families().items():
        parts.append(f"## {title}\n")
        parts += [_problem(each) for each in codes]
    return "\n".join(parts).rstrip() + "\n"


def lint_page() -> str:
    """docs/lint.md."""
    rules = [_rule(each) for each in RULES]
    small = documents(SUBJECTS["Mistakes of fields"]["unknown_option"], "")
    head = _LINT_HEAD.format(project=small["project.yaml"], people=small["people.yaml"], rows=small["data/PERSONS.csv"])
    mistakes = [part for title, codes in SUBJECTS.items() for part in (f"## {title}\n", *map(_mistake, codes.items()))]
    return "\n".join([head, *rules, *mistakes]).rstrip() + "\n"


def _rule(rule: LintRule) -> str:
    needs = " Needs `--rows`." if rule.needs_rows else ""
    return f"### `{rule.name}`\n\n{rule.help}{needs}\n\n{shown_to_lint(EXAMPLES[rule.name])}"


def _mistake(each: tuple[str, LintExample]) -> str:
    code, example = each
    return f"### `{code}`\n\n{MISTAKES[code]}\n\n{shown_to_lint(example)}"


PAGES: Mapping[str, Callable[[], str]] = {
    "commands.md": commands_page,
    "problems.md": problems_page,
    "lint.md": lint_page,
}


def leaves(command: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    """Every command that does something, by its full name."""
    if not hasattr(command, "commands"):
        yield name, command
        return
    for part, each in command.commands.items():
        yield from leaves(each, f"{name} {part}".strip())


def _section(name: str, command: Any) -> str:
    rows = "\n".join(_option(each) for each in command.params if each.name != "help")
    table = f"\n| argument or option | meaning | default |\n|---|---|---|\n{rows}\n" if rows else ""
    example = command.epilog.removeprefix("Example: ")
    return f"## `{name}`\n\n{command.help}\n{table}\n```sh\n{example}\n```\n"


def _option(parameter: Any) -> str:
    if parameter.param_type_name == "argument":
        names = f"`{parameter.metavar}`"
    else:
        value = "" if parameter.is_flag else f" {parameter.metavar or parameter.name.upper()}"
        names = ", ".join(f"`{each}{value}`" for each in parameter.opts)
    return f"| {names} | {parameter.help} | {_default(parameter)} |".replace("  |", " |")


def _default(parameter: Any) -> str:
    if parameter.required:
        return "must be given"
    if isinstance(parameter.show_default, str):
        return parameter.show_default
    if parameter.default is None or parameter.default is False or parameter.default == "":
        return ""
    return "current folder" if parameter.default == Path() else f"`{parameter.default}`"


def _problem(code: ProblemCode) -> str:
    return f"### `{code.code}`\n\n{code.title}. {code.why}\n\n**What to do:** {code.remedy}\n\n{shown(PROBLEMS[code.code])}"


_FAMILIES = {
    "Rows that cannot be read": """
        ragged_row undecodable_row unclosed_quote stray_quote oversized_row control_character broken_record
        utf8_in_code_page""",
    "Identity and joins": "missing_key duplicate_key unexpected_second_match missing_match unmatched_row new_column episode_unclear episode_waits",
    "What changed since the last inspection": "codes_since_inspect column_since_inspect table_shrunken",
    "Values": """
        invalid_value unmapped_value open_decision withheld required_missing wrong_type not_in_enum too_long bad_format
        out_of_range unknown_option option_not_checked requirement_unknown rule_broken""",
    "References": """
        parent_missing parent_not_loadable parent_gone parent_deleted_on_purpose link_left_out reference_loop required_loop self_reference
        recommended_missing""",
    "Attachments": "file_missing file_too_large file_refused file_empty",
    "What Casebook answered, and what reading back found": """
        value_left rejected_by_target server_error uncertain duplicate_in_target lost_in_target altered_in_target
        truncated_in_target mislinked_in_target file_differs_in_target match_undecided""",
}


def _families() -> dict[str, list[ProblemCode]]:
    """All codes under their headings; codes that no heading names come last."""
    left = {each.code: each for each in problem_codes()}
    families = {title: [left.pop(code) for code in codes.split() if code in left] for title, codes in _FAMILIES.items()}
    return families | ({"Further problems": list(left.values())} if left else {})


def anchors(text: str) -> set[str]:
    """The anchors of a page's headings, as the usual Markdown renderers make them."""
    headings = re.findall(r"^#+ (.+)$", re.sub(r"^```.*?^```$", "", text, flags=re.DOTALL | re.MULTILINE), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", each.lower()).replace(" ", "-") for each in headings}


if __name__ == "__main__":
    for page, make in PAGES.items():
        (DOCS / page).write_text(make(), "utf-8")
