"""The non-edges nearest to a node by their vectors, found by a FAISS index."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional

from gneg.graph import KnownEdges
from gneg.graph.lazy import cached_property
from gneg.samplers.propose.nearest import Metric
from gneg.samplers.query import exclude

Backend = Literal["exact", "hnsw", "ivf"]
IntArray = npt.NDArray[np.int64]


class Approximate:
    """Ranks targets by similarity as a FAISS index finds them: some true neighbours may be missing.

    Args:
        queries: ``[N, D]`` finite float vectors of queries.
        targets: ``[M, D]``, those of targets.
        metric: ``"cosine"``, ``"dot"`` or ``"euclidean"``.
        backend: The index: ``"hnsw"`` or ``"ivf"``.
        most: The longest list that is asked for.
    """

    def __init__(
        self, queries: Tensor, targets: Tensor, metric: Metric, backend: Backend, most: int
    ) -> None:
        self.queries, self.targets = queries, targets
        self.metric, self.backend, self.most = metric, backend, most

    def lists(self, rows: IntArray, take: int, known: KnownEdges, memory_mb: int) -> IntArray:
        """Return the ``take`` nearest non-edges of each row, nearest first, ``[B, take]``.

        -1 where fewer are found.

        Args:
            rows: ``[B]``, queries.
            take: Targets of each row, in [1, M].
            known: The edges that are no candidates, as (query, target).
            memory_mb: Unused: a search needs no more memory than its result.
        """
        vectors = self._prepared(self.queries[torch.from_numpy(rows).to(self.queries.device)])
        degree = known.indptr[rows + 1] - known.indptr[rows]
        out = np.full((len(rows), take), -1, np.int64)
        # Rows of similar degree are searched together: a hub must not widen every search.
        for low, high in [(0, 64), (64, 1024), (1024, known.num_dst + 1)]:
            group = np.flatnonzero((degree >= low) & (degree < high))
            if not len(group):
                continue
            width = min(take + int(degree[group].max()) + 1, known.num_dst)
            _, neighbors = self._index.search(vectors[group], width)
            nearest = np.full((len(group), take), -1, np.int64)
            exclude(known, rows[group], nearest, neighbors, unique=False)
            out[group] = nearest
        return out

    def __getstate__(self) -> dict[str, Any]:
        """Pickle the index, built if it was not yet."""
        return {**self.__dict__, "_index": self._index}

    @cached_property
    def _index(self) -> Any:
        faiss = import_faiss()
        vectors = np.ascontiguousarray(self._prepared(self.targets))
        metric = faiss.METRIC_L2 if self.metric == "euclidean" else faiss.METRIC_INNER_PRODUCT
        if self.backend == "hnsw":
            index = faiss.IndexHNSWFlat(vectors.shape[1], 32, metric)
            index.hnsw.efSearch = max(64, 2 * min(self.most, len(vectors)))
        else:
            cells = max(1, int(len(vectors) ** 0.5))
            quantizer = faiss.IndexFlat(vectors.shape[1], metric)
            index = faiss.IndexIVFFlat(quantizer, vectors.shape[1], cells, metric)
            index.train(vectors)
            index.nprobe = max(1, cells // 8)
        index.add(vectors)
        return index

    def _prepared(self, z: Tensor) -> npt.NDArray[np.float32]:
        """Return vectors for FAISS."""
        return (functional.normalize(z) if self.metric == "cosine" else z).cpu().numpy()


def import_faiss() -> Any:
    """Return the module ``faiss``.

    Raises:
        ImportError: If it is not installed.
    """
    try:
        import faiss
    except ImportError as error:
        raise ImportError(
            "backend='hnsw' and backend='ivf' need FAISS: pip install 'gneg[ann]'"
        ) from error
    return faiss
