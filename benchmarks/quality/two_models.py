"""What two models know together: ``python -m benchmarks.quality.two_models``.

One model is trained on uniform negatives, one on the hardest of 32, as in
:mod:`benchmarks.quality.pairs`. Their scores are added, with the weight that is best on validation;
and a third model is trained on uniform negatives while it learns the scores of the second
(distillation). The baseline has two models, too: the second of uniform negatives and another seed.
Validation edges choose epochs and weight and nothing else. Each cell has a JSON file under
``results/two_models/``; finished cells are not run again.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import kl_div, log_softmax

from benchmarks import record
from benchmarks.format import machine, table
from benchmarks.quality import jobs, pairs
from gneg.datasets import LinkData
from gneg.evaluation.ranking import Score, evaluate_edges
from gneg.rng import generator_from
from gneg.samplers.negatives import Negatives
from gneg.training.batches import Batch
from gneg.training.config import LinkConfig
from gneg.training.whole_graph import Embedded

RESULTS = Path(__file__).parent / "results" / "two_models"
DECODERS = ("cosine", "perceptron, pair features")
FIRST, SECOND, ADDED, DISTILLED = "first", "second", "added", "distilled"
UNIFORM, HARDEST = "uniform", "hardest"
#: Rows of the table: name, negatives of the second model, and which model it is.
ROWS = (
    ("uniform", HARDEST, FIRST),
    ("hardest", HARDEST, SECOND),
    ("uniform + uniform, added", UNIFORM, ADDED),
    ("uniform + hardest, added", HARDEST, ADDED),
    ("uniform, distilled from uniform", UNIFORM, DISTILLED),
    ("uniform, distilled from hardest", HARDEST, DISTILLED),
)
KEYS = [
    (dataset, decoder, second)
    for decoder in DECODERS
    for second in (HARDEST, UNIFORM)
    for dataset in pairs.DATASETS
]
OTHER = 100  # added to the seed of a second model of uniform negatives
CANDIDATES = "mixture(uniform:0.5, walk(kind=ppr):0.5)"  # those that the hardest are taken from
WEIGHTS = [step / 10 for step in range(11)]


class DistilledRun(pairs.PairRun):
    """A training that also learns how another model ranks candidates.

    Its loss is that of its own negatives plus the divergence KL(teacher | model) of the softmax
    over each positive and 32 candidates (Hinton et al. 2015, without a temperature).

    Args:
        teacher: The score of the other model.
    """

    def __init__(self, data: LinkData, config: LinkConfig, seed: int, teacher: Score) -> None:
        super().__init__(data, config, seed)
        self.teacher = teacher
        self.candidates = data.sampler(CANDIDATES)
        self.draws = generator_from(seed)

    def batch_loss(self, batch: Batch, negatives: Negatives | None, embeddings: Embedded) -> Tensor:
        """Return the loss of the negatives and the divergence from the teacher."""
        loss, pos = super().batch_loss(batch, negatives, embeddings), batch.pos
        candidates = self.candidates.sample(pos, k=32, generator=self.draws)
        own = _log_shares(*self.embedding.scores(embeddings, pos, candidates), candidates)
        with torch.no_grad():
            scores = self.teacher(*pos), self.teacher(*candidates.pairs())
            teacher = _log_shares(*scores, candidates)
        return loss + kl_div(own, teacher, reduction="batchmean", log_target=True)


def _log_shares(pos: Tensor, neg: Tensor, negatives: Negatives) -> Tensor:
    """Return the log softmax ``[B, 1 + K]`` over positives and negatives; empty slots have none."""
    neg = neg.masked_fill(~negatives.mask, -1e4)
    return log_softmax(torch.cat([pos[:, None], neg], dim=1), dim=1)


def added(first: Score, second: Score, weight: float) -> Score:
    """Return the weighted mean of two scores; ``weight`` is that of the second."""

    def score(src: Tensor, dst: Tensor) -> Tensor:
        return (1 - weight) * first(src, dst) + weight * second(src, dst)

    return score


def train_seed(dataset: str, decoder: str, negatives: str, seed: int) -> dict[str, Any]:
    """Train three models and return the test figures of each and of the sum of two."""
    data, hard_valid, _ = pairs.load(dataset)

    def config(kind: str) -> LinkConfig:
        chosen = {**pairs.DECODERS[decoder], **pairs.NEGATIVES[kind]}
        return LinkConfig(**{**pairs.BUDGET, **chosen})

    def on_validation(weight: float) -> float:
        score = added(first, second, weight)
        return evaluate_edges(data.valid, score)["mrr"] * evaluate_edges(hard_valid, score)["mrr"]

    other = seed + OTHER if negatives == UNIFORM else seed
    with torch.random.fork_rng():
        runs = {
            FIRST: pairs.trained(pairs.PairRun(data, config(UNIFORM), seed)),
            SECOND: pairs.trained(pairs.PairRun(data, config(negatives), other)),
        }
        first, second = (run.scorer() for run in runs.values())
        runs[DISTILLED] = pairs.trained(DistilledRun(data, config(UNIFORM), seed, second))
    weight = max(WEIGHTS, key=on_validation)
    scores: dict[str, Score] = {model: run.scorer() for model, run in runs.items()}
    scores[ADDED] = added(first, second, weight)
    return {
        "seed": seed,
        "epochs": {model: run.progress.epoch for model, run in runs.items()},
        "weight": weight,
        "test": {model: pairs.figures(dataset, score) for model, score in scores.items()},
    }


def path(dataset: str, decoder: str, negatives: str) -> Path:
    """Return the file of a cell's result."""
    return RESULTS / f"{dataset}-{decoder.replace(', ', '-').replace(' ', '-')}-{negatives}.json"


def cell(job: tuple[str, str, str, str]) -> str:
    """Train all seeds of a cell and write its file."""
    dataset, decoder, negatives, command = job
    runs = [train_seed(dataset, decoder, negatives, seed) for seed in pairs.SEEDS]
    result = {"dataset": dataset, "decoder": decoder, "second": negatives, "runs": runs}
    record.write(path(dataset, decoder, negatives), command, result)
    return f"{dataset} {decoder}, {negatives}"


def block() -> str:
    """Return the table of all cells; empty if nothing was run."""
    cells = jobs.finished(path, KEYS)
    if not cells:
        return ""
    header = ["score", "models", *(f"{dataset}, easy / hard" for dataset in pairs.DATASETS)]
    rows = []
    for decoder in DECODERS:
        for name, negatives, model in ROWS:
            done = [cells.get((dataset, decoder, negatives)) for dataset in pairs.DATASETS]
            if any(done):
                figures = [pairs.easy_and_hard(cell, "test", model) for cell in done]
                rows.append([decoder, name, *figures])
    mixed = [result for (_, _, negatives), result in cells.items() if negatives == HARDEST]
    weights = [run["weight"] for result in mixed for run in result["runs"]]
    return (
        f"{table(header, rows)}\n\nTest MRR, %, {len(pairs.SEEDS)} seeds. Weight of the model "
        f"trained on hard negatives in the sum: {min(weights)} to {max(weights)}. "
        f"{machine(*cells.values())}, one thread a process."
    )


def main() -> None:
    jobs.main(__doc__, "two_models", cell, path, KEYS)


if __name__ == "__main__":
    main()
