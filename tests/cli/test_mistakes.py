"""Mistakes, damaged files and odd names on the command line: one line that names them, exit 2."""

from __future__ import annotations

import json
import shutil

import pytest
import torch

from gneg.training import contest
from tests.cli.invoke import run
from tests.damage import damaged

QUICK = ["--epochs", "1", "--eval-every", "1", "--hidden", "4", "-k", "1", "--recipe", "none"]
TABLE = "source,target\n" + "".join(f"{u},{(7 * u + j) % 40}\n" for u in range(40) for j in (1, 5))


@pytest.fixture(scope="module")
def reference(tmp_path_factory):
    """A folder with an edge list, a finished run ``ref`` and a knowledge-graph run ``kg``."""
    folder = tmp_path_factory.mktemp("reference")
    (folder / "e.csv").write_text(TABLE)
    graph = folder / "graph"
    graph.mkdir()
    rows = [f"e{i % 15}\tr{i // 15}\te{(7 * i + 1) % 15}" for i in range(45)]
    for part, lines in (("train", rows[:35]), ("valid", rows[35:40]), ("test", rows[40:])):
        (graph / f"{part}.txt").write_text("\n".join(lines))
    assert run("ingest", str(folder / "e.csv"), "--out", str(folder / "stored")).exit_code == 0
    (folder / "openke").mkdir()
    (folder / "openke/train2id.txt").write_text("0\n")
    words = ["train", str(folder / "e.csv"), *QUICK, "--split-seed", "3"]
    assert run(*words, "--out", str(folder / "ref")).exit_code == 0
    words = ["kg", "train", str(graph), "--dim", "4", "--epochs", "1"]
    assert run(*words, "--out", str(folder / "kg")).exit_code == 0
    return folder


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch, reference):
    shutil.copytree(reference, tmp_path / "w")
    monkeypatch.chdir(tmp_path / "w")
    for name in ("file", "mine.html", "mine.npz"):
        (tmp_path / "w" / name).write_text("")
    return tmp_path / "w"


def refused(*words: str) -> str:
    result = run(*words)
    assert isinstance(result.exception, SystemExit), result.exception
    assert result.exit_code == 2, result.output
    line = result.output.strip().splitlines()[-1]
    assert line.startswith("error: "), result.output
    return line


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["train", "e.csv", "--out", "file"], "'out' must be a folder to write (got file"),
        (["train", "e.csv", "--out", "/proc/x"], "'out' must be a folder that can be written"),
        (["train", "e.csv", "--out", ""], "'out' must be a value that is not empty (got '')"),
        (["kg", "train", "graph", "--out="], "'out' must be a value that is not empty (got '')"),
        (["kg", "train", "graph", "--out", "graph"], "'out' must be another folder than that of"),
        (["train", "e.csv", "--out", "stored"], "'out' must be another folder than that of a data"),
        (["kg", "train", "graph", "--out", "openke"], "'out' must be another folder than that of"),
        (["kg", "compare", "graph", "--out", "graph"], "'out' must be another folder than that"),
        (["kg", "train", "graph", "--out", "file"], "'out' must be a folder to write"),
        (["compare", "e.csv", "--out", "file"], "'out' must be a folder to write"),
        (["compare", "e.csv", "--report", "ref"], "'report' must be a file to write (got ref"),
        (["hardset", "e.csv", "--out", "/proc/x.npz"], "'out' must be a file that can be written"),
        (["sample", "e.csv", "--out", "/proc/x.csv"], "'out' must be a file that can be written"),
        (["evaluate", "ra", "e.csv", "--out", "ref"], "'out' must be a file to write (got ref"),
        (["audit", "e.csv", "--out", "/dev/null"], "'out' must be a file to write"),
        (["audit", "e.csv", "--plots", "file"], "'plots' must be a folder to write"),
        (["report", "ref", "--out", "ref"], "'out' must be a file to write"),
        (["evaluate", "ref", "--out", "ref/results.json"], "or an earlier result of the same"),
        (["evaluate", "ref", "--out", "ref/model-0.pt"], "'out' must be a name that ends in .json"),
        (["evaluate", "kg", "--out", "graph/train.txt"], "'out' must be a name that ends in .json"),
        (["audit", "e.csv", "--out", "ref/results.json"], "or an earlier result of the same"),
        (["report", "ref", "--out", "ref/results.json"], "'out' must be a name that ends in .html"),
        (["report", "ref", "--out", "mine.html"], "or an earlier result of the same"),
        (["compare", "e.csv", "--report", "mine.html"], "or an earlier result of the same"),
        (["sample", "e.csv", "--out", "e.csv"], "'out' must be another file than those"),
        (["sample", "graph", "--out", "e.csv"], "'out' must be a file that is not there yet"),
        (["hardset", "e.csv", "--out", "mine.npz"], "'out' must be a file that is not there yet"),
    ],
)
def test_outputs_are_checked_before_the_work(words, message):
    result = run(*words)
    assert message in result.output
    assert result.exit_code == 2
    assert "LinkData" not in result.output  # nothing was loaded


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["evaluate", "nope"], "'model' must be a run of gneg train, a file of scores"),
        (
            ["evaluate", "kg", "e.csv"],
            "'data' must be what the model was trained on (graph, 35 / 5",
        ),
        (["evaluate", "ref", "graph"], "'data' must be what the model was trained on (e.csv, "),
        (["evaluate", "ra", "e.csv", "--hardset", "a"], "'hardset' must be a name that ends in"),
        (["evaluate", "ra", "e.csv", "--seed", "-1"], "'seed' must be an integer >= 0 (got -1)"),
        (["train", "e.csv", "--split-seed", "-1"], "'split-seed' must be an integer >= 0"),
        (["train", "graph"], "(got graph); a knowledge graph"),
        (["train", ""], "'dataset' must be a name or a path (got '')"),
        (["kg", "train", ""], "'dataset' must be a name or a path (got '')"),
        (
            ["train", "e.csv", "--features", "ref"],
            "'features' must be an existing file (got ref, a",
        ),
        (["train", "e.csv", "--config", "ref"], "'config' must be a .yaml or .json file (got ref)"),
        (["train", "e.csv", *QUICK, "--device", "meta"], "'device' must be a device that torch"),
        (["train", "e.csv", *QUICK, "--hidden", "9" * 20], "'hidden' must be an integer <= 65,536"),
        (["train", "e.csv", *QUICK, "--seeds", "9" * 20], "'seeds' must be a number of runs"),
        (["hardset", "e.csv", "-k", "9" * 20], "'k' must be at most"),
        (["audit", "e.csv", "--negatives", "9" * 20], "'negatives' must be at most"),
    ],
)
def test_arguments_are_named(words, message):
    assert message in refused(*words)


