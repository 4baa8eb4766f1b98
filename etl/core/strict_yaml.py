"""Reads YAML documents strictly, for mappings and catalogues alike, and remembers where everything stood.

Values are built from the parser's events and not by PyYAML's constructors: so every mistake of a document is found in
one reading, nothing but plain data can come out, and what YAML 1.1 would quietly turn into something else (``no``,
``012``, ``12:30``) is refused instead of guessed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import TypeAlias

import yaml

from etl.core.errors import MappingError, Mistake
from etl.core.records import JsonValue

Path: TypeAlias = tuple[str | int, ...]
"""The way from the top to a value: keys of mappings and, from 0, indexes of lists."""

MAX_BYTES = 1_000_000
MAX_DEPTH = 50
MAX_NUMBER_LENGTH = 40
MAX_UNPRINTABLE = 20

_UNPRINTABLE = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_TAB_INDENT = re.compile(r"^ *\t", re.MULTILINE)
_NULLS = frozenset({"", "~", "null", "Null", "NULL"})
_BOOLEANS = {word: word.lower() == "true" for word in ("true", "True", "TRUE", "false", "False", "FALSE")}
_OLD_BOOLEANS = frozenset({"yes", "no", "on", "off", "y", "n"})
_INTEGER = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_NOT_FINITE = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")
_LEADING_ZERO = re.compile(r"[-+]?0[0-9]+(?:\.[0-9]*)?(?:[eE][-+]?[0-9]+)?")
_BASE_60 = re.compile(r"[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?")


@dataclass(slots=True)
class _Node:
    line: int
    column: int
    value: JsonValue = None
    text: str | None = None
    children: dict[str | int, _Node] = field(default_factory=dict)
    key_at: tuple[int, int] | None = None


class Document:
    """A document that was read without a mistake: its plain value, and the place and spelling of every part."""

    def __init__(self, file: str, root: _Node) -> None:
        self.file = file
        self._root = root

    @property
    def value(self) -> JsonValue:
        """Dicts with text keys, lists, texts, numbers, booleans and None; dates and times stay text."""
        return self._root.value

    def position(self, path: Path = (), *, key: bool = False) -> tuple[int, int]:
        """Line and column, from 1, of the value at ``path``, or of its key where ``key`` is true and it has one.

        For a path that leads nowhere (a key that is missing) it is the nearest place on the way.
        """
        node, _ = self._nearest(path)
        return node.key_at if key and node.key_at is not None else (node.line, node.column)

    def text(self, path: Path) -> str | None:
        """Return a scalar as it was written (``1.10`` stays ``1.10``; quotes and escapes undone), None for the rest."""
        node, found = self._nearest(path)
        return node.text if found else None

    def word_position(self, path: Path, word: str, *, key: bool = False) -> tuple[int, int, int] | None:
        """Line and column of the first key (where ``key``) or text below ``path`` that is a word, else of the first text that
        holds it, and how many characters into that text it stands; None where there is none.
        """
        node, found = self._nearest(path)
        nodes = list(_below(node)) if found else []
        keys = (child.key_at for each in nodes for name, child in each.children.items() if name == word)
        for at in filter(None, keys if key else ()):
            return (*at, 0)
        whole = re.compile(rf"(?<![\w.]){re.escape(word)}(?![\w.])")
        held = [(each, match) for each in nodes if each.text is not None and (match := whole.search(each.text))]
        held.sort(key=lambda each: each[0].text != word)
        return (held[0][0].line, held[0][0].column, held[0][1].start()) if held else None

    def mistake(self, path: Path, message: str, *, hint: str = "", code: str = "mapping", key: bool = False) -> Mistake:
        """Make a mistake placed at ``path``."""
        line, column = self.position(path, key=key)
        return Mistake(self.file, line, column, message, hint, code)

    def _nearest(self, path: Path) -> tuple[_Node, bool]:
        node = self._root
        for part in path:
            if part not in node.children:
                return node, False
            node = node.children[part]
        return node, True


def _below(node: _Node) -> Iterator[_Node]:
    """A node and all nodes below it, in the document's order."""
    yield node
    for child in node.children.values():
        yield from _below(child)


def read_document(text: str, file: str) -> Document:
    """Read one document; ``file`` is the name that mistakes give. An empty document's value is None.

    Raises MappingError with every mistake of the document; after a syntax error, or beyond the limits of size and
    depth, nothing further can be told.
    """
    document, mistakes = scan_document(text, file)
    if mistakes:
        raise MappingError(mistakes)
    return document


