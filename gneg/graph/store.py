"""Graphs in a folder: arrays that are mapped into memory when it is opened, and a header.

The header ``graph.json`` is written last: a folder without it holds no graph. Beside it stand
``indptr.npy``, ``indices.npy`` and, of a weighted graph, ``weights.npy``; of a directed or
bipartite graph also those of the reversed edges (``in_...``), and of a bipartite one those of the
steps that walks take both ways (``steps_...``).
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from gneg import checks, files, records
from gneg.graph import csr
from gneg.graph.csr import Rows, Steps
from gneg.graph.folder import FORMAT, HEADER, check_folder, is_stored, place
from gneg.graph.graph import Graph

VERSION = 1
KIND = "a folder with a graph, of gneg ingest or Graph.save"
REMEDY = "write it again with gneg ingest or Graph.save"
SAMPLES, SAMPLE_BYTES = 32, 4096  # places of a file that are compared when it is opened
#: Types of the arrays, in the byte order of this machine.
TYPES: dict[str, tuple[type, ...]] = {
    "indptr": (np.int64,),
    "indices": (np.int32, np.int64),
    "weights": (np.float64,),
}
FORM = {
    "format": str,
    "version": int,
    "num_src": int,
    "num_dst": int,
    "num_edges": int,
    "bipartite": bool,
    "undirected": bool,
    "weighted": bool,
    "hash": str,
    "arrays": {...: {"dtype": str, "length": int, "sample": str}},
    "origin": dict,
}


class StoredGraph(Graph):
    """A graph whose arrays are mapped from a folder; made by :meth:`Graph.open`.

    Attributes:
        folder: The folder, absolute.
        origin: What it was made of, as ``gneg ingest`` says in the header.
    """

    folder: Path
    origin: dict[str, Any]
    _hash: str | None = None
    _of_reverse = False

    def fingerprint(self) -> str:
        """Return the hash in the header, which is that of the same graph in memory."""
        if self._hash is None:
            self._hash = super().fingerprint()
        return self._hash

    def __reduce__(self) -> tuple[Any, ...]:
        # Another process maps the same files: neither copies nor sends the arrays.
        forward = self.reversed() if self._of_reverse else self
        return _reopen, (str(self.folder), forward.fingerprint(), self._of_reverse)


def _reopen(folder: str, fingerprint: str, of_reverse: bool) -> Graph:
    graph = open_graph(folder)
    if graph.fingerprint() != fingerprint:
        allowed = f"the graph {fingerprint}, which was opened there"
        checks.fail("folder", allowed, f"{folder} with {graph.fingerprint()}")
    return graph.reversed() if of_reverse else graph


def read_header(folder: Path) -> dict[str, Any]:
    """Return the header of a stored graph.

    Raises:
        ValueError: If there is none, it is damaged, or it has another version.
    """
    if not is_stored(folder):
        value = f"{folder}, " + ("which does not exist", f"without {HEADER}")[folder.is_dir()]
        checks.fail("folder", KIND, value)
    header: dict[str, Any] = records.read_record("folder", folder / HEADER, FORM, remedy=REMEDY)
    if (header["format"], header["version"]) != (FORMAT, VERSION):
        value = f"{folder}: {header['format']}, version {header['version']}"
        checks.fail("folder", f"{KIND}, version {VERSION}", value, hint=REMEDY)
    return header


def open_graph(folder: str | Path) -> StoredGraph:
    """Open a stored graph; see :meth:`Graph.open`."""
    checks.instance("folder", folder, (str, Path))
    path = Path(folder).expanduser().resolve()
    header = read_header(path)
    names = _names(header["bipartite"], header["undirected"], header["weighted"])
    arrays = {name: _mapped(path, name, header["arrays"].get(name)) for name in names}
    if set(header["arrays"]) != set(names) or not _fit(arrays, header):
        checks.fail("folder", f"{KIND}, whole", f"{path}, whose arrays do not fit", hint=REMEDY)
    graph = _stored(path, arrays, "", header)
    graph._hash = header["hash"]
    if not graph.undirected:
        reverse = _stored(path, arrays, "in_", header)
        reverse._of_reverse = True
        graph._reversed, reverse._reversed = reverse, graph
    if graph.bipartite:
        indptr, indices = arrays["steps_indptr"], arrays["steps_indices"]
        weights, rows = arrays.get("steps_weights"), (indptr, indices)
        graph._steps = Steps(*rows, *rows, graph.num_src, weights, weights)
    return graph


def _fit(arrays: dict[str, npt.NDArray[Any]], header: dict[str, Any]) -> bool:
    """Return whether arrays have the sizes that a header says."""
    src, dst, edges = header["num_src"], header["num_dst"], header["num_edges"]
    sizes = {"": (src, edges), "in_": (dst, edges), "steps_": (src + dst, 2 * edges)}
    for prefix, size in sizes.items():
        if f"{prefix}indptr" not in arrays:
            continue
        indptr, indices = arrays[f"{prefix}indptr"], arrays[f"{prefix}indices"]
        weights = arrays.get(f"{prefix}weights", indices)
        if (len(indptr) - 1, len(indices)) != size or len(weights) != len(indices):
            return False
        if (int(indptr[0]), int(indptr[-1])) != (0, len(indices)):
            return False
    return bool(header["bipartite"]) or src == dst


def _stored(
    path: Path, arrays: dict[str, npt.NDArray[Any]], prefix: str, header: dict[str, Any]
) -> StoredGraph:
    """Return the graph, or its reverse, of mapped arrays."""
    graph = StoredGraph(
        arrays[f"{prefix}indptr"],
        arrays[f"{prefix}indices"],
        header["num_src" if prefix else "num_dst"],
        bipartite=header["bipartite"],
        undirected=header["undirected"],
        weights=arrays.get(f"{prefix}weights"),
    )
    graph.folder, graph.origin = path, header["origin"]
    return graph


def _names(bipartite: bool, undirected: bool, weighted: bool) -> list[str]:
    """Return the names of the arrays that a graph has."""
    prefixes = ["", *([] if undirected else ["in_"]), *(["steps_"] if bipartite else [])]
    fields = Rows._fields if weighted else Rows._fields[:2]
    return [f"{prefix}{name}" for prefix in prefixes for name in fields]


def _mapped(folder: Path, name: str, entry: dict[str, Any] | None) -> npt.NDArray[Any]:
    """Return a mapped array that is as the header says."""
    path = folder / f"{name}.npy"
    kind = f"{KIND}, whole"
    if entry is None:
        checks.fail("folder", kind, f"{folder}, whose header lacks {name}", hint=REMEDY)
    with files.reading("folder", path, kind, REMEDY):
        mapped = np.load(path, mmap_mode="r", allow_pickle=False)
    if (mapped.dtype.str, mapped.shape) != (entry["dtype"], (entry["length"],)):
        checks.fail("folder", kind, f"{path} of another type or length", hint=REMEDY)
    if mapped.dtype not in TYPES[name.split("_")[-1]]:
        value = f"{path} of type {mapped.dtype.str}, of another machine"
        checks.fail("folder", kind, value, hint=REMEDY)
    if _sample(path) != entry["sample"]:
        checks.fail("folder", kind, f"{path}, which has changed", hint=REMEDY)
    # A plain array over the map: kernels know these without a look at the class.
    array: npt.NDArray[Any] = mapped.view(np.ndarray)
    return array


def _sample(path: Path) -> str:
    """Return a hash of the length and of some places of a file, which takes no time."""
    size = path.stat().st_size
    digest = hashlib.sha256(str(size).encode())
    with path.open("rb", buffering=0) as file:
        for i in range(SAMPLES):
            file.seek(max(0, size - SAMPLE_BYTES) * i // (SAMPLES - 1))
            digest.update(file.read(SAMPLE_BYTES))
    return digest.hexdigest()[:16]


def save(graph: Graph, folder: str | Path) -> None:
    """Write a graph to a folder; see :meth:`Graph.save`."""
    checks.instance("folder", folder, (str, Path))
    path = check_folder("folder", folder)
    rows = {"": graph._rows}
    if not graph.undirected:
        rows["in_"] = graph.reversed()._rows
    if graph.bipartite:
        steps = graph.steps()
        rows["steps_"] = Rows(steps.indptr, steps.indices, steps.weights)

    def write(temporary: Path) -> None:
        temporary.mkdir()
        for prefix, arrays in rows.items():
            for name, array in zip(Rows._fields, arrays, strict=True):
                if array is not None:
                    np.save(temporary / f"{prefix}{name}.npy", array)
        finish(temporary, graph.num_dst, graph.bipartite, graph.undirected, {})

    files.write_whole(path, write, place)


def finish(
    folder: Path, num_dst: int, bipartite: bool, undirected: bool, origin: dict[str, Any]
) -> dict[str, Any]:
    """Write the header of a graph whose arrays stand in a folder; return it.

    Args:
        folder: The folder.
        num_dst: Number of targets.
        bipartite: Whether sources and targets are different nodes.
        undirected: Whether every edge is present in both directions.
        origin: What it was made of.
    """
    weighted = (folder / "weights.npy").exists()
    arrays = {
        name: np.load(folder / f"{name}.npy", mmap_mode="r")
        for name in _names(bipartite, undirected, weighted)
    }
    rows = Rows(arrays["indptr"], arrays["indices"], arrays.get("weights"))
    header = {
        "format": FORMAT,
        "version": VERSION,
        "num_src": len(rows.indptr) - 1,
        "num_dst": num_dst,
        "num_edges": len(rows.indices),
        "bipartite": bipartite,
        "undirected": undirected,
        "weighted": weighted,
        "hash": csr.fingerprint(rows, num_dst, bipartite),
        "arrays": {
            name: {
                "dtype": array.dtype.str,
                "length": len(array),
                "sample": _sample(folder / f"{name}.npy"),
            }
            for name, array in arrays.items()
        },
        "origin": {**origin, "versions": records.versions()},
    }
    files.write_json(folder / HEADER, header)
    return header
