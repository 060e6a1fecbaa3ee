"""The result type of every sampler."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol

import torch
from torch import Tensor
from torch.nn.functional import embedding

from gneg import checks, files
from gneg.samplers.formats import tables

Side = Literal["dst", "src"]
#: Embeddings ``[N, D]``; of sources and of targets in a bipartite graph.
Vectors = Tensor | tuple[Tensor, Tensor]
_EAGER = ("src", "index", "mask", "side", "replaced", "mix", "stored", "relation")


class Hashed(Protocol):
    """A graph, or triples."""

    def fingerprint(self) -> str:
        """A hash: the same for the same content."""


class _Lazy:
    """A dataclass field that also takes a function, called when the value is first read.

    The density of a negative can cost more than the negative; only losses that use it pay.
    """

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = "_" + name

    def __get__(self, instance: Any, owner: type) -> Tensor | None:
        if instance is None:
            return None
        value = instance.__dict__[self.name]
        if callable(value):
            value = instance.__dict__[self.name] = value()
        return value  # type: ignore[no-any-return]

    def __set__(self, instance: Any, value: Tensor | Callable[[], Tensor | None] | None) -> None:
        instance.__dict__[self.name] = value


@dataclass(frozen=True)
class Negatives:
    """K negatives for each of B queries.

    Attributes:
        src: ``[B]`` long, the end of the positive that was kept.
        index: ``[B, K]`` long, the end that replaces the other; 0 where ``mask`` is False.
        mask: ``[B, K]`` bool; True = usable: in range, not known, not the query itself.
        log_q: ``[B, K]`` float, log probability of each draw under the sampler's proposal,
            conditioned on being a non-edge; None where it has no closed form. Computed when read:
            read it before an adaptive sampler is refreshed.
        side: The end that was replaced, or a bool tensor ``[B]``, True where it was the source.
        pos_log_q: ``[B]`` float, the same density at the positives (as if they were non-edges),
            for noise-contrastive losses; None where ``log_q`` is. Computed when read.
        counts: What happened on the way: ``filled`` slots came from the uniform fallback,
            ``short`` rows have fewer than K non-edges, ``fell`` slots left an empty shell,
            ``scored`` pairs were scored by the model, ``pool_filled`` candidates came from the
            uniform fallback; ``Guarded`` says what its guards dropped.
        replaced: ``[B]`` long, the end of the positive that was replaced.
        mix: ``[B, K]`` float in [0, 1), share of the replaced end that is mixed into the embedding
            of each negative (``Mixup``); None: none.
        stored: Embeddings of nodes, tables ``[S, D]`` one after the other, and which of them stands
            for each negative, ``[B, K]`` long, and for the replaced end of each positive, ``[B]``
            long (``MemoryBank``); None: current ones.
        relation: ``[B]`` long, of each positive of a knowledge graph, where sources are heads and
            targets tails; None: pairs.
    """

    src: Tensor
    index: Tensor
    mask: Tensor
    log_q: Tensor | None = _Lazy()  # type: ignore[assignment]
    side: Side | Tensor = "dst"
    pos_log_q: Tensor | None = _Lazy()  # type: ignore[assignment]
    counts: Mapping[str, int] = field(default_factory=dict)
    replaced: Tensor | None = None
    mix: Tensor | None = None
    stored: tuple[tuple[Tensor, ...], Tensor, Tensor] | None = None
    relation: Tensor | None = None

    def pairs(self) -> tuple[Tensor, Tensor]:
        """All pairs in the graph's direction: ``src [B, K]``, ``dst [B, K]``, masked ones included.

        A masked entry names node 0 and exists only to keep the shape: apply ``mask``.
        """
        kept = self.src.unsqueeze(1).expand_as(self.index)
        if isinstance(self.side, Tensor):
            swap = self.side.unsqueeze(1)
            return torch.where(swap, self.index, kept), torch.where(swap, kept, self.index)
        return (kept, self.index) if self.side == "dst" else (self.index, kept)

    def positives(self) -> Tensor:
        """The positives that these were drawn for, ``[2, B]`` long, in the graph's direction.

        Raises:
            ValueError: If they are not known.
        """
        if self.replaced is None:
            checks.fail("negatives", "drawn by a sampler, which notes the positives", self)
        return torch.stack(self._directed(self.src, self.replaced))

    def triples(self) -> tuple[Tensor, Tensor, Tensor]:
        """All heads, relations and tails, ``[B, K]`` each, masked ones included.

        Raises:
            ValueError: If these are negatives of pairs.
        """
        if self.relation is None:
            checks.fail("negatives", "those of triples", self)
        head, tail = self.pairs()
        return head, self.relation.unsqueeze(1).expand_as(head), tail

    def edge_index(self) -> Tensor:
        """The usable pairs, ``[2, n]`` long, in the graph's direction, row by row."""
        src, dst = self.pairs()
        return torch.stack([src[self.mask], dst[self.mask]])

    @property
    def synthetic(self) -> bool:
        """Whether negatives have embeddings of their own, see :meth:`embed`."""
        return self.mix is not None or self.stored is not None

    def embed(self, z: Vectors) -> tuple[Tensor, Tensor]:
        """Embeddings of all pairs in the graph's direction, both ``[B, K, D]``.

        Those of ``z [N, D]`` (a pair, sources and targets, in a bipartite graph), but for what is
        stored or mixed: score these, and not ``z`` at :meth:`pairs`, where :attr:`synthetic`.
        """
        if self.stored is not None:
            tables, slot, _ = self.stored
            other = torch.cat(tables)[slot]
        else:
            other = self._at(self.index, z, replaced=True)
        kept = self._at(self.src, z, replaced=False)
        if self.mix is not None:
            share = self.mix.unsqueeze(-1).to(other.dtype)
            other = share * self._own(z).unsqueeze(1) + (1 - share) * other
        return self._directed(kept.unsqueeze(1).expand_as(other), other.to(kept.dtype))

    def embed_positives(self, z: Vectors) -> tuple[Tensor, Tensor]:
        """Embeddings ``[B, D]`` of both ends of the positives, in the graph's direction.

        Like :meth:`embed`: those of ``z``, but for what is stored.

        Raises:
            ValueError: If the positives are not known.
        """
        kept = self._at(self.src, z, replaced=False)
        return self._directed(kept, self._own(z).to(kept.dtype))

    def _own(self, z: Vectors) -> Tensor:
        """Embeddings of the positives' replaced ends."""
        if self.stored is not None:
            tables, _, slot = self.stored
            return torch.cat(tables)[slot]
        if self.replaced is None:
            checks.fail("negatives", "drawn by a sampler, which notes the positives", self)
        return self._at(self.replaced, z, replaced=True)

    def _at(self, ids: Tensor, z: Vectors, *, replaced: bool) -> Tensor:
        """Embeddings of kept or replaced ends.

        Looked up as an embedding: indexing has a slow gradient, whose sums come in any order.
        """
        if isinstance(z, Tensor):
            return embedding(ids, z)
        by_side = z[::-1] if replaced else z  # where targets are replaced, where sources are
        if not isinstance(self.side, Tensor):
            return embedding(ids, by_side[0] if self.side == "dst" else by_side[1])
        found = [embedding(ids.clamp(max=len(table) - 1), table) for table in by_side]
        return torch.where(self.side.view(-1, *[1] * ids.dim()), found[1], found[0])

    def _directed(self, kept: Tensor, other: Tensor) -> tuple[Tensor, Tensor]:
        if isinstance(self.side, Tensor):
            swap = self.side.view(-1, *[1] * (kept.dim() - 1))
            return torch.where(swap, other, kept), torch.where(swap, kept, other)
        return (kept, other) if self.side == "dst" else (other, kept)

    def changed(self, **fields: Any) -> Negatives:
        """A copy with other ``fields``; unlike ``dataclasses.replace`` it reads no lazy one."""
        other = object.__new__(Negatives)
        other.__dict__.update(self.__dict__)
        for name, value in fields.items():
            object.__setattr__(other, name, value)
        return other

    def columns(self) -> tables.Columns:
        """As arrays with a row for each positive, see :mod:`gneg.samplers.formats.tables`.

        Raises:
            ValueError: If the positives are not known, or there are embeddings beside the ids.
        """
        if self.replaced is None or self.synthetic:
            checks.fail("negatives", "drawn by a sampler, and node ids only", self)
        side = self.side
        if not isinstance(side, Tensor):
            side = torch.full(self.src.shape, side == "src", device=self.src.device)
        found = {"src": self.src, "replaced": self.replaced, "side": side}
        found["index"] = self.index.masked_fill(~self.mask, -1)
        if self.log_q is not None:
            found["log_q"] = self.log_q
        if self.relation is not None:
            found["relation"] = self.relation
        return {name: value.detach().cpu().numpy() for name, value in found.items()}

    def save(self, path: str | Path, graph: Hashed) -> None:
        """Write a ``.parquet``, ``.npz`` or ``.csv`` with the hash of the graph (or the triples).

        Raises:
            ValueError: If the suffix is unknown, or the positives are.
        """
        info = {"graph": graph.fingerprint(), "versions": files.versions()}
        tables.write(Path(path), [self.columns()], info)

    @classmethod
    def load(cls, path: str | Path, graph: Hashed) -> Negatives:
        """Read what :meth:`save` or ``gneg sample`` wrote.

        Raises:
            ValueError: If it was written for another graph.
        """
        columns, info = tables.read(Path(path))
        if info.get("graph") != graph.fingerprint():
            there = f"the graph they were drawn in, {info.get('graph')}"
            checks.fail("graph", there, f"{graph}, {graph.fingerprint()}")
        parts = {name: torch.tensor(column) for name, column in columns.items()}
        side: Side | Tensor = parts["side"]
        if len(parts["side"]) and (parts["side"] == parts["side"][0]).all():
            side = "src" if parts["side"][0] else "dst"
        mask = parts["index"] >= 0
        return cls(
            parts["src"].long(),
            parts["index"].long().clamp(min=0),
            mask,
            parts["log_q"].float() if "log_q" in parts else None,
            side,
            replaced=parts["replaced"].long(),
            relation=parts["relation"].long() if "relation" in parts else None,
        )

    def to(self, device: torch.device | str) -> Negatives:
        """Return the negatives on ``device``."""

        def moved(value: Any) -> Any:
            if isinstance(value, tuple):
                return tuple(moved(one) for one in value)
            return value.to(device) if isinstance(value, Tensor) else value

        fields: dict[str, Any] = {name: moved(getattr(self, name)) for name in _EAGER}
        fields["log_q"] = lambda: moved(self.log_q)
        fields["pos_log_q"] = lambda: moved(self.pos_log_q)
        return self.changed(**fields)

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_log_q": self.log_q, "_pos_log_q": self.pos_log_q}

    def __repr__(self) -> str:
        side = "both" if isinstance(self.side, Tensor) else self.side
        batch, k = self.index.shape
        return f"Negatives(B={batch}, K={k}, side='{side}', usable={int(self.mask.sum())})"
