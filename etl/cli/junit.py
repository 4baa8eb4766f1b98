"""Writes results of inline tests in the form that build servers read (JUnit's XML)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element, ElementTree, SubElement, indent

if TYPE_CHECKING:
    from etl.pipeline.inline_tests import Tested


def write_junit(path: Path, project: str, results: Sequence[Tested]) -> None:
    """One suite for the project, one case for each test. Raises OSError where the file cannot be written."""
    failed = sum(not each.passed for each in results)
    suite = Element("testsuite", name=project, tests=str(len(results)), failures=str(failed), errors="0")
    for each in results:
        _add_case(suite, each)
    root = Element("testsuites")
    root.append(suite)
    indent(root)
    ElementTree(root).write(path, encoding="utf-8", xml_declaration=True)


def _add_case(suite: Element, result: Tested) -> None:
    position = result.test.position
    case = SubElement(
        suite, "testcase", classname=result.mapping, name=result.test.name, file=position.file, line=str(position.line)
    )
    for failure in result.failures:
        SubElement(
            case, "failure", message=f"{failure.what}: expected {failure.expected}, got {failure.got}"
        ).text = str(failure)
