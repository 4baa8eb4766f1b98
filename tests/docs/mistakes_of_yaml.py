"""One tiny example of each mistake that is found while a document is read, before anybody asks what it means."""

from __future__ import annotations

from collections.abc import Mapping

from tests.docs.lint_example import Example

_SECOND = "mapping: second\ntarget: person\nsource: legacy.PERSONS\nkey: PERSON_ID\nfields: {first_name: FIRST_NM, last_name: LAST_NM}\n"

EXAMPLES: Mapping[str, Example] = {
    "encoding": Example(
        "middle_name: {const: Ren\udce9}", "people.yaml:8:1: The file is not UTF-8 (byte 147). Save it as UTF-8."
    ),
    "yaml_alias": Example(
        "middle_name: *first", "people.yaml:8:16: Aliases (*name) are not accepted. Write the value out."
    ),
    "yaml_anchor": Example(
        "middle_name: &middle FIRST_NM",
        "people.yaml:8:16: Anchors (&name) are not accepted. Write the value out where it is needed.",
    ),
    "yaml_boolean": Example(
        "hispanic_or_latino: {const: no}",
        'people.yaml:8:31: Unquoted no is a boolean to some readers. Write "no", or true or false.',
        mended='hispanic_or_latino: {const: "no"}',
    ),
    "yaml_character": Example(
        "middle_name: FIRST_NM\x1a",
        "people.yaml:8:24: The document holds a character that no text may hold. Remove it, or write it as an escape.",
    ),
    "yaml_directive": Example(
        f"%YAML 1.1\n---\n{_SECOND}",
        "second.yaml:1:1: Directives are not accepted. Remove the lines that start with '%'.",
        file="second.yaml",
    ),
    "yaml_documents": Example(
        f"{_SECOND}---\nmapping: third\n",
        "second.yaml:6:1: A second document starts here. Keep one document a file.",
        file="second.yaml",
    ),
    "yaml_duplicate_key": Example(
        "middle_name: FIRST_NM\nmiddle_name: LAST_NM",
        "people.yaml:9:3: The key 'middle_name' stands here for the second time (first in line 8). Remove or rename one of them.",
        mended="middle_name: FIRST_NM",
    ),
    "yaml_key": Example(
        "[middle_name]: FIRST_NM",
        "people.yaml:8:3: A key must be a plain text. Write the key as one word or quoted.",
        mended="middle_name: FIRST_NM",
    ),
    "yaml_merge_key": Example(
        "<<: {middle_name: FIRST_NM}",
        "people.yaml:8:3: Merge keys (<<) are not accepted. Write the keys out.",
        mended="middle_name: FIRST_NM",
    ),
    "yaml_number": Example(
        "custom_fields.legacyNumber: {const: 0012}",
        "people.yaml:8:39: A number with a leading zero may be octal, or a code. Quote it to make it text.",
        mended='custom_fields.legacyNumber: {const: "0012"}',
    ),
    "yaml_syntax": Example(
        "middle_name: {from: FIRST_NM",
        "people.yaml:9:1: This is not YAML: did not find expected ',' or '}', while parsing a flow mapping that begins at 8:16. Check quotes, colons and indentation here and one line up.",
        mended="middle_name: {from: FIRST_NM}",
    ),
    "yaml_tab": Example(
        "middle_name:\n\tfrom: FIRST_NM",
        "people.yaml:9:3: A tab indents this line. Indent with spaces.",
        mended="middle_name:\n  from: FIRST_NM",
    ),
    "yaml_tag": Example(
        "middle_name: !column FIRST_NM",
        "people.yaml:8:16: Tags (!name) are not accepted. Remove it; quote the value to make it text.",
        mended="middle_name: FIRST_NM",
    ),
    "yaml_too_deep": Example(
        f"middle_name: {'[' * 50}{']' * 50}", "people.yaml:8:64: The document is nested more than 50 deep. Flatten it."
    ),
    "yaml_too_large": Example(
        f"# {'x' * 1_000_000}", "people.yaml:1:1: The document is larger than 1 MB. Split it into several files."
    ),
}
