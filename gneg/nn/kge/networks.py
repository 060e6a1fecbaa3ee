"""TuckER and ConvE: inner products with queries that a network computes."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from gneg import checks
from gneg.graph.triples import End
from gneg.nn.kge.encoders import RelationalEncoder
from gneg.nn.kge.models import DistMult


class TuckER(DistMult):
    """``W x1 h x2 r x3 t`` with a core tensor W (Balazevic, Allen and Hospedales, EMNLP 2019).

    Args:
        num_entities: Number of entities, N >= 1.
        num_relations: Number of relations, R >= 1.
        dim: Width of the embeddings, D >= 1; the core has D ** 3 entries.
        dropout: Share of values dropped of queries, before and after the core, in [0, 1).
        inverse: Whether heads are predicted as tails of inverse relations.
        encoder: Message passing under the model.

    Raises:
        ValueError: If an argument is out of range.
    """

    def __init__(
        self,
        num_entities: int,
        num_relations: int,
        dim: int = 100,
        *,
        dropout: float = 0.0,
        inverse: bool = False,
        encoder: RelationalEncoder | None = None,
    ) -> None:
        super().__init__(
            num_entities, num_relations, dim, dropout=dropout, inverse=inverse, encoder=encoder
        )
        self.core = nn.Parameter(torch.empty(dim, dim, dim))
        self.before, self.after = nn.BatchNorm1d(dim), nn.BatchNorm1d(dim)
        nn.init.uniform_(self.core, -1, 1)

    def query(self, entity: Tensor, relation: Tensor, end: End) -> Tensor:
        """Return W x1 h x2 r, or W x3 t x2 r; the base drops values after the core."""
        entity, relation = torch.broadcast_tensors(entity, relation)
        rows = self.dropout(self.before(entity.reshape(-1, self.dim)))
        contract = "bi,br,irj->bj" if end == "tail" else "bj,br,irj->bi"
        rows = torch.einsum(contract, rows, relation.reshape(-1, self.dim), self.core)
        out: Tensor = self.after(rows).view(entity.shape)
        return out


class ConvE(DistMult):
    """A convolution over h and r, times t (Dettmers, Minervini, Stenetorp and Riedel, AAAI 2018).

    Heads are predicted as tails of inverse relations, as in the paper. The last entry of an
    entity's embedding is its bias.

    Args:
        num_entities: Number of entities, N >= 1.
        num_relations: Number of relations, R >= 1.
        dim: Width of the embeddings, D, a product of two integers >= 2 and >= 3: embeddings are
            laid out as images.
        dropout: Share of values dropped of queries, in each of three layers, in [0, 1).
        channels: Filters of the convolution, of size 3 x 3.

    Raises:
        ValueError: If an argument is out of range.
    """

    def __init__(
        self,
        num_entities: int,
        num_relations: int,
        dim: int = 200,
        *,
        dropout: float = 0.0,
        channels: int = 32,
    ) -> None:
        self.shape = _image(checks.integer("dim", dim, 1))
        super().__init__(num_entities, num_relations, dim, inverse=True)
        channels = checks.integer("channels", channels, 1)
        height, width = self.shape
        self.network = nn.Sequential(
            nn.BatchNorm2d(1),
            nn.Dropout(checks.number("dropout", dropout, 0, 1, open_high=True)),
            nn.Conv2d(1, channels, 3),
            nn.BatchNorm2d(channels),
            nn.ReLU(),
            nn.Dropout2d(dropout),
            nn.Flatten(),
            nn.Linear(channels * (2 * height - 2) * (width - 2), dim),
            nn.Dropout(dropout),
            nn.BatchNorm1d(dim),
            nn.ReLU(),
        )

    def _entity_width(self) -> int:
        return self.dim + 1

    def _relation_width(self, width: int) -> int:
        return self.dim

    def reset_parameters(self) -> None:
        """Draw new embeddings, with biases of zero."""
        super().reset_parameters()
        with torch.no_grad():
            self.entity.weight[:, -1] = 0

    def query(self, entity: Tensor, relation: Tensor, end: End) -> Tensor:
        """Return the network's output for h and r, and a one, which meets the bias."""
        if end == "head":
            checks.fail("end", "tail: heads are tails of inverse relations", end)
        entity, relation = torch.broadcast_tensors(entity[..., :-1], relation)
        rows = [part.reshape(-1, 1, *self.shape) for part in (entity, relation)]
        out: Tensor = self.network(torch.cat(rows, dim=2)).view(entity.shape)
        return torch.cat([out, torch.ones_like(out[..., :1])], dim=-1)


def _image(dim: int) -> tuple[int, int]:
    """Return height and width of an image of ``dim`` values, as square as possible."""
    for height in range(math.isqrt(dim), 1, -1):
        if dim % height == 0 and dim // height >= 3:
            return height, dim // height
    return checks.fail("dim", "a product of two integers >= 2 and >= 3 for ConvE, as 200", dim)
