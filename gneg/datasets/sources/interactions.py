"""Users and items in LightGCN's format: a line a user, ``user item item ...``."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from gneg import checks
from gneg.datasets.link import LinkData
from gneg.datasets.sources import local
from gneg.datasets.splits import hold_out_covered, make_split
from gneg.graph import Graph
from gneg.graph.take import distinct

NAMES = ("gowalla", "yelp2018", "amazon-book")
URL = "https://raw.githubusercontent.com/gusye1234/LightGCN-PyTorch/master/data/{}/{}"
FILES = ("train.txt", "test.txt")
VALID = 0.1  # of the training interactions: there is no official validation


def load(name: str, root: Path, seed: int = 0) -> LinkData:
    """Load one of :data:`NAMES` with its official test split (He et al., SIGIR 2020).

    One of ten training interactions is held out for validation, so figures are below those of
    papers that train on all of them and report the best epoch on the test.

    Args:
        name: One of :data:`NAMES`.
        root: Folder to look for a local copy in and to download to.
        seed: Seed of the validation edges and of the evaluation negatives.

    Raises:
        MissingDataError: If the files are not there and cannot be downloaded.
    """
    folder = local.find(root, [name], FILES)
    if folder is None:
        folder = _download(name, root)
    official, test = (read(folder / file) for file in FILES)
    train, valid, _ = hold_out_covered(official, (VALID, 0.0), id_spaces=(0, 1), seed=seed)
    edges = torch.cat([official, test], dim=1)
    size = edges.amax(dim=1) + 1
    graph = Graph.from_edge_index(edges, (int(size[0]), int(size[1])))
    split = f"official test, validation {VALID:.0%} of training, seed {seed}"
    return make_split(name, graph, None, seed=seed, parts=(train, valid, test), split=split)


def read(path: Path) -> Tensor:
    """Return the users and items ``[2, E]`` of a file, each pair once.

    Raises:
        ValueError: If a line holds anything but numbers.
    """
    users, items = [], []
    with path.open() as file:
        for number, line in enumerate(file, 1):
            try:
                row = [int(word) for word in line.split()]
            except ValueError:
                allowed = "lines of numbers, 'user item item ...'"
                checks.fail("dataset", allowed, f"{path}, line {number}")
            users += row[:1] * (len(row) - 1)
            items += row[1:]
    return distinct(torch.from_numpy(np.array([users, items])))[0]


def _download(name: str, root: Path) -> Path:
    from torch_geometric.data import download_url

    folder = root / name
    for file in FILES:
        try:
            download_url(URL.format(name, file), str(folder), log=False)
        except Exception as error:
            raise local.missing(name, root, name, error) from error
    return folder
