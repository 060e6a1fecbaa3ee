"""Mining on a cluster of two Ray nodes that loses a worker and a node: run by ``test_ray.py``.

Writes ``result.json`` to its first argument, a folder. Everything listens on 127.0.0.1, in a
network namespace without any other address.
"""

import json
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import ray
from ray.cluster_utils import Cluster

import gneg
from gneg.datasets import negatives, positives
from gneg.integrations.ray import RayEngine


class Lossy(RayEngine):
    """An engine whose cluster loses what makes some of the pieces, once each."""

    def __init__(self, marks: Path, lost: Callable[[int], None]) -> None:
        super().__init__()
        self.marks, self.lost = marks, lost

    def run(self, make: Callable[[Any], Any], keys: Sequence[Any]) -> Iterator[tuple[Any, Any]]:
        marks, lives = self.marks, sorted(keys, key=str)[len(keys) // 4]

        def slowly(key: Any) -> Any:
            time.sleep(0.05)
            with (marks / f"{key}").open("a") as file:
                file.write(f"{os.getpid()}\n")
            if key == lives and len((marks / f"{key}").read_text().split()) == 1:
                os.kill(os.getpid(), signal.SIGKILL)
            return make(key)

        for count, (key, result) in enumerate(super().run(slowly, keys)):
            self.lost(count)
            yield key, result


def main() -> None:
    positives.ROWS = 64  # positives of a piece: many pieces of a small graph
    folder, root = Path(sys.argv[1]), sys.argv[2]
    data = gneg.datasets.load("Cora", root=root)
    checks = {"health_check_initial_delay_ms": 0, "health_check_period_ms": 500}
    checks |= {"health_check_timeout_ms": 1000, "health_check_failure_threshold": 4}
    head = {"num_cpus": 1, "node_ip_address": "127.0.0.1", "_system_config": checks}
    cluster = Cluster(initialize_head=True, head_node_args=head)
    second = cluster.add_node(num_cpus=1, node_ip_address="127.0.0.1")
    cluster.wait_for_nodes()
    ray.init(address=cluster.address, log_to_driver=False, logging_level="ERROR")
    nodes = len(ray.nodes())

    def lose_node(count: int) -> None:
        if count == 10:
            cluster.remove_node(second, allow_graceful=False)

    marks = folder / "marks"
    marks.mkdir()
    engine = Lossy(marks, lose_node)
    negatives.sample(data, "walk", k=5, out=folder / "ray", engine=engine)
    tries = [len(path.read_text().split()) for path in marks.iterdir()]
    hard = gneg.hardset(data, k=20, out=folder / "hard-ray.npz", engine=RayEngine())
    audit = gneg.audit(data, "walk", negatives=5_000, engine=RayEngine())
    result = {
        "nodes": nodes,
        "alive": sum(node["Alive"] for node in ray.nodes()),
        "pieces": len(tries),
        "repeated": sum(count > 1 for count in tries),
        "hard": hard.index.sum().item(),
        "risk": audit["risk"],
    }
    (folder / "result.json").write_text(json.dumps(result))
    ray.shutdown()
    cluster.shutdown()


if __name__ == "__main__":
    main()
