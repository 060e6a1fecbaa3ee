"""TransE, DistMult, ComplEx and RotatE."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from gneg import checks
from gneg.graph.triples import End
from gneg.nn.kge import comparisons
from gneg.nn.kge.base import KGE
from gneg.nn.kge.comparisons import Comparison
from gneg.nn.kge.encoders import RelationalEncoder


class TransE(KGE):
    """``-|h + r - t|`` (Bordes, Usunier, Garcia-Duran, Weston and Yakhnenko, NIPS 2013).

    Args:
        num_entities: Number of entities, N >= 1.
        num_relations: Number of relations, R >= 1.
        dim: Width of the embeddings, D >= 1.
        p: The norm, 1 or 2.
        sparse: Whether gradients of embeddings are sparse.
        inverse: Whether heads are predicted as tails of inverse relations.
        encoder: Message passing that turns embeddings into the vectors that are compared.

    Raises:
        ValueError: If an argument is out of range.
    """

    def __init__(
        self,
        num_entities: int,
        num_relations: int,
        dim: int = 100,
        *,
        p: int = 1,
        sparse: bool = False,
        inverse: bool = False,
        encoder: RelationalEncoder | None = None,
    ) -> None:
        super().__init__(
            num_entities, num_relations, dim, sparse=sparse, inverse=inverse, encoder=encoder
        )
        self.p = checks.choice("p", p, (1, 2))

    def query(self, entity: Tensor, relation: Tensor, end: End) -> Tensor:
        """Return h + r, or t - r."""
        return entity + relation if end == "tail" else entity - relation

    def compare(self, query: Tensor, entity: Tensor) -> Tensor:
        """Return the negative distance."""
        distance: Tensor = torch.linalg.vector_norm(query - entity, ord=self.p, dim=-1)
        return -distance

    def compare_all(self, query: Tensor, entities: Tensor) -> Tensor:
        """Return the negative distances to all entities."""
        if self.p == 1 and comparisons.without_gradient(query):
            return comparisons.compare_all("manhattan", query, entities).neg_()
        return -torch.cdist(query, entities, p=self.p)

    def compare_block(
        self, query: Tensor, entities: Tensor, index: Tensor, mix: Tensor | None = None
    ) -> Tensor:
        """Return the negative distances to the entities of each query."""
        if not self._has_kernel(query, entities):
            return super().compare_block(query, entities, index, mix)
        kind: Comparison = "manhattan" if self.p == 1 else "euclidean"
        return -comparisons.compare_some(kind, query, entities, index, mix)

    def constrain(self) -> None:
        """Scale entities outside the unit ball back to its surface, as in the paper."""
        with torch.no_grad():
            norm = self.entity.weight.norm(dim=1, keepdim=True)
            self.entity.weight.div_(norm.clamp(min=1))


class DistMult(KGE):
    """``<h, r, t>`` (Yang, Yih, He, Gao and Deng, ICLR 2015)."""

    inner_products = True

    def query(self, entity: Tensor, relation: Tensor, end: End) -> Tensor:
        """Return h r, or t r, entry by entry."""
        return entity * relation

    def compare(self, query: Tensor, entity: Tensor) -> Tensor:
        """Return the inner product."""
        return (query * entity).sum(dim=-1)

    def compare_all(self, query: Tensor, entities: Tensor) -> Tensor:
        """Return the inner products with all entities."""
        return query @ entities.t()

    def compare_block(
        self, query: Tensor, entities: Tensor, index: Tensor, mix: Tensor | None = None
    ) -> Tensor:
        """Return the inner products with the entities of each query."""
        if not self._has_kernel(query, entities):
            return super().compare_block(query, entities, index, mix)
        return comparisons.compare_some("dots", query, entities, index, mix)


class ComplEx(DistMult):
    """``Re <h, r, conj(t)>`` (Trouillon, Welbl, Riedel, Gaussier and Bouchard, ICML 2016)."""

    complex = True

    def query(self, entity: Tensor, relation: Tensor, end: End) -> Tensor:
        """Return h r, or conj(r) t."""
        return _product(entity, relation, conjugate=end == "head")


class RotatE(KGE):
    """``-sum |h r - t|``, r of modulus 1 (Sun, Deng, Nie and Tang, ICLR 2019).

    The distance is the sum of the moduli of the complex differences, as its authors compute it.
    PyKEEN takes the Euclidean norm of the moduli, so that its distances and margins are smaller.
    """

    complex = True

    def _relation_width(self, width: int) -> int:
        return width // 2

    def reset_parameters(self) -> None:
        """Draw new embeddings and angles."""
        nn.init.xavier_uniform_(self.entity.weight)
        nn.init.uniform_(self.relation.weight, -torch.pi, torch.pi)

    def query(self, entity: Tensor, relation: Tensor, end: End) -> Tensor:
        """Return h rotated by the relation's angles, or t rotated back."""
        rotation = torch.cat([relation.cos(), relation.sin()], dim=-1)
        return _product(entity, rotation, conjugate=end == "head")

    def compare(self, query: Tensor, entity: Tensor) -> Tensor:
        """Return the negative sum of moduli of the difference."""
        real, imaginary = (query - entity).chunk(2, dim=-1)
        return -(real**2 + imaginary**2 + 1e-12).sqrt().sum(dim=-1)

    def compare_all(self, query: Tensor, entities: Tensor) -> Tensor:
        """Return the negative distances to all entities."""
        if not comparisons.without_gradient(query):
            return super().compare_all(query, entities)
        return comparisons.compare_all("moduli", query, entities).neg_()

    def compare_block(
        self, query: Tensor, entities: Tensor, index: Tensor, mix: Tensor | None = None
    ) -> Tensor:
        """Return the negative distances to the entities of each query."""
        if not self._has_kernel(query, entities):
            return super().compare_block(query, entities, index, mix)
        return -comparisons.compare_some("moduli", query, entities, index, mix)


def _product(a: Tensor, b: Tensor, *, conjugate: bool) -> Tensor:
    """Return ``a * b``, or ``a * conj(b)``, of complex rows: real parts, then imaginary ones."""
    (ar, ai), (br, bi) = a.chunk(2, dim=-1), b.chunk(2, dim=-1)
    if conjugate:
        bi = -bi
    return torch.cat([ar * br - ai * bi, ar * bi + ai * br], dim=-1)
