"""How a table is read, where that is not to be found out."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import Literal, get_args

from gneg import checks

Cover = Literal["none", "nodes", "connected"]


#: What the options mean, for the command line and the documentation.
HELP = {
    "source": "Column of sources (heads).",
    "target": "Column of targets (tails).",
    "relation": "Column of relations, of triples.",
    "weight": "Column of weights, > 0.",
    "time": "Column of times, by which edges are then split.",
    "label": "Column of labels: 1 for an edge, 0 for a pair known to be none.",
    "rating": "Column of ratings, used with --min-rating.",
    "min_rating": "Lowest rating that counts as an edge.",
    "encoding": "Encoding of the text, such as latin-1, where it is not UTF-8.",
    "sep": "Separator: a character, tab, spaces or ::.",
    "header": "Whether the first row names the columns.",
    "day_first": "Whether dates such as 03/04/2020 begin with the day.",
    "cover": "What a random split keeps in training: an edge of each of the nodes, or connected "
    "what is connected.",
}


@dataclass(frozen=True)
class TableOptions:
    """How to read a table of edges or triples; None: found out, and said.

    Columns are named as in the header, or numbered from 1; :data:`HELP` says what each option is.

    Raises:
        ValueError: If an option is out of range.
    """

    source: str | None = None
    target: str | None = None
    relation: str | None = None
    weight: str | None = None
    time: str | None = None
    label: str | None = None
    rating: str | None = None
    min_rating: float | None = None
    encoding: str | None = None
    sep: str | None = None
    header: bool | None = None
    day_first: bool | None = None
    cover: Cover = "none"

    def __post_init__(self) -> None:
        """Check the options."""
        for name in (*self.columns(), "encoding", "sep"):
            value = getattr(self, name)
            if value is not None:
                checks.instance(name, value, (str,))
        if self.encoding is not None:
            _check_encoding(self.encoding)
        for name in ("header", "day_first"):
            checks.choice(name, getattr(self, name), (None, True, False))
        if self.min_rating is not None:
            checks.number("min_rating", self.min_rating, float("-inf"))
        checks.choice("cover", self.cover, get_args(Cover))

    def columns(self) -> dict[str, str | None]:
        """Return the column of each role that was named."""
        roles = ("source", "target", "relation", "weight", "time", "label", "rating")
        return {role: getattr(self, role) for role in roles}


def _check_encoding(encoding: str) -> None:
    """Refuse an encoding of text that Python does not know."""
    try:
        with contextlib.suppress(UnicodeError):
            b"a".decode(encoding)
    except (LookupError, ValueError):
        allowed = "an encoding of text, such as utf-8, latin-1, cp1252 or shift_jis"
        checks.fail("encoding", allowed, checks.shown(encoding))
