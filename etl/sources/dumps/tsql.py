"""SQL Server's statements, which need no separator: where each one starts, and what stands under a condition.

The words that start a statement are reserved there, so one that is not quoted and not part of the statement before it
starts the next. Nothing is evaluated: what a condition governs is never said to happen, nor not to happen.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from etl.sources.dumps.lexer import Lexer
from etl.sources.dumps.tokens import WORD, Token

STARTS: Final = (
    b"INSERT", b"UPDATE", b"DELETE", b"MERGE", b"TRUNCATE", b"BULK", b"EXEC", b"EXECUTE", b"CREATE", b"ALTER", b"DROP",
    b"SELECT", b"SET", b"DECLARE", b"PRINT", b"RAISERROR", b"IF", b"ELSE", b"WHILE", b"BEGIN", b"END", b"BREAK",
    b"CONTINUE", b"RETURN", b"GOTO", b"COMMIT", b"ROLLBACK", b"SAVE", b"GRANT", b"DENY", b"REVOKE", b"USE", b"DBCC",
    b"WAITFOR", b"BACKUP", b"RESTORE", b"OPEN", b"FETCH", b"CLOSE", b"DEALLOCATE", b"CHECKPOINT", b"RECONFIGURE",
    b"WRITETEXT", b"UPDATETEXT",
)  # fmt: skip
OTHER_STARTS: Final = (b"WITH", b"THROW", b"DISABLE", b"ENABLE", b"ADD", b"REVERT", b"KILL", b"GO", b"SEND")
"""Words that start a statement and may be names as well."""
CODE: Final = (b"PROCEDURE", b"PROC", b"FUNCTION", b"TRIGGER", b"VIEW")
"""What has a body that is the rest of its batch."""

_GRANTS = (b"GRANT", b"DENY", b"REVOKE")
_BEFORE_MORE = (b"FOR", b"OF", b"WITH", b"AS", b"AFTER", b"BEFORE")
"""Words behind which none starts a statement: FOR UPDATE, WITH EXECUTE AS."""
_ACTIONS = (b"ADD", b"DROP", b"ALTER", b"CHECK", b"NOCHECK", b"ENABLE", b"DISABLE", b"SET", b"REBUILD", b"SWITCH")
"""Words that say what an ALTER does: behind one, ALTER, DROP and SET say nothing more of it."""
_FAILURES = (b"@@ERROR", b"@@TRANCOUNT", b"XACT_STATE", b"ERROR_NUMBER")
_CONDITION: Final = "condition"
_FAILURE: Final = "failure"


class Passed:
    """The tokens of a statement as they are passed, and whether the next one belongs to it."""

    def __init__(self, first: Token) -> None:
        self.tokens: list[Token] = [first]
        self._first = first.text.upper()
        self._open = 0
        self._cases = 0
        self._is_granted = False

    def ends_before(self, token: Token) -> bool:
        """Whether this token starts another statement."""
        if token.kind != WORD:
            return False
        word = token.text.upper()
        if token.starts_line and word in (b"GO", b"INSERT"):
            return word == b"GO" or not self._names_rights
        if self._open or word not in STARTS or self._is_in_a_case(word):
            return False
        return not self._belongs(word)

    def add(self, token: Token) -> None:
        """Takes the next token in."""
        self._open = max(0, self._open + token.is_mark(b"(") - token.is_mark(b")"))
        self._cases += token.is_word(b"CASE")
        self._cases -= bool(self._cases and token.is_word(b"END"))
        self._is_granted = self._is_granted or token.is_word(b"TO", b"FROM")
        self.tokens.append(token)

    @property
    def _names_rights(self) -> bool:
        return self._first in _GRANTS and not self._is_granted

    def _is_in_a_case(self, word: bytes) -> bool:
        return bool(self._cases) and word in (b"ELSE", b"END")

    def _belongs(self, word: bytes) -> bool:
        last = self.tokens[-1]
        if self._names_rights or last.is_word(*_BEFORE_MORE) or last.is_mark(b",") or last.is_mark(b"."):
            return True
        if self._first == b"DROP":
            return word == b"IF" and len(self.tokens) == 2  # noqa: PLR2004 - DROP TABLE IF EXISTS
        return self._first in (b"ALTER", b"CREATE") and self._is_part_of_a_definition(word, last)

    def _is_part_of_a_definition(self, word: bytes, last: Token) -> bool:
        if last.is_word(b"ON") and word in (b"DELETE", b"UPDATE"):
            return True
        if word == b"SET" and last.is_word(b"DELETE", b"UPDATE"):
            return True
        if word == b"IF":
            return last.is_word(b"DROP", b"COLUMN", b"CONSTRAINT")
        if self._first == b"CREATE" or word not in (b"ALTER", b"DROP", b"SET"):
            return False
        return not any(each.is_word(*_ACTIONS) for each in self.tokens[1:])


class Flow:
    """What governs the next statement of a batch: nothing, a condition, or the question whether something failed."""

    def __init__(self) -> None:
        self._blocks: list[str] = []
        self._next = ""
        self._latest = ""

    @property
    def is_governed(self) -> bool:
        """Whether the next statement stands under any condition."""
        return bool(self._next or any(self._blocks))

    @property
    def is_for_failures(self) -> bool:
        """Whether it is only for the case that an earlier statement failed."""
        return _FAILURE in (self._next, *self._blocks)

    def ask(self, first: bytes, condition: Sequence[Token], *, is_complete: bool) -> None:
        """IF, WHILE or ELSE was passed; ``is_complete`` says that its statement was passed with it."""
        if first != b"ELSE":
            self._latest = _FAILURE if any(each.is_word(*_FAILURES) for each in condition) else _CONDITION
        self._next = "" if is_complete else self._latest or _CONDITION

    def begin(self, lexer: Lexer) -> bool:
        """A block begins behind BEGIN; False where that begins no block but a transaction."""
        token = lexer.peek()
        if token is not None and token.is_word(b"TRAN", b"TRANSACTION", b"DISTRIBUTED", b"DIALOG", b"CONVERSATION"):
            return False
        lexer.took_word(b"TRY")
        self._blocks.append(_FAILURE if lexer.took_word(b"CATCH") else self._next)
        self._next = ""
        return True

    def end(self, lexer: Lexer) -> None:
        """A block ends behind END."""
        lexer.took_word(b"TRY", b"CATCH")
        self._blocks[-1:] = []
        self._next = ""

    def go_on(self) -> None:
        """A statement was passed: what governed it alone is over."""
        self._next = ""
