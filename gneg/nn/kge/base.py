"""A score of triples, asked as queries: kept entity and relation against entities."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from gneg import checks, kernels
from gneg.graph.triples import End
from gneg.nn.kge.encoders import RelationalEncoder
from gneg.samplers.negatives import Negatives

#: Vectors of entities ``[N, D]`` and of relations ``[R, D]``, ``[2 R, D]`` with inverse ones.
Tables = tuple[Tensor, Tensor]
# Entries of the differences that a distance to all entities holds at once.
CHUNK = 2**24


class KGE(nn.Module):
    """A score of triples: how well an entity answers a query.

    Args:
        num_entities: N.
        num_relations: R.
        dim: Width of an entity's embedding, D (the number of complex values where they are).
        sparse: Whether gradients of embeddings are sparse.
        inverse: Whether the head of (?, r, t) is asked for as the tail of (t, r', ?), with an
            embedding of its own for the inverse r' (Lacroix, Usunier and Obozinski, ICML 2018).
            A triple's score is then the mean of the two.
        encoder: Message passing that turns embeddings into the vectors that are compared.

    Raises:
        ValueError: If an argument is out of range.
    """

    complex = False

    def __init__(
        self,
        num_entities: int,
        num_relations: int,
        dim: int = 100,
        *,
        sparse: bool = False,
        inverse: bool = False,
        encoder: RelationalEncoder | None = None,
    ) -> None:
        super().__init__()
        checks.integer("num_entities", num_entities, 1)
        self.num_relations = checks.integer("num_relations", num_relations, 1)
        self.dim = checks.integer("dim", dim, 1)
        self.sparse, self.inverse = sparse, inverse
        if sparse and encoder is not None:
            checks.fail("sparse", "False with an encoder, whose gradients are dense", True)
        width = 2 * dim if self.complex else dim
        self.entity = nn.Embedding(num_entities, width, sparse=sparse)
        self.relation = nn.Embedding(
            num_relations * (1 + inverse), self._relation_width(width), sparse=sparse
        )
        self.encoder = encoder
        if encoder is not None:
            encoder.check(width, self.relation.embedding_dim)
        self.reset_parameters()

    def _relation_width(self, width: int) -> int:
        return width

    def reset_parameters(self) -> None:
        """Draw new embeddings."""
        nn.init.xavier_uniform_(self.entity.weight)
        nn.init.xavier_uniform_(self.relation.weight)

    # -- the hooks -----------------------------------------------------------------------------

    @abstractmethod
    def query(self, kept: Tensor, relation: Tensor, end: End) -> Tensor:
        """Of vectors ``[.., D]`` of kept entities and relations: what the ``end`` should be."""

    @abstractmethod
    def compare(self, query: Tensor, entity: Tensor) -> Tensor:
        """Scores ``[..]`` of vectors ``[.., D]``, higher is better; broadcasts."""

    def compare_all(self, query: Tensor, entities: Tensor) -> Tensor:
        """Scores ``[b, N]`` of queries ``[b, D]`` with all entities ``[N, D]``."""
        step = max(1, CHUNK // entities.numel())
        return torch.cat([self.compare(some.unsqueeze(1), entities) for some in query.split(step)])

    def compare_some(self, query: Tensor, entities: Tensor, index: Tensor) -> Tensor:
        """Scores ``[b, M]`` of queries ``[b, D]`` with entities ``index [b, M]``; no gradient."""
        step = max(1, CHUNK // max(index.size(1) * entities.size(1), 1))
        parts = zip(query.split(step), index.split(step), strict=True)
        return torch.cat([self.compare(some.unsqueeze(1), entities[ids]) for some, ids in parts])

    def constrain(self) -> None:
        """Bring embeddings back to where they are meant to stay, after a step."""
        return

    # -- what users call -----------------------------------------------------------------------

    def tables(self, dropped: Tensor | None = None) -> Tables:
        """The vectors of entities and relations that are compared.

        Args:
            dropped: ``[b]``, which training triples messages must not pass along, where there is
                an encoder: those that are being scored.
        """
        if self.encoder is None:
            return self.entity.weight, self.relation.weight
        return self.encoder(self.entity.weight, self.relation.weight, dropped)  # type: ignore[no-any-return]

    def forward(self, head: Tensor, relation: Tensor, tail: Tensor) -> Tensor:
        """Return the scores of triples of ids of one shape, in that shape."""
        return self._score(self.tables(), head, relation, tail)

    def score_both(
        self, pos: Tensor, negatives: Negatives, tables: Tables | None = None
    ) -> tuple[Tensor, Tensor]:
        """Return scores of positives ``[B]`` and negatives ``[B, K]`` of ``pos [3, B]``.

        With inverse relations the positive is scored as its negatives are: from their query.
        """
        tables = self.tables() if tables is None else tables
        side = negatives.side
        if not isinstance(side, Tensor):
            side = torch.full(pos.shape[1:], side == "src", device=pos.device)
        assert negatives.replaced is not None
        # All queries for tails before all for heads, and back again when they are scores. One
        # lookup of entities and one of relations: the gradient of each is a whole table.
        order = torch.argsort(side.byte(), stable=True)
        tails, size = int((~side).sum()), len(order)
        ids = negatives.src, negatives.replaced, negatives.index
        vectors = self._of(tables, torch.cat([one[order].flatten() for one in ids]))
        relation, turned = pos[1][order], self.inverse * self.num_relations
        relation = torch.cat([relation[:tails], relation[tails:] + turned])
        between = functional.embedding(relation, tables[1], sparse=self.sparse)
        heads = size - tails
        for_tail, for_head, true, others = vectors.split(
            [tails, heads, size, len(vectors) - 2 * size]
        )
        by, back_by = between.split([tails, heads])
        end: End = "tail" if self.inverse else "head"
        query = torch.cat([self.query(for_tail, by, "tail"), self.query(for_head, back_by, end)])
        positive = self.compare(query, true)
        others = others.view(*negatives.index.shape, -1)
        back = torch.argsort(order)
        return positive[back], self.compare(query.unsqueeze(1), others)[back]

    def rows(
        self, kept: Tensor, relation: Tensor, end: End, tables: Tables | None = None
    ) -> Tensor:
        """Return the scores ``[b, N]`` of all entities as the ``end`` of queries of ids ``[b]``."""
        tables = self.tables() if tables is None else tables
        return self.compare_all(self._query(tables, kept, relation, end), tables[0])

    def scorer(self, tables: Tables | None = None) -> Scorer:
        """The model as it is (``tables`` if given), for samplers and evaluation."""
        with torch.no_grad():
            tables = self.tables() if tables is None else tables
        return Scorer(self, (tables[0].detach(), tables[1].detach()))

    def norms(self, pos: Tensor, power: int) -> Tensor:
        """Mean of the p-th power of the p-norm of embeddings in ``pos [3, B]``; L2 or N3.

        N3 (Lacroix, Usunier and Obozinski, ICML 2018) is ``power=3``, of moduli where embeddings
        are complex.
        """
        # One lookup of entities: its gradient is a whole table.
        ends = self.entity(pos[[0, 2]]), self.relation(pos[1])
        sums = [self._powers(one, power).sum() for one in ends]
        return (sums[0] + sums[1]) / max(pos.size(1), 1)

    # -- its own work --------------------------------------------------------------------------

    def _score(self, tables: Tables, head: Tensor, relation: Tensor, tail: Tensor) -> Tensor:
        """Scores of triples of ids of one shape, in that shape."""
        scores = self.compare(self._query(tables, head, relation, "tail"), self._of(tables, tail))
        if self.inverse:
            turned = self._query(tables, tail, relation, "head")
            scores = (scores + self.compare(turned, self._of(tables, head))) / 2
        return scores

    def _of(self, tables: Tables, entity: Tensor) -> Tensor:
        return functional.embedding(entity, tables[0], sparse=self.sparse)

    def _query(self, tables: Tables, kept: Tensor, relation: Tensor, end: End) -> Tensor:
        if self.inverse and end == "head":
            relation, end = relation + self.num_relations, "tail"
        between = functional.embedding(relation, tables[1], sparse=self.sparse)
        return self.query(self._of(tables, kept), between, end)

    def _powers(self, rows: Tensor, power: int) -> Tensor:
        """Powers of the entries of ``rows``, of their moduli where they are complex."""
        if not self.complex or rows.size(-1) != 2 * self.dim:
            return rows.abs() ** power
        if power == 2:  # sums to that of the moduli
            return rows.square()
        real, imaginary = rows.chunk(2, dim=-1)
        return (real.square() + imaginary.square() + 1e-30) ** (power / 2)


class Scorer:
    """Scores by a model with fixed vectors, without gradients.

    Args:
        model: What compares.
        tables: The vectors.
    """

    def __init__(self, model: KGE, tables: Tables) -> None:
        self.model, self.tables = model, tables

    @torch.no_grad()
    def __call__(self, head: Tensor, relation: Tensor, tail: Tensor) -> Tensor:
        """Return the scores of triples of ids of one shape, in that shape."""
        return self.model._score(self.tables, head, relation, tail)

    @torch.no_grad()
    def block(self, kept: Tensor, relation: Tensor, index: Tensor, end: End) -> Tensor:
        """Return the scores ``[b, M]`` of entities ``index [b, M]`` as the ``end`` of queries."""
        device = self.tables[0].device
        query = self.model._query(self.tables, kept.to(device), relation.to(device), end)
        return self.model.compare_some(query, self.tables[0], index.to(device))

    @torch.no_grad()
    def rows(self, kept: Tensor, relation: Tensor, end: End) -> Tensor:
        """Return the scores ``[b, N]`` of all entities as the ``end`` of queries of ids ``[b]``."""
        device = self.tables[0].device
        return self.model.rows(kept.to(device), relation.to(device), end, self.tables)


def by_kernel(
    kernel: Callable[..., Any], query: Tensor, entities: Tensor, *index: Tensor
) -> Tensor:
    """What a kernel of :mod:`gneg.kernels.vectors` says, ``[b, M]``, or ``[b, N]`` of all."""
    width = index[0].size(1) if index else len(entities)
    out = np.empty((len(query), width), np.float32)
    vectors = [one.detach().float().contiguous().numpy() for one in (query, entities)]
    ids = [one.contiguous().numpy() for one in index]
    kernels.threads.run_rows(kernel, len(out), out.size, out, *vectors, *ids)
    return torch.from_numpy(out)


def without_gradient(query: Tensor) -> bool:
    """Whether a kernel may compute: on the CPU, when nothing is learned."""
    return query.device.type == "cpu" and not (torch.is_grad_enabled() and query.requires_grad)
