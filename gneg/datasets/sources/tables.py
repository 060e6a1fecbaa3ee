"""Edge lists from files: csv, tsv, parquet or npz, with optional features and splits."""

from __future__ import annotations

import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from gneg import checks, files
from gneg.datasets.link import LinkData
from gneg.datasets.splits import check_no_overlap, make_split, split_by_time
from gneg.graph import Graph, sparse

SUFFIXES = (".csv", ".tsv", ".txt", ".parquet", ".npz")
PARTS = ("train", "valid", "test")
MOST_NODES = 10**7  # of a graph with few edges
KIND = "a file with a table of edges"
REMEDY = "see gneg.datasets.load for the forms of files"


class _Content(NamedTuple):
    """The content of a file.

    Attributes:
        parts: Edges ``[2, E]`` by part, or as ``all`` where the file has no split.
        x: ``[N, F]`` features, or None.
        named: Whether nodes have names instead of integer ids.
        time: ``[E]`` times of the edges, or None.
        weight: ``[E]`` weights of the edges, those of the parts one after the other, or None.
    """

    parts: dict[str, Tensor]
    x: Tensor | None = None
    named: bool = False
    time: npt.NDArray[Any] | None = None
    weight: Tensor | None = None


def load(
    path: Path,
    *,
    features: Path | None = None,
    undirected: bool = True,
    bipartite: bool = False,
    seed: int = 0,
) -> LinkData:
    """Load a graph from an edge list.

    A table has the two ends of an edge in its first two columns (or those called ``source`` and
    ``target``), with or without a header, ``#`` starting a comment (``.gz`` is fine). A column
    ``split`` with the values train, valid and test gives the split; else a column ``time``
    (numbers or dates) a split by time, 85/5/10, whose evaluation edges are pairs that occur for
    the first time; otherwise the split is random, 85/5/10. A column ``weight`` holds weights, > 0.
    Names instead of integer ids are numbered in sorted order. An ``.npz`` holds
    ``edge_index [2, E]``, or ``train``, ``valid`` and ``test`` of that shape, and optionally
    ``x [N, F]``.

    Args:
        path: The file.
        features: ``.npy``, ``.npz`` (array ``x`` or a SciPy matrix) or ``.csv`` of shape
            ``[N, F]``, one row a node id; needs integer ids.
        undirected: Whether (u, v) also means (v, u); not in a bipartite graph.
        bipartite: Whether the two ends are different kinds of nodes, such as users and items; both
            are numbered from 0.
        seed: Seed of a random split.

    Raises:
        ValueError: If the file cannot be read as a graph.
    """
    if not path.exists():
        checks.fail("dataset", "an existing file", str(path))
    content = _read_npz(path) if ".npz" in path.suffixes else _read_table(path, bipartite)
    parts, x, named, time, weight = content
    if features is not None:
        if named:
            checks.fail("features", "absent when nodes have names, not numbers", str(features))
        x = _read_features(features)
    edges = torch.cat(list(parts.values()), dim=1)
    num_src, num_dst = (int(end.max()) + 1 if end.numel() else 0 for end in edges)
    num_nodes = num_src + num_dst if bipartite else max(num_src, num_dst)
    if x is not None:
        if x.size(0) < num_nodes or (bipartite and x.size(0) > num_nodes):
            allowed = f"{'' if bipartite else 'at least '}{num_nodes} rows, one a node"
            checks.fail("features", allowed, x.size(0))
        num_nodes = x.size(0)
    size = (num_src, num_dst) if bipartite else num_nodes
    undirected = undirected and not bipartite
    graph = Graph.from_edge_index(edges, size, undirected=undirected, weight=weight)
    split_parts: tuple[Tensor, Tensor, Tensor] | None = None
    history, split = None, "given"
    if time is not None:
        if bipartite or weight is not None:
            case = "in a bipartite graph" if bipartite else "beside a column 'weight'"
            # Weights, added up over all events, would leak later events.
            checks.fail("time", f"left out {case}", "a column")
        train, valid, test, history = split_by_time(parts["all"], time, undirected=undirected)
        split_parts, split = (train, valid, test), "by time 85/5/10"
    elif "all" not in parts:
        lacking = [part for part in PARTS if part not in parts or not parts[part].size(1)]
        if lacking:
            checks.fail("split", "train, valid and test", f"no {' and no '.join(lacking)}")
        ends = parts["train"], parts["valid"], parts["test"]
        split_parts = check_no_overlap(*ends, both_ways=not bipartite)
        # Rows of training add up by themselves where they name an edge twice.
        weight = None if weight is None else weight[: split_parts[0].size(1)]
    data = make_split(
        path.name,
        graph,
        x,
        seed=seed,
        parts=split_parts,
        split=split,
        weight=None if split_parts is None else weight,
    )
    return data if history is None else replace(data, history=history)


