"""Embeddings of knowledge graphs: TransE, DistMult, ComplEx, RotatE.

PyG has the four in ``torch_geometric.nn.kge``, where a model scores triples one by one. Training
with K negatives a positive, and ranking among all entities, score one query (kept entity and
relation) against many entities, so that here a model says what a query is and how it is compared:
the query is computed once, and ranking is one matrix product where the comparison allows it.
"""

from __future__ import annotations

from abc import abstractmethod

import numpy as np
import torch
from torch import Tensor, nn

from gneg import checks, kernels
from gneg.negatives import Negatives
from gneg.triples import End

# Entries of the differences that a distance to all entities holds at once.
CHUNK = 2**24


class KGE(nn.Module):
    """A score of triples: how well an entity answers a query.

    Args:
        num_entities: N.
        num_relations: R.
        dim: Width of an entity's embedding, D (the number of complex values where they are).
        sparse: Whether gradients of embeddings are sparse.

    Raises:
        ValueError: If an argument is out of range.
    """

    complex = False

    def __init__(
        self, num_entities: int, num_relations: int, dim: int = 100, *, sparse: bool = False
    ) -> None:
        super().__init__()
        checks.integer("num_entities", num_entities, 1)
        checks.integer("num_relations", num_relations, 1)
        self.dim = checks.integer("dim", dim, 1)
        width = 2 * dim if self.complex else dim
        self.entity = nn.Embedding(num_entities, width, sparse=sparse)
        self.relation = nn.Embedding(num_relations, self._relation_width(width), sparse=sparse)
        self.reset_parameters()

    def _relation_width(self, width: int) -> int:
        return width

    def reset_parameters(self) -> None:
        """Draw new embeddings."""
        nn.init.xavier_uniform_(self.entity.weight)
        nn.init.xavier_uniform_(self.relation.weight)

    @abstractmethod
    def query(self, kept: Tensor, relation: Tensor, end: End) -> Tensor:
        """Of embeddings ``[.., D]`` of kept entities and relations: what the ``end`` should be."""

    @abstractmethod
    def compare(self, query: Tensor, entity: Tensor) -> Tensor:
        """Scores ``[..]`` of embeddings ``[.., D]``, higher is better; broadcasts."""

    def compare_all(self, query: Tensor) -> Tensor:
        """Scores ``[b, N]`` of queries ``[b, D]`` with all entities."""
        entities = self.entity.weight
        step = max(1, CHUNK // entities.numel())
        parts = [self.compare(some.unsqueeze(1), entities) for some in query.split(step)]
        return torch.cat(parts)

    def forward(self, head: Tensor, relation: Tensor, tail: Tensor) -> Tensor:
        """Return the scores of triples of ids of one shape, in that shape."""
        query = self.query(self.entity(head), self.relation(relation), "tail")
        return self.compare(query, self.entity(tail))

    def score_both(self, pos: Tensor, negatives: Negatives) -> tuple[Tensor, Tensor]:
        """Return scores of positives ``[B]`` and negatives ``[B, K]`` of ``pos [3, B]``."""
        kept, relation = self.entity(negatives.src), self.relation(pos[1])
        query = self.query(kept, relation, "tail")
        if isinstance(negatives.side, Tensor):
            swapped = negatives.side.unsqueeze(1)
            query = torch.where(swapped, self.query(kept, relation, "head"), query)
        elif negatives.side == "src":
            query = self.query(kept, relation, "head")
        assert negatives.replaced is not None
        positive = self.compare(query, self.entity(negatives.replaced))
        return positive, self.compare(query.unsqueeze(1), self.entity(negatives.index))

    def rows(self, kept: Tensor, relation: Tensor, end: End) -> Tensor:
        """Return the scores ``[b, N]`` of all entities as the ``end`` of queries of ids ``[b]``."""
        return self.compare_all(self.query(self.entity(kept), self.relation(relation), end))

    def constrain(self) -> None:
        """Bring embeddings back to where they are meant to stay, after a step."""
        return

    def norms(self, pos: Tensor, power: int) -> Tensor:
        """Mean of the p-th power of the p-norm of embeddings in ``pos [3, B]``; L2 or N3.

        N3 (Lacroix, Usunier and Obozinski, ICML 2018) is ``power=3``, of moduli where embeddings
        are complex.
        """
        total = self.entity.weight.new_zeros(())
        for table, ids in ((self.entity, pos[0]), (self.relation, pos[1]), (self.entity, pos[2])):
            total = total + self._modulus(table(ids)).pow(power).sum(dim=-1).mean()
        return total

    def _modulus(self, rows: Tensor) -> Tensor:
        if not self.complex or rows.size(-1) != 2 * self.dim:
            return rows.abs()
        real, imaginary = rows.chunk(2, dim=-1)
        return (real**2 + imaginary**2 + 1e-30).sqrt()


class TransE(KGE):
    """``-|h + r - t|`` (Bordes, Usunier, Garcia-Duran, Weston and Yakhnenko, NIPS 2013).

    Args:
        num_entities: N.
        num_relations: R.
        dim: D.
        p: The norm, 1 or 2.
        sparse: See :class:`KGE`.
    """

    def __init__(
        self,
        num_entities: int,
        num_relations: int,
        dim: int = 100,
        *,
        p: int = 1,
        sparse: bool = False,
    ) -> None:
        super().__init__(num_entities, num_relations, dim, sparse=sparse)
        self.p = checks.choice("p", p, (1, 2))

    def query(self, kept: Tensor, relation: Tensor, end: End) -> Tensor:
        """Return h + r, or t - r."""
        return kept + relation if end == "tail" else kept - relation

    def compare(self, query: Tensor, entity: Tensor) -> Tensor:
        """Return the negative distance."""
        distance: Tensor = torch.linalg.vector_norm(query - entity, ord=self.p, dim=-1)
        return -distance

    def compare_all(self, query: Tensor) -> Tensor:
        """Return the negative distances to all entities."""
        return -torch.cdist(query, self.entity.weight, p=self.p)

    def constrain(self) -> None:
        """Pull entities into the unit ball, as in the paper."""
        with torch.no_grad():
            norm = self.entity.weight.norm(dim=1, keepdim=True)
            self.entity.weight.div_(norm.clamp(min=1))


class DistMult(KGE):
    """``<h, r, t>`` (Yang, Yih, He, Gao and Deng, ICLR 2015)."""

    def query(self, kept: Tensor, relation: Tensor, end: End) -> Tensor:
        """Return the product."""
        return kept * relation

    def compare(self, query: Tensor, entity: Tensor) -> Tensor:
        """Return the inner product."""
        return (query * entity).sum(dim=-1)

    def compare_all(self, query: Tensor) -> Tensor:
        """Return the inner products with all entities."""
        return query @ self.entity.weight.t()


class ComplEx(DistMult):
    """``Re <h, r, conj(t)>`` (Trouillon, Welbl, Riedel, Gaussier and Bouchard, ICML 2016)."""

    complex = True

    def query(self, kept: Tensor, relation: Tensor, end: End) -> Tensor:
        """Return h r, or conj(r) t."""
        return _product(kept, relation, conjugate=end == "head")


class RotatE(KGE):
    """``-sum |h r - t|``, r of modulus 1 (Sun, Deng, Nie and Tang, ICLR 2019)."""

    complex = True

    def _relation_width(self, width: int) -> int:
        return width // 2

    def reset_parameters(self) -> None:
        """Draw new embeddings and angles."""
        nn.init.xavier_uniform_(self.entity.weight)
        nn.init.uniform_(self.relation.weight, -torch.pi, torch.pi)

    def query(self, kept: Tensor, relation: Tensor, end: End) -> Tensor:
        """Return h turned by the relation's angles, or t turned back."""
        turn = torch.cat([relation.cos(), relation.sin()], dim=-1)
        return _product(kept, turn, conjugate=end == "head")

    def compare(self, query: Tensor, entity: Tensor) -> Tensor:
        """Return the negative sum of moduli of the difference."""
        real, imaginary = (query - entity).chunk(2, dim=-1)
        return -(real**2 + imaginary**2 + 1e-12).sqrt().sum(dim=-1)

    def compare_all(self, query: Tensor) -> Tensor:
        """Return the negative distances to all entities; by a kernel where nothing is learned."""
        entities = self.entity.weight
        if query.device.type != "cpu" or (torch.is_grad_enabled() and query.requires_grad):
            return super().compare_all(query)
        out = np.empty((len(query), len(entities)), np.float32)
        ends = (one.detach().float().contiguous().numpy() for one in (query, entities))
        kernels.threads.run_rows(kernels.modulus.distances, len(out), out.size, out, *ends)
        return torch.from_numpy(out).neg_()


def _product(a: Tensor, b: Tensor, *, conjugate: bool) -> Tensor:
    """``a * b``, or ``a * conj(b)``, of complex rows: real parts first."""
    (ar, ai), (br, bi) = a.chunk(2, dim=-1), b.chunk(2, dim=-1)
    if conjugate:
        bi = -bi
    return torch.cat([ar * br - ai * bi, ar * bi + ai * br], dim=-1)


#: By the names they go by.
MODELS: dict[str, type[KGE]] = {
    "transe": TransE,
    "distmult": DistMult,
    "complex": ComplEx,
    "rotate": RotatE,
}
