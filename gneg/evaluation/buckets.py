"""Metrics of edges by degree, distance and common neighbours."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from torch import Tensor

from gneg.datasets import LinkData
from gneg.evaluation.bootstrap import FloatArray
from gneg.graph import heuristics

# Lower bounds of buckets: a value falls in the last bucket whose bound it reaches.
BUCKETS = {
    "degree": (0, 1, *(2**i for i in range(1, 13))),
    "distance": (1, 2, 3, 4, 5, 6),
    "common neighbours": (0, 1, 2, 3, 6, 11, 21, 51, 101, 201),
}
MAX_DISTANCE = 5  # edges; longer distances are one bucket
BUCKET_METRICS = ("mrr", "hits@10")


def buckets(data: LinkData, pos: Tensor) -> dict[str, npt.NDArray[np.int64]]:
    """Return the bucket of each positive ``[2, E]`` by degree, distance and common neighbours."""
    graph = data.homogeneous_graph
    src, dst = data.homogeneous_ids(pos.cpu()).numpy()
    degree = graph.degree().numpy()
    values = {
        "degree": np.minimum(degree[src], degree[dst]),
        "distance": heuristics.distances(graph, src, dst, MAX_DISTANCE),
    }
    if data.num_src is None:  # ends of bipartite edges have no common neighbours
        common = heuristics.scores(graph, "cn", src, dst[:, None])[:, 0]
        values["common neighbours"] = common.astype(np.int64)
    return {
        kind: np.searchsorted(BUCKETS[kind], value, side="right") - 1
        for kind, value in values.items()
    }


def by_bucket(
    values: dict[str, FloatArray], bucket: npt.NDArray[np.int64], bounds: tuple[int, ...]
) -> list[dict[str, Any]]:
    """Return the range, the number of positives and the mean metrics of each bucket."""
    table = []
    for i in np.unique(bucket):
        rows = bucket == i
        entry: dict[str, Any] = {"from": bounds[i]}
        entry["to"] = bounds[i + 1] - 1 if i + 1 < len(bounds) else None
        entry["positives"] = int(rows.sum())
        entry |= {
            name: float(values[name][rows].mean()) for name in BUCKET_METRICS if name in values
        }
        table.append(entry)
    return table