def _read_npz(path: Path) -> _Content:
    arrays = files.read_npz("dataset", path, KIND, REMEDY, (*PARTS, "edge_index", "x"))
    edges = {part: arrays[part] for part in PARTS if part in arrays}
    if not edges and "edge_index" in arrays:
        edges = {"all": arrays["edge_index"]}
    if not edges:
        allowed = "an .npz with 'edge_index', or 'train', 'valid' and 'test'"
        checks.fail("dataset", allowed, f"{path} with {sorted(arrays)}")
    x = _features(arrays["x"], path) if "x" in arrays else None
    parts = {}
    for part, array in edges.items():
        name = "edge_index" if part == "all" else part
        if not np.issubdtype(array.dtype, np.integer):
            checks.fail(name, "an integer array [2, E]", f"{array.dtype} in {path}")
        parts[part] = checks.pairs(name, torch.from_numpy(array.astype(np.int64)))
        if array.size:
            _check_ids(int(array.min()), int(array.max()), array.shape[1], path)
    return _Content(parts, x)


def _read_table(path: Path, bipartite: bool) -> _Content:
    table = _table(path)
    columns = {str(column).lower(): column for column in table.columns}
    if len(columns) < 2 or not len(table):
        allowed = "a table of at least one edge and two columns"
        checks.fail("dataset", allowed, f"{path} of {len(table)} rows, {len(columns)} columns")
    edges, named = _ends(table, columns, bipartite, path)
    time = weight = None
    if "weight" in columns:
        with files.reading("weight", path, "a column of numbers", REMEDY):
            values = table[columns["weight"]].to_numpy(np.float64, copy=True)
        weight = torch.from_numpy(values)
    if "split" not in columns:
        if "time" in columns:
            time = _times(table[columns["time"]], path)
        return _Content({"all": edges}, None, named, time, weight)
    label = table[columns["split"]].astype(str).str.lower()
    unknown = sorted(str(name) for name in set(label) - set(PARTS))
    if unknown:
        checks.fail("split", "train, valid or test", ", ".join(unknown[:3]))
    masks = {
        part: torch.from_numpy((label == part).to_numpy(copy=True))
        for part in PARTS
        if (label == part).any()
    }
    if weight is not None:
        weight = torch.cat([weight[mask] for mask in masks.values()])
    return _Content(
        {part: edges[:, mask] for part, mask in masks.items()}, None, named, None, weight
    )


def _table(path: Path) -> Any:
    import pandas as pd

    with files.reading("dataset", path, KIND, REMEDY):
        if ".parquet" in path.suffixes:
            return pd.read_parquet(path)
        separator = "," if ".csv" in path.suffixes else r"\s+"
        options: dict[str, Any] = {"sep": separator, "comment": "#", "skipinitialspace": True}
        head = pd.read_csv(path, header=None, nrows=2, dtype=str, **options)
        return pd.read_csv(path, header=0 if _has_header(head) else None, **options)


def _check_ids(low: int, high: int, edges: int, path: Path) -> None:
    """Refuse ids that are negative, or too large for tables with a row for each node."""
    if low < 0:
        checks.fail("dataset", "a table of node ids >= 0", f"{low} in {path}")
    limit = max(MOST_NODES, 100 * edges)
    if high >= limit:
        hint = "number the nodes from 0, or name them"
        allowed = f"a table of ids < {limit:,} for {edges:,} edges"
        checks.fail("dataset", allowed, f"{high} in {path}", hint=hint)


