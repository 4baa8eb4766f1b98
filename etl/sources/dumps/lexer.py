"""Cuts a stream of bytes into tokens with one token of looking ahead, and knows its place by offset and line.

Only what the current token needs is held. A token longer than the longest row is broken by definition, so memory stays
bounded whatever the file holds; what is broken is left to the caller, who decides where reading goes on.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from etl.sources.dialect import LONGEST_ROW
from etl.sources.dumps.settings import Settings
from etl.sources.dumps.tokens import COMMENT, OPEN, SPACE, WORD, Token, pattern_of

_RECORD = (
    rb"(?:(?:INSERT|REPLACE)\s++(?:IGNORE\s++)?(?:INTO\s++)?[\w\[\"`]|CREATE\s++TABLE\b|ALTER\s++TABLE\b"
    rb"|COPY\s++[^\n]*?\bFROM\s++stdin|(?:UN)?LOCK\s++TABLES\b|SET\s++IDENTITY_INSERT\b|GO[ \t]*+\r?+$)"
)
_RECORD_HERE = re.compile(_RECORD, re.MULTILINE | re.IGNORECASE)
_RECORD_START = re.compile(rb"^[ \t]*+" + _RECORD, re.MULTILINE | re.IGNORECASE)
_STARTS_LIKE_A_ROW = re.compile(rb"^[ \t]*+\(", re.MULTILINE)
_FOLLOWERS = 64
"""Bytes behind a token that tell what it is, at the most."""
_LONGEST_START = 4_096
"""Bytes; how much of a statement is needed to see that one starts."""


class Lexer:
    """Tokens out of blocks of UTF-8, without blanks and comments, as the script's settings so far cut them."""

    def __init__(self, blocks: Iterator[bytes], settings: Settings, *, offset: int = 0, line: int = 1) -> None:
        self._blocks = blocks
        self._settings = settings
        self._match = pattern_of(settings.quoting).match
        self._buffer = b""
        self._position = 0
        self._dropped = offset
        self._line = line
        self._starts_line = True
        self._has_ended = False
        self._ahead: Token | None = None
        self._starter: Token | None = None
        self.end = offset
        """Offset behind what was taken last."""
        self.executed: list[Token] = []
        """Comments that MySQL would execute, as far as nobody has looked at them."""

    @property
    def settings(self) -> Settings:
        """What the script's settings are here."""
        return self._settings

    @settings.setter
    def settings(self, settings: Settings) -> None:
        """What comes next is read by these, also if it was peeked at before."""
        self._settings = settings
        self._match = pattern_of(settings.quoting).match
        if self._ahead is not None:
            self._starts_line = self._ahead.starts_line
            self._back_to(self._ahead)

    @property
    def line(self) -> int:
        """The physical line of what comes next."""
        return self._ahead.line if self._ahead else self._line

    def peek(self) -> Token | None:
        """The next token, which stays; None at the end."""
        if self._ahead is None:
            self._ahead = self._found()
        return self._ahead

    def take(self) -> Token | None:
        """The next token; None at the end."""
        token = self.peek()
        if token is not None:
            self._ahead = None
            self.end = token.end
        return token

    def took_word(self, *words: bytes) -> bool:
        """Takes the next token if it is one of these words."""
        token = self.peek()
        is_it = token is not None and token.is_word(*words)
        if is_it:
            self.take()
        return is_it

    def took_mark(self, mark: bytes) -> bool:
        """Takes the next token if it is this character."""
        token = self.peek()
        is_it = token is not None and token.is_mark(mark)
        if is_it:
            self.take()
        return is_it

    def take_matching(self, pattern: re.Pattern[bytes]) -> tuple[bytes, int] | None:
        """Takes what a pattern matches here at once: its first group, and the line where that starts.

        None, with nothing taken, where it does not match or may go on behind what is held.
        """
        start = self._position if self._ahead is None else self._ahead.start - self._dropped
        found = pattern.match(self._buffer, start)
        if found is None or self._may_go_on(found) or found.end() - start > LONGEST_ROW:
            return None
        line = self._line if self._ahead is None else self._ahead.line
        line += self._buffer.count(b"\n", start, found.start(1))
        self._jump(start, found.end())
        return found[1], line

    def took_text(self, text: bytes) -> bool:
        """Takes the token ahead and what follows it, if they are exactly this text."""
        start = self._position if self._ahead is None else self._ahead.start - self._dropped
        is_it = bool(text) and self._buffer.startswith(text, start) and start + len(text) < len(self._buffer)
        if is_it:
            self._jump(start, start + len(text))
        return is_it

    def text_since(self, token: Token) -> bytes:
        """The script from a token up to what was taken last; nothing where that is not held any more."""
        start = token.start - self._dropped
        return self._buffer[start : self.end - self._dropped] if start >= 0 else b""

    def rest_of_line(self) -> bytes | None:
        """The text up to the line's end and with it; None at the end. Nothing may have been peeked at.

        A longer line than the longest row comes in pieces.
        """
        stop = self._buffer.find(b"\n", self._position) + 1
        while not stop and self._may_grow() and self._fill():
            stop = self._buffer.find(b"\n", self._position) + 1
        text = self._buffer[self._position : stop or len(self._buffer)]
        self._move(self._position + len(text))
        self._starts_line = True
        self.end = self._dropped + self._position
        return text or None

    def skip_to_record(self, token: Token | None, line: int) -> Iterator[int]:
        """Goes on where, from the newest token on, a statement seems to start; read to its end.

        The rest of the token's line is given up, unless a statement starts that line: one below ``line``, where what broke
        starts. Gives the lines passed over that start like a row of a list, for nobody reads these.
        """
        for start in (self._word_before(token, line), token):
            if start is not None and self._is_record(start):
                self._starts_line = True
                self.end = self._dropped + self._position
                return
        if token is not None and token.starts_line and token.is_mark(b"("):
            yield token.line
        self._skip_line()
        while not self._reaches_record():
            yield from self._passed(max(self._position, self._buffer.rfind(b"\n", 0, -_LONGEST_START) + 1))
            if not self._may_grow() and not self._has_ended:
                self._skip_line()
            elif not self._fill():
                break
        found = _RECORD_START.search(self._buffer, self._position)
        yield from self._passed(found.start() if found else len(self._buffer))
        self._starts_line = True
        self.end = self._dropped + self._position

    def _skip_line(self) -> None:
        """Goes to the start of the next line: one that is too long to be held is let go piece by piece."""
        while (text := self.rest_of_line()) is not None and not text.endswith(b"\n"):
            pass

    def _word_before(self, token: Token | None, line: int) -> Token | None:
        """The word that starts a token's line: it may have passed for a value, or for a name, of what broke above it."""
        word = self._starter
        is_it = token is not None and word is not None and word.kind == WORD and word.line == token.line > line
        return word if is_it else None

    def _is_record(self, token: Token) -> bool:
        """Whether a statement starts with a token, at the start of a line; goes back to it, where it is held still."""
        if token.start < self._dropped:
            return False
        self._back_to(token)
        if not token.starts_line:
            return False
        while len(self._buffer) - self._position < _LONGEST_START and not self._has_ended:
            self._fill()
        return _RECORD_HERE.match(self._buffer, self._position) is not None

    def _reaches_record(self) -> bool:
        found = _RECORD_START.search(self._buffer, self._position)
        return found is not None and (found.end() < len(self._buffer) or self._has_ended)

    def _passed(self, position: int) -> Iterator[int]:
        """Moves to the start of a line; gives the lines on the way that start like a row."""
        start, line = self._position, self._line
        self._move(position)
        for found in _STARTS_LIKE_A_ROW.finditer(self._buffer, start, position):
            line += self._buffer.count(b"\n", start, found.start())
            start = found.start()
            yield line

    def _found(self) -> Token | None:
        while True:
            found = self._match(self._buffer, self._position)
            if (found is None or self._may_go_on(found) or found.lastgroup == OPEN) and self._may_grow():
                self._fill()
                continue
            if found is None:
                return None
            token = self._token(found)
            self._move(found.end())
            if token.kind not in (SPACE, COMMENT):
                if token.starts_line:
                    self._starter = token
                self._starts_line = False
                return token
            self._starts_line = self._starts_line or b"\n" in token.text
            if token.text.startswith((b"/*!", b"/*M!")):
                self.executed.append(token)

    def _token(self, found: re.Match[bytes]) -> Token:
        start, end = found.span()
        kind = str(found.lastgroup)
        return Token(kind, found[0], self._line, self._starts_line, self._dropped + start, self._dropped + end)

    def _may_go_on(self, found: re.Match[bytes]) -> bool:
        """Whether more of the script could make it another token: some are told by what follows them."""
        return not self._has_ended and found.end() + _FOLLOWERS > len(self._buffer)

    def _may_grow(self) -> bool:
        return not self._has_ended and len(self._buffer) - self._position <= LONGEST_ROW

    def _fill(self) -> bool:
        """Drops what was taken, but for the short start of a line, and reads one more block; False at the end."""
        block = next(self._blocks, b"")
        self._has_ended = not block
        start = self._starter.start - self._dropped if self._starter else -1
        kept = start if 0 <= start < self._position < start + _LONGEST_START else self._position
        self._dropped += kept
        self._buffer = self._buffer[kept:] + block
        self._position -= kept
        return bool(block)

    def _move(self, position: int) -> None:
        self._line += self._buffer.count(b"\n", self._position, position)
        self._position = position

    def _jump(self, start: int, end: int) -> None:
        """Takes from the token ahead, or from here, to ``end``."""
        if self._ahead is not None:
            self._back_to(self._ahead)
        self._line += self._buffer.count(b"\n", start, end)
        self._position = end
        self.end = self._dropped + end
        self._starts_line = False

    def _back_to(self, token: Token) -> None:
        self._ahead = None
        self._position = token.start - self._dropped
        self._line = token.line
