"""Negatives in Lightning: a data module, and a callback that tells adaptive samplers of the steps.

Needs ``pip install gneg[lightning]``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import lightning
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from gneg import checks
from gneg.datasets import EvalEdges, LinkData
from gneg.graph.known import KnownPolicy
from gneg.rng import generator_from, split_seed
from gneg.samplers.base import Corrupt, Score
from gneg.samplers.negatives import Negatives, Vectors

__all__ = ["LinkDataModule", "SamplerCallback"]

RANKED = 1024  # positives of a batch of evaluation


class LinkDataModule(lightning.LightningDataModule):
    """Positives in batches, and negatives for them that may depend on the model.

    A training batch is ``pos [2, B]``; :meth:`draw` gives its negatives in ``training_step``, where
    the current model is at hand. A batch of validation and test is
    :class:`~gneg.datasets.EvalEdges`: positives beside their own negatives. For mini-batches with
    neighbourhoods give a :class:`gneg.loader.LinkLoader` to ``Trainer.fit`` instead.

    Args:
        data: What to train on.
        sampler: An expression.
        k: Negatives per positive.
        batch_size: Positives of a training batch.
        known: Edges that negatives avoid.
        corrupt: The end that is replaced.
        seed: Of batches and negatives.

    Raises:
        ValueError: If an argument is out of range.
    """

    def __init__(
        self,
        data: LinkData,
        sampler: str = "mixture(uniform:0.75, walk:0.25)",
        *,
        k: int = 8,
        batch_size: int = 4096,
        known: KnownPolicy = "train",
        corrupt: Corrupt = "both",
        seed: int = 0,
    ) -> None:
        super().__init__()
        self.data = data
        self.k = checks.integer("k", k, 1)
        self.batch_size = checks.integer("batch_size", batch_size, 1)
        self.sampler = data.sampler(sampler, known=known, corrupt=corrupt)
        self.generator = generator_from(split_seed(seed, 0))
        self.order = generator_from(split_seed(seed, 1))

    def draw(
        self, pos: Tensor, *, score: Score | None = None, z: Vectors | None = None
    ) -> Negatives:
        """Negatives of ``pos [2, B]``.

        Args:
            pos: A training batch.
            score: The current model, for samplers that select by it.
            z: ``[N, D]``, current embeddings, for samplers that keep them.

        Raises:
            ValueError: If the sampler needs what is not given.
        """
        return self.sampler.sample(pos, self.k, score=score, z=z, generator=self.generator)

    def train_dataloader(self) -> DataLoader[Any]:
        """Return batches ``[2, B]`` of the training positives in random order."""
        return _batches(self.data.train, self.batch_size, self.order)

    def val_dataloader(self) -> DataLoader[Any]:
        """Return batches of validation positives with their negatives."""
        return DataLoader(_Ranked(self.data.valid), batch_size=None)

    def test_dataloader(self) -> DataLoader[Any]:
        """Return batches of test positives with their negatives."""
        return DataLoader(_Ranked(self.data.test), batch_size=None)

    def transfer_batch_to_device(
        self, batch: Any, device: torch.device, dataloader_idx: int
    ) -> Any:
        """Move a batch."""
        return batch.to(device)

    def state_dict(self) -> dict[str, Any]:
        """Return the sampler's and the generators' states, for checkpoints."""
        states = {name: getattr(self, name).get_state() for name in ("generator", "order")}
        return {"sampler": self.sampler.state_dict(), **states}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restore what ``state_dict`` returned."""
        self.sampler.load_state_dict(state_dict["sampler"])
        for name in ("generator", "order"):
            getattr(self, name).set_state(state_dict[name])


class SamplerCallback(lightning.Callback):
    """Tells the sampler of a :class:`LinkDataModule` of every step and of the end of every epoch.

    So that caches, schedules and adversaries move on as they do in ``gneg train``. A module whose
    sampler wants embeddings at the end of an epoch must have a method ``embed() -> [N, D]``.

    Raises:
        ValueError: If there is no ``LinkDataModule``, or no ``embed`` where one is needed.
    """

    def on_train_batch_end(
        self, trainer: lightning.Trainer, module: lightning.LightningModule, *args: Any
    ) -> None:
        """Step."""
        _data_module(trainer).sampler.step()

    def on_train_epoch_end(
        self, trainer: lightning.Trainer, module: lightning.LightningModule
    ) -> None:
        """End the epoch."""
        sampler = _data_module(trainer).sampler
        z = None
        if "z" in sampler.needs:
            embed: Callable[[], Vectors] | None = getattr(module, "embed", None)
            if embed is None:
                checks.fail("module", "one with a method embed(), for this sampler", sampler)
            with torch.no_grad():
                z = embed()
        sampler.end_epoch(z=z)


def _data_module(trainer: lightning.Trainer) -> LinkDataModule:
    found = getattr(trainer, "datamodule", None)
    if not isinstance(found, LinkDataModule):
        checks.fail("datamodule", "a LinkDataModule", type(found).__name__)
    return found


class _Columns(Dataset[Tensor]):
    """Columns of ``edges [2, E]``, several at once."""

    def __init__(self, edges: Tensor) -> None:
        self.edges = edges

    def __len__(self) -> int:
        return self.edges.size(1)

    def __getitems__(self, which: list[int]) -> Tensor:
        return self.edges[:, which]


def _batches(edges: Tensor, size: int, order: torch.Generator) -> DataLoader[Any]:
    options: dict[str, Any] = {"shuffle": True, "generator": order, "collate_fn": _same}
    return DataLoader(_Columns(edges), batch_size=size, **options)


def _same(batch: Tensor) -> Tensor:
    return batch


class _Ranked(torch.utils.data.IterableDataset[EvalEdges]):
    """Positives of an evaluation with their negatives, some at a time."""

    def __init__(self, edges: EvalEdges) -> None:
        self.edges = edges

    def __iter__(self) -> Iterator[EvalEdges]:
        edges = self.edges
        for low in range(0, edges.pos.size(1), RANKED):
            some = slice(low, low + RANKED)
            src, dst = edges.neg
            neg = (src, dst) if edges.shared else (src[some], dst[some])
            mask = None if edges.mask is None else edges.mask[some]
            yield EvalEdges(edges.pos[:, some], neg, mask)
