"""Nodes that came after training: scored by a model that looks at features and links alone."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import torch
from torch import Tensor

from gneg import checks
from gneg.datasets import LinkData, Names, TableOptions
from gneg.datasets.sources import features, formats
from gneg.datasets.sources.edges import edge_table
from gneg.graph import sparse
from gneg.graph.take import distinct
from gneg.prediction.link import LinkModel
from gneg.prediction.model import IntArray
from gneg.training.link import LinkRun

NEW = "a model of gneg train on features alone: --features FILE --inputs features"


def with_new_nodes(
    model: LinkModel,
    edges: str | Path,
    *,
    new_features: str | Path | None = None,
    table: TableOptions | None = None,
) -> tuple[LinkModel, IntArray]:
    """Return the model on a graph with further nodes and links, and the ids of the new nodes.

    Messages pass along the new links as along those of training; nothing is trained.

    Args:
        model: The model, whose encoder takes features and no embeddings of nodes.
        edges: Links of new nodes, with each other or with nodes of the training, by name.
        new_features: Features of the new nodes, by name in the first column.
        table: How to read the links, where that is not to be found out.

    Raises:
        ValueError: If the model has learned an embedding for each node, the graph is bipartite, the
            features do not fit, or there is no new node.
    """
    data, encoder = model.data, model.run.model.encoder
    if data.num_src is not None:
        checks.fail("new", "left out for users and items", data.name)
    if not encoder.inductive:
        text = f"one with an embedding of each node (inputs: {encoder.inputs})"
        checks.fail("model", f"{NEW}, for new nodes", text)
    path = Path(edges).expanduser()
    options = _as_in_training(data, path) if table is None else table
    ends = edge_table(formats.read(path, options), path, options, bipartite=False).ends
    names_of_nodes = data.end_names[0]
    names = Names(np.arange(data.num_nodes)) if names_of_nodes is None else names_of_nodes
    known = set(names)
    listed = [end.cast(pa.string()).to_pylist() for end in ends]
    fresh = [name for name in dict.fromkeys(listed[0] + listed[1]) if name not in known]
    x = None
    if data.x is not None:
        table_x, fresh = _features(new_features, fresh, names, data.x.size(1))
        x = torch.cat([data.dense_x, table_x])  # type: ignore[list-item]
    if not fresh:
        checks.fail("new", "a file with a node that is not in training", str(path))
    all_names = Names([*names, *fresh])
    added = torch.from_numpy(np.stack([all_names.ids(end, "new") for end in listed]))
    added = added[:, added[0] != added[1]]
    added, _ = distinct(added.sort(dim=0).values if data.undirected else added)
    extended = _extended(data, all_names, added, x)
    run = LinkRun(extended, model.run.config, seed=model.run.seed)
    run.model.load_state_dict(model.run.model.state_dict())
    with_new = LinkModel(run)
    with_new.calibration = model.calibration
    return with_new, np.arange(data.num_nodes, len(all_names))


def _as_in_training(data: LinkData, path: Path) -> TableOptions:
    """Return options that name the ends as in the file of the training, if this one has them."""
    columns = {} if data.reading is None or not data.reading.header else data.reading.columns
    if not {"source", "target"} <= set(columns):
        return TableOptions()
    options = TableOptions(source=columns["source"], target=columns["target"])
    names = formats.read(path, options).names or ()
    return options if {options.source, options.target} <= set(names) else TableOptions()


def _features(
    path: str | Path | None, fresh: list[str], names: Names, width: int
) -> tuple[Tensor, list[str]]:
    """Return features ``[n, F]`` of all new nodes, and their names: also of those without links."""
    if path is None:
        checks.fail("new_features", "a file with features of the new nodes, by name", None)
    file = Path(path).expanduser()
    read = features.read(file)
    read = read if read.names is not None else (read.likely or read)
    if read.names is None:
        checks.fail("new_features", "rows with names in their first column", str(file))
    if read.x.size(1) != width:
        checks.fail("new_features", f"{width:,} features, as in training", f"{read.x.size(1):,}")
    linked = {*fresh, *names}
    new_names = read.names.cast(pa.string()).to_pylist()
    lacking = [name for name in fresh if name not in set(new_names)]
    if lacking:
        allowed = "names of nodes of the training, or of nodes with features"
        hint = checks.closest(lacking[0], names[:100_000])
        checks.fail("new", allowed, repr(lacking[0]), hint=hint)
    wanted = [*fresh, *(name for name in new_names if name not in linked)]
    return features.align(read, [Names(wanted)], file), wanted


def _extended(data: LinkData, names: Names, added: Tensor, x: Tensor | None) -> LinkData:
    """Return the data with further nodes and links, which count as training links."""
    weight = data.weight
    if weight is not None:
        weight = torch.cat([weight, torch.ones(added.size(1), dtype=weight.dtype)])
    return replace(
        data,
        num_nodes=len(names),
        names=names,
        train=torch.cat([data.train, added], dim=1),
        x=sparse.if_it_pays(x),
        weight=weight,
        time=None,
    )
