"""Datasets by name or from a file, as :class:`LinkData` or :class:`TripleData`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gneg import checks
from gneg.datasets.graph_data import is_stored, load_split
from gneg.datasets.link import EvalEdges, LinkData
from gneg.datasets.names import Names
from gneg.datasets.protocol import Dataset
from gneg.datasets.reading import Reading
from gneg.datasets.sources import citations, interactions, known_names, local, ogb, pyg, tables
from gneg.datasets.sources.digits import digits
from gneg.datasets.sources.hyperbolic import hyperbolic
from gneg.datasets.sources.known_names import triple_names
from gneg.datasets.sources.local import MissingDataError
from gneg.datasets.sources.networkx_graphs import from_networkx
from gneg.datasets.sources.pyg_data import from_pyg
from gneg.datasets.sources.triples import (
    as_triples,
    from_named_triples,
    from_triples,
    is_triples,
    load_triples,
)
from gneg.datasets.splits import make_split, split_edges
from gneg.datasets.table_options import TableOptions
from gneg.datasets.triple import TripleData

__all__ = [
    "Dataset",
    "EvalEdges",
    "LinkData",
    "MissingDataError",
    "Names",
    "Reading",
    "TableOptions",
    "TripleData",
    "as_data",
    "as_triples",
    "digits",
    "from_named_triples",
    "from_networkx",
    "from_pyg",
    "from_triples",
    "hyperbolic",
    "is_triples",
    "load",
    "load_triples",
    "make_split",
    "names",
    "reload",
    "split_edges",
    "triple_names",
]


def names() -> list[str]:
    """Return the names that :func:`load` knows."""
    return known_names.link_names()


def as_data(data: LinkData | TripleData | str | Path) -> LinkData | TripleData:
    """Return a dataset, loaded by its name or path if it is given so.

    Raises:
        ValueError: If it is neither, or cannot be loaded.
        MissingDataError: If the files of a name are not there and cannot be downloaded.
    """
    if isinstance(data, LinkData | TripleData):
        return data
    if isinstance(data, str | Path):
        return load_triples(data) if is_triples(data) else load(data)
    allowed = "a LinkData, a TripleData, or the name or path of a dataset"
    hint = "gneg.datasets makes them: from_networkx, from_pyg, from_triples, make_split"
    return checks.fail("data", allowed, checks.shown(data), hint=hint)


def load(
    dataset: str | Path,
    *,
    root: str | Path | None = None,
    seed: int = 0,
    features: str | Path | None = None,
    undirected: bool = True,
    bipartite: bool | None = None,
    table: TableOptions | None = None,
) -> LinkData:
    """Load a dataset for link prediction.

    Args:
        dataset: A name (see :func:`names`; case does not matter) or the path of an edge list, or of
            a folder with one for each part (see :func:`gneg.datasets.sources.tables.load`); what
            holds a separator (``./Cora``) is a path.
        root: Folder to look for local copies in and to download to; the cache folder if None.
            Local copies are only read.
        seed: Seed of the split where there is no official one.
        features: File of node features that go with an edge list.
        undirected: Whether an edge list is undirected.
        bipartite: Whether the two ends in an edge list are different kinds of nodes; None: as the
            file says.
        table: How to read an edge list, where that is not to be found out.

    Raises:
        ValueError: If there is no such dataset or file.
        MissingDataError: If the files are not there and cannot be downloaded.
    """
    name = known_names.known_name(dataset, names())
    if name is None:
        path = Path(dataset).expanduser()
        x_path = Path(features).expanduser() if features is not None else None
        if is_stored(path):
            return load_split(path, features=x_path, seed=seed)
        _check_readable(dataset, path, table)
        return tables.load(
            path,
            features_path=x_path,
            undirected=undirected,
            bipartite=bipartite,
            seed=seed,
            options=table,
        )
    if features is not None:
        checks.fail("features", "None for a dataset that is known by name", str(features))
    known_names.warn_of_local(dataset, root)
    if name in known_names.EMBEDDED:
        return known_names.EMBEDDED[name](seed)
    folder = local.folder_of(root)
    if name == citations.NAME:
        return citations.load(folder, seed)
    if name in interactions.NAMES:
        return interactions.load(name, folder, seed)
    return pyg.load(name, folder, seed) if name in pyg.NAMES else ogb.load(name, folder)


def _check_readable(dataset: str | Path, path: Path, table: TableOptions | None) -> None:
    """Refuse what is neither a name nor an edge list, such as a knowledge graph."""
    if path.exists() and is_triples(path, table):
        hint = "a knowledge graph: load_triples, or gneg kg"
        if ".nt" not in path.suffixes:
            hint += "; for edges: name the columns of ends, such as --source 1 --target 3"
        checks.fail("dataset", "an edge list", str(path), hint=hint)
    if not path.exists() and not any(suffix in tables.SUFFIXES for suffix in path.suffixes):
        allowed = "the path of an edge list or one of " + ", ".join(names())
        hint = checks.closest(dataset, names())
        hint = "a knowledge graph: load_triples, or gneg kg" if is_triples(dataset) else hint
        checks.fail("dataset", allowed, repr(str(dataset)), hint=hint)


def reload(source: Mapping[str, Any]) -> LinkData | TripleData:
    """Load the dataset of a run again.

    Args:
        source: What the record of the run says of it: ``dataset``, ``root``, ``features``,
            ``directed``, ``bipartite``, ``split_seed``, ``unseen``, ``types`` and ``table``.

    Raises:
        ValueError: If there is no such dataset or file.
        MissingDataError: If the files are not there and cannot be downloaded.
    """
    table = TableOptions(**source.get("table", {}))
    if is_triples(source["dataset"], table):
        return load_triples(
            source["dataset"],
            root=source["root"],
            unseen=source["unseen"],
            table=table,
            seed=source["split_seed"],
            types=source.get("types"),
        )
    return load(
        source["dataset"],
        root=source["root"],
        seed=source["split_seed"],
        features=source["features"],
        undirected=not source["directed"],
        bipartite=source["bipartite"],
        table=table,
    )
