"""Hard negatives without unlearning: their log density and heuristics are part of the score.

The same encoder is trained three times on the digits data: with uniform negatives, with half of
them from walks, and with half from walks and a base measure and pair features. Test edges are
ranked against uniform and against hard negatives.
"""

from __future__ import annotations

import torch

import gneg
from gneg import datasets, losses, nn, samplers


def fit(data, expression: str, *, corrected: bool, epochs: int) -> nn.LinkPredictor:
    """Train a GCN; with ``corrected`` its decoder has pair features and a base measure."""
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
        for batch in order.split(1024):
            pos = data.train[:, batch]
            negatives = sampler.sample(pos, k=3, generator=generator)
            # No messages pass along the edges of the batch.
            z = model.embed(data.x, adjacency.without(positions[:, batch]))
            optimizer.zero_grad()
            loss(*model.score_both(z, pos, negatives), negatives).backward()
            optimizer.step()
    return model.eval()  # in evaluation mode the base measure adds its log density to the score


def main(epochs: int = 40) -> None:
    data = datasets.load("digits")
    hard = gneg.hardset(data)
    for name, expression, corrected in (
        ("uniform", "uniform", False),
        ("half walks", "mixture(uniform:0.5, walk:0.5)", False),
        ("half walks, corrected", "mixture(uniform:0.5, walk:0.5)", True),
    ):
        model = fit(data, expression, corrected=corrected, epochs=epochs)
        with torch.no_grad():
            z = model.embed(data.x, nn.Adjacency(data.graph))
        results = gneg.evaluate(data, model.scorer(z), sets={"hard": hard}, resamples=0)
        mrr = {kind: result["metrics"]["mrr"]["value"] for kind, result in results["sets"].items()}
        print(f"{name:22} MRR against uniform {mrr['uniform']:.3f}, hard {mrr['hard']:.3f}")


if __name__ == "__main__":
    main()
