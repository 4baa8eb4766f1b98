"""From a file's bytes to what can be said of it: encoding with its proof or its candidates, delimiter, line ends.

This is advice for a person. Loading never relies on it: there an encoding is declared or proved.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import BinaryIO

from etl.core.errors import SourceUnreadable
from etl.core.intake import FileVerdict, Observation
from etl.core.problems import Severity
from etl.sources.dialect import physical_lines, proved_delimiter
from etl.sources.intake.lines import LineFacts, Tallied

_CANDIDATES = ("cp1252", "latin-1", "mac_roman", "cp437")
_LETTERS = frozenset("áéíóúñüàèìòùâêîôûäëïöçãõåøæœßÁÉÍÓÚÑÜÀÈÌÒÙÂÊÎÔÛÄËÏÖÇÃÕÅØÆŒŠšŽž")
_DASHES = frozenset("\u2013\u2014")
_OPENING = frozenset("\u2018\u201c\u00bf\u00a1")
_MARKS = frozenset("\u2019\u201d\u2026\u2022\u00b0\u00bd\u00a0")
_BEYOND_ASCII = 0x80
_C1 = range(0x80, 0xA0)
_HEAD_BYTES = 1 << 20
_DAMAGED_SHARE = 0.02


@dataclass(frozen=True, slots=True)
class Declared:
    """What a project says of a file; None where nothing is said. A file that is not ``delimited`` has columns of fixed
    width.
    """

    encoding: str | None = None
    delimiter: str | None = None
    quote: str = '"'
    numbers_nameless: bool = False
    delimited: bool = True


def verdict(
    stream: BinaryIO, facts: LineFacts, declared: Declared, table: str
) -> tuple[FileVerdict, list[Observation]]:
    """The verdict on a file and what was observed on the way. ``stream`` is read at its start once more."""
    candidates = _ranked(facts.contexts) if facts.other.count and not facts.wide else ()
    encoding, proof = _encoding(facts, candidates, declared)
    dialect = _dialect(stream, encoding, declared, table) if declared.delimited else ("", False, None)
    delimiter, is_quoted, doubt = dialect
    observations = [*_on_encoding(facts, candidates, declared, table), *_on_bytes(facts, table)]
    if doubt is not None:
        observations.append(Observation("unreadable", Severity.BLOCK, table, detail=str(doubt)))
    made = FileVerdict(
        encoding=encoding,
        proof=proof,
        candidates=candidates,
        lines=facts.lines,
        utf8_lines=facts.utf8.count,
        other_lines=facts.other.count,
        line_ends={end: count for end, count in facts.line_ends.items() if count},
        delimiter=delimiter,
        is_quoted=is_quoted,
    )
    return made, observations


def _encoding(facts: LineFacts, candidates: tuple[str, ...], declared: Declared) -> tuple[str, str]:
    if declared.encoding:
        return declared.encoding, "declared in the project"
    if facts.mark:
        return facts.mark, "by its byte order mark"
    if facts.wide:
        return facts.wide, "by the place of its NUL bytes; declare it"
    if not facts.other.count:
        return "utf-8", "every line is valid" if facts.utf8.count else "plain ASCII, which every encoding reads alike"
    if facts.utf8.count > facts.other.count:
        return "utf-8", "most lines beyond ASCII are valid, not all"
    return candidates[0], "not proved: the likeliest of its candidates"


def _ranked(contexts: Counter[bytes]) -> tuple[str, ...]:
    """The encodings that read nearly all bytes, by the share of them that makes sense between its neighbours."""
    shares = {name: _sensible_share(contexts, name) for name in _CANDIDATES if _reads(contexts, name)}
    return tuple(sorted(shares, key=lambda name: -shares[name])) or ("latin-1",)


def _reads(contexts: Counter[bytes], encoding: str) -> bool:
    """Whether the encoding knows nearly all of the bytes; a few others may be damage."""
    unknown = sum(count for context, count in contexts.items() if _is_unknown(context[1], encoding))
    return unknown <= _DAMAGED_SHARE * contexts.total()


def _is_unknown(byte: int, encoding: str) -> bool:
    return byte in _C1 if encoding == "latin-1" else not bytes([byte]).decode(encoding, "ignore")


def _sensible_share(contexts: Counter[bytes], encoding: str) -> float:
    return sum(count for context, count in contexts.items() if _is_sensible(context, encoding)) / contexts.total()


def _is_sensible(context: bytes, encoding: str) -> bool:
    """A usual letter beside another letter and no capital inside a word, or a usual mark where marks stand."""
    character = context[1:2].decode(encoding, "ignore")
    before, after = (_is_letter(context[place]) for place in (0, 2))
    if character in _LETTERS:
        return (before or after) and not (character.isupper() and context[:1].islower())
    if character in _DASHES:
        return not (before and after)
    return character in _MARKS or (character in _OPENING and not before)


def _is_letter(byte: int) -> bool:
    return byte >= _BEYOND_ASCII or chr(byte).isalpha()


def _dialect(
    stream: BinaryIO, encoding: str, declared: Declared, table: str
) -> tuple[str, bool, SourceUnreadable | None]:
    stream.seek(0)
    head = stream.read(_HEAD_BYTES).decode(encoding, "replace").removeprefix("\ufeff")
    is_quoted = bool(declared.quote) and declared.quote in head
    if declared.delimiter:
        return declared.delimiter, is_quoted, None
    try:
        return proved_delimiter(physical_lines(head), declared.quote, table), is_quoted, None
    except SourceUnreadable as doubt:
        return "", is_quoted, doubt


def _on_encoding(facts: LineFacts, candidates: tuple[str, ...], declared: Declared, table: str) -> list[Observation]:
    if not facts.other.count:
        return []
    if facts.mark == "utf-8":
        return [_lines("byte_order_mark_broken", Severity.BLOCK, table, facts.other)]
    if facts.utf8.count:
        detail = f"{facts.utf8.count:,} lines are UTF-8, {facts.other.count:,} are not"
        if facts.other.count <= facts.utf8.count:
            return [_lines("encoding_mixed", Severity.BLOCK, table, facts.other, detail)]
        return [_lines("encoding_mixed", Severity.BLOCK, table, facts.utf8, detail)]
    if declared.encoding or facts.wide:
        return []
    detail = f"possible, the likeliest first: {', '.join(candidates)}"
    return [_lines("encoding_undeclared", Severity.WARN, table, facts.other, detail)]


def _on_bytes(facts: LineFacts, table: str) -> list[Observation]:
    found = []
    if facts.nul.count:
        found.append(_lines("nul_bytes", Severity.BLOCK, table, facts.nul))
    if facts.control.count:
        found.append(_lines("control_bytes", Severity.BLOCK, table, facts.control))
    if facts.has_end_mark:
        found.append(Observation("end_of_file_mark", Severity.WARN, table))
    ends = {end: count for end, count in facts.line_ends.items() if count}
    if len(ends) > 1:
        detail = ", ".join(f"{count:,} {end}" for end, count in sorted(ends.items()))
        found.append(Observation("line_ends_mixed", Severity.INFO, table, count=min(ends.values()), detail=detail))
    return found


def _lines(code: str, severity: Severity, table: str, tallied: Tallied, detail: str = "") -> Observation:
    return Observation(code, severity, table, "", tallied.count, detail, tuple(tallied.places))
