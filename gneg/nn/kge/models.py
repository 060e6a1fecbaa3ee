"""TransE, DistMult, ComplEx and RotatE."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from gneg import checks, kernels
from gneg.graph.triples import End
from gneg.nn.kge.base import KGE
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
        if self.p == 1 and _without_gradient(query):
            return _by_kernel(kernels.vectors.all_manhattan, query, entities).neg_()
        return -torch.cdist(query, entities, p=self.p)

    def compare_block(self, query: Tensor, entities: Tensor, index: Tensor) -> Tensor:
        """Return the negative distances to the entities of each query."""
        if not _without_gradient(query):
            return super().compare_block(query, entities, index)
        kernel = kernels.vectors.some_manhattan if self.p == 1 else kernels.vectors.some_euclidean
        return _by_kernel(kernel, query, entities, index).neg_()

    def constrain(self) -> None:
        """Scale entities outside the unit ball back to its surface, as in the paper."""
        with torch.no_grad():
            norm = self.entity.weight.norm(dim=1, keepdim=True)
            self.entity.weight.div_(norm.clamp(min=1))


class DistMult(KGE):
    """``<h, r, t>`` (Yang, Yih, He, Gao and Deng, ICLR 2015)."""

    def query(self, entity: Tensor, relation: Tensor, end: End) -> Tensor:
        """Return h r, or t r, entry by entry."""
        return entity * relation

    def compare(self, query: Tensor, entity: Tensor) -> Tensor:
        """Return the inner product."""
        return (query * entity).sum(dim=-1)

    def compare_all(self, query: Tensor, entities: Tensor) -> Tensor:
        """Return the inner products with all entities."""
        return query @ entities.t()

    def compare_block(self, query: Tensor, entities: Tensor, index: Tensor) -> Tensor:
        """Return the inner products with the entities of each query."""
        if not _without_gradient(query):
            return super().compare_block(query, entities, index)
        return _by_kernel(kernels.vectors.some_dots, query, entities, index)


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
        if not _without_gradient(query):
            return super().compare_all(query, entities)
        return _by_kernel(kernels.vectors.all_moduli, query, entities).neg_()

    def compare_block(self, query: Tensor, entities: Tensor, index: Tensor) -> Tensor:
        """Return the negative distances to the entities of each query."""
        if not _without_gradient(query):
            return super().compare_block(query, entities, index)
        return _by_kernel(kernels.vectors.some_moduli, query, entities, index).neg_()


def _product(a: Tensor, b: Tensor, *, conjugate: bool) -> Tensor:
    """Return ``a * b``, or ``a * conj(b)``, of complex rows: real parts, then imaginary ones."""
    (ar, ai), (br, bi) = a.chunk(2, dim=-1), b.chunk(2, dim=-1)
    if conjugate:
        bi = -bi
    return torch.cat([ar * br - ai * bi, ar * bi + ai * br], dim=-1)


def _by_kernel(
    kernel: Callable[..., Any], query: Tensor, entities: Tensor, *index: Tensor
) -> Tensor:
    """Return what a kernel of :mod:`gneg.kernels.vectors` computes, ``[b, M]``.

    Args:
        kernel: A kernel that compares each query with all entities, or with those of ``index``.
        query: Vectors of queries, ``[b, D]``.
        entities: Vectors of entities, ``[N, D]``.
        index: Ids of the entities of each query, ``[b, M]``; without it all, and M is N.

    Raises:
        ValueError: If an id is out of range.
    """
    width = index[0].size(1) if index else len(entities)
    out = np.empty((len(query), width), np.float32)
    vectors = [rows.detach().float().contiguous().numpy() for rows in (query, entities)]
    for rows in index:
        checks.node_range("index", rows, len(entities), "entity")  # the kernel does not look
    ids = [rows.contiguous().numpy() for rows in index]
    kernels.threads.run_rows(kernel, len(out), out.size, out, *vectors, *ids)
    return torch.from_numpy(out)


def _without_gradient(query: Tensor) -> bool:
    """Return whether a kernel may compute the scores: on the CPU, if no gradient is needed."""
    return query.device.type == "cpu" and not (torch.is_grad_enabled() and query.requires_grad)


#: The models by their names.
MODELS: dict[str, type[KGE]] = {
    "transe": TransE,
    "distmult": DistMult,
    "complex": ComplEx,
    "rotate": RotatE,
}
