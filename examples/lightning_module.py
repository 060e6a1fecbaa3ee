"""Lightning: a data module, negatives that the current model scores high, metrics of logits."""

from __future__ import annotations

import logging
import warnings

import lightning
import torch

from gneg import datasets, losses, nn
from gneg.integrations.lightning import LinkDataModule, SamplerCallback
from gneg.integrations.torchmetrics import LinkMRR


class Predictor(lightning.LightningModule):
    """A GCN whose score is the cosine of two embeddings."""

    def __init__(self, data: datasets.LinkData) -> None:
        super().__init__()
        self.x, self.adjacency = data.x, nn.Adjacency(data.graph)
        encoder = nn.Encoder("gcn", data.num_nodes, data.x.size(1), hidden=64)
        self.model = nn.LinkPredictor(encoder, nn.make_decoder("cosine", 64))
        self.loss, self.mrr = losses.InfoNCE(), LinkMRR()

    def embed(self) -> torch.Tensor:
        """Return embeddings by the current weights."""
        return self.model.embed(self.x, self.adjacency)

    def training_step(self, pos: torch.Tensor, index: int) -> torch.Tensor:
        """Return the loss against negatives that are drawn by the current model."""
        z = self.embed()
        negatives = self.trainer.datamodule.draw(pos, score=self.model.scorer(z), z=z.detach())
        return self.loss(*self.model.score_both(z, pos, negatives), negatives)

    def validation_step(self, edges: datasets.EvalEdges, index: int) -> None:
        """Rank positives among their own negatives."""
        score = self.model.scorer(self.embed())
        self.mrr.update(score(*edges.pos), score(*edges.neg), edges.mask)
        self.log("mrr", self.mrr, batch_size=edges.pos.size(1))

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """Return Adam."""
        return torch.optim.Adam(self.parameters(), lr=0.005)


def main() -> None:
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    warnings.simplefilter("ignore")
    torch.manual_seed(0)
    data = datasets.load("digits")
    # Negatives get harder by epoch: the hardest of 8, then of 10, ... candidates.
    sampler = "curriculum(hardest(uniform, m=16), setting=m, start=8, end=16, epochs=5)"
    module, model = LinkDataModule(data, sampler, batch_size=1024), Predictor(data)
    trainer = lightning.Trainer(
        max_epochs=5,
        accelerator="cpu",
        callbacks=[SamplerCallback()],
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    trainer.fit(model, datamodule=module)
    print(f"{module.sampler}: valid MRR {100 * trainer.callback_metrics['mrr']:.1f} %")


if __name__ == "__main__":
    main()
