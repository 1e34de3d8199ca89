"""SQLite's lexical grammar (https://www.sqlite.org/draft/tokenreq.html): text into tokens, and a cursor on them."""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass

from outgrow import errors

__all__ = ["Cursor", "Kind", "Token", "tokenize", "unquote"]


class Kind(enum.StrEnum):
    """What a token is; a keyword is a word like any other, for SQLite allows most of them as names."""

    WORD = "word"
    QUOTED = "quoted"
    STRING = "string"
    BLOB = "blob"
    NUMBER = "number"
    PARAMETER = "parameter"
    OPERATOR = "operator"
    ILLEGAL = "illegal"


@dataclass(frozen=True, slots=True)
class Token:
    """A token and where it stands in the text; `upper` is its text with ASCII letters raised."""

    kind: Kind
    text: str
    start: int
    end: int

    @property
    def upper(self) -> str:
        return self.text.upper() if self.text.isascii() else self.text


_TOKEN = re.compile(
    r"""
      (?P<space>   [ \t\n\f\r\ufeff]+ | --[^\n]* | /\*(?=.)(?:.*?\*/|.*) )
    | (?P<string>  '(?:[^']|'')*' )
    | (?P<quoted>  "(?:[^"]|"")*" | `(?:[^`]|``)*` | \[[^\]]*\] )
    | (?P<blob>    [xX]'(?:[0-9a-fA-F]{2})*' )
    | (?P<number>  0[xX][0-9a-fA-F]+(?:_[0-9a-fA-F]+)*
                 | (?:[0-9]+(?:_[0-9]+)*(?:\.(?:[0-9]+(?:_[0-9]+)*)?)?|\.[0-9]+(?:_[0-9]+)*)
                   (?:[eE][+-]?[0-9]+(?:_[0-9]+)*)? )
    | (?P<word>    [A-Za-z_\u0080-\U0010ffff][A-Za-z0-9_$\u0080-\U0010ffff]* )
    | (?P<parameter> \?[0-9]* | [:@\#$][A-Za-z0-9_$\u0080-\U0010ffff]+ )
    | (?P<operator> ->> | -> | \|\| | << | >> | <= | <> | >= | == | != | [-+*/%(),;.<>=&|~] )
    """,
    re.VERBOSE | re.DOTALL,
)


def tokenize(sql: str) -> tuple[Token, ...]:
    """The tokens of a text, without space and comments; what is no token of SQLite's is one ILLEGAL character."""
    tokens: list[Token] = []
    position = 0
    while position < len(sql) and sql[position] != "\0":  # SQLite reads a text up to its first NUL
        match = _TOKEN.match(sql, position)
        if match is None or match.end() == position:
            tokens.append(Token(Kind.ILLEGAL, sql[position], position, position + 1))
            position += 1
            continue
        if match.lastgroup != "space":
            tokens.append(Token(Kind(str(match.lastgroup)), match.group(), position, match.end()))
        position = match.end()
    return tuple(tokens)


def unquote(text: str) -> str:
    """What a name or a string says without its quotes; an unquoted word says itself."""
    quote = text[:1]
    if quote == "[":
        return text[1:-1]
    if quote in {'"', "`", "'"}:
        return text[1:-1].replace(quote * 2, quote)
    return text


class Cursor:
    """A position in a row of tokens; the words it is asked for are upper-case keywords or operators."""

    def __init__(self, sql: str) -> None:
        self.sql = sql
        self.tokens = tokenize(sql)
        self.index = 0

    @property
    def done(self) -> bool:
        return self.index >= len(self.tokens)

    def peek(self, ahead: int = 0) -> Token | None:
        """The token that comes, or None past the end."""
        position = self.index + ahead
        return self.tokens[position] if position < len(self.tokens) else None

    def take(self) -> Token:
        """The token that comes, taken."""
        token = self.peek()
        if token is None:
            raise self.mistake("more")
        self.index += 1
        return token

    def at(self, *words: str) -> bool:
        """Whether these keywords or operators come, in this order."""
        return all(self._is(self.peek(ahead), word) for ahead, word in enumerate(words))

    def skip(self, *words: str) -> bool:
        """Take these words if they come."""
        if not self.at(*words):
            return False
        self.index += len(words)
        return True

    def expect(self, *words: str) -> None:
        """Take these words, or raise `Internal`."""
        if not self.skip(*words):
            raise self.mistake(" ".join(words))

    def name(self) -> str:
        """Take a name: a word, a quoted identifier, or a string where SQLite takes one for a name."""
        token = self.take()
        if token.kind not in {Kind.WORD, Kind.QUOTED, Kind.STRING}:
            raise self.mistake("a name")
        return unquote(token.text)

    def parenthesised(self) -> str:
        """Take `( … )` and give the text between them, verbatim but for the space around it."""
        self.expect("(")
        start = self.tokens[self.index - 1].end
        depth = 1
        while True:
            token = self.take()
            if token.kind is Kind.OPERATOR and token.text in "()":
                depth += 1 if token.text == "(" else -1
                if not depth:
                    return self.sql[start : token.start].strip()

    def text(self, first: int) -> str:
        """The text from the token at index `first` to the last one taken, verbatim."""
        return self.sql[self.tokens[first].start : self.tokens[self.index - 1].end]

    def mistake(self, wanted: str) -> errors.Internal:
        """The error of a text that does not go on as SQLite's grammar says."""
        token = self.peek()
        found = f"{token.text!r} at {token.start}" if token else "the end"
        return errors.Internal(
            f"Cannot read a definition: wanted {wanted}, found {found}",
            why=f"The text is {self.sql[:500]!r}",
        )

    @staticmethod
    def _is(token: Token | None, word: str) -> bool:
        return token is not None and token.kind in {Kind.WORD, Kind.OPERATOR} and token.upper == word
