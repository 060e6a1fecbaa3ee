"""Samplers from text: ``walk``, ``khop(hops=3)``, ``mixture(uniform:0.5, walk(kind=ppr):0.5)``."""

from __future__ import annotations

import inspect
import re
from dataclasses import dataclass
from typing import Any, NoReturn

from gneg.graph import Graph
from gneg.known import KnownEdges
from gneg.samplers.base import Corrupt, Sampler
from gneg.samplers.degree import Degree
from gneg.samplers.in_batch import InBatch
from gneg.samplers.khop import KHop
from gneg.samplers.mixture import Mixture
from gneg.samplers.similar import Similar, Vectors
from gneg.samplers.uniform import Uniform
from gneg.samplers.walk import Walk

Scalar = int | float | str
Value = Scalar | tuple[Scalar, ...]
_TOKEN = re.compile(
    r"\s*(?:(?P<number>-?(?:\d+\.?\d*|\.\d+)(?:e-?\d+)?)|(?P<word>[A-Za-z_][\w-]*)|(?P<mark>\S))"
)


@dataclass(frozen=True)
class Expression:
    """A parsed sampler: its name, options, and weighted parts."""

    name: str
    options: dict[str, Value]
    parts: tuple[tuple[Expression, float], ...]
    place: int


def _complain(text: str, place: int, message: str) -> NoReturn:
    raise ValueError(f"'sampler': {message}\n  {text}\n  {' ' * place}^")


class _Reader:
    """Recursive descent: name [ '(' item { ',' item } ')' ], item: key=value | sampler[:weight]."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens = [
            (match.lastgroup or "", match[match.lastgroup or 0], match.start(match.lastgroup or 0))
            for match in _TOKEN.finditer(text)
            if match.lastgroup
        ]
        self.at = 0

    def peek(self) -> tuple[str, str, int]:
        return self.tokens[self.at] if self.at < len(self.tokens) else ("end", "", len(self.text))

    def take(self, *wanted: str) -> str | None:
        """Consume the next token if it is one of the ``wanted`` marks."""
        kind, token, _ = self.peek()
        if kind == "mark" and token in wanted:
            self.at += 1
            return token
        return None

    def need(self, kinds: tuple[str, ...], what: str) -> tuple[str, str, int]:
        token = self.peek()
        if token[0] not in kinds:
            found = "the end" if token[0] == "end" else repr(token[1])
            _complain(self.text, token[2], f"expected {what}, found {found}")
        self.at += 1
        return token

    def sampler(self) -> Expression:
        _, name, place = self.need(("word",), "the name of a sampler")
        options: dict[str, Value] = {}
        parts: list[tuple[Expression, float]] = []
        if self.take("("):
            while not self.take(")"):
                self._item(options, parts)
                if not self.take(","):
                    if not self.take(")"):
                        _complain(self.text, self.peek()[2], "expected ',' or ')'")
                    break
        return Expression(name, options, tuple(parts), place)

    def _item(self, options: dict[str, Value], parts: list[tuple[Expression, float]]) -> None:
        following = self.tokens[self.at + 1] if self.at + 1 < len(self.tokens) else None
        if following is not None and following[1] == "=":
            _, key, _ = self.need(("word",), "the name of an option")
            self.take("=")
            values = [self._value(key)]
            while self.take("|"):
                values.append(self._value(key))
            options[key] = values[0] if len(values) == 1 else tuple(values)
            return
        part = self.sampler()
        weight = 1.0
        if self.take(":"):
            weight = float(self.need(("number",), "a weight")[1])
        parts.append((part, weight))

    def _value(self, key: str) -> Scalar:
        kind, value, _ = self.need(("number", "word"), f"a value for {key!r}")
        return _number(value) if kind == "number" else value


def _number(text: str) -> int | float:
    return int(text) if re.fullmatch(r"-?\d+", text) else float(text)


def parse(text: str) -> Expression:
    """Parse a sampler expression.

    Raises:
        ValueError: If it is malformed; the message points at the place.
    """
    reader = _Reader(text)
    expression = reader.sampler()
    if reader.peek()[0] != "end":
        _complain(text, reader.peek()[2], f"unexpected {reader.peek()[1]!r}")
    return expression


def build(
    text: str,
    graph: Graph,
    *,
    z: Vectors | None = None,
    known: KnownEdges | None = None,
    corrupt: Corrupt = "dst",
    unique: bool = False,
) -> Sampler:
    """Build a sampler from an expression such as ``mixture(uniform:0.5, walk:0.5)``.

    Names are those of :data:`SAMPLERS`, options those of the classes; several values are joined
    by ``|``, as in ``khop(hops=2|3|far)`` or ``similar(band=10|100)``.

    Args:
        text: The expression.
        graph: The graph to sample in.
        z: ``[N, D]`` vectors for ``similar``.
        known: The edges never to return; those of ``graph`` if None.
        corrupt: The end to replace.
        unique: Whether a row may hold a target only once.

    Raises:
        ValueError: If the expression is malformed or an option is wrong.

    Example:
        >>> import torch
        >>> graph = Graph.from_edge_index(torch.tensor([[0, 1], [1, 2]]), undirected=True)
        >>> build("walk(kind=cn)", graph)
        Walk(kind='cn', hops=2, alpha=0.15, corrupt='dst', unique=False)
    """
    common: dict[str, Any] = {
        "known": KnownEdges(graph) if known is None else known,
        "corrupt": corrupt,
        "unique": unique,
    }

    def make(expression: Expression) -> Sampler:
        cls = SAMPLERS.get(expression.name)
        if cls is None:
            _complain(
                text,
                expression.place,
                f"no sampler {expression.name!r}; there are {', '.join(SAMPLERS)}",
            )
        allowed = options_of(cls)
        for option in expression.options:
            if option not in allowed:
                has = f"only {', '.join(allowed)}" if allowed else "none"
                _complain(
                    text, expression.place, f"{expression.name!r} has no option {option!r} ({has})"
                )
        if (cls is Mixture) != bool(expression.parts):
            what = (
                "samplers, as in mixture(uniform:0.5, walk:0.5)"
                if cls is Mixture
                else "no samplers"
            )
            _complain(text, expression.place, f"{expression.name!r} takes {what}")
        if cls is Mixture:
            parts = [make(part) for part, _ in expression.parts]
            return Mixture(parts, [weight for _, weight in expression.parts], **common)
        options: dict[str, Any] = {**expression.options, **common}
        if cls is Similar:
            options["z"] = z
        try:
            return cls(graph, **options)
        except ValueError as error:
            _complain(text, expression.place, str(error))

    return make(parse(text))


def options_of(cls: type[Sampler]) -> list[str]:
    """Names of the options an expression may set."""
    hidden = {"graph", "known", "corrupt", "unique", "z"}
    if cls is Mixture:
        return []
    return [name for name in inspect.signature(cls).parameters if name not in hidden]


#: Samplers that text can name.
SAMPLERS: dict[str, type[Sampler]] = {
    cls.name: cls for cls in (Uniform, Degree, KHop, Walk, Similar, InBatch, Mixture)
}
