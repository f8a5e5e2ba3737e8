"""Name the first syntax error of a document in the words of Go's scanner.

A state machine over bytes (each as one Latin-1 character, as Go quotes them). It only runs on documents that Python's
parser refused.
"""

import re
from typing import Final

DEPTH_MAX: Final = 10_000
"""Go gives up below this many nested values."""

_SPACES: Final = re.compile(r"[ \t\r\n]*")
_STRING_PART: Final = re.compile(r'[^"\\\x00-\x1f]*')
_HEX: Final = frozenset("0123456789abcdefABCDEF")
_DIGITS: Final = re.compile(r"[0-9]*")
_LITERALS: Final = {"t": "true", "f": "false", "n": "null"}
_SHORT_ESCAPES: Final = dict(zip("\a\b\f\n\r\t\v\\", "abfnrtv\\", strict=True))
_FIRST_PRINTABLE, _DELETE, _LAST_CONTROL, _SOFT_HYPHEN = 0x20, 0x7F, 0xA0, 0xAD


class _Problem(Exception):
    """Carries the message out of the nested scan."""


def find_problem(body: bytes) -> str:
    """Return the message; too deep a document is the only valid one that comes here."""
    scanner = _Scanner(body.decode("latin-1"))
    try:
        scanner.scan()
    except _Problem as problem:
        return str(problem)
    return "invalid character '[' exceeded max depth"


def quote_character(character: str) -> str:
    """Quote one byte the way Go prints it inside an error."""
    code = ord(character)
    if character == "'":
        return "'\\''"
    if character in _SHORT_ESCAPES:
        return f"'\\{_SHORT_ESCAPES[character]}'"
    if code < _FIRST_PRINTABLE or code == _DELETE:
        return f"'\\x{code:02x}'"
    if _DELETE < code <= _LAST_CONTROL or code == _SOFT_HYPHEN:
        return f"'\\u{code:04x}'"
    return f"'{character}'"


class _Scanner:
    """One pass over the text; `stack` holds the closing brackets that are owed."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.stack: list[str] = []
        self.owes_value = False

    def scan(self) -> None:
        """Go through the first value; raise `_Problem` at the first error."""
        self._value()
        while self.stack:
            if self.owes_value:
                self.owes_value = False
                self._value()
            else:
                self._separator()

    def _peek(self) -> str:
        """Return the character here; the end of the text is itself an error."""
        if self.at >= len(self.text):
            blank = not self.text.strip(" \t\r\n")
            raise _Problem("EOF" if blank else "unexpected EOF")
        return self.text[self.at]

    def _next_token(self) -> str:
        """Skip white space, then peek."""
        self._skip(_SPACES)
        return self._peek()

    def _skip(self, pattern: re.Pattern[str]) -> None:
        found = pattern.match(self.text, self.at)
        self.at = found.end() if found else self.at

    def _fail(self, context: str) -> None:
        raise _Problem(f"invalid character {quote_character(self._peek())} {context}")

    def _value(self) -> None:
        """Read one scalar, or the opening of a container with its first key."""
        character = self._next_token()
        if character in "{[":
            self._open(character)
        elif character == '"':
            self._string()
        elif character in _LITERALS:
            self._literal(_LITERALS[character])
        elif character in "-0123456789":
            self._number()
        else:
            self._fail("looking for beginning of value")

    def _open(self, character: str) -> None:
        if len(self.stack) >= DEPTH_MAX:
            self._fail("exceeded max depth")
        self.at += 1
        self.stack.append("}" if character == "{" else "]")
        if self._next_token() == self.stack[-1]:
            self.at += 1
            self.stack.pop()
        else:
            self._member()

    def _member(self) -> None:
        """Expect an element, in an object behind its key."""
        if self.stack[-1] == "}":
            self._key()
        self.owes_value = True

    def _separator(self) -> None:
        character = self._next_token()
        if character == self.stack[-1]:
            self.at += 1
            self.stack.pop()
        elif character == ",":
            self.at += 1
            self._member()
        else:
            in_object = self.stack[-1] == "}"
            self._fail("after object key:value pair" if in_object else "after array element")

    def _key(self) -> None:
        if self._next_token() != '"':
            self._fail("looking for beginning of object key string")
        self._string()
        if self._next_token() != ":":
            self._fail("after object key")
        self.at += 1

    def _string(self) -> None:
        self.at += 1
        while True:
            self._skip(_STRING_PART)
            character = self._peek()
            if character == '"':
                self.at += 1
                return
            if character != "\\":
                self._fail("in string literal")
            self.at += 1
            self._escape()

    def _escape(self) -> None:
        character = self._peek()
        if character not in 'bfnrt\\/"u':
            self._fail("in string escape code")
        self.at += 1
        for _ in range(4 if character == "u" else 0):
            if self._peek() not in _HEX:
                self._fail("in \\u hexadecimal character escape")
            self.at += 1

    def _literal(self, word: str) -> None:
        for expected in word:
            if self._peek() != expected:
                self._fail(f"in literal {word} (expecting {quote_character(expected)})")
            self.at += 1

    def _number(self) -> None:
        if self._peek() == "-":
            self.at += 1
        if self._peek() == "0":
            self.at += 1
        else:
            self._digits("in numeric literal")
        if self.text[self.at : self.at + 1] == ".":
            self.at += 1
            self._digits("after decimal point in numeric literal")
        if self.text[self.at : self.at + 1] in ("e", "E"):
            self.at += 1
            if self._peek() in "+-":
                self.at += 1
            self._digits("in exponent of numeric literal")

    def _digits(self, context: str) -> None:
        if self._peek() not in "0123456789":
            self._fail(context)
        self._skip(_DIGITS)
