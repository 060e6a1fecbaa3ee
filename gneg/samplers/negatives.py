"""The result type of every sampler."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import torch
from torch import Tensor

from gneg import checks
from gneg.graph.lazy import cached_property

__all__ = ["Density", "Negatives"]

Side = Literal["dst", "src"]
#: Embeddings ``[N, D]``; of sources and of targets in a bipartite graph.
Vectors = Tensor | tuple[Tensor, Tensor]
#: A density: a tensor, a function that is called when it is first read, or None if unknown.
LogQ = Tensor | Callable[[], Tensor | None] | None


class Density:
    """Log probabilities of negatives and of their positives, each computed when first read.

    The density of a negative can cost more than the negative; only losses that use it pay.

    Args:
        log_q: ``[B, K]`` float, log probability of each negative, or a function that returns it.
        pos_log_q: ``[B]`` float, the same density at the positives, or a function.
    """

    def __init__(self, log_q: LogQ = None, pos_log_q: LogQ = None) -> None:
        self._log_q, self._pos_log_q = log_q, pos_log_q

    @cached_property
    def log_q(self) -> Tensor | None:
        """``[B, K]`` float; None if unknown."""
        return self._log_q() if callable(self._log_q) else self._log_q

    @cached_property
    def pos_log_q(self) -> Tensor | None:
        """``[B]`` float; None if unknown."""
        return self._pos_log_q() if callable(self._pos_log_q) else self._pos_log_q

    def map(self, change: Callable[[Tensor], Tensor]) -> Density:
        """Return the density changed by a function of tensors, still computed when first read."""
        return Density(lambda: _mapped(change, self.log_q), lambda: _mapped(change, self.pos_log_q))

    def __reduce__(self) -> tuple[type[Density], tuple[Tensor | None, Tensor | None]]:
        """Pickle the values: functions of a sampler would take the sampler along."""
        return Density, (self.log_q, self.pos_log_q)


@dataclass(frozen=True)
class Negatives:
    """K negatives for each of B queries.

    Attributes:
        src: ``[B]`` long, the query of each positive: its end that stays.
        index: ``[B, K]`` long, the end that replaces the other; 0 where ``mask`` is False.
        mask: ``[B, K]`` bool; True = usable: in range, not known, not the query itself.
        density: Log probabilities of the draws, see ``log_q`` and ``pos_log_q``.
        side: The end that was replaced, or a bool tensor ``[B]``, True where it was the source.
        counts: Events while drawing: ``filled`` slots came from the uniform fallback,
            ``short`` rows have fewer than K non-edges, ``fell`` slots left an empty shell,
            ``scored`` pairs were scored by the model, ``pool_filled`` candidates came from the
            uniform fallback; ``Guarded`` adds what its guards dropped.
        replaced: ``[B]`` long, the end of the positive that was replaced.
        mix: ``[B, K]`` float in [0, 1), share of the replaced end that is mixed into the embedding
            of each negative (``Mixup``); None: none.
        stored: Embeddings of nodes, tables ``[S, D]`` that follow each other, and the row of them
            for each negative, ``[B, K]`` long, and for the replaced end of each positive, ``[B]``
            long (``MemoryBank``); None: current embeddings.
        relation: ``[B]`` long, of each positive of a knowledge graph, where sources are heads and
            targets tails; None: pairs.
    """

    src: Tensor
    index: Tensor
    mask: Tensor
    density: Density = field(default_factory=Density)
    side: Side | Tensor = "dst"
    counts: Mapping[str, int] = field(default_factory=dict)
    replaced: Tensor | None = None
    mix: Tensor | None = None
    stored: tuple[tuple[Tensor, ...], Tensor, Tensor] | None = None
    relation: Tensor | None = None

    @property
    def log_q(self) -> Tensor | None:
        """``[B, K]`` float, log probability of each draw under the sampler's proposal.

        Conditioned on being a non-edge; None where it has no closed form. Computed when first
        read: read it before an adaptive sampler is refreshed.
        """
        return self.density.log_q

    @property
    def pos_log_q(self) -> Tensor | None:
        """``[B]`` float, the same density at the positives, as if they were non-edges.

        For noise-contrastive losses; None where ``log_q`` is. Computed when first read.
        """
        return self.density.pos_log_q

    @property
    def synthetic(self) -> bool:
        """Whether negatives have mixed or stored embeddings: see :mod:`gneg.nn.synthetic`."""
        return self.mix is not None or self.stored is not None

    def pairs(self) -> tuple[Tensor, Tensor]:
        """Return all pairs in the graph's direction: ``src [B, K]``, ``dst [B, K]``.

        A masked entry names node 0 and exists only to keep the shape: apply ``mask``.
        """
        return self.directed(self.src.unsqueeze(1).expand_as(self.index), self.index)

    def positives(self) -> Tensor:
        """Return the positives that these were drawn for, ``[2, B]`` long, in graph direction.

        Raises:
            ValueError: If they are not known.
        """
        if self.replaced is None:
            checks.fail("negatives", "drawn by a sampler, which notes the positives", self)
        return torch.stack(self.directed(self.src, self.replaced))

    def triples(self) -> tuple[Tensor, Tensor, Tensor]:
        """Return all heads, relations and tails, ``[B, K]`` each, masked ones included.

        Raises:
            ValueError: If these are negatives of pairs.
        """
        if self.relation is None:
            checks.fail("negatives", "those of triples", self)
        head, tail = self.pairs()
        return head, self.relation.unsqueeze(1).expand_as(head), tail

    def edge_index(self) -> Tensor:
        """Return the usable pairs, ``[2, n]`` long, in the graph's direction, row by row."""
        src, dst = self.pairs()
        return torch.stack([src[self.mask], dst[self.mask]])

    def directed(self, query: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
        """Return values of queries and of targets, ``[B, ...]``, as those of (source, target)."""
        if isinstance(self.side, Tensor):
            swap = self.side.view(-1, *[1] * (query.dim() - 1))
            return torch.where(swap, target, query), torch.where(swap, query, target)
        return (query, target) if self.side == "dst" else (target, query)

    def take(self, rows: slice) -> Negatives:
        """Return the negatives of some of the queries."""
        names = ("src", "index", "mask", "side", "replaced", "mix", "relation")
        values = {name: getattr(self, name) for name in names}
        parts: dict[str, Any] = {
            name: v[rows] for name, v in values.items() if isinstance(v, Tensor)
        }
        if self.stored is not None:
            tables, negatives, positives = self.stored
            parts["stored"] = tables, negatives[rows], positives[rows]
        density = Density(lambda: _rows(self.log_q, rows), lambda: _rows(self.pos_log_q, rows))
        return replace(self, density=density, **parts)

    def to(self, device: torch.device | str, *, non_blocking: bool = False) -> Negatives:
        """Return the negatives on ``device``.

        Args:
            device: The device.
            non_blocking: Whether a copy from pinned memory is not waited for.
        """
        return self._map(lambda tensor: tensor.to(device, non_blocking=non_blocking))

    def pin_memory(self) -> Negatives:
        """Return the negatives, and the densities that are read from now on, in pinned memory."""
        return self._map(lambda tensor: tensor.pin_memory())

    def _map(self, change: Callable[[Tensor], Tensor]) -> Negatives:
        """Return the negatives with each tensor changed by a function."""
        names = ("src", "index", "mask", "side", "replaced", "mix", "stored", "relation")
        tensors = {name: _mapped(change, getattr(self, name)) for name in names}
        return replace(self, density=self.density.map(change), **tensors)

    def __repr__(self) -> str:
        side = "both" if isinstance(self.side, Tensor) else self.side
        batch, k = self.index.shape
        return f"Negatives(B={batch}, K={k}, side='{side}', usable={int(self.mask.sum())})"


def _rows(value: Tensor | None, rows: slice) -> Tensor | None:
    return None if value is None else value[rows]


def _mapped(change: Callable[[Tensor], Tensor], value: Any) -> Any:
    """Return a tensor, or the tensors of a tuple, changed; anything else as it is."""
    if isinstance(value, tuple):
        return tuple(_mapped(change, part) for part in value)
    return change(value) if isinstance(value, Tensor) else value
