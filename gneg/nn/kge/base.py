"""Models of triples, which score queries (an entity and a relation) against entities."""

from __future__ import annotations

from abc import abstractmethod
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional

from gneg import checks
from gneg.graph.triples import End
from gneg.nn.kge import comparisons
from gneg.nn.kge.encoders import RelationalEncoder
from gneg.nn.kge.scorer import Scorer, Tables
from gneg.samplers.negatives import Negatives

CHUNK = 2**21  # entries of the differences between queries and entities held at once


class KGE(nn.Module):
    """A model of triples: how well an entity completes a query.

    A query is an entity and a relation; its answer is the ``end`` of the triple, head or tail.
    Subclasses define the vector of a query and its comparison with an entity.

    Args:
        num_entities: Number of entities, N >= 1.
        num_relations: Number of relations, R >= 1.
        dim: Width of an entity's embedding, D >= 1; complex models have D complex numbers.
        dropout: Share of values dropped of queries, in [0, 1).
        sparse: Whether gradients of embeddings are sparse.
        inverse: Whether heads of (?, r, t) are predicted as tails of (t, r', ?), with a second
            embedding for the inverse relation r' (Lacroix, Usunier and Obozinski, ICML 2018).
            A triple's score is then the mean of the two.
        encoder: Message passing that turns embeddings into the vectors that are compared; None:
            the embeddings are compared.

    Raises:
        ValueError: If an argument is out of range.
    """

    #: Whether scores are the inner products of queries and entities.
    inner_products = False
    #: Whether embeddings are complex: real parts, then imaginary parts.
    complex = False

    def __init__(
        self,
        num_entities: int,
        num_relations: int,
        dim: int = 100,
        *,
        dropout: float = 0.0,
        sparse: bool = False,
        inverse: bool = False,
        encoder: RelationalEncoder | None = None,
    ) -> None:
        super().__init__()
        self.dropout = nn.Dropout(checks.number("dropout", dropout, 0, 1, open_high=True))
        num_entities = checks.integer("num_entities", num_entities, 1)
        self.num_relations = checks.integer("num_relations", num_relations, 1)
        self.dim = checks.integer("dim", dim, 1)
        self.sparse, self.inverse = sparse, inverse
        if sparse and encoder is not None:
            checks.fail("sparse", "False with an encoder, whose gradients are dense", True)
        width = self._entity_width()
        rows = num_entities if encoder is None or encoder.takes_entities else 1  # not used
        self.entity = nn.Embedding(rows, width, sparse=sparse)
        self.relation = nn.Embedding(
            num_relations * (1 + inverse), self._relation_width(width), sparse=sparse
        )
        self.encoder = encoder
        if encoder is not None:
            encoder.check(width, self.relation.embedding_dim)
        self.reset_parameters()

    def _entity_width(self) -> int:
        """Return the width of an entity's embedding."""
        return 2 * self.dim if self.complex else self.dim

    def _relation_width(self, width: int) -> int:
        """Return the width of a relation's embedding, given that of an entity's."""
        return width

    def reset_parameters(self) -> None:
        """Draw new embeddings."""
        nn.init.xavier_uniform_(self.entity.weight)
        nn.init.xavier_uniform_(self.relation.weight)

    # -- the hooks -----------------------------------------------------------------------------

    @abstractmethod
    def query(self, entity: Tensor, relation: Tensor, end: End) -> Tensor:
        """Return the vectors of queries, ``[.., D]``.

        Args:
            entity: Vectors of the queries' entities, ``[.., D]``.
            relation: Vectors of their relations, ``[.., D]``.
            end: The end of the triple that is predicted.
        """

    @abstractmethod
    def compare(self, query: Tensor, entity: Tensor) -> Tensor:
        """Return the scores ``[..]`` of queries with entities, higher is better.

        Args:
            query: Vectors of queries, ``[.., D]``.
            entity: Vectors of entities, ``[.., D]``; both are broadcast.
        """

    def compare_all(self, query: Tensor, entities: Tensor) -> Tensor:
        """Return the scores ``[b, N]`` of queries ``[b, D]`` with all entities ``[N, D]``."""
        chunks = query.split(max(1, CHUNK // entities.numel()))
        return torch.cat([self.compare(chunk.unsqueeze(1), entities) for chunk in chunks])

    def compare_block(
        self, query: Tensor, entities: Tensor, index: Tensor, mix: Tensor | None = None
    ) -> Tensor:
        """Return the scores ``[b, M]`` of queries ``[b, D]`` with entities ``index [b, M]``.

        Some queries at a time: their differences stay in the caches, also those that gradients
        need, in half of the time of one large tensor.

        Args:
            query: Vectors of queries, ``[b, D]``.
            entities: Vectors of all entities, ``[N, D]``.
            index: Ids of the entities of each query, ``[b, M]``.
            mix: ``[b, M]``, the share of each query's first entity in each vector; None: none.
        """
        step = max(1, CHUNK // max(index.size(1) * entities.size(1), 1))
        lookup = partial(functional.embedding, weight=entities, sparse=self.sparse)
        scores = []
        for at in range(0, max(len(query), 1), step):  # without queries, too, gradients are needed
            part = slice(at, at + step)
            rows = lookup(index[part])
            if mix is not None:
                rows = torch.lerp(rows, rows[:, :1], mix[part].unsqueeze(-1).to(rows))
            scores.append(self.compare(query[part].unsqueeze(1), rows))
        return torch.cat(scores)

    def _has_kernel(self, query: Tensor, entities: Tensor) -> bool:
        """Return whether kernels may compare; their gradients are not sparse."""
        return not self.sparse and comparisons.can_compare(query, entities)

    def constrain(self) -> None:
        """Project embeddings onto the set that the paper restricts them to, after a step."""
        return

    # -- scores --------------------------------------------------------------------------------

    def tables(self, dropped: Tensor | None = None) -> Tables:
        """Return the vectors of entities and relations that are compared.

        Args:
            dropped: Positions ``[b]`` of training triples that an encoder passes no messages
                along, because they are being scored; None: none.
        """
        if self.encoder is None:
            return self.entity.weight, self.relation.weight
        return self.encoder(self.entity.weight, self.relation.weight, dropped)  # type: ignore[no-any-return]

    def forward(self, head: Tensor, relation: Tensor, tail: Tensor) -> Tensor:
        """Return the scores of triples, given as ids of one shape, in that shape."""
        return self.score(self.tables(), head, relation, tail)

    def score_both(
        self, pos: Tensor, negatives: Negatives, tables: Tables | None = None
    ) -> tuple[Tensor, Tensor]:
        """Return the scores of positives ``[B]`` and of their negatives ``[B, K]``.

        With inverse relations a positive is scored by the query of its negatives alone. Negatives
        that a sampler mixes with the positive (``Mixup``) are scored by the mixed vectors.

        Args:
            pos: The positives, ``[3, B]``.
            negatives: Their negatives.
            tables: Vectors to compare; None: those of :meth:`tables`.
        """
        tables = self.tables() if tables is None else tables
        side = negatives.side
        if not isinstance(side, Tensor):
            side = torch.full(pos.shape[1:], side == "src", device=pos.device)
        assert negatives.replaced is not None
        # Queries for tails are put before queries for heads, and scores back into the order of
        # ``pos``.
        order = torch.argsort(side.byte(), stable=True)
        num_tails = int((~side).sum())
        query = self.embed_both_ends(tables, negatives.src[order], pos[1][order], num_tails)
        index = torch.cat([negatives.replaced.unsqueeze(1), negatives.index], dim=1)[order]
        mix = negatives.mix
        if mix is not None:
            of_itself = mix.new_zeros(len(order), 1)
            mix = torch.cat([of_itself, mix], dim=1)[order]
        scores = self.compare_block(query, tables[0], index, mix)
        scores = scores[torch.argsort(order)]
        return scores[:, 0], scores[:, 1:]

    def embed_both_ends(
        self, tables: Tables, entity: Tensor, relation: Tensor, num_tails: int
    ) -> Tensor:
        """Return the vectors ``[q, D]`` of queries of ids ``[q]``, ``num_tails`` for tails first.

        One lookup of entities and one of relations: the gradient of each is a whole table.
        """
        shift = self.inverse * self.num_relations
        relation = torch.cat([relation[:num_tails], relation[num_tails:] + shift])
        relations = functional.embedding(relation, tables[1], sparse=self.sparse)
        entities = self._entities(tables, entity)
        end: End = "tail" if self.inverse else "head"
        tails = self.query(entities[:num_tails], relations[:num_tails], "tail")
        heads = self.query(entities[num_tails:], relations[num_tails:], end)
        queries: Tensor = self.dropout(torch.cat([tails, heads]))
        return queries

    def rows(
        self, entity: Tensor, relation: Tensor, end: End, tables: Tables | None = None
    ) -> Tensor:
        """Return the scores ``[b, N]`` of all entities as the answers of queries.

        Args:
            entity: Ids of the queries' entities, ``[b]``.
            relation: Ids of their relations, ``[b]``.
            end: The end of the triple that is predicted.
            tables: Vectors to compare; None: those of :meth:`tables`.
        """
        tables = self.tables() if tables is None else tables
        return self.compare_all(self.embed_queries(tables, entity, relation, end), tables[0])

    def scorer(self, tables: Tables | None = None) -> Scorer:
        """Return the model on fixed vectors, ``tables`` or its current ones, without gradients."""
        with torch.no_grad():
            tables = self.tables() if tables is None else tables
        return Scorer(self, (tables[0].detach(), tables[1].detach()))

    def norms(self, pos: Tensor, power: int) -> Tensor:
        """Return the sum of powers of the embeddings of a batch, per triple: L2 or N3.

        N3 (Lacroix, Usunier and Obozinski, ICML 2018) is ``power=3``; the powers are those of
        moduli where embeddings are complex. Of relations with inverses it is the mean of both, as
        each of them has half of the loss.

        Args:
            pos: The triples of the batch, ``[3, B]``.
            power: The exponent, 2 or 3.
        """
        # One lookup of entities: its gradient is a whole table.
        directions = 1 + self.inverse
        relations = torch.cat([pos[1] + i * self.num_relations for i in range(directions)])
        entities = self._powers(self.entity(pos[[0, 2]]), power).sum()
        total = entities + self._powers(self.relation(relations), power).sum() / directions
        return total / max(pos.size(1), 1)

    # -- by given vectors ----------------------------------------------------------------------

    def score(self, tables: Tables, head: Tensor, relation: Tensor, tail: Tensor) -> Tensor:
        """Return the scores of triples by given vectors; ids of one shape, scores in that shape."""
        query = self.embed_queries(tables, head, relation, "tail")
        scores = self.compare(query, self._entities(tables, tail))
        if self.inverse:
            query = self.embed_queries(tables, tail, relation, "head")
            scores = (scores + self.compare(query, self._entities(tables, head))) / 2
        return scores

    def embed_queries(self, tables: Tables, entity: Tensor, relation: Tensor, end: End) -> Tensor:
        """Return the vectors ``[.., D]`` of queries of ids ``[..]`` by given vectors."""
        if self.inverse and end == "head":
            relation, end = relation + self.num_relations, "tail"
        relations = functional.embedding(relation, tables[1], sparse=self.sparse)
        queries: Tensor = self.dropout(self.query(self._entities(tables, entity), relations, end))
        return queries

    def _entities(self, tables: Tables, entity: Tensor) -> Tensor:
        """Return the vectors of entities of ids of any shape."""
        return functional.embedding(entity, tables[0], sparse=self.sparse)

    def _powers(self, rows: Tensor, power: int) -> Tensor:
        """Return the powers of the entries of ``rows``, or of their moduli if they are complex."""
        if not self.complex or rows.size(-1) != 2 * self.dim:
            return rows.abs() ** power
        if power == 2:  # sums to that of the moduli
            return rows.square()
        real, imaginary = rows.chunk(2, dim=-1)
        return (real.square() + imaginary.square() + 1e-30) ** (power / 2)
