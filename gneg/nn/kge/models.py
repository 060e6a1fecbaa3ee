"""TransE, DistMult, ComplEx and RotatE."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from gneg import checks, kernels
from gneg.graph.triples import End
from gneg.nn.kge.base import KGE, by_kernel, without_gradient
from gneg.nn.kge.encoders import RelationalEncoder


class TransE(KGE):
    """``-|h + r - t|`` (Bordes, Usunier, Garcia-Duran, Weston and Yakhnenko, NIPS 2013).

    Args:
        num_entities: N.
        num_relations: R.
        dim: D.
        p: The norm, 1 or 2.
        sparse: See :class:`KGE`.
        inverse: See there.
        encoder: See there.
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

    def query(self, kept: Tensor, relation: Tensor, end: End) -> Tensor:
        """Return h + r, or t - r."""
        return kept + relation if end == "tail" else kept - relation

    def compare(self, query: Tensor, entity: Tensor) -> Tensor:
        """Return the negative distance."""
        distance: Tensor = torch.linalg.vector_norm(query - entity, ord=self.p, dim=-1)
        return -distance

    def compare_all(self, query: Tensor, entities: Tensor) -> Tensor:
        """Return the negative distances to all entities."""
        if self.p == 1 and without_gradient(query):
            return by_kernel(kernels.vectors.all_manhattan, query, entities).neg_()
        return -torch.cdist(query, entities, p=self.p)

    def compare_some(self, query: Tensor, entities: Tensor, index: Tensor) -> Tensor:
        """Return the negative distances to some."""
        if not without_gradient(query):
            return super().compare_some(query, entities, index)
        kernel = kernels.vectors.some_manhattan if self.p == 1 else kernels.vectors.some_euclidean
        return by_kernel(kernel, query, entities, index).neg_()

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

    def compare_all(self, query: Tensor, entities: Tensor) -> Tensor:
        """Return the inner products with all entities."""
        return query @ entities.t()

    def compare_some(self, query: Tensor, entities: Tensor, index: Tensor) -> Tensor:
        """Return the inner products with some."""
        if not without_gradient(query):
            return super().compare_some(query, entities, index)
        return by_kernel(kernels.vectors.some_dots, query, entities, index)


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

    def compare_all(self, query: Tensor, entities: Tensor) -> Tensor:
        """Return the negative distances to all entities; by a kernel where nothing is learned."""
        if not without_gradient(query):
            return super().compare_all(query, entities)
        return by_kernel(kernels.vectors.all_moduli, query, entities).neg_()

    def compare_some(self, query: Tensor, entities: Tensor, index: Tensor) -> Tensor:
        """Return the negative distances to some."""
        if not without_gradient(query):
            return super().compare_some(query, entities, index)
        return by_kernel(kernels.vectors.some_moduli, query, entities, index).neg_()


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
