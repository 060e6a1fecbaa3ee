"""Mining on a Ray cluster: the pieces of ``gneg sample``, ``hardset`` and ``audit`` as its tasks.

Ray schedules, retries and moves the data: graph and sampler go to the object store once, and the
workers of a node share that copy, or the files of a graph that is mapped from a folder. A piece is
a function of its key, so that the result has the same bytes as that of one process. Needs
``gneg[ray]``.

What a failure costs: a worker or node that dies, the pieces that it was making, which others make
again; the head node or this process, nothing that is finished: the same command goes on from there.
"""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Any, TypeVar

import ray

from gneg import checks, kernels

Key = TypeVar("Key")

RETRIES = 10  # of a piece whose worker or node died
CONNECT = 10.0  # seconds in which a cluster must answer
AHEAD = 2  # pieces that wait for each processor, so that none is idle

_makers: dict[str, Any] = {}  # of this worker: the last function that it unpacked


class RayEngine:
    """Makes pieces as tasks of a Ray cluster.

    Uses the cluster that this process is connected to, else that of ``address``, else a new one on
    this machine, which listens on 127.0.0.1 only and ends with the work. Results that are files
    must lie on a file system that all nodes share.

    Args:
        address: Address of a cluster, ``host:port`` or ``auto`` (one that runs on this machine);
            None: ``$RAY_ADDRESS``, or a new cluster.
        cpus: Processors of a task, which are the threads of its kernels, >= 1.

    Raises:
        ValueError: If there is no cluster at the address, or none could be started.
    """

    def __init__(self, address: str | None = None, *, cpus: int = 1) -> None:
        self.address = address
        self.cpus = checks.integer("cpus", cpus, 1)

    def run(self, make: Callable[[Key], Any], keys: Sequence[Key]) -> Iterator[tuple[Key, Any]]:
        """Call ``make`` with each key on some worker; yield keys with results as they finish.

        Raises:
            ConnectionError: If a piece was tried :data:`RETRIES` times, or the cluster is lost.
        """
        owned = not ray.is_initialized()
        if owned:
            _connect(self.address, self.cpus)
        running: dict[Any, Key] = {}
        try:
            function = ray.put(make)
            task = ray.remote(_call).options(num_cpus=self.cpus, max_retries=RETRIES)
            waiting = iter(keys)
            while True:
                # The cluster may grow meanwhile.
                slots = AHEAD * max(1, _cpus() // self.cpus)
                for key in islice(waiting, max(0, slots - len(running))):
                    running[task.remote([function], function.hex(), key, self.cpus)] = key
                if not running:
                    return
                finished, _ = ray.wait(list(running), num_returns=1)
                for reference in finished:
                    key = running.pop(reference)
                    yield key, _result(reference)
        finally:
            for reference in running:
                ray.cancel(reference)
            if owned:
                ray.shutdown()


def _connect(address: str | None, cpus: int) -> None:
    """Connect to a cluster, or start one for tasks of so many processors."""
    quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.ERROR}
    address = address or os.environ.get("RAY_ADDRESS")
    # Not a cluster that happens to run here: that of another command ends with it.
    new = {"address": "local", "include_dashboard": False, "_node_ip_address": "127.0.0.1"}
    chosen: dict[str, Any] = {"address": address} if address else new
    try:
        _check_answers(address or "")
        ray.init(**chosen, **quiet)
    except Exception as error:  # Ray raises bare ones, for example where a start takes too long
        reason = str(error).split("\n")[0]
        hint = "start it with: ray start --head"
        checks.fail("address", "that of a Ray cluster that runs", f"{address}: {reason}", hint=hint)
    if not address and cpus > (most := _cpus()):  # no node comes: a task would wait for ever
        ray.shutdown()
        checks.fail("cpus", f"at most {most}, those of this machine", cpus)


def _check_answers(address: str) -> None:
    """Raise an OSError where nothing answers at ``host:port``, which Ray tries for minutes."""
    host, colon, port = address.rpartition("://")[2].rpartition(":")
    if colon and port.isdecimal():
        if int(port) >= 2**16:
            raise ValueError(f"port {port} is beyond {2**16 - 1}")
        socket.create_connection((host.strip("[]"), int(port)), timeout=CONNECT).close()


def _cpus() -> int:
    resources: dict[str, float] = ray.cluster_resources()  # type: ignore[no-untyped-call]
    return int(resources.get("CPU", 1))


def _call(function: list[Any], name: str, key: Any, cpus: int) -> Any:
    """Make a piece on a worker, which unpacks the function once for all of its pieces."""
    if name not in _makers:
        _makers.clear()
        _makers[name] = ray.get(function[0])
        kernels.threads.set_num_threads(cpus)
    return _makers[name](key)


def _result(reference: Any) -> Any:
    """Return what a task returned; raise what it raised, as if it had run here."""
    try:
        return ray.get(reference)
    except ray.exceptions.RayTaskError as error:
        raise error.cause from error
    except ray.exceptions.RayError as error:
        reason = str(error).split("\n")[0]
        message = f"a piece failed {RETRIES + 1} times, or the Ray cluster is lost: {reason}"
        raise ConnectionError(f"{message}; finished pieces are kept") from error
