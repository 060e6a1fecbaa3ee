"""A simulated accelerator on the CPU, which refuses what CUDA refuses.

Its tensors claim to be on another device and hold a tensor of the CPU inside, which all arithmetic
is done on: a run there has the same bits as on the CPU, but an operation that meets tensors of both
devices, a CPU generator for random numbers of the device, or ``numpy()`` fails, as it would on an
accelerator. Operations that wait for the device are counted.

The device is of type "lazy": torch has the name in every build, and its autograd engine works on
such tensors in the thread that calls it. ("cuda", "xpu" and the others need a build that has them
or, as "meta", mean something else.) The device has a random stream of its own, as on CUDA, so that
dropout differs from the CPU's.

What is not simulated: streams, memory, other rounding, bfloat16 (``torch.autocast`` does nothing on
this device), and operations that only some devices lack.
"""

from __future__ import annotations

import functools
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.optim import optimizer
from torch.utils._python_dispatch import TorchDispatchMode

from tests.trees import leaves, mapped

KIND = "lazy"
DEVICE = torch.device(KIND, 0)

#: Operations after which the host waits, because it reads a result or a size that depends on one.
WAITS = {"_local_scalar_dense": "item", "is_nonzero": "item", "equal": "equal"}
WAITS |= dict.fromkeys(("_unique2", "unique_dim", "unique_consecutive"), "unique")
WAITS |= {name: name for name in ("nonzero", "masked_select", "bincount")}
WAITS |= {"_coalesce": "coalesce", "_to_sparse_csr": "to_sparse", "_to_sparse": "to_sparse"}
#: Operations beside the pointwise ones that take a scalar of the CPU, of no dimension.
TAKE_SCALARS = {"where", "masked_fill", "masked_fill_", "fill", "fill_"}
#: Operations whose indices may be on the CPU: they are copied to the device.
INDEXING = {"index", "index_put", "index_put_", "_index_put_impl_", "_unsafe_index"}
COPIES = {"_to_copy", "copy_", "copy"}


class Simulated(torch.Tensor):
    """A tensor of the accelerator, which holds the tensor of the CPU that it stands for."""

    inner: Tensor

    @staticmethod
    def __new__(cls, inner: Tensor) -> Simulated:
        strided = inner.layout == torch.strided
        return torch.Tensor._make_wrapper_subclass(  # type: ignore[attr-defined,no-any-return]
            cls,
            inner.shape,
            strides=inner.stride() if strided else None,
            storage_offset=inner.storage_offset() if strided else None,
            dtype=inner.dtype,
            layout=inner.layout,
            device=DEVICE,
            dispatch_layout=not strided,
        )

    def __init__(self, inner: Tensor) -> None:
        self.inner = inner

    __torch_function__ = torch._C._disabled_torch_function_impl  # type: ignore[assignment]

    @classmethod
    def __torch_dispatch__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return _call(func, args, kwargs or {})

    @property
    def is_sparse(self) -> bool:
        return self.inner.is_sparse

    @property
    def is_sparse_csr(self) -> bool:
        return self.inner.is_sparse_csr

    def tolist(self) -> Any:
        return self.cpu().tolist()

    def __reduce_ex__(self, protocol: Any) -> Any:
        return self.inner.__reduce_ex__(protocol)

    def __repr__(self, *, tensor_contents: Any = None) -> str:
        return f"Simulated({self.inner})"


class Accelerator:
    """What was done with the device.

    Attributes:
        waits: How often the host waited for the device, by the operation.
        uploads: How often a tensor was copied to the device.
        rng: State of the device's own random generator.
    """

    def __init__(self) -> None:
        self.waits: Counter[str] = Counter()
        self.uploads = 0
        self.rng = torch.Generator().manual_seed(0).get_state()

    @contextmanager
    def waiting(self) -> Iterator[Counter[str]]:
        """Count how often the host waits in a block of code."""
        before, counts = Counter(self.waits), Counter[str]()
        yield counts
        counts.update(self.waits - before)


class _Mode(TorchDispatchMode):
    """Makes tensors of the accelerator where one is asked for, in one thread."""

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False  # which would import the compiler

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return _call(func, args, kwargs or {})


_present: list[Accelerator] = []


def on_device(value: Any) -> bool:
    """Return whether a tensor, or a device, is the accelerator's."""
    if isinstance(value, Tensor):
        return isinstance(value, Simulated)
    return value is not None and torch.device(value).type == KIND


def _inner(value: Any) -> Any:
    if isinstance(value, Simulated):
        return value.inner
    return torch.device("cpu") if isinstance(value, torch.device) and on_device(value) else value


def _call(func: Any, args: Any, kwargs: Any) -> Any:
    """Do an operation on the CPU, and return its results on the device that they belong to."""
    if func is torch.ops.prim.layout.default:
        return args[0].inner.layout
    tensors = list(leaves((args, kwargs), Tensor))
    simulated = [tensor for tensor in tensors if isinstance(tensor, Simulated)]
    device = kwargs.get("device")
    there = bool(simulated) if device is None else on_device(device)
    if not simulated and not there:
        return func(*args, **kwargs)
    if _name(func) in COPIES:
        there = on_device(args[0] if device is None else device)
    elif len(simulated) < len(tensors):
        _check_devices(func, args, tensors)
    _count(func, args, kwargs, there)
    results = _computed(func, args, kwargs, there)
    by_id = {id(tensor.inner): tensor for tensor in simulated}

    def returned(value: Any) -> Any:
        if not isinstance(value, Tensor):
            return value
        return by_id[id(value)] if id(value) in by_id else Simulated(value)

    if any(tensor.shape != tensor.inner.shape for tensor in simulated):
        raise NotImplementedError(f"{func} changes a shape in place, which is not simulated")
    return mapped(returned, results) if there else results


