"""The notebooks: they run as they are, with shorter trainings, and keep their outputs."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from tests import forking

EXAMPLES = Path(__file__).parent.parent / "examples"
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
    folder = tmp_path / "notebook"
    folder.mkdir()
    output = tmp_path / "output"
    process = forking.start(_run, [cell.source for cell in code], folder, output=output)
    process.join()
    assert process.exitcode == 0, output.read_text()[-3000:]


def _run(cells: list[str], folder: Path) -> None:
    """Run cells in IPython, with 10 epochs or steps in each training."""
    from IPython.core.interactiveshell import InteractiveShell
    from traitlets.config import Config

    os.chdir(folder)
    shell = InteractiveShell(config=Config({"HistoryManager": {"enabled": False}}))
    for cell in cells:
        source = re.sub(r"(epochs=|in range\()\d{2,}", r"\g<1>10", cell)
        shell.run_cell(source).raise_error()
