"""Hard negatives without unlearning: the density of the negatives, and heuristics, in the score.

The same encoder three times on the digits data: uniform negatives, half walks, and half walks with
a base measure and pair features. Ranked against uniform negatives and against hard ones.
"""

from __future__ import annotations

import torch

import gneg
from gneg import datasets, losses, nn, samplers
from gneg.evaluation.ranking import evaluate_edges


def fit(data, expression: str, *, corrected: bool, epochs: int = 60) -> nn.LinkPredictor:
    """Train a GCN; with ``corrected`` its decoder sees heuristics and knows what it was shown."""
    torch.manual_seed(0)
    sampler = samplers.build(expression, data.graph, corrupt="both")
    decoder: torch.nn.Module = nn.MLP(64, layers=2)
    if corrected:
        decoder = nn.PairFeatures(decoder, data.graph, 64, x=data.x)
        decoder = nn.BaseMeasure(decoder, sampler, 0.5)
    encoder = nn.Encoder("gcn", data.num_nodes, data.x.size(1), hidden=64, dropout=0.3)
    model, adjacency = nn.LinkPredictor(encoder, decoder), nn.Adjacency(data.graph)
    positions, loss = adjacency.positions(data.train), losses.BCE()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    generator = torch.Generator().manual_seed(0)
    for _ in range(epochs):
        order = torch.randperm(data.train.size(1), generator=generator)
        for which in order.split(1024):
            pos = data.train[:, which]
            negatives = sampler.sample(pos, k=3, generator=generator)
            z = model.embed(data.x, adjacency.without(positions[:, which]))  # not along targets
            optimizer.zero_grad()
            loss(*model.score_both(z, pos, negatives), negatives).backward()
            optimizer.step()
    return model.eval()  # in evaluation mode a base measure adds log q to the score


def main() -> None:
    data = datasets.load("digits")
    hard = gneg.hardset(data)
    for name, expression, corrected in (
        ("uniform", "uniform", False),
        ("half walks", "mixture(uniform:0.5, walk:0.5)", False),
        ("half walks, corrected", "mixture(uniform:0.5, walk:0.5)", True),
    ):
        model = fit(data, expression, corrected=corrected)
        with torch.no_grad():
            z = model.embed(data.x, nn.Adjacency(data.graph))
        score = model.scorer(z)
        easy = evaluate_edges(data.test, score)["mrr"]
        found = gneg.evaluate(data, score, sets={"hard": hard}, resamples=0)
        told = found["sets"]["hard"]["metrics"]["mrr"]["value"]
        print(f"{name:22s} MRR against uniform {easy:.3f}, against hard negatives {told:.3f}")


if __name__ == "__main__":
    main()
