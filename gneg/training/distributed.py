"""Training in several processes that ``torchrun`` started, with the result of one.

Each process embeds and scores its share of a batch. Negatives are drawn for the whole batch by all
of them (from the same stream, so that they are the same and cost nothing to send), and scores are
gathered before the loss: whatever a loss or a sampler compares within a batch, it compares in the
batch of all. ``DistributedDataParallel`` sums the gradients. Only the first process writes files.
"""

from __future__ import annotations

import os
import re
import warnings
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar

import torch
from torch import Tensor, distributed, nn
from torch.distributed.distributed_c10d import PrefixStore
from torch.distributed.rendezvous import rendezvous
from torch.nn.parallel import DistributedDataParallel

from gneg import kernels
from gneg.evaluation.ranking import Score

T = TypeVar("T")

#: How long processes wait to be joined.
JOINING = timedelta(minutes=5)
#: How long a process waits for another one, such as the first, which races alone.
PATIENCE = timedelta(hours=12)

#: What gloo and nccl say when another process is gone.
LOST = re.compile(r"gloo/transport|Connection (closed|reset|refused)|remote process exited")


@dataclass(frozen=True)
class World:
    """The processes of a training, and which of them this one is.

    Attributes:
        rank: The number of this process, from 0.
        size: The number of processes, >= 1.
    """

    rank: int = 0
    size: int = 1

    @property
    def is_first(self) -> bool:
        """Whether this process is the one that prints and writes."""
        return self.rank == 0

    def share(self, size: int) -> slice:
        """Return which of ``size`` things are this process's."""
        return slice(size * self.rank // self.size, size * (self.rank + 1) // self.size)

    def gather(self, values: Tensor, size: int) -> Tensor:
        """Return the values of all processes, ``[size, ...]``.

        Gradients reach those of this process alone.

        Args:
            values: ``[b, ...]``, those of this process's :meth:`share`.
            size: The number of values of all.
        """
        if self.size == 1:
            return values
        shares = [World(rank, self.size).share(size) for rank in range(self.size)]
        parts = _gathered(values.detach(), [share.stop - share.start for share in shares])
        parts[self.rank] = values
        return torch.cat(parts)

    def mean_of_rows(self, gradient: Tensor) -> Tensor:
        """Return the mean of the processes' sparse gradients, each row once."""
        rows, values = gradient._indices()[0], gradient._values()
        count = torch.tensor([len(rows)], device=rows.device)
        counts = [int(part) for part in _gathered(count, [1] * self.size)]
        rows, values = (torch.cat(_gathered(part, counts)) for part in (rows, values))
        values, shape = values / self.size, gradient.shape
        return torch.sparse_coo_tensor(rows[None], values, shape, check_invariants=False).coalesce()

    def agree(self, value: T) -> T:
        """Return the first process's value in all of them."""
        if self.size == 1:
            return value
        values = [value]
        distributed.broadcast_object_list(values, src=0)
        return values[0]

    def in_turn(self, make: Callable[[], T]) -> T:
        """Return what ``make`` returns, called by the first process before the others call it."""
        if not self.is_first:
            self.wait()
            return make()
        try:
            value = make()
        except Exception:
            self.wait()  # the others then fail in the same way
            raise
        self.wait()
        return value

    def wait(self) -> None:
        """Wait until all processes are here."""
        if self.size > 1:
            distributed.barrier()


def _gathered(values: Tensor, counts: list[int]) -> list[Tensor]:
    """Return the values of each process, ``counts`` of them; all are sent at one length."""
    padded = values.new_zeros(max(counts), *values.shape[1:])
    padded[: len(values)] = values
    parts = [torch.empty_like(padded) for _ in counts]
    distributed.all_gather(parts, padded)
    return [part[:count] for part, count in zip(parts, counts, strict=True)]


_alone: ContextVar[bool] = ContextVar("alone", default=False)


@contextmanager
def alone() -> Iterator[None]:
    """Let this process train by itself inside the block, while the others wait."""
    token = _alone.set(True)
    try:
        yield
    finally:
        _alone.reset(token)


def world() -> World:
    """Return the processes that this one belongs to: of the default process group, if it is set."""
    if _alone.get():
        return World()
    if distributed.is_available() and distributed.is_initialized():
        return World(distributed.get_rank(), distributed.get_world_size())
    return World()


def by_torchrun() -> bool:
    """Return whether ``torchrun`` started this process together with others."""
    return int(os.environ.get("WORLD_SIZE", "1")) > 1 and "MASTER_ADDR" in os.environ


@contextmanager
def joined(device: str) -> Iterator[World]:
    """Join the processes that ``torchrun`` started, if it did, and leave them at the end.

    Args:
        device: The device that is trained on: ``nccl`` joins GPUs, ``gloo`` processors.

    Raises:
        ConnectionError: If another process ended inside the block.
    """
    if not by_torchrun() or distributed.is_initialized():
        yield world()
        return
    on_gpu = torch.device(device).type == "cuda"
    local_size = int(os.environ.get("LOCAL_WORLD_SIZE", "1"))
    if on_gpu:
        torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", "0")))
    threads = kernels.threads.get_num_threads()
    kernels.threads.set_num_threads(max(1, threads // local_size))
    store, rank, size = next(rendezvous("env://", timeout=JOINING))
    # After a restart the store still holds the addresses of processes that are no more.
    store = PrefixStore(os.environ.get("TORCHELASTIC_RESTART_COUNT", "0"), store)
    backend = "nccl" if on_gpu else "gloo"
    distributed.init_process_group(
        backend, store=store, rank=rank, world_size=size, timeout=JOINING
    )
    distributed.distributed_c10d._set_pg_timeout(PATIENCE)
    try:
        yield world()
    except RuntimeError as error:
        if not LOST.search(str(error)):
            raise
        text = "another process of torchrun ended before this one; its message says why"
        raise ConnectionError(text) from error
    finally:
        kernels.threads.set_num_threads(None)
        distributed.destroy_process_group()


class _Loss(nn.Module):
    """The loss of a batch as a module, whose parameters are those of the model."""

    def __init__(self, model: nn.Module, loss: Callable[..., Tensor]) -> None:
        super().__init__()
        self.model, self.loss = model, loss

    def forward(self, *arguments: Any) -> Tensor:
        """Return the loss."""
        return self.loss(*arguments)


def synchronised(
    model: nn.Module,
    loss: Callable[..., Tensor],
    processes: World,
    tables: Collection[str],
) -> Callable[..., Tensor]:
    """Return the loss of a batch, whose gradients become the mean of those of all processes.

    Args:
        model: The model; weights of the first process are sent to the others.
        loss: The loss by the arguments of the step, with the share of this process in its graph.
        processes: The processes.
        tables: Names of parameters with sparse gradients, which :meth:`World.mean_of_rows` joins.
    """
    if processes.size == 1:
        return loss
    module = _Loss(model, loss)
    ignored = [f"model.{name}" for name in tables]
    DistributedDataParallel._set_params_and_buffers_to_ignore_for_model(module, ignored)
    with warnings.catch_warnings():  # the name of the option changes with torch 2.13
        warnings.simplefilter("ignore")
        # Some parameters have no gradient in some steps: those of a stack, or of other nodes.
        return DistributedDataParallel(module, find_unused_parameters=True, broadcast_buffers=False)


def sharded(score: Score, processes: World) -> Score:
    """Return a score of which each process computes its share of the pairs."""
    if processes.size == 1:
        return score
    return _Sharded(score, processes)


class _Sharded:
    def __init__(self, score: Any, processes: World) -> None:
        self.score, self.processes = score, processes
        if hasattr(score, "matrix"):
            self.matrix = self._matrix

    def __call__(self, src: Tensor, dst: Tensor) -> Tensor:
        size = src.numel()
        share = self.processes.share(size)
        ends = src.reshape(-1)[share], dst.reshape(-1)[share]
        return self.processes.gather(self.score(*ends), size).view(src.shape)

    def _matrix(self, ids: Tensor, **options: Any) -> Tensor:
        rows = self.score.matrix(ids[self.processes.share(len(ids))], **options)
        return self.processes.gather(rows, len(ids))