def scan_document(text: str, file: str) -> tuple[Document, tuple[Mistake, ...]]:
    """Read what can be read of one document, with the mistakes found, for callers who go on to look for more.

    A value with a mistake is None, of repeated keys the first counts, and nothing stands behind a syntax error.
    """
    reader = _Reader(text, file)
    root = reader.read()
    return Document(file, root), tuple(reader.mistakes)


class _Stop(Exception):
    """Nothing further can be read."""


class _Reader:
    def __init__(self, text: str, file: str) -> None:
        self.mistakes: list[Mistake] = []
        self._text = text
        self._file = file
        self._tab_lines: set[int] = set()
        self._events: Iterator[yaml.Event] = iter(())

    def read(self) -> _Node:
        nothing = _Node(1, 1)
        if not self._is_readable():
            return nothing
        self._refuse_tab_indents()
        self._events = iter(yaml.parse(self._text, Loader=yaml.CSafeLoader))
        try:
            return self._stream() or nothing
        except yaml.YAMLError as error:
            self._syntax(error)
        except _Stop:
            pass
        return nothing

    def _is_readable(self) -> bool:
        """Whether size and characters let the parser be asked at all."""
        if len(self._text) > MAX_BYTES or len(self._text.encode(errors="replace")) > MAX_BYTES:
            self._add(1, 1, "The document is larger than 1 MB.", "Split it into several files.", "yaml_too_large")
            return False
        for match in islice(_UNPRINTABLE.finditer(self._text, 0, MAX_BYTES), MAX_UNPRINTABLE):
            what = "The document holds a character that no text may hold."
            self._add(*self._place(match.start()), what, "Remove it, or write it as an escape.", "yaml_character")
        return not self.mistakes

    def _refuse_tab_indents(self) -> None:
        for match in _TAB_INDENT.finditer(self._text):
            line, column = self._place(match.end() - 1)
            self._tab_lines.add(line)
            self._add(line, column, "A tab indents this line.", "Indent with spaces.", "yaml_tab")

    def _syntax(self, error: yaml.YAMLError) -> None:
        mark = getattr(error, "problem_mark", None)
        line, column = (mark.line + 1, mark.column + 1) if mark is not None else (1, 1)
        if line not in self._tab_lines:
            problem = getattr(error, "problem", None) or "it cannot be read"
            message = f"This is not YAML: {problem}{_began(error)}."
            self._add(
                line, column, message, "Check quotes, colons and indentation here and one line up.", "yaml_syntax"
            )

    def _stream(self) -> _Node | None:
        root: _Node | None = None
        for event in self._events:
            if isinstance(event, yaml.DocumentStartEvent):
                self._refuse_directives(event)
                if root is not None:
                    self._at(event, "A second document starts here.", "Keep one document a file.", "yaml_documents")
                    raise _Stop
                root = self._node(next(self._events), 1)
        return root

    def _refuse_directives(self, event: yaml.DocumentStartEvent) -> None:
        if event.version or event.tags:
            self._at(event, "Directives are not accepted.", "Remove the lines that start with '%'.", "yaml_directive")

    def _node(self, event: yaml.Event, depth: int) -> _Node:
        if depth > MAX_DEPTH:
            self._at(event, f"The document is nested more than {MAX_DEPTH} deep.", "Flatten it.", "yaml_too_deep")
            raise _Stop
        self._refuse_anchors_and_tags(event)
        node = _Node(*_start(event))
        if isinstance(event, yaml.ScalarEvent):
            self._scalar(event, node)
        elif isinstance(event, yaml.SequenceStartEvent):
            self._list(node, depth)
        elif isinstance(event, yaml.MappingStartEvent):
            self._mapping(node, depth)
        return node

    def _refuse_anchors_and_tags(self, event: yaml.Event) -> None:
        if isinstance(event, yaml.AliasEvent):
            self._at(event, "Aliases (*name) are not accepted.", "Write the value out.", "yaml_alias")
        elif getattr(event, "anchor", None) is not None:
            self._at(
                event, "Anchors (&name) are not accepted.", "Write the value out where it is needed.", "yaml_anchor"
            )
        if getattr(event, "tag", None) is not None:
            self._at(event, "Tags (!name) are not accepted.", "Remove it; quote the value to make it text.", "yaml_tag")

    def _list(self, node: _Node, depth: int) -> None:
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            node.children[len(node.children)] = self._node(event, depth + 1)
        node.value = [child.value for child in node.children.values()]

    def _mapping(self, node: _Node, depth: int) -> None:
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            key = self._key(event, depth)
            child = self._node(next(self._events), depth + 1)
            child.key_at = _start(event)
            if key in node.children:
                first = (node.children[key].key_at or (0, 0))[0]
                message = f"The key {key!r} stands here for the second time (first in line {first})."
                self._at(event, message, "Remove or rename one of them.", "yaml_duplicate_key")
            elif key is not None:
                node.children[key] = child
        node.value = {str(key): child.value for key, child in node.children.items()}

    def _key(self, event: yaml.Event, depth: int) -> str | None:
        """Return the key's text, None for what cannot be a key. Keys are text however they look: ``N:`` needs no quotes."""
        if not isinstance(event, yaml.ScalarEvent):
            if not isinstance(event, yaml.AliasEvent):
                self._at(event, "A key must be a plain text.", "Write the key as one word or quoted.", "yaml_key")
            self._node(event, depth + 1)
            return None
        self._refuse_anchors_and_tags(event)
        if event.value == "<<" and _is_plain(event):
            self._at(event, "Merge keys (<<) are not accepted.", "Write the keys out.", "yaml_merge_key")
            return None
        if event.value == "" and _is_plain(event):
            self._at(event, "A key is empty.", "Name the key before the colon.", "yaml_key")
            return None
        return str(event.value)

    def _scalar(self, event: yaml.ScalarEvent, node: _Node) -> None:
        node.text = event.value
        if not _is_plain(event):
            node.value = event.value
        elif doubt := _doubt(event.value):
            self._at(event, *doubt)
        else:
            node.value = _plain_value(event.value)

    def _at(self, event: yaml.Event, message: str, hint: str, code: str) -> None:
        self._add(*_start(event), message, hint, code)

    def _add(self, line: int, column: int, message: str, hint: str, code: str) -> None:
        self.mistakes.append(Mistake(self._file, line, column, message, hint, code))

    def _place(self, offset: int) -> tuple[int, int]:
        return self._text.count("\n", 0, offset) + 1, offset - self._text.rfind("\n", 0, offset)


