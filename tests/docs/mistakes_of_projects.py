"""One tiny example of each mistake in project.yaml, in a tenant's overlay, and in which files there are."""

from __future__ import annotations

from collections.abc import Mapping

from tests.docs.lint_example import Example

_OVERLAY = "version: 1\ntenant: ours\nentities: {person: {%s}}\n"
_PROFILE = "profiles: {ours: {base_url: %s, token_url: https://example.org/token, tenant: %s}}"
_OURS = {
    "project.yaml": f"""\
project: small
timezone: America/New_York
sources: {{legacy: {{csv: "data/*.csv"}}}}
{_PROFILE % ("https://example.org", "ours.yaml")}
"""
}


def _project(lines: str, told: str, mended: str = "", **more: str) -> Example:
    return Example(lines, told, mended, file="project.yaml", **more)


def _overlay(part: str, told: str, mended: str = "") -> Example:
    return Example(_OVERLAY % part, told, _OVERLAY % mended if mended else "", file="ours.yaml", more=_OURS)


EXAMPLES: Mapping[str, Example] = {
    "catalog_flaw": _overlay(
        "links: {sister: {to: [persn]}}",
        "ours.yaml:3:43: The entity or lookup persn is unknown. Did you mean `person`?",
        "links: {sister: {to: [person]}}",
    ),
    "catalog_missing_key": Example(
        "tenant: ours\n",
        "ours.yaml:1:1: The key version is missing. Add it.",
        mended="version: 1\ntenant: ours\n",
        file="ours.yaml",
        more=_OURS,
    ),
    "catalog_unknown_key": _overlay(
        "requires: {last_name: true}",
        "ours.yaml:3:21: Unknown key requires. Did you mean `required`?",
        "required: {last_name: true}",
    ),
    "catalog_unknown_name": _overlay(
        "required: {lst_name: true}",
        "ours.yaml:3:32: person has no field lst_name. Did you mean `last_name`?",
        "required: {last_name: true}",
    ),
    "catalog_value": _overlay(
        "required: {last_name: always}",
        "ours.yaml:3:43: last_name: input should be a valid boolean.",
        "required: {last_name: true}",
    ),
    "file": Example(
        "a note",
        "crosswalks/sex.csv:1:1: This is no regular file. Put a CSV file here.",
        file="crosswalks/sex.csv/note.txt",
    ),
    "missing_variable": _project(
        'sources: {legacy: {csv: "${EXPORT}/*.csv"}}',
        "project.yaml:5:25: The environment variable EXPORT is not set. Set it, or write ${EXPORT:-default}.",
        'sources: {legacy: {csv: "${EXPORT:-data}/*.csv"}}',
    ),
    "not_available": _project("sync: {}", "project.yaml:8:1: `sync` is not available in this version. Remove it."),
    "reason_missing": _project(
        'ignore: {legacy.PERSONS: {SHOE: ""}}',
        "project.yaml:8:33: The reason is missing. Write `SHOE: reason`.",
        "ignore: {legacy.PERSONS: {SHOE: not case data}}",
        columns="SHOE",
    ),
    "secret_in_yaml": _project(
        'sources: {legacy: {sql: "postgresql://reader:hunter2@db/legacy"}}',
        "project.yaml:5:25: A secret seems to be written here. Put it into the environment and write ${NAME}.",
    ),
    "settings": _project(
        _PROFILE % ("https://example.org", "ours.yaml"),
        'project.yaml:6:96: The tenant overlay ours.yaml cannot be read: No such file or directory. Correct "tenant" in the profile; paths are relative to project.yaml.',
    ),
    "unknown_encoding": _project(
        'sources: {legacy: {csv: "data/*.csv", encoding: cp12525}}',
        "project.yaml:5:49: There is no text encoding `cp12525`. Use a name such as utf-8, cp1252, latin-1, mac_roman or utf-16.",
        'sources: {legacy: {csv: "data/*.csv", encoding: cp1252}}',
    ),
    "unknown_profile": _project(
        _PROFILE % ("https://example.org", "sandbox"),
        "project.yaml:6:11: There is no profile `our`. Did you mean `ours`?",
        profile="our",
    ),
    "unknown_timezone": _project(
        "timezone: America/New_Yrk",
        "project.yaml:7:11: Unknown time zone `America/New_Yrk`. Did you mean `America/New_York`?",
        "timezone: America/New_York",
    ),
    "wrong_address": _project(
        _PROFILE % ("http://example.org", "sandbox"),
        "project.yaml:6:29: Plain http is accepted for this machine only. Write https://.",
        _PROFILE % ("https://example.org", "sandbox"),
    ),
    "wrong_variable": _project(
        'sources: {legacy: {csv: "${EXPORT/*.csv"}}',
        "project.yaml:5:25: `${` starts no variable. Write ${NAME} or ${NAME:-default}.",
        'sources: {legacy: {csv: "${EXPORT:-data}/*.csv"}}',
    ),
}