def _ends(table: Any, columns: dict[str, Any], bipartite: bool, path: Path) -> tuple[Tensor, bool]:
    """Return edges ``[2, E]``, and whether their ends are names in the table."""
    import pandas as pd

    ends = [columns.get("source", table.columns[0]), columns.get("target", table.columns[1])]
    if table[ends].isna().any(axis=None):
        missing = int(table[ends].isna().sum().sum())
        checks.fail("dataset", "a table without missing ends", f"{missing} of them")
    named = not all(pd.api.types.is_integer_dtype(table[end]) for end in ends)
    if not named:
        low, high = (int(getattr(table[ends], bound)().agg(bound)) for bound in ("min", "max"))
        _check_ids(low, high, len(table), path)
    values: npt.NDArray[Any] = table[ends].astype(str if named else np.int64).to_numpy().T
    if named:
        groups = values if bipartite else values.reshape(1, -1)
        numbers = [np.unique(group, return_inverse=True)[1] for group in groups]
        values = np.stack(numbers).reshape(values.shape)
    return torch.from_numpy(np.ascontiguousarray(values)).long(), named


def _times(time: Any, path: Path) -> npt.NDArray[Any]:
    import pandas as pd

    if not pd.api.types.is_numeric_dtype(time):
        with files.reading("time", path, "a column of numbers or dates", REMEDY):
            time = pd.to_datetime(time)
    if time.isna().any():
        checks.fail("time", "present for every edge", f"{int(time.isna().sum())} edges without")
    times: npt.NDArray[Any] = time.to_numpy()
    return times


def _has_header(head: Any) -> bool:
    """Return whether the first line names columns: known names, or no number above a number."""
    if not len(head):
        return False
    first = [str(value) for value in head.iloc[0]]
    numeric = [value.lstrip("-").isdigit() for value in first[:2]]
    if any(numeric):
        return False
    known = {"source", "target", "src", "dst", "from", "to", "head", "tail", "u", "v"}
    known |= {"split", "time", "weight", "user", "item"}
    if {value.lower() for value in first} & known or len(head) < 2:
        return bool({value.lower() for value in first} & known)
    return any(str(value).lstrip("-").isdigit() for value in head.iloc[1][:2])


def _read_features(path: Path) -> Tensor:
    kind = "a file of features [N, F]"
    if path.suffix == ".npz":
        arrays = files.read_npz("features", path, kind, REMEDY, ("x",))
        if "x" in arrays:
            return _features(arrays["x"], path)
        with files.reading("features", path, kind, REMEDY):
            import scipy.sparse

            matrix = scipy.sparse.load_npz(path).tocsr()
            matrix.check_format(full_check=True)
            return sparse.csr(
                torch.from_numpy(matrix.indptr),
                torch.from_numpy(matrix.indices),
                torch.from_numpy(matrix.data).float(),
                (int(matrix.shape[0]), int(matrix.shape[1])),
            )
    if path.suffix == ".npy":
        return _features(files.read_npy("features", path, kind, REMEDY), path)
    with files.reading("features", path, kind, REMEDY), warnings.catch_warnings():
        warnings.simplefilter("error")  # NumPy only warns of an empty file
        array = np.loadtxt(path, delimiter=",", ndmin=2)
    return _features(array, path)


def _features(array: npt.NDArray[Any], path: Path) -> Tensor:
    """Return features ``[N, F]``, finite numbers."""
    if array.ndim != 2 or array.dtype.kind not in "biuf":
        allowed = "numbers of shape [N, F]"
        checks.fail("features", allowed, f"{array.dtype} {list(array.shape)} in {path}")
    x = torch.from_numpy(np.ascontiguousarray(array)).float()
    if not torch.isfinite(x).all():
        allowed = "finite numbers in single precision"
        checks.fail("features", allowed, f"NaN, infinity or more in {path}")
    return x
