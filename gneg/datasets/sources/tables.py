"""Graphs from files: edge lists of any form, with optional features and splits."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import torch
from torch import Tensor

from gneg import checks
from gneg.datasets.link import PARTS, LinkData
from gneg.datasets.names import Names, spoken
from gneg.datasets.sources import arrays, both_ways, edge_parts, features, formats
from gneg.datasets.sources.edges import EdgeTable, edge_table, numbered
from gneg.datasets.splits import check_no_overlap, hold_out, make_split, split_by_time
from gneg.datasets.table_options import TableOptions
from gneg.graph import Graph

SUFFIXES = (".csv", ".tsv", ".txt", ".npz", *formats.READERS)


def load(
    path: Path,
    *,
    features_path: Path | None = None,
    undirected: bool = True,
    bipartite: bool | None = None,
    seed: int = 0,
    options: TableOptions | None = None,
) -> LinkData:
    """Load a graph from an edge list.

    Text is separated by tabs, commas, ``;``, ``|``, ``::`` or spaces, whatever its suffix, with or
    without a header, compressed or not; Parquet, Arrow, MatrixMarket, SciPy, GraphML and GML files
    are read by the libraries that know them. The ends of an edge are the columns whose names say
    so (``source, target``, ``from, to``, ``user_id, item_id``, ``protein1, protein2``, ...), else
    the first two that are nothing else. Nodes are numbered by what occurs; ``LinkData.names`` has
    their names, ``LinkData.reading`` what was understood.

    A folder has a file for each part, ``train``, ``valid`` (``val``, ``dev``) and ``test``. In a
    single file a column ``split`` gives the split; else a column ``time`` (numbers or dates) a
    split by time, 85/5/10, whose evaluation edges are pairs that occur for the first time;
    otherwise the split is random, 85/5/10. A column ``weight`` holds weights, > 0. A column
    ``label`` holds 1, or 0 for pairs that are known to be no edges. An ``.npz`` holds
    ``edge_index [2, E]``, or ``train``, ``valid`` and ``test`` of that shape, and optionally
    ``x [N, F]``.

    Args:
        path: The file or folder.
        features_path: Features of the nodes; see :func:`gneg.datasets.sources.features.read`.
        undirected: Whether (u, v) also means (v, u); not in a bipartite graph.
        bipartite: Whether the two ends are different kinds of nodes, such as users and items; both
            are numbered from 0. None: as the file says.
        seed: Seed of a random split.
        options: How to read the table, where that is not to be found out.

    Raises:
        ValueError: If the file cannot be read as a graph.
    """
    options = TableOptions() if options is None else options
    if path.is_dir():
        table, x = edge_parts.read(path, options, bipartite), None
    elif ".npz" in path.suffixes and arrays.holds_edges(path):
        table, x = arrays.read(path, bipartite)
    else:
        raw = formats.read(path, options)
        table, x = edge_table(raw, path, options, bipartite), None
    node_features = features.Features(x) if x is not None else None
    if features_path is not None:
        node_features = features.read(features_path)
        if node_features.names is None and not table.bipartite and table.sizes is None:
            node_features = features.by_ids(node_features, table.ends)
    edges, names, size = _nodes(table, node_features, features_path or path)
    if undirected and not table.bipartite:
        table, edges = both_ways.once(table, edges)
    if node_features is not None:
        x = node_features.x
        if node_features.names is not None:
            assert names is not None
            kinds = names if isinstance(names, tuple) else (names,)
            x = features.align(node_features, kinds, features_path or path)
        table = _with_notes(table, node_features, edges, size, features_path)
    path = path.resolve() if path.is_dir() else path  # . has no name
    return _split(path, table, edges, names, size, x, undirected, seed, options)


def _nodes(
    table: EdgeTable, node_features: features.Features | None, path: Path
) -> tuple[Tensor, Names | tuple[Names, Names] | None, int | tuple[int, int]]:
    """Return edges ``[2, E]`` of ids, the names of the nodes, and their number."""
    by_name = node_features is not None and node_features.names is not None
    if node_features is not None and not by_name:
        return _by_position(table, node_features.x.size(0), path)
    if by_name and table.sizes is not None:
        checks.fail("features", "rows in the order of the ids of a matrix", f"{path} with names")
    # A node without edges is of one kind or the other: which, no file says.
    further = None if node_features is None or table.bipartite else node_features.names
    ends, names = numbered(table, further)
    edges = torch.from_numpy(np.ascontiguousarray(ends))
    if isinstance(names, tuple):
        return edges, names, (len(names[0]), len(names[1]))
    if names is not None:
        return edges, names, len(names)
    assert table.sizes is not None
    return edges, None, table.sizes if table.bipartite else max(table.sizes)


def _with_notes(
    table: EdgeTable,
    node_features: features.Features,
    edges: Tensor,
    size: int | tuple[int, int],
    path: Path | None,
) -> EdgeTable:
    """Return the table with what was understood of the file of features, if there is one."""
    if path is None:
        return table
    rows, key = node_features.x.size(0), node_features.column
    by = "in the order of the ids" if key is None else f"by name, {key}"
    notes = [f"features of {path.name}: {rows:,} rows {by}"]
    if isinstance(size, tuple):
        unused, text = rows - sum(size), "rows of features are of no node and are left out"
    else:
        unused, text = size - len(edges.unique()), "nodes with features are in no edge"
    reading = replace(table.reading, notes=(*table.reading.notes, *notes))
    return table._replace(reading=reading.with_notes((unused, text)))


def _by_position(
    table: EdgeTable, rows: int, path: Path
) -> tuple[Tensor, None, int | tuple[int, int]]:
    """Return edges whose ids are the rows of the features."""
    from gneg.datasets.sources import numbering

    ends = numbering.typed(table.ends)
    if not pa.types.is_integer(ends[0].type):
        allowed = "a table whose first column holds the nodes' names"
        hint = "rows in the order of the ids need ids that are integers from 0"
        checks.fail("features", allowed, f"{path} without", hint=hint)
    edges = torch.from_numpy(np.stack([end.to_numpy() for end in ends]))
    low, (num_src, num_dst) = int(edges.min()), (int(end.max()) + 1 for end in edges)
    needed = num_src + num_dst if table.bipartite else max(num_src, num_dst)
    if low < 0 or rows < needed or (table.bipartite and rows > needed):
        allowed = f"{'' if table.bipartite else 'at least '}{needed:,} rows, one for each id from 0"
        value = f"{rows:,} rows in {path}" if low >= 0 else f"the id {low}"
        hint = "" if table.bipartite else "name the nodes in a column id of a table"
        checks.fail("features", allowed, value, hint=hint)
    return edges, None, (num_src, num_dst) if table.bipartite else rows


def _split(
    path: Path,
    table: EdgeTable,
    edges: Tensor,
    names: Names | tuple[Names, Names] | None,
    size: int | tuple[int, int],
    x: Tensor | None,
    undirected: bool,
    seed: int,
    options: TableOptions,
) -> LinkData:
    """Split the edges as the table says, else at random."""
    undirected = undirected and not table.bipartite
    positive = torch.from_numpy(table.positive)
    weight = None if table.weight is None else torch.from_numpy(table.weight.copy())[positive]
    whole = edges[:, positive]
    graph = Graph.from_edge_index(whole, size, undirected=undirected, weight=weight)
    if options.cover != "none" and (table.time is not None or table.part is not None):
        reason = "the split is that of a column" if table.part is not None else "it is by time"
        checks.fail("cover", f"none where {reason}", options.cover)
    parts: tuple[Tensor, Tensor, Tensor] | None = None
    history, split = None, "given"
    loops = int((whole[0] == whole[1]).sum()) if not table.bipartite else 0
    different = graph.num_edges // 2 if undirected else graph.num_edges
    reading = table.reading.with_notes(
        (loops, "rows join a node with itself and are left out"),
        (
            whole.size(1) - loops - different,
            f"rows repeat an edge{'' if weight is None else ', whose weights add up'}",
        ),
    )
    if table.time is not None and table.part is None:
        time = table.time[table.positive]
        shift = torch.tensor([[0], [graph.num_src if table.bipartite else 0]])
        events = split_by_time(whole + shift, time, undirected=undirected)
        train, valid, test, history = (part - shift for part in events)
        parts, split = (train, valid, test), "by time 85/5/10"
    elif table.part is not None:
        label = table.part[table.positive]
        masks = [torch.from_numpy(label == part) for part in PARTS]
        lacking = [part for part, mask in zip(PARTS, masks, strict=True) if not mask.any()]
        if lacking:
            checks.fail("split", "train, valid and test", f"no {' and no '.join(lacking)}")
        train, valid, test = (whole[:, mask] for mask in masks)
        ends = names if isinstance(names, tuple) else (names, names)
        both_ways = not table.bipartite
        parts = check_no_overlap(train, valid, test, both_ways=both_ways, names=ends)
        # Rows of training add up by themselves where they name an edge twice.
        weight = None if weight is None else weight[masks[0]]
    elif options.cover != "none":
        parts = hold_out(graph, (0.05, 0.1), keep=options.cover, seed=seed)
        covered = "every node" if options.cover == "nodes" else "what is connected"
        split, weight = f"random 85/5/10 that keeps {covered}, seed {seed}", None
    data = make_split(
        path.name,
        graph,
        x,
        seed=seed,
        parts=parts,
        split=split,
        weight=None if parts is None else weight,
    )
    data = replace(data, names=names, reading=reading, history=history)
    return _with_given_negatives(data, table, edges)


def _with_given_negatives(data: LinkData, table: EdgeTable, edges: Tensor) -> LinkData:
    """Return the data with the pairs that are labelled 0: of training, or to rank against."""
    if table.positive.all():
        return data
    negative = torch.from_numpy(~table.positive)
    known = data.known("all")
    labelled = edges[:, negative]
    contradicting = known.contains(*labelled)
    if contradicting.any():
        first = " - ".join(spoken(data.end_names, labelled[:, contradicting][:, :1])[0])
        conflicts = f"{int(contradicting.sum()):,} pairs with 0 and 1, such as {first}"
        checks.fail("label", "one for each pair", conflicts)
    if table.part is None:
        count = (labelled.size(1), "pairs labelled 0 are negatives, see the sampler fixed")
        assert data.reading is not None
        return replace(data, negatives=labelled, reading=data.reading.with_notes(count))
    part = table.part[~table.positive]
    by_part = {name: labelled[:, torch.from_numpy(part == name)] for name in PARTS}
    changed = {
        name: replace(getattr(data, name), neg=(by_part[name][0], by_part[name][1]), mask=None)
        for name in ("valid", "test")
        if by_part[name].size(1)
    }
    return replace(data, negatives=by_part["train"], **changed)
