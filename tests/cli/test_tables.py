"""Tables at the width of a plain terminal: nothing cut, no name or number broken."""

from __future__ import annotations

import pytest
from rich.console import ConsoleDimensions

from gneg.cli.app import console
from gneg.cli.results import print_comparison
from gneg.cli.tables import print_table
from tests.cli.invoke import run

LONG = "guarded(hardest(mixture(uniform:0.5, walk:0.5), m=16), relative_margin=0.05)"
SAMPLERS = ("uniform", "mixture(uniform:0.75, walk:0.25)", LONG)
COLUMNS = ["node", *(f"metric number {i}" for i in range(6)), "why"]
ROW = [f"{i + 10}.25 ± 1.56***" for i in range(6)]


@pytest.fixture
def narrow(monkeypatch):
    def set_width(width: int) -> None:
        monkeypatch.setattr(console, "size", ConsoleDimensions(width, 50))

    yield set_width
    console.size = ConsoleDimensions(140, 50)


def check_whole(output: str, width: int, *cells: str) -> None:
    """Check that lines fit, and that cells stand in them, broken at spaces at most."""
    lines = [line.rstrip() for line in output.splitlines()]
    assert max(map(len, lines)) <= width
    words = output.split()
    for cell in cells:
        assert any(cell in line for line in lines) or all(w in words for w in cell.split()), cell
    assert "…" not in output


@pytest.mark.parametrize("width", [40, 60, 80, 100, 200])
@pytest.mark.parametrize("name", ["Ann", "北京大学", "https://example.org/a-long-name", LONG])
def test_every_cell_is_whole_at_any_width(narrow, capsys, width, name):
    narrow(width)
    why = "common neighbours: Bob, Carol and Dave, who live in the same house"
    print_table("title", COLUMNS, [[name, *ROW, why], ["-", *ROW, ""]], prose=1)
    check_whole(capsys.readouterr().out, width, name, *ROW, why, *COLUMNS)
    print_table("title", COLUMNS[:-1], [[name, *ROW]])
    check_whole(capsys.readouterr().out, width, name, *ROW, *COLUMNS[:-1])
    print_table("", ["node", "why"], [[name, why]], prose=1)  # without numbers
    check_whole(capsys.readouterr().out, width, name, why)
    print_table("", COLUMNS, [], prose=1)


def comparison(seeds: int, mark: str) -> dict:
    """Return what is printed of a ``compare.json``."""
    figure = {"mrr": {"mean": 0.3635, "std": 0.0156}, "hits@10": {"mean": 0.5, "std": 0.01}}
    summary = dict.fromkeys(("uniform", "hard", "all"), figure)
    interval = {"difference": 0.02, "low": 0.01, "high": 0.03, "mark": mark}
    tests = {name: dict.fromkeys(("mrr", "hits@10"), interval) for name in summary}
    seconds = [{"sampling": 1.0, "scoring": 0.0, "model": 12.0}]
    row = {"encoder": "sage", "loss": "softmax", "summary": summary, "seconds": seconds}
    row |= {"valid": [0.4111, 0.4113]}
    risk = {"risk": {"per_1000": 10.5}}
    against = {"negatives": {"row": 0, "tests": tests}}
    rows = [{**row, "sampler": name, "against": against, "audit": risk} for name in SAMPLERS]
    effect = {"part": "negatives", "baseline": "uniform", "pairs": 1, "tests": tests}
    effect["among"] = {"stack": "none"}
    return {
        "rows": rows,
        "metric": "mrr",
        "seeds": seeds,
        "dataset": {"name": "Cora"},
        "effects": [{**effect, "value": LONG, "also": ["infonce instead of softmax"]}],
        "best": {
            "heuristic": "ra",
            "sentence": "no model beats a training-free score: ra",
            "advice": "raise it",
            "command": "gneg train Cora --encoder ra",
        },
        "among_all": None,
        "heuristics_valid": {"ra": 0.4224},
        "heuristics": {"ra": {name: {"mrr": 0.2714} for name in summary}},
    }


def test_comparisons_keep_expressions_whole_and_stars_to_three_seeds(narrow, capsys):
    narrow(80)
    print_comparison(comparison(5, "***"))
    output = capsys.readouterr().out
    check_whole(
        output,
        80,
        "36.35 ± 1.56***",
        "50.00 ± 1.00",
        "10.5",
        "13.0",
        "27.14",
        *SAMPLERS,
        "41.12",
        "42.24",
    )
    assert SAMPLERS[1] in output
    assert "paired t-tests" in output
    named = f"negatives and loss: {LONG} instead of uniform, stack none"
    check_whole(output, 80, "+2.00 (+1.00 to +3.00)***", named)
    assert "a comparison with one loss for all says (--losses)" in " ".join(output.split())
    assert "for each stack apart" in " ".join(output.split())
    lines = "training-free score: ra\nraise it\nrank by it: gneg train Cora --encoder ra\n"
    assert lines in output
    print_comparison(comparison(2, ""))
    output = " ".join(capsys.readouterr().out.split())
    assert "differences are not tested: two runs of each" in output
    assert "*" not in output
    assert "instead of uniform" not in output


@pytest.mark.parametrize("command", ["samplers", "losses", "datasets"])
def test_lists_fit_a_plain_terminal(narrow, command):
    narrow(200)
    wide = run(command).output
    narrow(80)
    output = run(command).output
    check_whole(output, 80)
    assert sorted(output.split()) == sorted(wide.split()) or "─" in output
    assert {word for word in wide.split() if "─" not in word} <= set(output.split())
