"""What a training run consists of: the hooks that the loop calls."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Generator
from contextlib import AbstractContextManager
from typing import Any, Generic, TypeVar

import torch
from torch import Tensor, nn

from gneg import records
from gneg.graph.lazy import cached_property
from gneg.losses import Loss
from gneg.samplers.negatives import Negatives
from gneg.training import drawing
from gneg.training.batches import Batch
from gneg.training.resources import Resources
from gneg.training.shared_settings import TrainConfig

DataType = TypeVar("DataType", bound=Any)
ConfigType = TypeVar("ConfigType", bound=TrainConfig)


class RunParts(ABC, Generic[DataType, ConfigType]):
    """The parts of a run that links and triples define each in their way.

    Attributes:
        data: The dataset.
        config: The config.
        seed: The seed of all randomness.
        resources: Threads and memory, which do not change the result.
    """

    data: DataType
    config: ConfigType
    seed: int
    resources: Resources
    device: torch.device
    positives: Tensor

    @abstractmethod
    def make_model(self) -> nn.Module:
        """Return the model with its initial weights."""

    @abstractmethod
    def make_optimizer(self) -> torch.optim.Optimizer:
        """Return the optimiser of the model's parameters."""

    def autocast(self) -> AbstractContextManager[Any]:
        """Return the context in which a batch is embedded and scored: its precision."""
        half = self.config.precision == "bf16"
        return torch.autocast(self.device.type, torch.bfloat16, enabled=half)

    @staticmethod
    def widened(scores: Tensor) -> Tensor:
        """Return scores in single precision at least; double precision stays."""
        return scores.to(torch.promote_types(scores.dtype, torch.float32))

    def sparse_tables(self) -> list[str]:
        """Return the names of the parameters whose gradients are sparse."""
        return []

    def prepare(self) -> None:
        """Set up what the sampler and the loop need, after the model."""
        return

    def query_ends(self, pos: Tensor, generator: torch.Generator) -> Tensor:
        """Return what negatives are drawn for: the positives."""
        return pos

    @abstractmethod
    def make_sampler(self) -> Any:
        """Return the sampler of training negatives."""

    @cached_property
    def identity(self) -> dict[str, Any]:
        """What decides the run: version, seed, config and the description of the data.

        Cached: every checkpoint holds it, and describing the dataset reads all edges and features.
        """
        described = {"config": vars(self.config), "data": self.data.describe()}
        return {"gneg": records.versions()["gneg"], "seed": self.seed, **described}

    @abstractmethod
    def make_loss(self) -> Loss | None:
        """Return the loss; None if it takes no negatives."""

    @property
    @abstractmethod
    def batch_size(self) -> int:
        """Positives per step."""

    @property
    def num_items(self) -> int:
        """Number of what an epoch brings into a random order: positives."""
        return self.positives.size(1)

    @property
    def items_per_step(self) -> int:
        """Number of items per step."""
        return self.batch_size

    def batches(self, order: Tensor) -> Generator[Batch, None, None]:
        """Yield the batches of an epoch.

        Args:
            order: ``[P]``, the positions of all items in the order of the epoch.
        """
        return drawing.batches(self, order)

    @abstractmethod
    def embed_batch(self, batch: Batch) -> Any:
        """Return embeddings for a batch of positives, with gradients."""

    @abstractmethod
    def batch_scorer(self, embeddings: Any) -> Any:
        """Return the current model as a score without gradients, for samplers that select by it."""

    def batch_keys(self, embeddings: Any) -> Any:
        """Return embeddings for samplers that store them; None for all others."""
        return None

    @abstractmethod
    def batch_loss(self, batch: Batch, negatives: Negatives | None, embeddings: Any) -> Tensor:
        """Return the loss of a batch, a scalar with gradients."""

    def penalty(self, pos: Tensor) -> Tensor | None:
        """Return a regularisation term to add to the loss; None for none."""
        return None

    def after_step(self) -> None:
        """Update what depends on the model's weights, after each step of the optimiser."""
        return

    @abstractmethod
    def final_embeddings(self) -> Any:
        """Return embeddings by the current weights, for samplers, without gradients."""

    @abstractmethod
    def measure(self, part: str) -> dict[str, Any]:
        """Return the metrics of ``valid`` or ``test`` by the current weights."""

    def extra_state(self) -> dict[str, Any]:
        """Return what a checkpoint holds beside model, optimiser, sampler and generators."""
        return {}

    def load_extra_state(self, state: dict[str, Any]) -> None:
        """Restore what :meth:`extra_state` returned, from a whole checkpoint."""
        return

    def finish(self, result: dict[str, Any]) -> dict[str, Any]:
        """Return the record of the run, with the figures that only this kind of run has."""
        return result
