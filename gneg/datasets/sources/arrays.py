"""Edges from NumPy archives, and from SciPy matrices stored as such."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import torch
from torch import Tensor

from gneg import checks, files
from gneg.datasets.link import PARTS
from gneg.datasets.reading import Reading
from gneg.datasets.sources.delimited import KIND
from gneg.datasets.sources.edges import EdgeTable
from gneg.datasets.sources.features import dense
from gneg.datasets.sources.formats import REMEDY


def holds_edges(path: Path) -> bool:
    """Return whether an ``.npz`` is no SciPy matrix (or is damaged, which reading it will say)."""
    try:
        with zipfile.ZipFile(path) as archive:
            return "format.npy" not in archive.namelist()
    except (OSError, zipfile.BadZipFile):
        return True


def read(path: Path, bipartite: bool | None) -> tuple[EdgeTable, Tensor | None]:
    """Return the edges of an ``.npz`` with ``edge_index``, or ``train``, ``valid`` and ``test``.

    Args:
        path: The file.
        bipartite: Whether the two ends are of different kinds.

    Returns:
        The edges, and the features ``x [N, F]`` if there are any.

    Raises:
        ValueError: If the file is damaged or has neither.
    """
    if not path.exists():
        checks.fail("dataset", "an existing file", str(path))
    content = files.read_npz("dataset", path, KIND, REMEDY, (*PARTS, "edge_index", "x"))
    edges = {part: content[part] for part in PARTS if part in content}
    if not edges and "edge_index" in content:
        edges = {"": content["edge_index"]}
    if not edges:
        allowed = "an .npz with 'edge_index', or 'train', 'valid' and 'test', or a SciPy matrix"
        checks.fail("dataset", allowed, f"{path} with {sorted(content)}")
    for key, array in edges.items():
        name = key or "edge_index"
        if not np.issubdtype(array.dtype, np.integer):
            checks.fail(name, "an integer array [2, E]", f"{array.dtype} in {path}")
        checks.pairs(name, torch.from_numpy(array.astype(np.int64)))
        if array.size and (array.min() < 0 or array.max() >= 2**62):
            wrong = array.min() if array.min() < 0 else array.max()
            checks.fail(name, "an array of ids >= 0", f"{wrong} in {path}")
    whole = np.concatenate(list(edges.values()), axis=1).astype(np.int64)
    if not whole.size:
        checks.fail("dataset", "an array of at least one edge", str(path))
    split = "" not in edges
    part = np.concatenate([np.full(array.shape[1], name, "U5") for name, array in edges.items()])
    table = EdgeTable(
        ends=(pa.array(whole[0]), pa.array(whole[1])),
        bipartite=bool(bipartite),
        weight=None,
        time=None,
        positive=np.ones(whole.shape[1], bool),
        part=part if split else None,
        sizes=None,
        nodes=None,
        reading=Reading(path.name, "NumPy arrays", ids="integers"),
    )
    return table, dense(content["x"], path) if "x" in content else None
