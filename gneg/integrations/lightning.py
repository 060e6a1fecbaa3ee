"""Negatives in Lightning: a data module, and a callback that updates adaptive samplers.

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

EVAL_BATCH = 1024  # positives per batch of validation and test


class LinkDataModule(lightning.LightningDataModule):
    """A data module that batches positives and draws negatives that may depend on the model.

    A training batch is ``pos [2, B]``; call :meth:`draw` in ``training_step`` for its negatives. A
    batch of validation or test is an :class:`~gneg.datasets.EvalEdges`: positives beside their
    negatives. For mini-batches with neighbourhoods pass a :class:`gneg.loader.LinkLoader` to
    ``Trainer.fit`` instead.

    Args:
        data: The dataset.
        sampler: A sampler expression, see :func:`gneg.samplers.build`.
        k: Negatives per positive, K >= 1.
        batch_size: Positives per training batch, >= 1.
        known: Edges that negatives avoid: ``train``, ``train+valid`` or ``all``.
        corrupt: The end that is replaced: ``dst``, ``src`` or ``both``.
        seed: Seed for the order of batches and for the negatives.

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
        """Draw negatives for a training batch.

        Args:
            pos: ``[2, B]``, the positives.
            score: The current model, ``score(src, dst)``, for samplers that select by scores.
            z: ``[N, D]``, current embeddings, for samplers that store them.

        Raises:
            ValueError: If the sampler needs ``score`` or ``z`` and it is None.
        """
        return self.sampler.sample(pos, self.k, score=score, z=z, generator=self.generator)

    def train_dataloader(self) -> DataLoader[Any]:
        """Return batches ``[2, B]`` of the training positives in random order."""
        return _batches(self.data.train, self.batch_size, self.order)

    def val_dataloader(self) -> DataLoader[Any]:
        """Return batches of validation positives with their negatives."""
        return DataLoader(_EvalBatches(self.data.valid), batch_size=None)

    def test_dataloader(self) -> DataLoader[Any]:
        """Return batches of test positives with their negatives."""
        return DataLoader(_EvalBatches(self.data.test), batch_size=None)

    def transfer_batch_to_device(
        self, batch: Any, device: torch.device, dataloader_idx: int
    ) -> Any:
        """Return a batch on ``device``."""
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
    """A callback that updates the sampler of a :class:`LinkDataModule` after steps and epochs.

    Caches, schedules and adversaries are then updated as in ``gneg train``. If the sampler needs
    embeddings at the end of an epoch, the Lightning module must have a method
    ``embed() -> [N, D]``.

    Raises:
        ValueError: If there is no ``LinkDataModule``, or no ``embed`` where one is needed.
    """

    def on_train_batch_end(
        self, trainer: lightning.Trainer, module: lightning.LightningModule, *args: Any
    ) -> None:
        """Update the sampler after a step of the optimiser."""
        _data_module(trainer).sampler.step()

    def on_train_epoch_end(
        self, trainer: lightning.Trainer, module: lightning.LightningModule
    ) -> None:
        """Update the sampler after an epoch."""
        sampler = _data_module(trainer).sampler
        z = None
        if "z" in sampler.needs:
            embed: Callable[[], Vectors] | None = getattr(module, "embed", None)
            if embed is None:
                allowed = "a LightningModule with a method embed(), which the sampler needs"
                checks.fail("module", allowed, f"{type(module).__name__} and {sampler}")
            with torch.no_grad():
                z = embed()
        sampler.end_epoch(z=z)


def _data_module(trainer: lightning.Trainer) -> LinkDataModule:
    datamodule = getattr(trainer, "datamodule", None)
    if not isinstance(datamodule, LinkDataModule):
        checks.fail("datamodule", "a LinkDataModule", type(datamodule).__name__)
    return datamodule


class _Columns(Dataset[Tensor]):
    """A dataset of the columns of ``edges [2, E]``, fetched a batch at a time."""

    def __init__(self, edges: Tensor) -> None:
        self.edges = edges

    def __len__(self) -> int:
        return self.edges.size(1)

    def __getitems__(self, columns: list[int]) -> Tensor:
        return self.edges[:, columns]


def _batches(edges: Tensor, size: int, order: torch.Generator) -> DataLoader[Any]:
    options: dict[str, Any] = {"shuffle": True, "generator": order, "collate_fn": _identity}
    return DataLoader(_Columns(edges), batch_size=size, **options)


def _identity(batch: Tensor) -> Tensor:
    return batch


class _EvalBatches(torch.utils.data.IterableDataset[EvalEdges]):
    """Batches of evaluation positives with their negatives."""

    def __init__(self, edges: EvalEdges) -> None:
        self.edges = edges

    def __iter__(self) -> Iterator[EvalEdges]:
        edges = self.edges
        for low in range(0, edges.pos.size(1), EVAL_BATCH):
            rows = slice(low, low + EVAL_BATCH)
            src, dst = edges.neg
            neg = (src, dst) if edges.shared else (src[rows], dst[rows])
            mask = None if edges.mask is None else edges.mask[rows]
            yield EvalEdges(edges.pos[:, rows], neg, mask)
