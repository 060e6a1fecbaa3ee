"""Calls that read files of negatives, whole or damaged."""

from __future__ import annotations

import random
import tempfile
from pathlib import Path
from typing import Any

from gneg import KnownEdges, Negatives, samplers
from gneg.samplers import formats
from tests.fuzz.calls import Call, exact
from tests.fuzz.values import positives, world


def of_files(rng: random.Random) -> Call:
    graph = world(rng)
    negatives = samplers.Uniform(graph, corrupt=rng.choice(["dst", "src", "both"])).sample(
        positives(graph, rng), rng.randint(1, 4)
    )
    damage = rng.choice(["none", "cut", "changed", "longer", "empty"])

    def load(name: Any, negatives: Any, graph: Any) -> Negatives:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / name if isinstance(name, str) else name
            formats.save(negatives, path, graph)
            content = path.read_bytes()
            place = rng.randrange(len(content))
            if damage == "cut":
                content = content[:place]
            elif damage == "changed":
                content = content[:place] + rng.randbytes(3) + content[place + 3 :]
            elif damage == "longer":
                content += content[place:]
            elif damage == "empty":
                content = b""
            path.write_bytes(content)
            return formats.load(path, graph)

    name = f"negatives{rng.choice(['.npz', '.csv', '.parquet'])}"
    arguments = {"name": name, "negatives": negatives, "graph": graph}

    def check(loaded: Negatives) -> None:
        exact(graph, KnownEdges(graph))(loaded)

    return Call(load, arguments, check, frozenset({"negatives", "graph"}))
