"""The notebooks: they run as they are, with shorter trainings, and keep their outputs."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
EXAMPLES = ROOT / "examples"
NOTEBOOKS = [pytest.param(path, id=path.stem) for path in sorted(EXAMPLES.glob("*.ipynb"))]


@pytest.mark.slow
@pytest.mark.parametrize("path", NOTEBOOKS)
def test_notebooks_run_and_keep_small_outputs(path, tmp_path):
    import nbformat

    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    assert sum(bool(cell.outputs) for cell in code) > len(code) / 2
    assert path.stat().st_size < 60_000
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path])}
    done = subprocess.run(
        [sys.executable, "-c", "from tests.test_notebooks import run_cells; run_cells()"],
        input=json.dumps([cell.source for cell in code]),
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=environment,
    )
    assert done.returncode == 0, done.stderr[-3000:]


def run_cells() -> None:
    """Run cells, a list in JSON, in IPython, with 10 epochs or steps in each training."""
    from IPython.core.interactiveshell import InteractiveShell
    from traitlets.config import Config

    shell = InteractiveShell(config=Config({"HistoryManager": {"enabled": False}}))
    for cell in json.load(sys.stdin):
        source = re.sub(r"(epochs=|in range\()\d{2,}", r"\g<1>10", cell)
        shell.run_cell(source).raise_error()
