"""Tables of answers as columns of ids, of the queries with the most probable answers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from gneg import checks
from gneg.datasets import LinkData, Names, TripleData
from gneg.graph.sizes import with_sizes

IntArray = npt.NDArray[np.int64]
COLUMNS = ("score", "probability", "known")


@dataclass(frozen=True)
class Roles:
    """What the columns of answers are on the page.

    Attributes:
        node: The column of the node that answers are listed under.
        partner: The column of the node that it is linked with.
        relation: The column of relations; None: links have none.
        looked_for: The column of the answer.
    """

    node: str
    partner: str
    relation: str | None
    looked_for: str

    @property
    def asked(self) -> Literal["relation", "partner"]:
        """What else than the node is in a query; of links all relations are 0."""
        return "partner" if self.looked_for == self.relation else "relation"


def roles(data: LinkData | TripleData, looked_for: str | None) -> Roles:
    """Return the roles of the columns.

    Args:
        data: The dataset.
        looked_for: The column of the answer; None: the last one.

    Raises:
        ValueError: If there is no such column.
    """
    triples = isinstance(data, TripleData)
    columns = ("head", "relation", "tail") if triples else ("source", "target")
    answer = columns[-1] if looked_for is None else looked_for
    checks.choice("looked_for", answer, columns)
    first, last = columns[0], columns[-1]
    ends = (last, first) if answer == first else (first, last)
    return Roles(*ends, "relation" if triples else None, answer)


@dataclass(frozen=True)
class Answers:
    """Answers, those to one query in a row, best first.

    Attributes:
        node: ``[n]`` ids, in a bipartite graph sources first.
        partner: ``[n]`` ids; -1 where there is no answer.
        relation: ``[n]`` ids, -1 where there is no answer; zeros where links have none.
        score: ``[n]``, NaN where there is no answer.
        probability: ``[n]``, NaN where it is not known.
        known: ``[n]`` whether the link is known.
        why: ``[n]`` reasons; None: there are none.
    """

    node: IntArray
    partner: IntArray
    relation: IntArray
    score: npt.NDArray[np.float32]
    probability: npt.NDArray[np.float32]
    known: npt.NDArray[np.bool_]
    why: pa.ChunkedArray | None

    __repr__ = with_sizes

    def __len__(self) -> int:
        return len(self.node)

    def take(self, rows: IntArray) -> Answers:
        """Return the given rows."""
        why = None if self.why is None else self.why.take(pa.array(rows))
        return Answers(
            self.node[rows],
            self.partner[rows],
            self.relation[rows],
            self.score[rows],
            self.probability[rows],
            self.known[rows],
            why,
        )

    def best(self, limit: int, asked: Literal["relation", "partner"]) -> Answers:
        """Return at most ``limit`` answers: all to the queries with the most probable ones.

        The answers to at least one query are returned, sorted by node. Queries that came twice are
        answered once.

        Args:
            limit: Number of answers.
            asked: What makes a query with the node.
        """
        if not len(self):
            return self
        column = self.partner if asked == "partner" else self.relation
        rows = np.lexsort((column, self.node))
        starts = _starts(self.node[rows], column[rows])
        sizes = np.diff(starts, append=len(rows))
        new = np.where(self.known | (self.partner < 0) | (self.relation < 0), -np.inf, self._worth)
        best = np.maximum.reduceat(new[rows], starts)
        order = np.argsort(-best, kind="stable")
        chosen = np.zeros(len(starts), bool)
        chosen[order[np.cumsum(sizes[order]) <= limit]] = True
        chosen[order[0]] = True
        subset = self.take(rows[np.repeat(chosen, sizes)])
        return subset.take(_first(np.stack([subset.node, subset.relation, subset.partner])))

    @property
    def _worth(self) -> npt.NDArray[np.float32]:
        """What queries are chosen by: probabilities, or scores where there are none."""
        if not np.isnan(self.probability).all():
            return np.nan_to_num(self.probability)
        return np.nan_to_num(self.score, nan=-np.inf)


def _starts(*keys: IntArray) -> IntArray:
    """Return where runs of equal keys start."""
    change = np.logical_or.reduce([key[1:] != key[:-1] for key in keys])
    return np.concatenate([[0], np.flatnonzero(change) + 1])


def _first(columns: IntArray) -> IntArray:
    """Return the first row of each set of equal ones, ``columns [C, n]``, in their order."""
    order = np.lexsort(columns)
    return np.sort(order[_starts(*columns[:, order])])


def join(pieces: Sequence[Answers]) -> Answers:
    """Return the answers of all pieces."""
    reasons = [chunk for piece in pieces if piece.why is not None for chunk in piece.why.chunks]
    why = pa.chunked_array(reasons) if reasons else None
    return Answers(
        np.concatenate([piece.node for piece in pieces]),
        np.concatenate([piece.partner for piece in pieces]),
        np.concatenate([piece.relation for piece in pieces]),
        np.concatenate([piece.score for piece in pieces]),
        np.concatenate([piece.probability for piece in pieces]),
        np.concatenate([piece.known for piece in pieces]),
        why,
    )


def collect(
    tables: Iterable[pa.Table], data: LinkData | TripleData, columns: Roles, limit: int
) -> tuple[Answers, int, int]:
    """Return answers to the best queries, and the numbers of all nodes and of all answers.

    Args:
        tables: The answers by name. A query is in one of them as a whole.
        data: The dataset.
        columns: The roles of the columns.
        limit: The largest number of answers.

    Raises:
        ValueError: If a column is missing or a name unknown.
    """
    size = data.num_entities if isinstance(data, TripleData) else data.num_nodes
    visited, total, waiting = np.zeros(size, bool), 0, 0
    pieces = [_numbered(data, columns, None)]
    for table in tables:
        pieces.append(_numbered(data, columns, table))
        visited[pieces[-1].node] = True
        total += len(table)
        waiting += len(table)
        if waiting > 2 * limit:
            pieces = [join(pieces).best(limit, columns.asked)]
            waiting = len(pieces[0])
    return join(pieces).best(limit, columns.asked), int(visited.sum()), total


def _numbered(data: LinkData | TripleData, columns: Roles, table: pa.Table | None) -> Answers:
    """Return a table with ids in place of names; of None without rows."""
    if table is None:
        none, values = np.zeros(0, np.int64), np.zeros(0, np.float32)
        return Answers(none, none, none, values, values, np.zeros(0, bool), None)
    ends = [name for name in (columns.node, columns.relation, columns.partner) if name]
    missing = [name for name in (*ends, *COLUMNS) if name not in table.column_names]
    if missing:
        checks.fail("tables", f"a column {missing[0]}", table.column_names)
    ids = {name: _ids(data, name, table[name]) for name in ends}
    score, probability = (
        table[name].cast(pa.float32()).to_numpy().astype(np.float32)
        for name in ("score", "probability")
    )
    return Answers(
        ids[columns.node],
        ids[columns.partner],
        ids[columns.relation] if columns.relation else np.zeros(len(table), np.int64),
        score,
        probability,
        table["known"].to_numpy().astype(bool),
        table["why"].cast(pa.string()) if "why" in table.column_names else None,
    )


def _ids(data: LinkData | TripleData, name: str, column: pa.ChunkedArray) -> IntArray:
    """Return the ids of a column of names, -1 for null; targets follow sources."""
    names = end_names(data, name)
    if names is None:
        ids = column.cast(pa.int64())
    else:
        ids = pc.index_in(column.cast(names.values.type), value_set=names.values)
    unknown = pc.and_(pc.is_null(ids), pc.is_valid(column))
    if pc.any(unknown).as_py():
        first = column.filter(unknown)[0].as_py()
        checks.fail("tables", f"names of the data in column {name}", repr(first))
    array = np.asarray(pc.fill_null(ids, -1).to_numpy(), np.int64)
    shift = 0 if isinstance(data, TripleData) or name == "source" else data.num_src or 0
    return np.where(array < 0, -1, array + shift)


def end_names(data: LinkData | TripleData, name: str) -> Names | None:
    """Return the names that stand in a column; None: they are ids."""
    columns = ("head", "relation", "tail") if isinstance(data, TripleData) else ("source", "target")
    return data.end_names[columns.index(name)]