def test_a_results_json_stands_for_its_run():
    result = run("evaluate", "ref/results.json", "--resamples", "0")
    assert result.exit_code == 0, result.output


@pytest.mark.parametrize("name", ["z.csv", "z.tsv", "z.parquet", "z.npz", "z.yaml", "z.npy"])
def test_empty_files_are_named(here, name):
    (here / name).write_text("")
    words = {"z.yaml": ["e.csv", "--config", name], "z.npy": ["e.csv", "--features", name]}
    assert f"(got {name}" in refused("train", *words.get(name, [name]))


@pytest.mark.parametrize("highest", [9 * 10**18, 18 * 10**18, 2**31 - 2])
def test_enormous_ids_are_names_like_others(here, highest):
    (here / "big.csv").write_text("".join(f"{i},0\n{highest},{i}\n" for i in range(1, 40)))
    output = run("describe", "big.csv").output
    assert "big.csv: 41 nodes" in output


CHANGES = {
    "runs": {"runs": 3},
    "seeds": {"runs": [{"seed": "a", "complete": True, "valid": {}, "test": {}}]},
    "metrics": {"runs": [{"seed": 0, "complete": True, "valid": {"mrr": "x"}, "test": {}}]},
    "source": {"source": ["x"]},
    "config": {"config": []},
}


@pytest.mark.parametrize("change", [*CHANGES, "list", "text"])
def test_a_damaged_record_is_named_by_every_command(here, change):
    path = here / "ref" / "results.json"
    record = json.loads(path.read_text())
    content = {"list": "[]", "text": "\ufeff{"}.get(change)
    path.write_text(content or json.dumps({**record, **CHANGES[change]}))
    for words in (
        ["train", "e.csv", *QUICK, "--split-seed", "3", "--out", "ref"],
        ["evaluate", "ref"],
        ["train", "--config", "ref/results.json"],
    ):
        assert "ref/results.json" in refused(*words)


@pytest.mark.slow
def test_a_damaged_record_never_ends_in_a_traceback(here):
    path = here / "ref" / "results.json"
    record = json.loads(path.read_text())
    words = ["train", "e.csv", *QUICK, "--split-seed", "3", "--out", "ref"]
    codes = []
    for changed in damaged(record, 25):
        path.write_text(json.dumps(changed))
        result = run(*words)
        assert result.exception is None or isinstance(result.exception, SystemExit)
        codes.append(result.exit_code)
    assert set(codes) == {0, 2}


def test_a_recorded_null_names_the_file(here):
    path = here / "ref" / "results.json"
    record = json.loads(path.read_text())
    path.write_text(json.dumps({**record, "config": {**record["config"], "hidden": None}}))
    message = "'hidden' must be an integer >= 1 (got None); it stands in ref/results.json"
    assert message in refused("train", "--config", "ref/results.json")
    assert run("train", "--config", "ref/results.json", "--hidden", "4").exit_code == 0


@pytest.mark.parametrize("content", [b"{1: 2}", b"\xff\xfe", b"a: [1", b"config: {hidden: 4}"])
def test_a_damaged_file_of_settings_is_named(here, content):
    (here / "c.yaml").write_bytes(content)
    assert "c.yaml" in refused("train", "e.csv", "--config", "c.yaml")


