"""A user's own edge list: csv, tsv, parquet or npz, with optional features and splits."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from gneg import checks, sparse
from gneg.datasets.base import LinkData
from gneg.datasets.splits import make_split
from gneg.graph import Graph

SUFFIXES = (".csv", ".tsv", ".txt", ".parquet", ".npz")
PARTS = ("train", "valid", "test")


def load(
    path: Path, *, features: Path | None = None, undirected: bool = True, seed: int = 0
) -> LinkData:
    """Load a graph from an edge list.

    A table has the two ends of an edge in its first two columns (or those called ``source`` and
    ``target``), with or without a header, ``#`` starting a comment (``.gz`` is fine). A column
    ``split`` with the values train, valid and test gives an own split; otherwise it is random,
    85/5/10. Names instead of integer ids are numbered in sorted order. An ``.npz`` holds
    ``edge_index [2, E]``, or ``train``, ``valid`` and ``test`` of that shape, and optionally ``x
    [N, F]``.

    Args:
        path: The file.
        features: ``.npy``, ``.npz`` (array ``x`` or a SciPy matrix) or ``.csv`` of shape
            ``[N, F]``, one row a node id; needs integer ids.
        undirected: Whether (u, v) also means (v, u).
        seed: Seed of a random split.

    Raises:
        ValueError: If the file cannot be read as a graph.
    """
    if not path.exists():
        checks.fail("dataset", "an existing file", str(path))
    parts, x, named = _read_npz(path) if ".npz" in path.suffixes else _read_table(path)
    if features is not None:
        if named:
            checks.fail("features", "absent when nodes have names, not numbers", str(features))
        x = _read_features(features)
    num_nodes = max(int(edges.max()) + 1 for edges in parts.values() if edges.numel())
    if x is not None:
        if x.size(0) < num_nodes:
            checks.fail("features", f"at least {num_nodes} rows, one a node", x.size(0))
        num_nodes = x.size(0)
    graph = Graph.from_edge_index(
        torch.cat(list(parts.values()), dim=1), num_nodes, undirected=undirected
    )
    given = None
    if "all" not in parts:
        lacking = [part for part in PARTS if part not in parts]
        if lacking:
            checks.fail("split", "train, valid and test", f"no {' and no '.join(lacking)}")
        given = _without_overlap(parts["train"], parts["valid"], parts["test"])
    return make_split(path.name, graph, x, seed=seed, given=given)


def _without_overlap(train: Tensor, valid: Tensor, test: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Refuse a split that gives its own evaluation edges away, in either direction."""
    size = int(max(train.max(), valid.max(), test.max())) + 1

    def keys(edges: Tensor) -> Tensor:
        return edges.min(dim=0).values * size + edges.max(dim=0).values

    for part, edges, earlier in (
        ("valid", valid, keys(train)),
        ("test", test, torch.cat([keys(train), keys(valid)])),
    ):
        shared = int(torch.isin(keys(edges), earlier).sum())
        if shared:
            checks.fail(
                "split",
                "free of edges that stand in two parts, in either direction",
                f"{shared} such edges in {part}",
            )
    return train, valid, test


def _read_npz(path: Path) -> tuple[dict[str, Tensor], Tensor | None, bool]:
    with np.load(path) as arrays:
        found = {part: arrays[part] for part in PARTS if part in arrays}
        if not found and "edge_index" in arrays:
            found = {"all": arrays["edge_index"]}
        if not found:
            checks.fail(
                "dataset",
                "an .npz with 'edge_index', or 'train', 'valid' and 'test'",
                sorted(arrays),
            )
        x = torch.from_numpy(arrays["x"]).float() if "x" in arrays else None
    parts = {}
    for part, array in found.items():
        if not np.issubdtype(array.dtype, np.integer):
            checks.fail(part, "an integer array [2, E]", array.dtype)
        parts[part] = checks.pairs(part, torch.from_numpy(array.astype(np.int64)))
    return parts, x, False


def _read_table(path: Path) -> tuple[dict[str, Tensor], Tensor | None, bool]:
    import pandas as pd

    if ".parquet" in path.suffixes:
        table = pd.read_parquet(path)
    else:
        separator = "," if ".csv" in path.suffixes else r"\s+"
        options: dict[str, Any] = {"sep": separator, "comment": "#", "skipinitialspace": True}
        head = pd.read_csv(path, header=None, nrows=2, dtype=str, **options)
        table = pd.read_csv(path, header=0 if _has_header(head) else None, **options)
    columns = {str(column).lower(): column for column in table.columns}
    if len(columns) < 2 or not len(table):
        checks.fail("dataset", "a table of at least one edge and two columns", f"{table.shape}")
    ends = [columns.get("source", table.columns[0]), columns.get("target", table.columns[1])]
    if table[ends].isna().any(axis=None):
        checks.fail("dataset", "without missing ends", f"{int(table[ends].isna().sum().sum())}")
    named = not all(pd.api.types.is_integer_dtype(table[end]) for end in ends)
    values: npt.NDArray[Any] = table[ends].astype(str if named else np.int64).to_numpy()
    if named:
        values = np.unique(values, return_inverse=True)[1].reshape(values.shape)
    elif values.min() < 0:
        checks.fail("dataset", "node ids >= 0", int(values.min()))
    edges = torch.from_numpy(np.ascontiguousarray(values.T)).long()
    if "split" not in columns:
        return {"all": edges}, None, named
    label = table[columns["split"]].astype(str).str.lower()
    unknown = sorted(set(label) - set(PARTS))
    if unknown:
        checks.fail("split", "train, valid or test", ", ".join(unknown[:3]))
    parts = {
        part: edges[:, torch.from_numpy((label == part).to_numpy(copy=True))]
        for part in PARTS
        if (label == part).any()
    }
    return parts, None, named


def _has_header(head: Any) -> bool:
    """Whether the first line names columns: no number, while the second has one or it says so."""
    if not len(head):
        return False
    first = [str(value) for value in head.iloc[0]]
    numeric = [value.lstrip("-").isdigit() for value in first[:2]]
    if any(numeric):
        return False
    known = {"source", "target", "src", "dst", "from", "to", "split", "head", "tail", "u", "v"}
    if {value.lower() for value in first} & known or len(head) < 2:
        return bool({value.lower() for value in first} & known)
    return any(str(value).lstrip("-").isdigit() for value in head.iloc[1][:2])


def _read_features(path: Path) -> Tensor:
    if not path.exists():
        checks.fail("features", "an existing file", str(path))
    if path.suffix == ".npz":
        with np.load(path) as arrays:
            if "x" in arrays:
                return torch.from_numpy(arrays["x"]).float()
        import scipy.sparse

        matrix = scipy.sparse.load_npz(path).tocsr()
        return sparse.csr(
            torch.from_numpy(matrix.indptr),
            torch.from_numpy(matrix.indices),
            torch.from_numpy(matrix.data).float(),
            (int(matrix.shape[0]), int(matrix.shape[1])),
        )
    array = np.load(path) if path.suffix == ".npy" else np.loadtxt(path, delimiter=",", ndmin=2)
    if array.ndim != 2:
        checks.fail("features", "an array of shape [N, F]", list(array.shape))
    return torch.from_numpy(array).float()
