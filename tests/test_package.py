"""The package: it declares what it imports, ships its types, and is light to import."""

from __future__ import annotations

import ast
import importlib.metadata
import re
import sys
from pathlib import Path

import gneg

#: Distributions whose module has another name.
MODULES = {
    "scikit-learn": "sklearn",
    "torch-geometric": "torch_geometric",
    "faiss-cpu": "faiss",
    "pyyaml": "yaml",
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


def test_every_import_is_declared():
    requirements = importlib.metadata.requires("gneg") or []
    declared = {re.split(r"[^A-Za-z0-9_-]", line)[0].lower() for line in requirements}
    declared = {MODULES.get(name, name) for name in declared}
    assert imported() - declared == set()


def test_types_are_shipped():
    assert (ROOT / "py.typed").exists()


def test_the_package_can_be_found():
    metadata = importlib.metadata.metadata("gneg")
    assert metadata.get_all("Classifier")
    assert metadata.get_all("Project-URL")
    assert metadata["Keywords"]
