"""The rooms: who may import whom, sizes, names, and what importing gneg brings in."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import gneg

PACKAGE = Path(gneg.__file__).parent
TESTS = Path(__file__).parent
LOOSE = {"__init__", "__main__", "checks", "files", "lazy", "records", "registry", "rng"}
#: A room imports only from rooms before it in this list, and from the loose files.
ROOMS = [
    *("kernels", "graph", "samplers", "losses", "datasets", "transforms", "loader"),
    *("evaluation", "nn", "training", "prediction", "experiments", "integrations", "cli"),
]
FILES = sorted(PACKAGE.rglob("*.py"))
MOST_LINES = 300


def room(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imported(path: Path) -> set[str]:
    rooms = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "gneg":
            parts = node.module.split(".")
            rooms |= {parts[1]} if len(parts) > 1 else {alias.name for alias in node.names}
        elif isinstance(node, ast.Import):
            rooms |= {a.name.split(".")[1] for a in node.names if a.name.startswith("gneg.")}
    return rooms


def test_there_are_these_rooms_and_loose_files():
    folders = {path.name for path in PACKAGE.iterdir() if path.is_dir()} - {"__pycache__"}
    assert folders == set(ROOMS)
    assert {path.stem for path in PACKAGE.glob("*.py")} == LOOSE


def test_a_room_imports_only_from_rooms_above_it():
    wrong = []
    for path in FILES:
        place = room(path)
        if place in ("__init__", "__main__"):
            continue
        allowed = LOOSE | (set(ROOMS[: ROOMS.index(place)]) if place in ROOMS else set())
        wrong += [
            f"{path.relative_to(PACKAGE)} imports {name}"
            for name in sorted(imported(path) - allowed - {place, "__version__"})
        ]
    assert not wrong


def test_tests_mirror_the_rooms():
    folders = {path.name for path in TESTS.iterdir() if path.is_dir()} - {"__pycache__"}
    assert folders <= {*ROOMS, "contract", "fuzz"}


def test_no_function_at_the_front_door_shares_its_name_with_a_module():
    modules = {path.stem for path in PACKAGE.glob("*")}
    functions = {name for name in gneg.__all__ if callable(getattr(gneg, name))}
    assert not functions & modules


def test_files_stay_small():
    long = {
        str(path): lines
        for path in FILES
        if (lines := len(path.read_text().splitlines())) > MOST_LINES
    }
    assert not long


def test_importing_gneg_is_light():
    code = (
        "import sys, gneg; print([m for m in "
        "('ogb', 'faiss', 'numba', 'plotly', 'torch_geometric', 'rich') if m in sys.modules])"
    )
    output = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert output.stdout.strip() == "[]"


@pytest.mark.slow
def test_triples_are_learned_and_answered_without_what_takes_seconds_to_import(tmp_path):
    """PyTorch Geometric, and torch's compiler, which comes with an optimiser."""
    train = (
        "import gneg; from tests.triple_worlds import sparse_data; "
        f"gneg.train(sparse_data(), gneg.TripleConfig(dim=4, epochs=1), out={str(tmp_path)!r})"
    )
    answer = (
        f"import gneg; model = gneg.load({str(tmp_path)!r}); "
        "assert len(model.predict_target(head=0, relation=0, k=2)); "
        "gneg.audit(model.data, 'uniform', negatives=100)"
    )
    for code, expected in ((train, {"torch._dynamo"}), (answer, set())):
        heavy = "import sys; print({'torch_geometric', 'torch._dynamo'} & {*sys.modules})"
        output = subprocess.run(
            [sys.executable, "-c", f"{code}; {heavy}"],
            cwd=TESTS.parent,
            capture_output=True,
            text=True,
            check=False,
        )
        assert output.stdout.strip() == str(expected), output.stderr


@pytest.mark.parametrize("name", gneg.__all__)
def test_everything_at_the_front_door_is_there(name):
    assert getattr(gneg, name) is not None
