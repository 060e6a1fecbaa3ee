"""Batches of positives whose negatives are drawn ahead, on a thread, where they can be."""

from __future__ import annotations

from collections.abc import Generator
from functools import partial
from typing import Any

from torch import Tensor

from gneg.loader.ahead import ahead
from gneg.samplers import Mixture, Sampler, Wrapper
from gneg.samplers.negatives import Negatives
from gneg.samplers.triples import TripleSampler
from gneg.training.batches import Batch
from gneg.training.device import pins


def batches(run: Any, order: Tensor) -> Generator[Batch, None, None]:
    """Yield batches of positives, with negatives where these are drawn ahead of the model.

    Ahead of it one thread draws, in the order of the batches, so that negatives and the state of
    the generator at the end are those of a run that draws each when it needs it.

    Args:
        run: The run (:class:`gneg.training.run.Run`).
        order: ``[P]``, the positions of all positives in the order of the epoch.
    """
    if not drawn_ahead(run):
        for edges in order.to(run.device).split(run.items_per_step):
            yield Batch(edges, run.positives[:, edges])
        return
    positives, pinned = run.data.positives("train"), pins(run.device)

    def make(edges: Tensor) -> Batch:
        pos = positives[:, edges]
        batch = Batch(edges, pos, sample(run, pos))
        return batch.pin_memory() if pinned else batch

    items, waiting = order.split(run.items_per_step), partial(run.clock.measure, "sampling")
    for batch in ahead(make, items, 1, waiting=waiting):
        yield batch.to(run.device, non_blocking=pinned)


def sample(run: Any, pos: Tensor, **model: Any) -> Negatives:
    """Return the negatives of a batch of positives, with the densities that the loss reads.

    Args:
        run: The run.
        pos: ``[2, B]`` or ``[3, B]``, positives.
        **model: What the sampler needs of the model: ``z`` and ``score``.
    """
    ends = run.query_ends(pos, run.generator)
    negatives: Negatives = run.sampler.sample(ends, run.config.k, generator=run.generator, **model)
    # Computed when they are read: the time belongs to the sampler.
    _ = run.loss.needs_log_q and negatives.log_q
    _ = run.loss.needs_pos_log_q and negatives.pos_log_q
    return negatives


def drawn_ahead(run: Any) -> bool:
    """Return whether a thread draws the negatives of a run: they do not depend on the model."""
    if run.device.type == "cpu" or run.loss is None or not run.resources.num_workers:
        return False  # on the CPU kernels and model would share the cores
    if isinstance(run.sampler, Sampler) and run.sampler.graph.engine == "torch":
        return False  # which draws on the device
    return not run.sampler.needs and not learns_from_steps(run.sampler)


def learns_from_steps(sampler: Sampler | TripleSampler) -> bool:
    """Return whether what a sampler draws depends on the steps before, by its ``step``."""
    if isinstance(sampler, TripleSampler):
        return any(learns_from_steps(part) for part in sampler.parts.values())
    if type(sampler).step not in (Sampler.step, Wrapper.step, Mixture.step):
        return True
    parts = [*getattr(sampler, "samplers", ()), getattr(sampler, "sampler", None)]
    return any(learns_from_steps(part) for part in parts if isinstance(part, Sampler))
