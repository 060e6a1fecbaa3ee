"""OGB's example on ogbl-ddi in plain torch: ``python -m benchmarks.quality.ogb_example``.

The model, loss, negatives and optimiser of ``examples/linkproppred/ddi/gnn.py`` of OGB, without
anything of gneg but the record: what its published figures become on this machine and version, and
how far the test figure moves between evaluations. Messages are products with a dense matrix, which
are the same sums, in the precision that is asked for. Files are under ``results/ogb_example/``.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from ogb.linkproppred import Evaluator
from torch import Tensor, nn
from torch.nn.functional import dropout
from torch.nn.utils import clip_grad_norm_

from benchmarks import record
from benchmarks.format import load, machine, table
from benchmarks.quality.jobs import command
from benchmarks.quality.settings import DATA
from gneg import files

RESULTS = Path(__file__).parent / "results" / "ogb_example"
WORK = Path("runs") / "ogb_example"  # checkpoints
NODES, WIDTH, BATCH = 4267, 256, 64 * 1024
EVAL_EVERY = 5


def path(encoder: str, precision: str, seed: int) -> Path:
    """Return the file of a result."""
    return RESULTS / f"{encoder}-{precision}-{seed}.json"


class Messages:
    """Products with the adjacency matrix: its rows have sum 1 (sage), or as GCN normalises it."""

    def __init__(self, edges: Tensor, encoder: str, dtype: torch.dtype) -> None:
        matrix = torch.zeros(NODES, NODES)
        matrix[edges[:, 0], edges[:, 1]] = matrix[edges[:, 1], edges[:, 0]] = 1
        self.known = matrix.bool().view(-1)
        if encoder == "gcn":
            matrix.fill_diagonal_(1)
            roots = matrix.sum(1).rsqrt()
            matrix = roots[:, None] * matrix * roots
        else:
            matrix /= matrix.sum(1, keepdim=True).clamp(min=1)
        self.forward, self.backward = matrix.to(dtype), matrix.t().contiguous().to(dtype)

    def __call__(self, x: Tensor) -> Tensor:
        """Return the messages of all nodes, ``[N, D]``."""
        result: Tensor = _Product.apply(x, self)
        return result


class _Product(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, messages: Messages) -> Tensor:
        ctx.messages = messages
        return (messages.forward @ x.to(messages.forward.dtype)).float()

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        matrix = ctx.messages.backward
        return (matrix @ gradients[0].to(matrix.dtype)).float(), None


class GNN(nn.Module):
    """Two layers of GraphSAGE (mean) or GCN on learned embeddings."""

    def __init__(self, encoder: str, messages: Messages) -> None:
        super().__init__()
        self.messages = messages
        self.of_means = nn.ModuleList(nn.Linear(WIDTH, WIDTH) for _ in range(2))
        self.of_roots = nn.ModuleList(
            nn.Linear(WIDTH, WIDTH, bias=False) for _ in range(2 if encoder == "sage" else 0)
        )
        if encoder == "gcn":
            for layer in self.of_means:
                nn.init.xavier_uniform_(layer.weight)
                nn.init.zeros_(layer.bias)

    def forward(self, x: Tensor) -> Tensor:
        """Return embeddings, ``[N, D]``."""
        for i, layer in enumerate(self.of_means):
            h = layer(self.messages(x))
            if self.of_roots:
                h = h + self.of_roots[i](x)
            x = dropout(h.relu(), 0.5, self.training) if i == 0 else h
        return x


class Predictor(nn.Module):
    """A perceptron on the product of both embeddings."""

    def __init__(self) -> None:
        super().__init__()
        self.hidden, self.last = nn.Linear(WIDTH, WIDTH), nn.Linear(WIDTH, 1)

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        """Return probabilities of pairs of embeddings, ``[B]``."""
        h = dropout(self.hidden(x * y).relu(), 0.5, self.training)
        return torch.sigmoid(self.last(h).float()).squeeze(-1)


class Example:
    """A training, epoch by epoch.

    Args:
        encoder: ``"sage"`` or ``"gcn"``.
        precision: ``"float32"`` or ``"bf16"``, of products.
        seed: Seed of everything.
    """

    def __init__(self, encoder: str, precision: str, seed: int) -> None:
        torch.manual_seed(seed)
        folder = DATA / "ogbl_ddi" / "split" / "target"
        split = {
            part: torch.load(folder / f"{part}.pt", weights_only=False)
            for part in ("train", "valid", "test")
        }
        self.train_edges = torch.as_tensor(split["train"]["edge"]).long()
        self.held_out = {
            part: {key: torch.as_tensor(edges).long() for key, edges in split[part].items()}
            for part in ("valid", "test")
        }
        self.half = precision == "bf16"
        dtype = torch.bfloat16 if self.half else torch.float32
        self.messages = Messages(self.train_edges, encoder, dtype)
        self.table = nn.Embedding(NODES, WIDTH)
        nn.init.xavier_uniform_(self.table.weight)
        self.modules = nn.ModuleList([self.table, GNN(encoder, self.messages), Predictor()])
        self.optimizer = torch.optim.Adam(self.modules.parameters(), lr=0.005)
        self.evaluator = Evaluator("ogbl-ddi")
        self.evaluator.K = 20

    def negatives(self, count: int) -> Tensor:
        """Return uniform non-edges, ``[count, 2]``."""
        pairs = torch.randint(NODES * NODES, (2 * count,))  # seven of eight pairs are none
        pairs = pairs[~self.messages.known[pairs]][:count]
        return torch.stack([pairs // NODES, pairs % NODES], dim=1)

    def epoch(self) -> float:
        """Train for an epoch and return the mean loss."""
        self.modules.train()
        _, gnn, predictor = self.modules
        total = 0.0
        for batch in torch.randperm(len(self.train_edges)).split(BATCH):
            self.optimizer.zero_grad()
            edges = self.train_edges[batch]
            with torch.autocast("cpu", torch.bfloat16, enabled=self.half):
                h = gnn(self.table.weight)
                positive = predictor(h[edges[:, 0]], h[edges[:, 1]])
                pairs = self.negatives(len(edges))
                negative = predictor(h[pairs[:, 0]], h[pairs[:, 1]])
            loss = -(positive + 1e-15).log().mean() - (1 - negative + 1e-15).log().mean()
            loss.backward()  # type: ignore[no-untyped-call]
            for module in self.modules:
                clip_grad_norm_(module.parameters(), 1.0)
            self.optimizer.step()
            total += loss.item() * len(edges)
        return total / len(self.train_edges)

    @torch.no_grad()
    def hits(self) -> dict[str, float]:
        """Return Hits@20 on validation and test."""
        self.modules.eval()
        _, gnn, predictor = self.modules
        h = gnn(self.table.weight)

        def scores(edges: Tensor) -> Tensor:
            chunks = edges.split(BATCH)
            return torch.cat([predictor(h[chunk[:, 0]], h[chunk[:, 1]]) for chunk in chunks])

        return {
            part: self.evaluator.eval(
                {"y_pred_pos": scores(edges["edge"]), "y_pred_neg": scores(edges["edge_neg"])}
            )["hits@20"]
            for part, edges in self.held_out.items()
        }

    def state(self) -> dict[str, Any]:
        """Return what a stopped training goes on from."""
        return {
            "modules": self.modules.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "random": torch.get_rng_state(),
        }

    def load_state(self, state: dict[str, Any]) -> None:
        """Restore what :meth:`state` returned."""
        self.modules.load_state_dict(state["modules"])
        self.optimizer.load_state_dict(state["optimizer"])
        torch.set_rng_state(state["random"])


def curve(example: Example, epochs: int, checkpoint: Path) -> Iterator[list[dict[str, float]]]:
    """Train, and yield the evaluations so far after each."""
    points: list[dict[str, float]] = []
    if checkpoint.exists():
        stored = torch.load(checkpoint, weights_only=False)
        points = stored["points"]
        example.load_state(stored["state"])
    start, before = time.perf_counter(), points[-1]["seconds"] if points else 0.0
    for epoch in range(round(points[-1]["epoch"]) + 1 if points else 1, epochs + 1):
        loss = example.epoch()
        if epoch % EVAL_EVERY == 0:
            seconds = before + time.perf_counter() - start
            points.append({"epoch": epoch, "loss": loss, "seconds": seconds, **example.hits()})
            content = {"points": points, "state": example.state()}
            files.write_whole(checkpoint, lambda file, content=content: torch.save(content, file))
            yield points


def block() -> str:
    """Return the table of all runs; empty if there are none."""
    results = [load(file) for file in sorted(RESULTS.glob("*.json"))]
    rows = []
    for result in results:
        options, best, points = result["options"], result["best"], result["curve"]
        late = [100 * point["test"] for point in points[len(points) // 2 :]]
        rows.append(
            [
                options["encoder"],
                options["precision"],
                f"{points[-1]['epoch']} of {options['epochs']}",
                f"{100 * best['valid']:.2f}",
                f"{100 * best['test']:.2f}",
                str(best["epoch"]),
                f"{statistics.fmean(late):.1f} ({min(late):.1f} to {max(late):.1f})",
            ]
        )
    if not rows:
        return ""
    header = ["encoder", "products", "epochs", "valid hits@20", "test hits@20", "best epoch"]
    header.append("test, mean over the later half (least to most)")
    note = f"Every {EVAL_EVERY} epochs are evaluated; best epoch by valid hits@20. "
    title = "**The same example in plain torch** (%)"
    return f"{title}\n\n{table(header, rows)}\n\n{note}{machine(*results)}."


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--encoder", choices=("sage", "gcn"), default="sage")
    parser.add_argument("--precision", choices=("float32", "bf16"), default="float32")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--epochs", type=int, default=200)
    options = parser.parse_args()
    torch.set_num_threads(1)
    target = path(options.encoder, options.precision, options.seed)
    WORK.mkdir(parents=True, exist_ok=True)
    example = Example(options.encoder, options.precision, options.seed)
    for points in curve(example, options.epochs, WORK / f"{target.stem}.pt"):
        best = max(points, key=lambda point: point["valid"])
        print(points[-1], flush=True)
        result = {"options": vars(options), "curve": points, "best": best}
        record.write(target, command("ogb_example"), result)


if __name__ == "__main__":
    main()