def _computed(func: Any, args: Any, kwargs: Any, there: bool) -> Any:
    """Return the results of an operation on the CPU."""
    args, kwargs = mapped(_inner, args), mapped(_inner, kwargs)
    if isinstance(kwargs.get("device"), str):
        kwargs["device"] = "cpu"
    kwargs.pop("pin_memory", None)
    if not there or torch.Tag.nondeterministic_seeded not in func.tags:
        return func(*args, **kwargs)
    if any(leaves((args, kwargs), torch.Generator)):
        raise RuntimeError(f"{func}: expected a '{KIND}' device type for generator, not 'cpu'")
    host = torch.get_rng_state()
    torch.set_rng_state(_present[-1].rng)
    try:
        return func(*args, **kwargs)
    finally:
        _present[-1].rng = torch.get_rng_state()
        torch.set_rng_state(host)


@functools.cache
def _name(func: Any) -> str:
    return func._schema.name.removeprefix("aten::")  # type: ignore[no-any-return]


def _check_devices(func: Any, args: Any, tensors: list[Tensor]) -> None:
    """Refuse tensors of both devices, where CUDA refuses them."""
    name = _name(func)
    wrong = [tensor for tensor in tensors if not isinstance(tensor, Simulated)]
    scalars = name in TAKE_SCALARS or torch.Tag.pointwise in func.tags
    scalars &= not name.endswith("_") or on_device(args[0])
    if name in INDEXING and on_device(args[0]):
        indices = {id(index) for index in args[1] if index is not None}
        wrong = [tensor for tensor in wrong if id(tensor) not in indices and tensor.dim()]
    elif scalars or name.startswith("_foreach_"):
        wrong = [tensor for tensor in wrong if tensor.dim()]
    if wrong:
        message = f"{func}: expected all tensors to be on {DEVICE}, but some are on the CPU, of"
        raise RuntimeError(f"{message} shapes {[list(tensor.shape) for tensor in wrong]}")


def _count(func: Any, args: Any, kwargs: Any, there: bool) -> None:
    """Count copies between devices and operations that the host waits for."""
    device, name = _present[-1], _name(func)
    if name in COPIES:
        source = args[0] if name == "_to_copy" else args[1]
        device.waits["copy to the CPU"] += on_device(source) and not there
        device.uploads += there and not on_device(source)
    elif name in INDEXING:
        indices = [index for index in args[1] if index is not None]
        device.uploads += sum(not on_device(index) for index in indices)
        masks = (torch.bool, torch.uint8)
        device.waits["index by a mask"] += any(index.dtype in masks for index in indices)
    elif name == "repeat_interleave" and kwargs.get("output_size") is None:
        device.waits[name] += 1
    elif name in WAITS:
        device.waits[WAITS[name]] += 1


def _set_state(state: Tensor, device: Any = None) -> None:
    assert not on_device(state), "the state of a generator is a tensor of the CPU"
    _present[-1].rng = state.clone()


def _seed_all(seed: int) -> None:
    _present[-1].rng = torch.Generator().manual_seed(seed).get_state()


#: What ``torch.cuda`` is for CUDA; torch remembers the one that it has seen first.
MODULE = SimpleNamespace(
    is_available=lambda: bool(_present),
    device_count=lambda: len(_present),
    current_device=lambda: 0,
    get_rng_state=lambda device=None: _present[-1].rng.clone(),
    set_rng_state=_set_state,
    manual_seed=_seed_all,
    manual_seed_all=_seed_all,
    synchronize=lambda device=None: None,
)


def _replacements() -> list[tuple[Any, str, Any]]:
    """Return what torch has of its own for each device, and what to put in its place."""
    load, seed, autocast = torch.load, torch.manual_seed, torch.autocast
    fused: Callable[[], list[str]] = optimizer._get_fused_kernels_supported_devices

    def load_to(file: Any, map_location: Any = None, **options: Any) -> Any:
        if not on_device(map_location):
            return load(file, map_location=map_location, **options)
        there = load(file, map_location="cpu", **options)
        return mapped(lambda v: v.to(DEVICE) if isinstance(v, Tensor) else v, there)

    def seed_both(value: int) -> torch.Generator:
        _seed_all(int(value))
        return seed(value)

    def autocast_of(kind: str, *args: Any, **options: Any) -> Any:
        return autocast("cpu", enabled=False) if kind == KIND else autocast(kind, *args, **options)

    def run_in_mode(thread: threading.Thread, run: Any = threading.Thread.run) -> None:
        with _Mode():
            run(thread)

    return [
        (threading.Thread, "run", run_in_mode),
        (torch, KIND, MODULE),
        (torch, "load", load_to),
        (torch, "manual_seed", seed_both),
        (torch, "autocast", autocast_of),
        (torch.Tensor, "pin_memory", lambda tensor, *_: tensor),
        (optimizer, "_get_fused_kernels_supported_devices", lambda: [*fused(), KIND]),
    ]


@contextmanager
def simulated() -> Iterator[Accelerator]:
    """Have the accelerator within a block of code, and in the threads that it starts."""
    device = Accelerator()
    with pytest.MonkeyPatch.context() as patch:
        for owner, name, value in _replacements():
            patch.setattr(owner, name, value, raising=False)
        _present.append(device)
        torch._C._set_only_lift_cpu_tensors(True)  # torch.tensor copies what it has made
        try:
            with _Mode():
                yield device
        finally:
            torch._C._set_only_lift_cpu_tensors(False)
            _present.pop()
