"""Datasets that PyG has processed are read without importing it."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch
from torch_geometric.datasets import Planetoid

from gneg import Graph, datasets
from gneg.datasets.sources import pyg


@pytest.fixture
def copy(shared, tmp_path):
    """The folder of a copy of Cora that PyG has processed."""
    (tmp_path / "Cora").mkdir()
    raw = shared / "planetoid" / "Cora" / "raw"
    (tmp_path / "Cora" / "raw").symlink_to(raw, target_is_directory=True)
    Planetoid(str(tmp_path), "Cora")
    return tmp_path / "Cora"


def load(copy):
    """Return the fingerprint of the copy, loaded by a process, and whether that imported PyG."""
    code = (
        "import sys; from gneg import datasets\n"
        f"data = datasets.load('Cora', root={str(copy.parent)!r})\n"
        "print(data.fingerprint(), 'torch_geometric' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


@pytest.mark.slow
def test_the_tensors_are_those_of_pygs_class(copy):
    whole = Planetoid(str(copy.parent), "Cora")[0]
    x, edge_index = pyg._processed(copy)
    assert torch.equal(x, whole.x)
    assert torch.equal(edge_index, whole.edge_index)
    data = datasets.make_split("Cora", Graph.from_data(whole, undirected=True), whole.x)
    assert load(copy) == [data.fingerprint(), "False"]


@pytest.mark.slow
def test_the_class_reads_what_is_not_as_it_leaves_it(copy):
    fingerprint = datasets.load("Cora", root=copy.parent).fingerprint()
    torch.save("AddSelfLoops()", copy / "processed" / "pre_transform.pt")
    assert load(copy) == [fingerprint, "True"]
    torch.save("None", copy / "processed" / "pre_transform.pt")
    (copy / "processed" / "data.pt").write_bytes(b"damaged")
    with pytest.raises(ValueError, match="'root' must be a folder with a whole copy of Cora"):
        datasets.load("Cora", root=copy.parent)
