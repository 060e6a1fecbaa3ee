"""Every strategy under the same budget: ``python -m benchmarks.quality.strategies [--only Cora]``.

Cora, CiteSeer and Amazon Photo, GCN and GraphSAGE, five seeds, three negatives per positive. The
best epoch is selected by validation MRR against uniform negatives; test edges are ranked against
uniform and against HeaRT-style negatives. Each cell has a JSON file under ``results/strategies/``;
finished cells are not run again.
"""

from __future__ import annotations

from dataclasses import asdict, replace
from functools import cache
from pathlib import Path
from typing import Any

import torch

from benchmarks import record
from benchmarks.quality import jobs
from benchmarks.quality.hard import hard_negatives
from gneg import KnownEdges, datasets
from gneg.datasets import EvalEdges, LinkData
from gneg.evaluation.ranking import evaluate_edges
from gneg.training.config import LinkConfig
from gneg.training.link import LinkRun
from gneg.training.whole_graph import Embedded, WholeGraph

HERE = Path(__file__).parent
RESULTS = HERE / "results" / "strategies"
DATA = HERE.parent.parent.parent / "shared" / "data"
SEEDS = range(5)
MOST_POSITIVES = 1_000  # ranked, of validation and of test

#: Sampler and loss by strategy; a name that ends in "cosine" also changes the decoder.
STRATEGIES: dict[str, tuple[str, str]] = {
    "uniform": ("uniform", "bce"),
    "uniform, AUC loss": ("uniform", "auc"),
    "uniform, InfoNCE": ("uniform", "infonce"),
    "uniform, logQ softmax": ("uniform", "softmax"),
    "uniform, self-adversarial weights": ("uniform", "nssa"),
    "uniform, debiased": ("uniform", "debiased"),
    "uniform, hardness-weighted": ("uniform", "hard"),
    "uniform, positive-unlabelled": ("uniform", "nnpu"),
    "degree": ("degree", "bce"),
    "in-batch": ("inbatch", "bce"),
    "in-batch, logQ softmax": ("inbatch", "softmax"),
    "2-hop shell": ("khop", "bce"),
    "walk": ("walk", "bce"),
    "similar features": ("similar(band=10|110)", "bce"),
    "uniform + walk": ("mixture(uniform:0.75, walk:0.25)", "bce"),
    "uniform + walk, logQ softmax": ("mixture(uniform:0.75, walk:0.25)", "softmax"),
    "hardest of uniform": ("hardest(uniform, m=32)", "bce"),
    "hardest of walk": ("hardest(walk, m=32)", "bce"),
    "uniform + hardest of walk": ("mixture(uniform:0.75, hardest(walk, m=32):0.25)", "bce"),
    "DNS(32, 8)": ("dns(uniform, m=32, n=8)", "bce"),
    "semi-hard": ("semihard(uniform, m=32)", "bce"),
    "tempered": ("tempered(uniform, m=32)", "bce"),
    "AHNS": ("ahns(uniform, m=32)", "bce"),
    "Metropolis (MCNS)": ("metropolis(mixture(uniform, walk))", "bce"),
    "adversarial": ("adversarial(uniform, m=32)", "bce"),
    "mixup (MixGCF)": ("mixup(hardest(uniform, m=32))", "bce"),
    "memory bank (MoCo), cosine": ("memorybank(momentum=0.99)", "infonce"),
    "uniform, InfoNCE, cosine": ("uniform", "infonce"),
    "uniform + walk, logQ softmax, cosine": ("mixture(uniform:0.75, walk:0.25)", "softmax"),
    "hardest of uniform, InfoNCE, cosine": ("hardest(uniform, m=32)", "infonce"),
    "cached (NSCaching)": ("cached(uniform)", "bce"),
    "curriculum": (
        "curriculum(mixture(uniform, hardest(walk, m=32)), start=0, end=0.5, epochs=30)",
        "bce",
    ),
    "self-paced": ("selfpaced(hardest(uniform, m=32))", "bce"),
    "guarded hardest of walk": (
        "mixture(uniform:0.75, guarded(hardest(walk, m=32), percentile=ra|75, m=8):0.25)",
        "bce",
    ),
}
BUDGET = LinkConfig(
    decoder="mlp", hidden=128, layers=1, k=3, epochs=60, eval_every=3, patience=6, lr=0.005
)
BUDGETS = {
    "Cora": BUDGET,
    "CiteSeer": BUDGET,
    "Photo": replace(BUDGET, hidden=64, epochs=8, eval_every=2),
}


