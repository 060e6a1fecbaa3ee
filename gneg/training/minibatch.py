"""Embeddings of link predictors in mini-batches: sampled neighbourhoods, made ahead."""

from __future__ import annotations

from collections.abc import Generator
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias

import torch
from torch import Tensor

from gneg import checks
from gneg.graph.lazy import cached_property
from gneg.loader.ahead import ahead
from gneg.loader.blocks import MessageGraph
from gneg.loader.link_batches import LinkBatch, LinkBatches
from gneg.nn import LinkPredictor, SparseFeatures
from gneg.nn.inference import embed_all
from gneg.nn.messages import Gathered
from gneg.nn.snapshot import snapshot
from gneg.rng import draw_seed, split_seed
from gneg.samplers.base import Score
from gneg.samplers.negatives import Negatives, Vectors
from gneg.training.batches import Batch
from gneg.training.device import pins
from gneg.training.drawing import learns_from_steps
from gneg.training.expressions import fanouts
from gneg.training.whole_graph import Embedded, features_on

if TYPE_CHECKING:
    from gneg.datasets import LinkData
    from gneg.training.config import LinkConfig
    from gneg.training.link import LinkRun

#: Bytes of activations of a batch, up to which the default batch size is chosen.
BATCH_BYTES = 2**29
UNLIMITED = 64  # neighbours that a fanout of -1 is taken for there


#: A batch, and the first layer's sums of features, if they are made with it.
Made: TypeAlias = tuple[LinkBatch, Gathered | None]


