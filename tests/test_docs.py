"""Documents that cannot rot: README blocks run, tables are current, examples work."""

from __future__ import annotations

import importlib.util
import inspect
import re
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import readme

ROOT = Path(__file__).parent.parent
TEXT = (ROOT / "README.md").read_text()


@pytest.mark.parametrize("page", readme.PAGES, ids=lambda page: page.parent.name)
def test_generated_tables_are_current(page):
    text = page.read_text()
    assert readme.rendered(text) == text, "run python -m benchmarks.readme"


BLOCKS = re.findall(
    r"```python\n(.*?)```",
    "".join(
        (ROOT / page / "README.md").read_text() for page in (".", "examples", "benchmarks/scale")
    ),
    flags=re.S,
)


def block(code: str):
    """A block as a parameter; trainings and hard sets, which tests have the parts of, are slow."""
    slow = re.search(r"\b(train|hardset|compare)\(", code)
    return pytest.param(code, marks=[pytest.mark.slow] if slow else [])


@pytest.mark.parametrize("code", [block(code) for code in BLOCKS])
@pytest.mark.usefixtures("registries")
def test_python_blocks_run(code):
    exec(compile(code, "README.md", "exec"), {})


@pytest.mark.slow
def test_names_in_the_readme_are_there_once_gneg_is_imported():
    names = {*re.findall(r"`(gneg(?:\.[a-z_]+)+)", TEXT)} - {"gneg.cli"}
    assert "gneg.experiments.grid.grid" in names
    subprocess.run([sys.executable, "-c", "import gneg; " + "; ".join(sorted(names))], check=True)


def test_the_first_block_is_near_the_top_and_short():
    before, code = TEXT.split("```python\n", 1)
    assert before.count("\n") < 40
    assert code.split("```")[0].count("\n") <= 14


#: Examples that run in less than a second each; of the others, tests have the same parts.
QUICK = ("bipartite.py", "karate.py")
QUICK += ("write_a_sampler.py", "write_a_selector.py", "custom_guard.py")
EXAMPLES = [
    pytest.param(path, id=path.name, marks=[] if path.name in QUICK else [pytest.mark.slow])
    for path in sorted((ROOT / "examples").glob("*.py"))
]


#: Of trainings, where an example lets its caller choose: enough for each of its lines to run.
SHORT = {"epochs": 10, "steps": 20}


@pytest.mark.parametrize("path", EXAMPLES)
@pytest.mark.usefixtures("registries")
def test_examples_run(path, capsys):
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    options = SHORT.keys() & inspect.signature(module.main).parameters
    module.main(**{name: SHORT[name] for name in options})
    assert capsys.readouterr().out
    assert len(path.read_text().splitlines()) <= 120


@pytest.mark.usefixtures("registries")
def test_the_example_sampler_keeps_the_contract():
    spec = importlib.util.spec_from_file_location("own", ROOT / "examples" / "write_a_sampler.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    negatives = module.main()
    assert negatives.mask.all()
