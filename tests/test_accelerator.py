"""The simulated accelerator does what CUDA does, and refuses what it refuses."""

from __future__ import annotations

import copy
import io
import threading

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from gneg.graph import sparse
from gneg.graph.devices import usable
from tests.accelerator import DEVICE, KIND


def on_both() -> tuple[Tensor, Tensor]:
    here = torch.arange(12.0).view(3, 4)
    return here, here.to(KIND)


@pytest.mark.usefixtures("accelerator")
@pytest.mark.parametrize(
    "wrong",
    [
        lambda here, there: here + there,
        lambda here, there: there.add_(here),
        lambda here, there: here.add_(there[0, 0]),
        lambda here, there: torch.where(there > 0, there, here),
        lambda here, there: there @ here.t(),
        lambda here, there: torch.cat([here, there]),
        lambda here, there: functional.embedding(torch.tensor([1]), there),
        lambda here, there: functional.embedding(torch.tensor([1], device=KIND), here),
        lambda here, there: here[torch.tensor([0], device=KIND)],
        lambda here, there: there.index_select(0, torch.tensor([0])),
        lambda here, there: there.scatter_add_(0, torch.zeros(3, 4, dtype=torch.long), there),
        lambda here, there: there.index_put_((torch.tensor([0]),), here[0]),
        lambda here, there: torch.rand(3, device=KIND, generator=torch.Generator()),
        lambda here, there: sparse.to_csr(here) @ there.t(),
    ],
)
def test_what_mixes_devices_is_refused(wrong):
    with pytest.raises(RuntimeError, match=f"on {DEVICE}|'{KIND}' device"):
        wrong(*on_both())


@pytest.mark.usefixtures("accelerator")
def test_arrays_are_not_made_of_its_tensors():
    _, there = on_both()
    for convert in (lambda: there.numpy(), lambda: np.asarray(there)):
        with pytest.raises((RuntimeError, TypeError)):
            convert()
    assert np.array_equal(there.cpu().numpy(), on_both()[0].numpy())


@pytest.mark.usefixtures("accelerator")
def test_what_cuda_takes_is_taken():
    here, there = on_both()
    index = torch.tensor([2, 0])
    assert torch.equal((there * torch.tensor(2.0)).cpu(), here * 2)
    assert torch.equal(there[index].cpu(), here[index])
    there[index] = 0.0
    assert there.sum().item() == here[1].sum()
    assert there[1].tolist() == here[1].tolist()
    assert usable(KIND) is None
    for made in (torch.zeros(2, device=KIND), torch.tensor([1], device=KIND), there.new_zeros(2)):
        assert made.device == DEVICE
    assert torch.zeros_like(there, device="cpu").device.type == "cpu"


@pytest.mark.parametrize("fused", [False, True])
@pytest.mark.usefixtures("accelerator")
def test_a_network_learns_the_same_there(fused):
    torch.manual_seed(0)
    x, losses = torch.randn(20, 4), {}
    start = nn.Sequential(nn.Linear(4, 5), nn.BatchNorm1d(5), nn.ReLU(), nn.Linear(5, 1))
    for device in ("cpu", KIND):
        network = copy.deepcopy(start).to(device)
        optimizer = torch.optim.Adam(network.parameters(), fused=fused)
        losses[device] = []
        for _ in range(3):
            loss = network(x.to(device)).square().mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses[device].append(loss.item())
        file = io.BytesIO()
        torch.save(optimizer.state_dict(), file)
        file.seek(0)
        state = torch.load(file, map_location=device, weights_only=True)["state"]
        assert state[0]["exp_avg"].device.type == device
    assert losses["cpu"] == losses[KIND]
    assert losses["cpu"][0] > losses["cpu"][-1]


@pytest.mark.usefixtures("accelerator")
def test_sparse_matrices_multiply_there():
    dense = (torch.arange(12).view(3, 4) % 3).float()
    matrix = sparse.to_csr(dense.to(KIND))
    assert (matrix.layout, matrix.device) == (torch.sparse_csr, DEVICE)
    x = torch.ones(4, 2, device=KIND, requires_grad=True)
    product = sparse.product(matrix, sparse.transpose(matrix), x)
    product.sum().backward()
    assert torch.equal(product.detach().cpu(), dense @ torch.ones(4, 2))
    assert torch.equal(x.grad.cpu(), dense.t() @ torch.ones(3, 2))
    table = nn.Embedding(5, 2, sparse=True).to(KIND)
    table(torch.tensor([1, 1, 2], device=KIND)).sum().backward()
    gradient = table.weight.grad
    assert gradient.is_sparse
    assert gradient.coalesce()._indices().tolist() == [[1, 2]]


def test_waits_are_counted(accelerator):
    _, there = on_both()
    with accelerator.waiting() as waits:
        there + there @ there.t()[:, :1]
    assert not waits
    with accelerator.waiting() as waits:
        float(there.sum()), there[there > 3], there.nonzero(), there.cpu(), there.unique()
        counts = torch.tensor([1, 2], device=KIND)
        counts.repeat_interleave(counts), counts.repeat_interleave(counts, output_size=3)
    names = ["item", "index by a mask", "nonzero", "copy to the CPU", "unique"]
    assert waits == dict.fromkeys([*names, "repeat_interleave"], 1)


@pytest.mark.usefixtures("accelerator")
def test_it_has_a_random_generator_of_its_own():
    torch.manual_seed(3)
    draws = torch.rand(4, device=KIND), torch.rand(4, device=KIND)
    host = torch.rand(4)
    torch.manual_seed(3)
    assert torch.equal(host, torch.rand(4))
    assert torch.equal(draws[0].cpu(), torch.rand(4, device=KIND).cpu())
    assert not torch.equal(draws[0].cpu(), draws[1].cpu())


@pytest.mark.usefixtures("accelerator")
def test_threads_have_it_too():
    made: list[Tensor] = []
    thread = threading.Thread(target=lambda: made.append(torch.ones(2).to(KIND)))
    thread.start()
    thread.join()
    assert made[0].device == DEVICE
