"""Lightning trains with our negatives, and torchmetrics reads logits."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch

from gneg import datasets, losses, nn
from gneg.evaluation import metrics
from gneg.evaluation.ranking import evaluate_edges

lightning = pytest.importorskip("lightning")
torchmetrics = pytest.importorskip("torchmetrics")

from gneg.integrations.lightning import LinkDataModule, SamplerCallback  # noqa: E402
from gneg.integrations.torchmetrics import LinkAUC, LinkHits, LinkMRR, PerPositive  # noqa: E402

# Lightning's own: it looks for loggers, workers and devices, and says so.
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning", "ignore::FutureWarning")


class Module(lightning.LightningModule):
    def __init__(self, data):
        super().__init__()
        self.adjacency = nn.Adjacency(data.graph)
        self.x = data.x
        encoder = nn.Encoder("gcn", data.num_nodes, data.x.size(1), hidden=16)
        self.model = nn.LinkPredictor(encoder, nn.make_decoder("dot", 16))
        self.loss = losses.BPR()
        self.mrr = LinkMRR()
        self.drawn = []

    def embed(self):
        return self.model.embed(self.x, self.adjacency)

    def training_step(self, pos, index):
        z = self.embed()
        negatives = self.trainer.datamodule.draw(pos, score=self.model.scorer(z), z=z.detach())
        self.drawn.append(negatives.index)
        return self.loss(*self.model.score_both(z, pos, negatives), negatives)

    def validation_step(self, edges, index):
        score = self.model.scorer(self.embed())
        self.mrr.update(score(*edges.pos), score(*edges.neg), edges.mask)
        self.log("mrr", self.mrr, on_epoch=True, batch_size=edges.pos.size(1))

    def configure_optimizers(self):
        return torch.optim.Adam(self.parameters(), lr=0.01)


def trainer(tmp_path, epochs: int):
    return lightning.Trainer(
        max_epochs=epochs,
        accelerator="cpu",
        callbacks=[SamplerCallback()],
        enable_progress_bar=False,
        enable_model_summary=False,
        logger=False,
        default_root_dir=tmp_path,
        num_sanity_val_steps=0,
    )


@pytest.mark.slow
def test_a_data_module_trains_with_an_adaptive_sampler(tmp_path):
    data = datasets.load("digits")
    sampler = "curriculum(hardest(walk, m=16), setting=m, start=8, end=16, epochs=3)"
    module = LinkDataModule(data, sampler, k=4, batch_size=512)
    torch.manual_seed(0)
    model = Module(data)
    before = evaluate_edges(data.valid, model.model.scorer(model.embed()))["mrr"]
    run = trainer(tmp_path, 3)
    run.fit(model, datamodule=module)
    assert module.sampler.epoch == 3
    assert float(run.callback_metrics["mrr"]) > before
    expected = evaluate_edges(data.valid, model.model.scorer(model.embed()))["mrr"]
    assert float(run.callback_metrics["mrr"]) == pytest.approx(expected, abs=0.02)
    batches = -(-data.train.size(1) // 512)
    assert len(model.drawn) == 3 * batches
    module_before = LinkDataModule(data, sampler, k=4, batch_size=512)
    restored = LinkDataModule(data, sampler, k=4, batch_size=512)
    restored.load_state_dict(module_before.state_dict())
    first = next(iter(module_before.train_dataloader()))
    assert torch.equal(first, next(iter(restored.train_dataloader())))
    score = model.model.scorer(model.embed())
    assert torch.equal(
        module_before.draw(first, score=score).index, restored.draw(first, score=score).index
    )


def test_missing_data_modules_and_embeddings_are_refused():
    callback = SamplerCallback()
    with pytest.raises(ValueError, match="'datamodule' must be a LinkDataModule"):
        callback.on_train_batch_end(SimpleNamespace(datamodule=None), None)
    module = LinkDataModule(datasets.load("digits"), "similar(refresh_every=1)")
    message = r"'module' must be a LightningModule with a method embed\(\)"
    with pytest.raises(ValueError, match=message):
        callback.on_train_epoch_end(SimpleNamespace(datamodule=module), object())


@pytest.mark.parametrize("shared", [False, True])
def test_metrics_of_logits_equal_ours(shared):
    generator = torch.Generator().manual_seed(0)
    pos = torch.randn(100, generator=generator) - 5  # all of them below 0
    neg = torch.randn(60 if shared else (100, 60), generator=generator).squeeze() - 5.5
    neg = neg if shared else neg.view(100, 60)
    for metric, name in ((LinkMRR(), "mrr"), (LinkAUC(), "auc"), (LinkHits(10), "hits@10")):
        for rows in torch.arange(100).split(33):
            metric.update(pos[rows], neg if shared else neg[rows])
        assert float(metric.compute()) == pytest.approx(metrics.summary(pos, neg)[name])
        metric.reset()
        assert metric(pos, neg) == pytest.approx(metrics.summary(pos, neg)[name])
    with pytest.raises(ValueError, match="'k' must be one of 1, 3, 10"):
        LinkHits(7)
    with pytest.raises(ValueError, match=r"'neg' must be enough negatives for hits@100 \(got 60\)"):
        LinkHits(100).update(pos, neg)
    with pytest.raises(ValueError, match="'name' must be one of 'mrr', 'auc'"):
        PerPositive("map")


def test_a_collection_with_compute_groups_reports_each_metric():
    """The first batch puts equal values into all states, by which groups are formed."""
    metric_of = {
        "mrr": LinkMRR,
        "auc": LinkAUC,
        "hits@1": lambda: LinkHits(1, sync_on_compute=False),
        "hits@10": LinkHits,
    }
    collection = torchmetrics.MetricCollection({name: new() for name, new in metric_of.items()})
    generator = torch.Generator().manual_seed(0)
    scores = [(torch.rand(20, generator=generator), torch.rand(20, 30, generator=generator))]
    scores = [(scores[0][0] + 5, scores[0][1]), *scores]
    for pos, neg in scores:
        collection.update(pos, neg)
    pos, neg = (torch.cat(parts) for parts in zip(*scores, strict=True))
    expected = metrics.summary(pos, neg)
    assert collection.compute() == {name: pytest.approx(expected[name]) for name in metric_of}
    collection.update(torch.empty(0), torch.empty(0, 30))
    assert float(collection.compute()["mrr"]) == pytest.approx(expected["mrr"])
    collection.reset()
    collection.update(torch.empty(0), torch.rand(30))
    assert collection.compute()["mrr"].isnan()
    with pytest.raises(ValueError, match="Unexpected keyword"):
        LinkMRR(k=3)


def test_targets_are_no_scores():
    with pytest.raises(ValueError, match="'neg' must be a tensor of scores, floating-point"):
        LinkMRR().update(torch.rand(8), torch.randint(2, (8,)))