@pytest.mark.parametrize("content", [b"", b"garbage", "other", "half"])
def test_damaged_weights_are_named(here, content):
    path = here / "ref" / "model-0.pt"
    if content == "other":
        torch.save({"a": torch.zeros(3)}, path)
    else:
        path.write_bytes(path.read_bytes()[:500] if content == "half" else content)
    message = "'model' must be a whole model-SEED.pt of its run (got ref/model-0.pt: "
    assert message in refused("evaluate", "ref")


def test_a_damaged_knowledge_graph_is_named(here):
    (here / "graph" / "valid_negatives.txt").write_text("e1\tr1\tnobody")
    assert "nobody in graph/valid_negatives.txt" in refused("kg", "train", "graph")
    (here / "graph" / "train.txt").write_bytes(b"caf\xe9\tr\tb")
    assert "(got graph/train.txt: 'utf-8'" in refused("kg", "train", "graph")


def test_the_source_of_an_earlier_run_is_kept_unless_typed(here):
    words = ["--config", "ref/results.json", "--out", "again"]
    earlier = json.loads((here / "ref" / "results.json").read_text())
    dataset = earlier["source"]["dataset"]
    assert run("train", dataset, *words).exit_code == 0
    record = json.loads((here / "again" / "results.json").read_text())
    assert record["source"] == earlier["source"]
    assert record["dataset"] == earlier["dataset"]
    assert run("train", dataset, *words, "--split-seed", "5", "--fresh").exit_code == 0
    record = json.loads((here / "again" / "results.json").read_text())
    assert record["source"] == {**earlier["source"], "split_seed": 5}


@pytest.mark.parametrize("name", ["[bold]x", "[/red]", ":smile:", "x\\"])
def test_names_are_printed_as_they_are(here, name):
    folder = here / name
    folder.mkdir(parents=True)
    shutil.copy("e.csv", folder / "[b]e.csv")
    trained = run("train", f"{name}/[b]e.csv", *QUICK, "--out", f"{name}/r")
    assert f"results: {name}/r/results.json" in trained.output
    assert "[b]e.csv, 1 seed" in trained.output
    assert run("hardset", "e.csv", "-k", "2", "--out", f"{name}/[h].npz").exit_code == 0
    words = ["evaluate", "ra", "e.csv", "--hardset", f"{name}/[h].npz", "--resamples", "0"]
    assert "against [h]" in run(*words).output
    assert f"{name}/no.csv" in refused("train", f"{name}/no.csv")


def test_torchrun_is_for_training(monkeypatch):
    monkeypatch.setenv("TORCHELASTIC_RUN_ID", "1")
    monkeypatch.setenv("WORLD_SIZE", "2")
    line = refused("sample", "e.csv", "--out", "n.parquet")
    assert "'nproc-per-node' must be 1 for gneg sample" in line
    assert "--engine ray" in line
    assert "'nproc-per-node' must be 1 for gneg kg train" in refused("kg", "train", "umls")


@pytest.mark.slow
def test_negatives_that_all_samplers_share_are_called_so(here):
    for words in (["kg", "train", "graph"], ["kg", "compare", "graph"]):
        few, many = (
            run(*words, "--dim", "4", "-k", k, "--epochs", "1", "--out", f"k{words[1]}{k}").output
            for k in ("2", "20")
        )
        assert "no more than 20 negatives, which all samplers return" in " ".join(many.split())
        assert "all samplers return" not in " ".join(few.split())


def test_a_race_without_a_choice_says_so_once(here, monkeypatch):
    monkeypatch.setattr(contest, "FEWEST", 1)
    monkeypatch.setattr(contest, "SHORTEST", 0)
    words = ["kg", "train", "graph", "--recipe", "auto", "-k", "20", "--dim", "4", "--epochs", "1"]
    said = " ".join(run(*words, "--out", "raced").output.split())
    assert "The negatives were not raced: for 100 % of the positives" in said
    assert said.count("all samplers return") == 1


@pytest.mark.parametrize(
    "words",
    [
        ["train", "e.csv", "--split-seed", "3", "--hidden", "9", "--out", "ref"],
        ["kg", "train", "graph", "--dim", "9", "--out", "kg"],
    ],
)
def test_settings_are_compared_with_an_earlier_run_before_a_race(words):
    result = run(*words, "--recipe", "auto")
    assert "one with a run of the same config" in " ".join(result.output.split())
    assert "race" not in result.output


def test_a_comparison_refuses_a_stack_of_a_bipartite_graph_before_hard_negatives(tmp_path):
    table = "user,item\n" + "".join(f"u{u},i{(u * j) % 9}\n" for u in range(30) for j in (1, 2, 4))
    (tmp_path / "visits.csv").write_text(table)
    words = ["compare", str(tmp_path / "visits.csv"), "--stack", "none,all", *QUICK[:-2], "--out"]
    result = run(*words, str(tmp_path / "out"))
    assert result.exit_code == 2
    assert "'stack' must be none" in result.output
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("stack", [[], ["--stack", "none"]])
def test_edges_to_fit_a_stack_on_are_refused_where_there_is_none(stack):
    line = refused("train", "e.csv", *QUICK, "--stack-on", "train", *stack)
    assert "'stack-on' must be left out where there is no stack (got train)" in line
