"""cit-HepTh: citations between physics papers, with the month of each paper."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from gneg.datasets.evaluation_negatives import earlier_negatives
from gneg.datasets.link import LinkData
from gneg.datasets.sources import local
from gneg.datasets.splits import make_split, split_by_node_time
from gneg.graph import Graph, KnownEdges
from gneg.graph.take import distinct
from gneg.rng import split_seed

NAME = "cit-hepth"
URL = "https://snap.stanford.edu/data/cit-HepTh.txt.gz"
SNAP = "cit-HepTh.txt.gz"
LOCAL = ("edges.csv.gz", "node_arxiv_id.csv")
SHARES = (0.05, 0.10)  # of the papers, the last ones: sources of validation and of test
HELD_OUT = 0.5  # of the citations of such a paper
NEGATIVES = 100  # per positive of validation and test


def load(root: Path, seed: int = 0) -> LinkData:
    """Load cit-HepTh (Leskovec, Kleinberg and Faloutsos, KDD 2005) with a split by time.

    A paper cites when it appears, so every edge of a new paper is new. As in ogbl-citation2, the
    last papers are what citations are predicted for: half of theirs are held out, the others are
    training edges. The test papers (the last tenth) are all younger than those of validation.
    ``LinkData.time`` is the month of each paper, counted from year 0. Negatives of the evaluation
    are papers that existed at the time.

    Args:
        root: Folder to look for a local copy in and to download to.
        seed: Seed of the split and of the evaluation negatives.

    Raises:
        MissingDataError: If the files are not there and cannot be downloaded.
    """
    source, target, month = _read(root)
    # Later versions of a paper cite papers that came after it: those edges run against time.
    timely = (month[source] >= month[target]) & (source != target)
    edges, _ = distinct(torch.from_numpy(np.stack([source, target])[:, timely]))
    time = torch.from_numpy(month.astype(np.float64))
    graph = Graph.from_edge_index(edges, len(time), undirected=False)
    parts = split_by_node_time(edges, time, shares=SHARES, held_out=HELD_OUT, seed=seed)
    shares = "/".join(f"{share:.0%}" for share in SHARES)
    split = f"by time: {HELD_OUT:.0%} of the citations of the last {shares} of papers, seed {seed}"
    data = make_split(NAME, graph, None, seed=seed, parts=parts, split=split, num_negatives=2)
    everything = KnownEdges(graph)
    valid, test = (
        earlier_negatives(pos, everything, graph, time, NEGATIVES, split_seed(seed, i))
        for i, pos in enumerate(parts[1:], 1)
    )
    return replace(data, valid=valid, test=test, time=time)


def _read(root: Path) -> tuple[npt.NDArray[np.int64], ...]:
    """Return sources, targets and the month of each node."""
    import pandas as pd

    folder = local.find(root, [NAME, f"graphs/{NAME}"], LOCAL)
    if folder is not None:
        edges = pd.read_csv(folder / LOCAL[0], comment="#", header=None).to_numpy(np.int64)
        names = pd.read_csv(folder / LOCAL[1], comment="#", header=None, dtype=str)
        ids = names[1].astype(np.int64).to_numpy()[np.argsort(names[0].astype(np.int64))]
        return edges[:, 0], edges[:, 1], _month(ids)
    folder = local.find(root, [NAME, "cit-HepTh", "."], [SNAP])
    if folder is None:
        folder = _download(root)
    edges = pd.read_csv(folder / SNAP, comment="#", header=None, sep=r"\s+").to_numpy(np.int64)
    ids, ends = np.unique(edges, return_inverse=True)
    source, target = ends.reshape(edges.shape).T
    return source, target, _month(ids)


def _month(arxiv_id: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Return the months of arXiv numbers ``yymmnnn``, without leading zeros; from 1992 to 2003."""
    year, month = arxiv_id // 100_000, arxiv_id // 1000 % 100
    return 12 * np.where(year < 90, 2000 + year, 1900 + year) + month


def _download(root: Path) -> Path:
    from torch_geometric.data import download_url

    folder = root / NAME
    try:
        download_url(URL, str(folder), log=False)
    except Exception as error:
        raise local.missing(NAME, root, NAME, error) from error
    return folder
