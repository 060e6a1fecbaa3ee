"""What retrieval misses, and seconds for all answers: ``python -m benchmarks.quality.answers``.

A model is trained on each graph (a finished run in ``--runs`` is used again). The share of the 20
best of all nodes that retrieval finds is measured on random nodes, by numbers of candidates; then
all nodes are answered with k = 20. Triples and products of embeddings are ranked among all. Each
graph has a JSON file under ``results/answers/``; finished graphs are not measured again.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

import gneg
from benchmarks import record
from benchmarks.format import machine, table
from benchmarks.quality import jobs
from gneg import datasets
from gneg.prediction import LinkModel, TripleModel
from gneg.prediction.model import IntArray
from gneg.prediction.writing import write_completions, write_links
from gneg.training import recipe
from gneg.training.config import LinkConfig, TripleConfig

HERE = Path(__file__).parent
RESULTS = HERE / "results" / "answers"
DATA = HERE.parent.parent.parent / "shared" / "data"
K = 20
NODES = 100  # that recall is measured on
CANDIDATES = (100, 200, 1_000)
#: Names of the graphs, and epochs of training.
LINKS = {"Cora": 60, "Photo": 20, "dblp2010": 6, "gowalla": 20}
TRIPLES = {"fb15k237": 5}
PATHS = {"dblp2010": DATA / "graphs" / "dblp2010" / "edges.csv.gz"}


def path(name: str) -> Path:
    """Return the file of a graph's result."""
    return RESULTS / f"{name.lower()}.json"


def model_of(name: str, runs: Path) -> LinkModel | TripleModel:
    """Return a trained model of a graph."""
    folder = runs / name.lower()
    if not (folder / "results.json").exists():
        if name in TRIPLES:
            triples = datasets.load_triples(name, root=DATA)
            config = TripleConfig(model="complex", dim=64, epochs=TRIPLES[name])
            gneg.train(triples, config, out=folder, keep_data=True)
        else:
            data = datasets.load(PATHS.get(name, name), root=DATA)
            encoder = "lightgcn" if data.num_src is not None else "gcn"
            chosen = recipe.fast(data, encoder=encoder, epochs=LINKS[name]).config
            assert isinstance(chosen, LinkConfig)
            gneg.train(data, chosen, out=folder, keep_data=True)
    return gneg.load(folder)


def recall(model: LinkModel) -> dict[str, Any]:
    """Return the recall of each number of candidates, and seconds a node of ranking all."""
    ranker = model.ranker("target")
    size = ranker.known.num_src
    rows = np.random.default_rng(0).choice(size, min(NODES, size), replace=False)
    start = time.perf_counter()
    best, _ = ranker.best(rows, K, candidates="all")
    seconds = (time.perf_counter() - start) / len(rows)
    ranker.best(rows[:1], K, candidates=K)  # what is prepared once
    shares = {}
    for number in CANDIDATES:
        listed, _ = ranker.best(rows, K, candidates=min(number, ranker.num_candidates))
        hits = (best[:, :, None] == listed[:, None, :]).any(axis=2) & (best >= 0)
        shares[str(number)] = float(hits.sum() / (best >= 0).sum())
    return {"nodes": len(rows), "recall": shares, "seconds_of_all": seconds}


def answered(model: LinkModel | TripleModel) -> dict[str, Any]:
    """Return the seconds that the answers to all nodes, or to all test queries, take."""
    model.calibration  # noqa: B018 - fitted before the clock starts
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "links.parquet"
        start = time.perf_counter()
        if isinstance(model, LinkModel):
            ids = model.ids(None, "source")
            header = write_links(model, out, ids, K, check=False)
            number, scored = len(ids), header["scored"]
        else:
            head, relation, _ = model.data.test.numpy()
            query: dict[str, IntArray] = {"head": head, "relation": relation}
            write_completions(model, out, query, "tail", K)
            number, scored = len(head), "all"
        return {"queries": number, "scored": scored, "seconds": time.perf_counter() - start}


def measure(name: str, command: str, runs: Path) -> str:
    """Measure a graph and write its file."""
    model = model_of(name, runs)
    product = isinstance(model, LinkModel) and model.scorer().is_product
    retrieved = isinstance(model, LinkModel) and not product
    result = {
        "graph": name,
        "model": model.run.config.encoder
        if isinstance(model, LinkModel)
        else type(model.run.model).__name__,
        "data": model.data.describe(),
        "retrieval": recall(model) if retrieved else None,  # type: ignore[arg-type]
        "answers": answered(model),
    }
    record.write(path(name), command, result)
    return f"{name} {result['retrieval']} {result['answers']}"


def block() -> str:
    """Return the table of all graphs."""
    rows = []
    results = jobs.finished(path, [(name,) for name in (*LINKS, *TRIPLES)])
    for (name,), result in results.items():
        retrieval, answers = result["retrieval"], result["answers"]
        shares = retrieval["recall"].values() if retrieval else ()
        cells = [f"{100 * share:.1f}" for share in shares] or ["all are ranked"] + [""] * 2
        scored = answers["scored"]
        rows.append(
            [
                name,
                result["model"],
                *cells,
                f"{1000 * retrieval['seconds_of_all']:,.0f} ms" if retrieval else "",
                f"{answers['queries']:,}",
                "all" if scored == "all" else f"{scored:,}",
                f"{answers['seconds']:,.0f} s",
            ]
        )
    header = ["graph", "model", *(f"recall, {n:,}" for n in CANDIDATES), "all nodes, one query"]
    header += ["queries", "scored for each", "all answers"]
    return f"{table(header, rows)}\n\nk = {K}; {machine(*results.values())}."


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=Path, default=Path("runs/answers"), help="folder of runs")
    parser.add_argument("--only", nargs="*", help="names of graphs; all if left out")
    options = parser.parse_args()
    command = jobs.command("answers")
    wanted = options.only or [*LINKS, *TRIPLES]
    names = [name for name in wanted if not path(name).exists()]
    for name in names:  # one after the other: their seconds are those of the whole machine
        print(measure(name, command, options.runs), flush=True)


if __name__ == "__main__":
    main()
