"""The layering of DESIGN.md, section 4, the size of files, and what importing gneg brings in."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "gneg"

FLOORS = [
    {"checks", "rng", "kernels", "sparse", "record", "artefacts", "sources", "steps"},
    {
        "graph",
        "known",
        "negatives",
        "metrics",
        "collapse",
        "heuristics",
        "ranking",
        "triples",
        "pagerank",
    },
    {"samplers", "losses"},
    {"config", "functional", "exporters", "runs"},
    {"nn", "datasets", "heart", "risk", "transforms", "loader"},
    {"trainer", "stacking", "families", "hardness", "search", "significance"},
    {"train", "recipes", "hardsets", "auditing", "sampling", "kg"},
    {"evaluation"},
    {"scorers"},
    {"cells"},
    {"comparison"},
    {"report", "integrations"},
    {"cli"},
]
# A module of a lower floor that is built on another one of the same floor.
WITHIN = {
    ("known", "graph"),
    ("heuristics", "graph"),
    ("pagerank", "heuristics"),
    ("pagerank", "known"),
    ("stacking", "families"),
    ("trainer", "stacking"),
    ("loader", "transforms"),
    ("artefacts", "checks"),
    ("sources", "checks"),
    ("ranking", "known"),
    ("triples", "graph"),
    ("triples", "known"),
    ("ranking", "metrics"),
    ("artefacts", "record"),
}
FILES = sorted(PACKAGE.rglob("*.py"))


def family(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def floor(name: str) -> int:
    return next(i for i, names in enumerate(FLOORS) if name in names)


def imported(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "gneg":
            parts = node.module.split(".")
            found |= {parts[1]} if len(parts) > 1 else {alias.name for alias in node.names}
        elif isinstance(node, ast.Import):
            found |= {a.name.split(".")[1] for a in node.names if a.name.startswith("gneg.")}
    return found


@pytest.mark.parametrize(
    "path",
    [path for path in FILES if path != PACKAGE / "__init__.py"],
    ids=lambda path: str(path.relative_to(PACKAGE)),
)
def test_imports_come_from_lower_floors(path):
    own = family(path)
    for other in imported(path) - {own, "__version__"}:
        below = floor(other) < floor(own)
        assert below or (own, other) in WITHIN, f"{own} (floor {floor(own)}) imports {other}"


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_files_stay_small(path):
    assert len(path.read_text().splitlines()) <= 330


def test_importing_gneg_is_light():
    code = (
        "import sys, gneg; print([m for m in "
        "('ogb', 'faiss', 'numba', 'plotly', 'torch_geometric', 'rich') if m in sys.modules])"
    )
    output = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert output.stdout.strip() == "[]"
