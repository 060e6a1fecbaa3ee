"""Triples of a knowledge graph, and exact membership from both ends.

A query is what a negative is drawn for: the entity at one end and the relation. The queries of
each side are numbered, so that "which tails does (h, r) have" is a row of a bipartite graph of
queries and entities, and every kernel and sampler for pairs works on triples as well.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from gneg import checks, files, kernels
from gneg.graph.graph import Graph
from gneg.graph.known import KnownEdges
from gneg.graph.lazy import cached_property
from gneg.graph.sizes import with_sizes
from gneg.graph.take import distinct, frequencies

End = Literal["head", "tail"]
#: The end of a triple that is replaced; ``bernoulli``: at random, by how many heads and tails the
#: relation joins on average (Wang et al., AAAI 2014).
TripleCorrupt = Literal["both", "head", "tail", "bernoulli"]
IntArray = npt.NDArray[np.int64]
_MOST_KEYS = 2**63 - 1


def triple_tensor(name: str, value: object) -> Tensor:
    """Return ``value`` if it is an integer tensor ``[3, B]`` of head, relation, tail.

    Raises:
        ValueError: If it is not.
    """
    tensor = checks.index_tensor(name, value, "[3, B]")
    if tensor.dim() != 2 or tensor.size(0) != 3:
        hint = ""
        if tensor.dim() == 2 and tensor.size(1) == 3:
            hint = f"{name} has shape [B, 3]; did you mean its transpose, {name}.t()?"
        checks.fail(name, "an integer tensor of shape [3, B]", list(tensor.shape), hint=hint)
    return tensor


class Triples:
    """An immutable set of triples (head, relation, tail), each once.

    Args:
        triples: ``[3, E]`` integer tensor.
        num_entities: N; the largest id + 1 if None.
        num_relations: R; the largest id + 1 if None.

    Raises:
        ValueError: On a wrong shape or an id out of range.

    Example:
        >>> Triples(torch.tensor([[0, 0, 2], [1, 0, 1], [1, 2, 0]]))
        Triples(num_entities=3, num_relations=2, num_triples=3)
    """

    def __init__(
        self, triples: Tensor, num_entities: int | None = None, num_relations: int | None = None
    ) -> None:
        triples = triple_tensor("triples", triples).detach().cpu().long()
        sizes = triples.amax(dim=1) + 1 if triples.numel() else torch.zeros(3, dtype=torch.long)
        most = int(max(sizes[0], sizes[2]))
        self.num_entities = checks.integer(
            "num_entities", most if num_entities is None else num_entities, 0
        )
        self.num_relations = checks.integer(
            "num_relations", int(sizes[1]) if num_relations is None else num_relations, 0
        )
        checks.memory("num_entities", 16 * self.num_entities, self.num_entities)
        most_relations = _MOST_KEYS // max(self.num_entities, 1)
        if self.num_relations > most_relations:  # a query is numbered entity * R + relation
            allowed = f"at most {most_relations} for {self.num_entities} entities"
            checks.fail("num_relations", allowed, self.num_relations)
        checks.node_range("triples[0]", triples[0], self.num_entities, "entity")
        checks.node_range("triples[1]", triples[1], self.num_relations, "relation")
        checks.node_range("triples[2]", triples[2], self.num_entities, "entity")
        self.triples, _ = distinct(triples)

    @property
    def num_triples(self) -> int:
        """Number of distinct triples, E."""
        return int(self.triples.size(1))

    @cached_property
    def answers_per_query(self) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """Mean number of tails of a head and of heads of a tail, of each relation, ``[R]`` each.

        0 for a relation without triples.
        """
        heads, relations, tails = self.triples
        count = frequencies(relations, self.num_relations).double()
        queries = [distinct(torch.stack([relations, end]))[0][0] for end in (heads, tails)]
        per_head, per_tail = (count / frequencies(each, len(count)).clamp(1) for each in queries)
        return per_head.numpy(), per_tail.numpy()

    @cached_property
    def entities(self) -> Graph:
        """Entities joined by any relation, undirected."""
        return Graph.from_edge_index(self.triples[[0, 2]], self.num_entities, undirected=True)

    @cached_property
    def by_relation(self) -> Graph:
        """Entities joined by each relation apart: entity e of relation r is node ``r * N + e``."""
        shift = self.triples[1] * self.num_entities
        size = self.num_entities * self.num_relations
        return Graph.from_edge_index(self.triples[[0, 2]] + shift, size, undirected=True)

    def fingerprint(self) -> str:
        """Return a hash that is the same for the same triples, in whatever order they came."""
        return files.digest((self.num_entities, self.num_relations), self.triples)

    def __repr__(self) -> str:
        return (
            f"Triples(num_entities={self.num_entities}, num_relations={self.num_relations}, "
            f"num_triples={self.num_triples})"
        )


@dataclass(frozen=True)
class Queries:
    """The numbered queries of one side.

    Query i < Q is ``keys[i] = entity * R + relation``; Q + e stands for entity e with any relation
    that no known triple has it with.

    Attributes:
        keys: ``[Q]`` sorted.
        num_entities: N.
        num_relations: R.
    """

    keys: IntArray
    num_entities: int
    num_relations: int

    __repr__ = with_sizes

    def __len__(self) -> int:
        return len(self.keys) + self.num_entities

    def rows(self, entity: npt.NDArray[Any], relation: npt.NDArray[Any]) -> IntArray:
        """Return the numbers ``[B]`` of the queries of entities and relations, both ``[B]``."""
        entity = np.ascontiguousarray(entity, np.int64)
        position = np.empty(len(entity), np.int64)
        wanted = entity * self.num_relations + relation
        arguments = position, entity, wanted, self._first, self.keys
        kernels.threads.run_rows(kernels.csr.find, len(entity), len(entity), *arguments)
        return np.where(position >= 0, position, len(self.keys) + entity)

    def entity(self, rows: npt.NDArray[Any]) -> IntArray:
        """Return the entity of each query."""
        entity: IntArray = self._entities[rows]
        return entity

    def relation(self, rows: npt.NDArray[Any]) -> IntArray:
        """Return the relation of each query; -1 where it may be any."""
        relation: IntArray = self._relations[rows]
        return relation

    @cached_property
    def _first(self) -> IntArray:
        """``[N + 1]``, where the queries of each entity begin: few, so that a search is short."""
        return np.searchsorted(self.keys, np.arange(self.num_entities + 1) * self.num_relations)

    @cached_property
    def _entities(self) -> IntArray:
        first = self.keys // max(self.num_relations, 1)
        return np.concatenate([first, np.arange(self.num_entities)])

    @cached_property
    def _relations(self) -> IntArray:
        first = self.keys % max(self.num_relations, 1)
        return np.concatenate([first, np.full(self.num_entities, -1)])


class KnownTriples:
    """The triples that must never be returned as negatives, indexed from both ends.

    Exact, O(log degree) a test: (h, r) -> t and (r, t) -> h. Costs 8 bytes a triple and 8 a query,
    and the same again once uniform negatives of both ends are drawn.

    Args:
        triples: Known triples, whose numbers of entities and relations count.
        *held_out: Further known triples, ``[3, E]`` each, such as those of validation and test.
        loops: Whether (e, r, e) counts as known for all e and r. A loop is a statement like any
            other, ranked in evaluation; a model that never sees one as a negative ranks it first.

    Raises:
        ValueError: If an id is out of range.

    Example:
        >>> known = KnownTriples(Triples(torch.tensor([[0], [0], [1]]), num_entities=3))
        >>> known.contains(torch.tensor([[0, 0, 2], [0, 0, 0], [1, 2, 2]]))
        tensor([ True, False, False])
    """

    def __init__(self, triples: Triples, *held_out: Tensor, loops: bool = False) -> None:
        checks.instance("triples", triples, (Triples,))
        self.num_entities, self.num_relations = triples.num_entities, triples.num_relations
        parts = [triples.triples]
        for i, part in enumerate(held_out):
            tensor = triple_tensor(f"held_out[{i}]", part).cpu().long()
            parts.append(Triples(tensor, self.num_entities, self.num_relations).triples)
        self.triples, _ = distinct(torch.cat(parts, dim=1))
        self.loops = checks.flag("loops", loops)
        self._sides: dict[End, tuple[Queries, KnownEdges]] = {}

    def side(self, replaced: End) -> tuple[Queries, KnownEdges]:
        """Return the queries whose ``replaced`` end is drawn, and the known entities of each."""
        if replaced not in self._sides:
            head, relation, tail = self.triples.numpy()
            entity, target = (head, tail) if replaced == "tail" else (tail, head)
            keys = np.unique(entity * self.num_relations + relation)
            queries = Queries(keys, self.num_entities, self.num_relations)
            edges = [np.stack([queries.rows(entity, relation), target])]
            if self.loops:
                rows = np.arange(len(queries))
                edges.append(np.stack([rows, queries.entity(rows)]))
            index = torch.from_numpy(np.concatenate(edges, axis=1))
            size = len(queries), self.num_entities
            self._sides[replaced] = queries, KnownEdges(index, num_nodes=size)
        return self._sides[replaced]

    def graph(self, replaced: End, triples: Triples) -> Graph:
        """Return ``triples`` as a bipartite graph of the queries of :meth:`side` and entities."""
        queries, _ = self.side(replaced)
        head, relation, tail = triples.triples.numpy()
        entity, target = (head, tail) if replaced == "tail" else (tail, head)
        edges = np.stack([queries.rows(entity, relation), target])
        return Graph.from_edge_index(torch.from_numpy(edges), (len(queries), self.num_entities))

    @cached_property
    def both_sides(self) -> Graph:
        """The known triples as a bipartite graph of queries and entities.

        Its sources are the queries of :meth:`side` whose tails are drawn, then those whose heads
        are.
        """
        tails, heads = self.side("tail")[1], self.side("head")[1]
        indptr = np.concatenate([tails.indptr, tails.indptr[-1] + heads.indptr[1:]])
        indices = np.concatenate([tails.indices, heads.indices])
        size = self.num_entities
        return Graph(indptr, indices, size, bipartite=True, undirected=False)

    def contains(self, triples: Tensor) -> Tensor:
        """Return whether each of ``triples [3, ...]`` is known, ``[...]`` bool.

        Raises:
            ValueError: If ids do not fit.
        """
        checks.index_tensor("triples", triples, "[3, ...]")
        if not triples.dim() or triples.size(0) != 3:
            checks.fail("triples", "an integer tensor of shape [3, ...]", list(triples.shape))
        head, relation, tail = triples
        checks.node_range("triples[0]", head, self.num_entities, "entity")
        checks.node_range("triples[1]", relation, self.num_relations, "relation")
        checks.node_range("triples[2]", tail, self.num_entities, "entity")
        queries, edges = self.side("tail")
        rows = queries.rows(head.cpu().numpy().ravel(), relation.cpu().numpy().ravel())
        src = torch.from_numpy(rows).view(head.shape)
        return edges.contains(src, tail.cpu()).to(triples.device)

    def __repr__(self) -> str:
        return (
            f"KnownTriples(num_entities={self.num_entities}, num_relations={self.num_relations}, "
            f"num_triples={self.triples.size(1)})"
        )
