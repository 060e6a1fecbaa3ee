"""The grammar of sampler expressions, ``mixture(uniform:0.5, hardest(walk(kind=ppr)):0.5)``."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import NoReturn

from gneg import checks

Scalar = int | float | str
Value = Scalar | tuple[Scalar, ...]
_TOKEN = re.compile(
    r"\s*(?:(?P<number>-?(?:\d+\.?\d*|\.\d+)(?:e-?\d+)?)|(?P<word>[A-Za-z_][\w-]*)|(?P<mark>\S))"
)
# Deeper than any sampler that makes sense, and far from Python's own limit on recursion.
DEPTH = 32
WIDTH = 100  # characters of the text that a message shows
_INT64_DIGITS = 18


@dataclass(frozen=True)
class Source:
    """A text that is parsed, and the name of the argument it came as, for errors.

    Attributes:
        text: The text of one or several expressions.
        argument: The name of the argument.
    """

    text: str
    argument: str = "sampler"

    def __post_init__(self) -> None:
        """Refuse what is no text."""
        if not isinstance(self.text, str):
            allowed = "a sampler expression, such as 'mixture(uniform:0.5, walk:0.5)'"
            checks.fail(self.argument, allowed, checks.shown(self.text))

    def complain(self, place: int, message: str) -> NoReturn:
        """Raise an error that points at a place of the text.

        Raises:
            ValueError: Always.
        """
        start = max(0, place - WIDTH // 2) if len(self.text) > WIDTH else 0
        line = re.sub(r"\s", " ", self.text[start : start + WIDTH])
        pointer = " " * (place - start) + "^"
        raise ValueError(f"'{self.argument}': {message}\n  {line}\n  {pointer}")


@dataclass(frozen=True)
class Expression:
    """A parsed sampler.

    Attributes:
        name: The name of the sampler.
        options: Values of its options, by name.
        parts: The samplers inside it with their weights; None for a part without a weight.
        place: Position of the name in the text, in characters.
        places: Position of each option.
    """

    name: str
    options: dict[str, Value]
    parts: tuple[tuple[Expression, float | None], ...]
    place: int
    places: dict[str, int]

    def first(self, lacks: Callable[[Expression], bool]) -> Expression | None:
        """Return the first part that lacks something, this one before those inside it."""
        if lacks(self):
            return self
        parts = (part.first(lacks) for part, _ in self.parts)
        return next((part for part in parts if part is not None), None)

    def __str__(self) -> str:
        """Return the text that parses to this expression."""
        inside = [
            str(part) if weight is None else f"{part}:{weight:g}" for part, weight in self.parts
        ]
        for name, value in self.options.items():
            values = value if isinstance(value, tuple) else (value,)
            inside.append(f"{name}={'|'.join(map(str, values))}")
        return f"{self.name}({', '.join(inside)})" if inside else self.name


class _Reader:
    """Recursive descent: name [ '(' item { ',' item } ')' ], item: key=value | sampler[:weight]."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.tokens = [
            (match.lastgroup or "", match[match.lastgroup or 0], match.start(match.lastgroup or 0))
            for match in _TOKEN.finditer(source.text)
            if match.lastgroup
        ]
        self.at = self.depth = 0

    def peek(self) -> tuple[str, str, int]:
        end = "end", "", len(self.source.text)
        return self.tokens[self.at] if self.at < len(self.tokens) else end

    def take(self, *wanted: str) -> str | None:
        """Consume the next token if it is one of the ``wanted`` marks."""
        kind, token, _ = self.peek()
        if kind == "mark" and token in wanted:
            self.at += 1
            return token
        return None

    def need(self, kinds: tuple[str, ...], expected: str) -> tuple[str, str, int]:
        token = self.peek()
        if token[0] not in kinds:
            actual = "the end" if token[0] == "end" else checks.shown(token[1])
            self.source.complain(token[2], f"expected {expected}, found {actual}")
        self.at += 1
        return token

    def end(self) -> None:
        kind, token, place = self.peek()
        if kind != "end":
            self.source.complain(place, f"unexpected {checks.shown(token)}")

    def sampler(self) -> Expression:
        _, name, place = self.need(("word",), "the name of a sampler")
        if self.depth == DEPTH:
            self.source.complain(place, f"samplers are at most {DEPTH} deep inside each other")
        self.depth += 1
        expression = Expression(name.lower(), {}, (), place, {})  # names are read in any case
        parts: list[tuple[Expression, float | None]] = []
        if self.take("("):
            while not self.take(")"):
                self._item(expression, parts)
                if not self.take(","):
                    if not self.take(")"):
                        self.source.complain(self.peek()[2], "expected ',' or ')'")
                    break
        self.depth -= 1
        return replace(expression, parts=tuple(parts))

    def _item(self, expression: Expression, parts: list[tuple[Expression, float | None]]) -> None:
        following = self.tokens[self.at + 1] if self.at + 1 < len(self.tokens) else None
        if following is not None and following[1] == "=":
            _, key, place = self.need(("word",), "the name of an option")
            if key in expression.options:
                self.source.complain(place, f"{checks.shown(key)} is given twice")
            self.take("=")
            values = [self._value(key)]
            while self.take("|"):
                values.append(self._value(key))
            expression.options[key] = values[0] if len(values) == 1 else tuple(values)
            expression.places[key] = place
            return
        part = self.sampler()
        weight = float(self.need(("number",), "a weight")[1]) if self.take(":") else None
        parts.append((part, weight))

    def _value(self, key: str) -> Scalar:
        kind, value, _ = self.need(("number", "word"), f"a value for {checks.shown(key)}")
        return _number(value) if kind == "number" else value


def _number(text: str) -> int | float:
    whole = re.fullmatch(r"-?\d+", text) and len(text) <= _INT64_DIGITS
    return int(text) if whole else float(text)


def parse(text: str, argument: str = "sampler") -> Expression:
    """Parse a sampler expression.

    Args:
        text: The expression.
        argument: The name of the argument that it came as, for errors.

    Raises:
        ValueError: If it is malformed; the message points at the place.
    """
    reader = _Reader(Source(text, argument))
    expression = reader.sampler()
    reader.end()
    return expression


def parse_list(text: str, argument: str = "sampler") -> list[Expression]:
    """Parse sampler expressions with commas between them.

    Args:
        text: The expressions.
        argument: The name of the argument that they came as, for errors.

    Raises:
        ValueError: If an expression is malformed; the message points at the place.
    """
    reader = _Reader(Source(text, argument))
    expressions = [reader.sampler()]
    while reader.take(","):
        expressions.append(reader.sampler())
    reader.end()
    return expressions
