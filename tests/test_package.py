"""The package: it declares what it imports, ships its types, and is light to import."""

from __future__ import annotations

import ast
import importlib.metadata
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch

import gneg
from gneg import datasets
from gneg.graph.sizes import with_sizes

#: Distributions whose module has another name.
MODULES = {
    "scikit-learn": "sklearn",
    "torch-geometric": "torch_geometric",
    "faiss-cpu": "faiss",
    "pyyaml": "yaml",
    "mlflow-skinny": "mlflow",
}
ROOT = Path(gneg.__file__).parent


def imported() -> set[str]:
    """Top-level packages that the modules of gneg import, at any depth."""
    names = set()
    for path in ROOT.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                names |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.level == 0:
                names.add((node.module or "").split(".")[0])
    return names - set(sys.stdlib_module_names) - {"gneg"}


@pytest.mark.slow
def test_every_import_is_declared():
    requirements = importlib.metadata.requires("gneg") or []
    declared = {re.split(r"[^A-Za-z0-9_-]", line)[0].lower() for line in requirements}
    declared = {MODULES.get(name, name) for name in declared}
    assert imported() - declared == set()


def test_no_record_prints_its_tensors():
    """Dataclasses with tensors or arrays have a repr of their own, of sizes."""
    texts = [text for path in ROOT.rglob("*.py") if "@dataclass" in (text := path.read_text())]
    nodes = [node for text in texts for node in ast.parse(text).body]
    classes = [node for node in nodes if isinstance(node, ast.ClassDef)]
    for node in classes:
        if any("dataclass" in ast.unparse(part) for part in node.decorator_list):
            fields = [ast.unparse(part) for part in node.body if isinstance(part, ast.AnnAssign)]
            if re.search(r": .*(Tensor|Array|tuple\[float, \.)", "\n".join(fields)):
                assert "__repr__" in "".join(map(ast.unparse, node.body)), node.name
    edges = datasets.EvalEdges(torch.zeros(2, 5), (torch.zeros(5, 3), torch.zeros(5, 3)))
    assert repr(edges) == "EvalEdges(pos=[2, 5], neg=([5, 3], [5, 3]), mask=None, known=None)"
    assert with_sizes(Spread(list(range(9)))) == "Spread(values=[9])"


@dataclass
class Spread:
    values: list[int]


def test_types_are_shipped():
    assert (ROOT / "py.typed").exists()


def test_the_package_can_be_found():
    metadata = importlib.metadata.metadata("gneg")
    assert metadata.get_all("Classifier")
    assert metadata.get_all("Project-URL")
    assert metadata["Keywords"]


WITHOUT_A_CACHE = """
import warnings
from numba.core import caching
caching.CacheImpl._locator_classes = []
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    import torch
    from gneg import Graph, samplers
    from gneg.kernels import heart, vectors
edges = torch.tensor([[0, 1, 2], [1, 2, 0]])
sampler = samplers.build("uniform", Graph.from_edge_index(edges, 9))
assert sampler.sample(edges, 2).mask.all()
print([str(warning.message) for warning in caught if "compiled" in str(warning.message)])
"""


@pytest.mark.slow
def test_kernels_work_where_nothing_can_be_cached():
    """As in an image that is read-only, without a home folder."""
    result = subprocess.run(
        [sys.executable, "-c", WITHOUT_A_CACHE], capture_output=True, text=True, check=True
    )
    assert result.stdout.count("set NUMBA_CACHE_DIR to one") == 1


def test_datasets_need_no_home_folder(monkeypatch):
    for name in ("HOME", "GNEG_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("os.path.expanduser", lambda path: path)  # as without an entry of the user
    assert datasets.load("digits").num_nodes == 1797
    with pytest.raises(ValueError, match="'root' must be given, or GNEG_CACHE set"):
        datasets.load("Cora")