def _began(error: yaml.YAMLError) -> str:
    """Where the quote, bracket or block began that could not be read to its end; it may be far from where that showed."""
    mark, context = getattr(error, "context_mark", None), getattr(error, "context", None)
    return f", {context} that begins at {mark.line + 1}:{mark.column + 1}" if mark is not None and context else ""


def _start(event: yaml.Event) -> tuple[int, int]:
    mark = event.start_mark
    return (mark.line + 1, mark.column + 1) if mark is not None else (1, 1)


def _is_plain(event: yaml.ScalarEvent) -> bool:
    return bool(event.implicit[0])


def _doubt(text: str) -> tuple[str, str, str] | None:
    """Why a plain scalar may mean two things (message, hint, code), or None."""
    if text.lower() in _OLD_BOOLEANS and text in {text.lower(), text.upper(), text.capitalize()}:
        return f"Unquoted {text} is a boolean to some readers.", f'Write "{text}", or true or false.', "yaml_boolean"
    if _LEADING_ZERO.fullmatch(text):
        return "A number with a leading zero may be octal, or a code.", "Quote it to make it text.", "yaml_number"
    if _BASE_60.fullmatch(text):
        return "Digits with colons are a base-60 number to some readers.", "Quote it to make it text.", "yaml_number"
    if _NOT_FINITE.fullmatch(text):
        return "Infinity and not-a-number are not accepted.", "Quote it to make it text.", "yaml_number"
    return _number_doubt(text)


def _number_doubt(text: str) -> tuple[str, str, str] | None:
    if not _FLOAT.fullmatch(text) and not _INTEGER.fullmatch(text):
        return None
    if len(text) > MAX_NUMBER_LENGTH or abs(_number(text)) == float("inf"):
        return "The number is too large to be kept exactly.", "Quote it to make it text.", "yaml_number"
    return None


def _plain_value(text: str) -> JsonValue:
    if text in _NULLS:
        return None
    if text in _BOOLEANS:
        return _BOOLEANS[text]
    if _INTEGER.fullmatch(text) or _FLOAT.fullmatch(text):
        return _number(text)
    return text


def _number(text: str) -> int | float:
    if _INTEGER.fullmatch(text):
        return int(text, 0)
    return float(text)
