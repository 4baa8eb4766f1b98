"""Writes the reference of operations for people who write mappings, from the docstrings that programmers read.

Examples become lines of YAML with what they give; a test keeps ``docs/operations.md`` equal to what is made here.
Run ``python -m etl.mapping.operations.reference`` to print it.
"""

from __future__ import annotations

import ast
import doctest
import inspect
import json
import sys
from collections.abc import Iterator

from etl.core.records import JsonValue
from etl.mapping.operations.model import BoundOperation, ValueType
from etl.mapping.operations.registry import BINDERS, FAMILIES, name_of

_HEAD = """# Operations

The steps that `do:` may list. Each takes a whole column and gives a column; a blank goes in and comes out as a blank
unless an operation says otherwise. A value that an operation cannot read is a problem of its row (shown here as
`error: code`), never the end of the run; `on_error` of the field says what becomes of the record.

An operation without an argument is written by its name, one with an argument as `name: argument` or
`name: {setting: value}`. Text that ends in a field of another type is read in its plain form: ISO dates, plain numbers,
`true` and `false`.

This page is made from the operations themselves.
"""


def reference() -> str:
    """The whole page as Markdown."""
    return "\n".join([_HEAD, *_sections()]).rstrip() + "\n"


def _sections() -> Iterator[str]:
    for title, family in FAMILIES:
        yield f"## {title}\n"
        for binder in family:
            yield _section(name_of(binder))


def _section(name: str) -> str:
    text = inspect.getdoc(BINDERS[name]) or ""
    examples = doctest.DocTestParser().get_examples(text)
    prose = text.split(">>>", maxsplit=1)[0].strip()
    shown = [_example(name, each) for each in examples]
    rows = "\n".join(row for _, lines in shown for row in lines)
    return f"### `{name}`\n\n{prose}\n\n{_types(shown[0][0])}\n\n| step | value | result |\n|---|---|---|\n{rows}\n"


def _types(operation: BoundOperation) -> str:
    taken = "several columns of text" if operation.joins else "text"
    given = "a list of texts" if operation.produces is ValueType.TEXTS else str(operation.produces)
    return f"Takes {taken}, gives {given}."


def _example(name: str, example: doctest.Example) -> tuple[BoundOperation, list[str]]:
    """The operation of ``pad(5).on("401")`` and its lines: step, value, result."""
    expression = ast.parse(example.source.strip(), mode="eval").body
    if not (isinstance(expression, ast.Call) and isinstance(expression.func, ast.Attribute)):
        raise TypeError(f"an example of {name} is not of the form {name}(argument).on(values)")
    made = expression.func.value
    argument = ast.literal_eval(made.args[0]) if isinstance(made, ast.Call) else None
    values = [ast.literal_eval(value) for value in expression.args]
    if expression.func.attr == "on_columns":
        values = list(zip(*values, strict=True))
    results = ast.literal_eval(example.want)
    step = name if argument is None else f"{name}: {_yaml(argument)}"
    lines = [_line(step, value, result) for value, result in zip(values, results, strict=True)]
    return BINDERS[name](argument), lines


def _line(step: str, value: object, result: JsonValue) -> str:
    taken = " and ".join(map(_shown, value)) if isinstance(value, tuple) else _shown(value)
    return f"| {_cell(step)} | {taken} | {_shown(result)} |"


def _yaml(argument: JsonValue) -> str:
    """The argument in YAML's flow style, which reads JSON."""
    if isinstance(argument, dict):
        return "{" + ", ".join(f"{key}: {_yaml(value)}" for key, value in argument.items()) + "}"
    return json.dumps(argument, ensure_ascii=False)


def _shown(value: object) -> str:
    if value is None:
        return "blank"
    if isinstance(value, str) and value.startswith("!"):
        return f"error: {value[1:]}"
    return _cell(json.dumps(value, ensure_ascii=False) if isinstance(value, bool | list) else str(value))


def _cell(text: str) -> str:
    """Code in a table's cell: bars and line ends would break the table."""
    bare = text.replace("|", "\\|").replace("\n", "⏎")
    return f"`` {bare} ``" if "`" in bare else f"`{bare}`"


if __name__ == "__main__":
    sys.stdout.write(reference())
