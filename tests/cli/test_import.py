"""``gneg --import``: files and modules that register samplers, losses and networks."""

from __future__ import annotations

import pytest

import gneg
from gneg import LinkConfig, registry
from tests.cli.invoke import run
from tests.worlds import toy

pytestmark = pytest.mark.usefixtures("registries")
TINY = {"hidden": 8, "epochs": 1, "eval_every": 1, "k": 2}


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("x = 1\n1 / 0\n", r"mine.py, line 2: ZeroDivisionError: division by zero"),
        ("def f(:\n", r"mine.py, line 1: SyntaxError"),
        ("import gneg\ngneg.losses.register('bce')(int)\n", r"mine.py, line 2: ValueError: 'bce'"),
        ("import nothing_here\n", r"mine.py, line 1: ModuleNotFoundError"),
        ("import json\n\njson.loads('{')\n", r"mine.py, line 3: JSONDecodeError"),
        ("raise SystemExit(0)\n", r"mine.py, line 1: SystemExit: 0"),
        (None, "'import' must be an existing Python file"),
    ],
)
def test_errors_of_an_imported_file_are_one_line(tmp_path, code, message):
    path = tmp_path / "mine.py"
    if code is not None:
        path.write_text(code)
    with pytest.raises(ValueError, match=message):
        registry.load(str(path))
    result = run("--import", str(path), "samplers")
    assert result.exit_code == 2
    assert result.output.count("\n") == 1


MINE = """
import gneg

@gneg.samplers.register("mine")
class Mine(gneg.samplers.Sampler):
    '''Proposes the next ids.'''

    def propose(self, query, k, seed):
        return [[(row + i) % query.known.num_dst for i in range(k)] for row in query.rows.tolist()]
"""


def test_a_file_or_a_module_is_imported_for_a_command(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.py").write_text(MINE)
    for words in (("--import", "mine.py", "samplers"), ("samplers", "--import", "mine.py")):
        result = run(*words)
        assert result.exit_code == 0, result.output
        assert "Proposes the next ids" in result.output
    assert registry.sources() == [str(tmp_path / "mine.py")]
    (tmp_path / "mine.py").write_text(MINE.replace("next", "following"))
    assert "Proposes the following ids" in run("--import", "mine.py", "samplers").output
    (tmp_path / "other_mine.py").write_text(MINE.replace("mine", "yours").replace("Mine", "Yours"))
    assert run("kg", "--import", "other_mine", "train", "--help").exit_code == 0
    assert registry.sources() == [str(tmp_path / "mine.py"), "other_mine"]
    result = run("--import", "no.such.module", "samplers")
    assert result.exit_code == 2
    assert "'import' must be a module that can be imported" in result.output


@pytest.mark.slow
def test_the_processes_of_a_comparison_import_it_too(tmp_path):
    (tmp_path / "mine.py").write_text(MINE)
    registry.load(str(tmp_path / "mine.py"))
    config = LinkConfig(**TINY, sampler="mine")
    results = gneg.compare(toy(), [config], seeds=1, jobs=2, out=tmp_path / "out", baselines=())
    assert [part["name"] for part in results["registered"]] == ["mine"]
    assert [row["sampler"] for row in results["rows"]] == ["mine"]
