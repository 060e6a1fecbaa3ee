"""An encoder and a loss of your own, by name in a config and on the command line.

PyTorch Geometric's models are encoders as they are, and so is every module with their arguments:
here two layers of attention. Registered, they train, are saved and loaded like the built-in ones:

    gneg --import own_encoder.py train digits --encoder attention --loss focal
    gneg --import own_encoder.py predict runs/digits-attention-... --node 3
"""

from __future__ import annotations

import tempfile

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid
from torch_geometric.nn import GAT, GATv2Conv

import gneg

gneg.nn.register_encoder("gat")(GAT)


@gneg.nn.register_encoder("attention")
class Attention(torch.nn.Module):
    """Two layers of GATv2 with four heads; embeddings are of width ``out_channels``."""

    def __init__(self, in_channels: int, out_channels: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.first = GATv2Conv(in_channels, out_channels // 4, heads=4, dropout=dropout)
        self.second = GATv2Conv(out_channels, out_channels, dropout=dropout)

    def forward(self, x: Tensor, edge_index: Tensor) -> Tensor:
        """Return embeddings ``[N, D]`` of nodes with inputs ``x [N, F]``."""
        return self.second(self.first(x, edge_index).relu(), edge_index)


@gneg.losses.register("focal")
class Focal(gneg.losses.Loss):
    """Cross-entropy that counts what the model is sure of less (Lin et al., ICCV 2017)."""

    def __init__(self, gamma: float = 2.0) -> None:
        self.gamma = gamma

    def forward(self, pos: Tensor, neg: Tensor, negatives: gneg.Negatives) -> Tensor:
        """Return the loss; negatives count where the mask is True."""
        focus = [(-logit).sigmoid() ** self.gamma * -logsigmoid(logit) for logit in (pos, -neg)]
        return focus[0].mean() + focus[1][negatives.mask].mean()


def main() -> None:
    data = gneg.datasets.load("digits")
    for encoder in ("gat", "attention"):
        config = gneg.LinkConfig(encoder=encoder, loss="focal", hidden=32, epochs=4, eval_every=4)
        with tempfile.TemporaryDirectory() as folder:
            results = gneg.train(data, config, out=folder)
            model = gneg.load(folder)
        mrr = results["summary"]["test"]["mrr"]["mean"]
        print(f"{encoder}: test MRR {100 * mrr:.1f} %; {model}")


if __name__ == "__main__":
    main()