class MiniBatches:
    """The embeddings of a run in mini-batches.

    Batches are made ahead by threads (see :class:`gneg.training.resources.Resources`), each from a
    seed of its own. Samplers that select by the model, or store embeddings, see those that all
    nodes had at the last refresh: at the begin of the epoch, or every ``refresh_every`` steps.
    Samplers that learn from each step draw when the step before is done.

    Args:
        run: The run, with its model.
    """

    def __init__(self, run: LinkRun) -> None:
        self.run = run
        dense = run.data.x is not None and run.data.x.layout == torch.strided
        self.x = features_on("cpu" if dense else run.device, run)
        self.graph = MessageGraph(run.data.graph)
        self._vectors: Vectors | None = None
        self._score: Score | None = None
        self._pins = pins(run.device)
        self._check_memory()

    def _check_memory(self) -> None:
        """Refuse a limit that weights, their moments and the graph exceed."""
        weights = sum(weight.nbytes for weight in self.run.model.parameters())
        needed = 5 * weights + self.graph.indptr.nbytes + self.graph.indices.nbytes
        if needed > self.run.resources.megabytes * 2**20:
            allowed = f"at least {needed // 2**20 + 1:,} MB, for the graph, weights and optimiser"
            hint = "a smaller width (--hidden) needs less"
            checks.fail("memory", allowed, f"{self.run.resources.megabytes:,} MB", hint=hint)

    @cached_property
    def _gathers(self) -> bool:
        """Whether the first layer's sums of features are made with the batch: none has a gradient.

        Sparse features are multiplied by weights before they are summed.
        """
        dense = isinstance(self.x, Tensor) and self.x.dtype == torch.float32
        return dense and self.run.model.encoder.inputs == "features"

    @cached_property
    def _batches(self) -> LinkBatches:
        run, config = self.run, self.run.config
        needs = {"log_q": run.loss.needs_log_q, "pos_log_q": run.loss.needs_pos_log_q}
        return LinkBatches(
            run.data.graph,
            run.data.train,
            run.sampler,
            config.k,
            fanouts(config.fanout),
            x=None if self.x is None or self._gathers else run.data.x,
            mask_targets=config.mask_targets,
            densities=[name for name, needed in needs.items() if needed],
            input_gradient=not self._gathers,
            device=run.device,
            ends=run.query_ends,
        )

    # -- batches -------------------------------------------------------------------------------

    def batches(self, order: Tensor) -> Generator[Batch, None, None]:
        """Yield batches with negatives and neighbourhoods.

        Args:
            order: ``[P]``, positions of positives; of each batch a process of several samples the
                neighbourhoods of its share.
        """
        run = self.run
        seed = draw_seed(run.generator)
        items = list(enumerate(order.split(run.batch_size)))
        adaptive = bool(run.sampler.needs & {"score", "keys"})
        stretch = (run.config.refresh_every if adaptive else None) or max(len(items), 1)
        workers = 0 if learns_from_steps(run.sampler) else run.resources.num_workers
        for start in range(0, len(items), stretch):
            if adaptive:
                self._refresh()
            for sample, first in ahead(
                partial(self._make, seed),
                items[start : start + stretch],
                workers,
                partial(self._depth, workers),
                partial(run.clock.measure, "waiting"),
            ):
                negatives = sample.negatives.to(run.device, non_blocking=self._pins)
                pos = sample.pos.to(run.device, non_blocking=self._pins)
                yield Batch(sample.edges, pos, negatives, sample, first)

    def _make(self, seed: int, item: tuple[int, Tensor]) -> Made:
        number, edges = item
        keys = self._vectors if "keys" in self.run.sampler.needs else None
        processes = self.run.world
        share = processes.share(len(edges)) if processes.size > 1 else None
        sample = self._batches.make(
            edges, split_seed(seed, number), z=keys, score=self._score, share=share
        )
        first = None
        if self._gathers:
            first = self.run.model.encoder.layered.gather(sample.blocks, self.x)
        if not self._pins:
            return sample, first
        return sample.pin_memory(), None if first is None else first.pin_memory()

    def _depth(self, workers: int, batch: Made) -> int:
        """Return how many batches may wait: two for each thread, within an eighth of memory."""
        sample, first = batch
        size = sample.nbytes + (0 if first is None else 2 * first.sums.nbytes)
        return min(2 * workers, self.run.resources.megabytes * 2**17 // size)

    def _refresh(self) -> None:
        """Embed all nodes for the sampler."""
        run = self.run
        with run.clock.measure("refresh"):
            training = run.model.training
            run.model.eval()
            z = self.embed() if run.average is None else self._embedded(run.average.module)
            run.model.train(training)
            self._vectors = run.model.sides(z)
            if "score" in run.sampler.needs:
                decoder = snapshot(run.model.decoder)
                model = LinkPredictor(run.model.encoder, decoder, run.data.num_src)
                self._score = model.scorer(z, coarse=True)

    # -- the model -----------------------------------------------------------------------------

    def embed_batch(self, batch: Batch) -> Embedded:
        """Return embeddings of the ends of a batch, with gradients."""
        sample = batch.sample
        assert sample is not None
        x: Any = batch.first if batch.first is not None else sample.x
        x = None if x is None else x.to(self.run.device, non_blocking=self._pins)
        if isinstance(x, Tensor) and x.layout != torch.strided:
            x = SparseFeatures(x)
        z = self.run.model.encoder.embed_blocks(x, sample.blocks)
        return Embedded(z, sample=sample, score=self._score)

    def keys(self, embeddings: Embedded) -> None:
        """Return nothing: a sampler that stores embeddings got them when it drew."""

    def scores(
        self, embeddings: Embedded, pos: Tensor, negatives: Negatives
    ) -> tuple[Tensor, Tensor]:
        """Return the scores of positives ``[B]`` and of negatives ``[B, K]``."""
        sample, device = embeddings.sample, self.run.device
        assert sample is not None
        nodes = torch.from_numpy(sample.blocks.nodes[: sample.blocks.sizes[0]]).to(device)
        pos = sample.local_pos.to(device, non_blocking=self._pins)
        local = sample.local_negatives.to(device, non_blocking=self._pins)
        scores: tuple[Tensor, Tensor] = self.run.model.score_both(embeddings.z, pos, local, nodes)
        return scores

    def embed(self) -> Tensor:
        """Return embeddings ``[N, D]`` of all nodes, layer by layer in chunks of rows."""
        return self._embedded(self.run.model.encoder)

    def _embedded(self, encoder: Any) -> Tensor:
        memory = max(1, self.run.resources.megabytes // 2)
        x = self.x.to(self.run.device) if isinstance(self.x, Tensor) else self.x
        return embed_all(encoder, x, self.graph, memory_mb=memory)


def batch_size(config: LinkConfig, data: LinkData, largest: int) -> int:
    """Return the default number of positives per step, so that a step needs little memory.

    Args:
        config: The config.
        data: The dataset.
        largest: The number for the whole graph.
    """
    width = 4 * (3 * config.hidden + (0 if data.x is None else data.x.size(1)))
    if width * data.num_nodes <= BATCH_BYTES:
        return largest
    rows = 3 + config.k
    for fanout in fanouts(config.fanout):
        rows *= 1 + (fanout if fanout >= 0 else UNLIMITED)
    return min(largest, max(256, BATCH_BYTES // (width * rows)))
