"""A graph by split: positives, evaluation negatives, features."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from gneg import checks, files
from gneg.datasets.names import Names
from gneg.datasets.reading import Reading
from gneg.graph import Graph, KnownEdges, sparse
from gneg.graph.known import KnownPolicy
from gneg.graph.lazy import cached_property
from gneg.graph.sizes import with_sizes
from gneg.samplers import Sampler
from gneg.samplers.base import Corrupt
from gneg.samplers.negatives import Vectors
from gneg.samplers.text.build import build

PARTS = ("train", "valid", "test")


@dataclass(frozen=True)
class EvalEdges:
    """Positives to rank and the negatives to rank them against.

    Attributes:
        pos: ``[2, E]`` long, the positives.
        neg: Sources and targets of the negatives, both ``[M]`` (one set shared by all positives)
            or both ``[E, K]`` (separate negatives of each positive).
        mask: ``[E, K]`` bool, False where there is no negative; None: there is one everywhere.
        known: Edges that are left out where positives are ranked among *all* targets, as
            recommenders are measured (``neg`` is a sample then, for models that cannot score all
            of them); None: positives are ranked against ``neg``.
    """

    pos: Tensor
    neg: tuple[Tensor, Tensor]
    mask: Tensor | None = None
    known: KnownEdges | None = None

    __repr__ = with_sizes

    @property
    def shared(self) -> bool:
        """Whether all positives are ranked against one set of negatives."""
        return self.neg[0].dim() == 1

    @property
    def ranked_against(self) -> tuple[int, str]:
        """The number of targets that a positive is ranked against, and what they are."""
        if self.known is not None:
            return self.known.num_dst, "all targets but known ones"
        return self.num_negatives, "one shared set" if self.shared else "own, uniform"

    @property
    def num_negatives(self) -> int:
        """Number of negatives that each positive is ranked against."""
        return self.neg[0].size(-1)

    def take(self, rows: Tensor) -> EvalEdges:
        """Return the positives at ``rows [B]`` with their negatives."""
        mask = None if self.mask is None else self.mask[rows]
        neg = self.neg if self.shared else (self.neg[0][rows], self.neg[1][rows])
        return replace(self, pos=self.pos[:, rows], neg=neg, mask=mask)

    def to(self, device: torch.device | str) -> EvalEdges:
        """Return the edges and negatives on ``device``."""
        mask = None if self.mask is None else self.mask.to(device)
        neg = self.neg[0].to(device), self.neg[1].to(device)
        return EvalEdges(self.pos.to(device), neg, mask, self.known)


@dataclass(frozen=True)
class LinkData:
    """A graph split for link prediction.

    In a bipartite graph sources and targets are both numbered from 0; where they share one index,
    as in features and embeddings, sources come first.

    Attributes:
        name: Name of the dataset.
        num_nodes: N; in a bipartite graph both sides together.
        x: ``[N, F]`` float features, dense or sparse CSR, or None.
        train: ``[2, P]`` long, training positives; one direction of each undirected edge.
        valid: Validation positives and the negatives that they are ranked against.
        test: Test positives and the negatives that they are ranked against.
        undirected: Whether (u, v) and (v, u) are the same edge.
        metric: The metric to select and report by: ``"mrr"``, ``"auc"``, ``"hits@K"`` or, in a
            bipartite graph, ``"recall@20"`` or ``"ndcg@20"``.
        split: How the split was made.
        history: ``[2, H]`` training edges of earlier times that do not recur in the periods of
            validation and test; None where edges have no times.
        num_src: Number of sources of a bipartite graph; None: it is homogeneous.
        weight: ``[P]`` weights, > 0, of the training positives; None: unweighted.
        time: ``[N]`` double, when each node came to be; None: not known.
        negatives: ``[2, M]`` long, pairs that are known to be no edges, for training; None: none.
        names: The user's own names of nodes, a pair for sources and targets of a bipartite graph;
            None: they are their ids.
        reading: What was understood of the file; None: the data are from no file of the user's.
    """

    name: str
    num_nodes: int
    x: Tensor | None
    train: Tensor
    valid: EvalEdges
    test: EvalEdges
    undirected: bool
    metric: str
    split: str
    history: Tensor | None = None
    num_src: int | None = None
    weight: Tensor | None = None
    time: Tensor | None = None
    negatives: Tensor | None = None
    names: Names | tuple[Names, Names] | None = None
    reading: Reading | None = None

    @property
    def size(self) -> int | tuple[int, int]:
        """N, or the numbers of sources and of targets of a bipartite graph."""
        return (
            self.num_nodes
            if self.num_src is None
            else (self.num_src, self.num_nodes - self.num_src)
        )

    @property
    def end_names(self) -> tuple[Names | None, Names | None]:
        """The names of sources and of targets; None: they are their ids."""
        return self.names if isinstance(self.names, tuple) else (self.names, self.names)

    @cached_property
    def graph(self) -> Graph:
        """The graph of the training edges: all that message passing and samplers may see."""
        return Graph.from_edge_index(
            self.train, self.size, undirected=self.undirected, weight=self.weight
        )

    def sides(self, rows: Tensor) -> Vectors:
        """Return ``rows [N, ...]``, in a bipartite graph as a pair: of sources and of targets."""
        if self.num_src is None:
            return rows
        return rows[: self.num_src], rows[self.num_src :]

    @cached_property
    def _negative_graph(self) -> Graph | None:
        """The pairs that are known to be no edges, as a graph."""
        if self.negatives is None:
            return None
        return Graph.from_edge_index(self.negatives, self.size, undirected=self.undirected)

    @property
    def dense_x(self) -> Tensor | None:
        """The features ``[N, F]`` as a dense tensor, or None."""
        x = self.x
        return x if x is None or x.layout == torch.strided else x.to_dense()

    @cached_property
    def homogeneous_graph(self) -> Graph:
        """The training edges as an undirected graph of one node set, for heuristics.

        In a bipartite graph the ids of targets follow those of sources.
        """
        return self.graph.to_homogeneous()

    def homogeneous_ids(self, pairs: Tensor) -> Tensor:
        """Return ``pairs [2, ...]`` in the ids of :attr:`homogeneous_graph`."""
        return pairs if self.num_src is None else torch.stack([pairs[0], pairs[1] + self.num_src])

    def sampler(
        self,
        text: str,
        *,
        known: KnownPolicy = "train",
        corrupt: Corrupt = "dst",
        unique: bool = False,
        z: Tensor | Callable[[], Tensor] | None = None,
        device: torch.device | None = None,
    ) -> Sampler:
        """Build a sampler on the training graph (see :func:`gneg.samplers.build`).

        Args:
            text: The expression, such as ``"mixture(walk:0.5, uniform:0.5)"``.
            known: Edges that negatives avoid.
            corrupt: The end that is replaced: ``dst``, ``src`` or ``both``.
            unique: Whether a row may hold a target only once.
            z: ``[N, D]`` embeddings, or a function that returns them, for samplers that look for
                similar nodes where there are no features.
            device: Where torch draws, the same negatives; None: kernels draw, on the CPU.

        Raises:
            ValueError: If the expression is malformed or an option is wrong.
        """
        graph = self.graph if device is None else self.graph.to(device, engine="torch")

        def vectors() -> Vectors | None:
            rows = self.dense_x
            if rows is None:
                rows = z() if callable(z) else z
            return None if rows is None else self.sides(rows)

        return build(
            text,
            graph,
            z=vectors,  # type: ignore[arg-type]
            known=self.known(known, graph),
            corrupt=corrupt,
            unique=unique,
            time=None if self.time is None else self.sides(self.time),
            negatives=self._negative_graph,
        )

    def positives(self, part: str) -> Tensor:
        """Return the edges ``[2, E]`` of ``train``, ``valid`` or ``test``.

        Raises:
            ValueError: If there is no such part.
        """
        checks.choice("part", part, PARTS)
        return {"train": self.train, "valid": self.valid.pos, "test": self.test.pos}[part]

    def known(self, policy: KnownPolicy = "train", graph: Graph | None = None) -> KnownEdges:
        """Return the edges that count as known: the training edges (honest), or more on request.

        Args:
            policy: ``train``, ``train+valid`` or ``all``.
            graph: The training graph, on the device where they are looked up; None: on the CPU.

        Raises:
            ValueError: If ``policy`` is unknown.
        """
        checks.choice("known", policy, ("train", "train+valid", "all"))
        held_out = {
            "train": [],
            "train+valid": [self.valid.pos],
            "all": [self.valid.pos, self.test.pos],
        }
        return KnownEdges(graph or self.graph, *held_out[policy])

    def describe(self) -> dict[str, Any]:
        """Return the description of the data in the record of a run."""
        return {
            "name": self.name,
            "nodes": self.num_nodes,
            "undirected": self.undirected,
            "features": None if self.x is None else self.x.size(1),
            "features_hash": self._features_hash,
            "metric": self.metric,
            "edges": {part: self.positives(part).size(1) for part in PARTS},
            "hash": self.fingerprint(),
            "details_hash": self._details_hash,
            "names_hash": self._names_hash,
        }

    @cached_property
    def _features_hash(self) -> str | None:
        """A hash of the features, None without any."""
        return None if self.x is None else files.digest(self.x.shape, *sparse.content(self.x))

    @cached_property
    def _names_hash(self) -> str | None:
        """A hash of the names, None without any."""
        names = self.names if isinstance(self.names, tuple) else (self.names,)
        return None if self.names is None else "-".join(n.fingerprint() for n in names if n)

    @cached_property
    def _details_hash(self) -> str:
        """A hash of what a run depends on beside edges and features."""
        tables: list[Tensor | None] = [self.history, self.weight, self.time, self.negatives]
        ranked_among_all = []
        for edges in (self.valid, self.test):
            tables += [*edges.neg, edges.mask]
            ranked_among_all.append(edges.known is not None)
        shapes = [None if table is None else tuple(table.shape) for table in tables]
        present = [table for table in tables if table is not None]
        return files.digest((self.num_src, shapes, ranked_among_all), *present)

    def fingerprint(self) -> str:
        """Return a hash of the nodes and the edges of all parts, in their order."""
        header = (self.num_nodes, self.undirected)
        return files.digest(header, *(self.positives(part) for part in PARTS))

    def __repr__(self) -> str:
        width = "no" if self.x is None else str(self.x.size(1))
        size = self.size
        nodes = " + ".join(map(str, size)) if isinstance(size, tuple) else str(size)
        return (
            f"LinkData({self.name}: {nodes} nodes, {width} features, edges "
            f"{self.train.size(1)} / {self.valid.pos.size(1)} / {self.test.pos.size(1)}, "
            f"{self.metric})"
        )