def ranked_part(edges: EvalEdges) -> EvalEdges:
    """Return at most :data:`MOST_POSITIVES` random positives, with their negatives."""
    order = torch.randperm(edges.pos.size(1), generator=torch.Generator().manual_seed(0))
    return edges.take(order[:MOST_POSITIVES].sort().values)


@cache
def load(name: str) -> tuple[LinkData, EvalEdges]:
    """Return a dataset and its hard test set."""
    data = datasets.load(name, root=DATA)
    return data, hard_negatives(data, ranked_part(data.test))


def false_negatives(run: LinkRun, data: LinkData) -> float:
    """Return the held-out edges per 1,000 negatives, over an epoch's draws for the best model."""
    held_out = KnownEdges(data.valid.pos, data.test.pos, num_nodes=data.num_nodes, undirected=True)
    assert isinstance(run.embedding, WholeGraph)
    embedded = Embedded(run.embed(), run.embedding.adjacency)
    score, keys = run.batch_scorer(embedded), run.batch_keys(embedded)
    hits = negatives = 0
    for pos in data.train.split(run.batch_size, dim=1):
        pairs = run.draw(pos, score, keys).edge_index()
        hits += int(held_out.contains(*pairs).sum())
        negatives += pairs.size(1)
    return 1000 * hits / negatives


def train_seed(data: LinkData, hard: EvalEdges, config: LinkConfig, seed: int) -> dict[str, Any]:
    """Train one seed and return its record; its curve has epoch, seconds of training, valid MRR."""
    run = LinkRun(data, config, seed)
    run.valid, run.test = ranked_part(data.valid), ranked_part(data.test)
    run.train(None)
    curve = [
        [point["epoch"], round(point["seconds"], 3), point["valid"]]
        for point in run.progress.curve
        if "valid" in point
    ]
    result = run.result()
    keys = ("epochs", "best_epoch", "valid", "test", "seconds", "sampler_counts", "collapse")
    return {
        "seed": seed,
        **{key: result[key] for key in keys},
        "hard": evaluate_edges(hard, run.scorer()),
        "false_negatives_per_1000": false_negatives(run, data),
        "curve": curve,
    }


def cell(job: tuple[str, str, str, str]) -> str:
    """Train all seeds of a cell and write its file."""
    dataset, encoder, strategy, command = job
    data, hard = load(dataset)
    sampler, loss = STRATEGIES[strategy]
    config = replace(BUDGETS[dataset], encoder=encoder, sampler=sampler, loss=loss)
    if strategy.endswith(", cosine"):
        config = replace(config, decoder="cosine")
    runs = []
    for seed in SEEDS:
        with torch.random.fork_rng():
            runs.append(train_seed(data, hard, config, seed))
    result = {
        "dataset": dataset,
        "encoder": encoder,
        "strategy": strategy,
        "split": data.split,
        "ranked": {"valid": ranked_part(data.valid).pos.size(1), "test": hard.pos.size(1)},
        "hard_negatives": hard.num_negatives,
        "config": asdict(config),
        "runs": runs,
    }
    record.write(path(dataset, encoder, strategy), command, result)
    return f"{dataset} {encoder} {strategy}"


def path(dataset: str, encoder: str, strategy: str) -> Path:
    """Return the file of a cell's result."""
    words = "".join(c if c.isalnum() else "-" for c in strategy.lower()).strip("-")
    return RESULTS / f"{dataset}-{encoder}-{words}.json"


def main() -> None:
    parser = jobs.parser(__doc__)
    parser.add_argument("--only", default="", help="cells whose file name starts with this")
    options = parser.parse_args()
    command = jobs.command("strategies")
    pending = [
        (dataset, encoder, strategy, command)
        for dataset in BUDGETS
        for strategy in STRATEGIES
        for encoder in ("gcn", "sage")
        if path(dataset, encoder, strategy).name.startswith(options.only)
        and not path(dataset, encoder, strategy).exists()
    ]
    jobs.run(cell, pending, options.jobs)


if __name__ == "__main__":
    main()
