"""Negatives, hard sets and audits on a Ray cluster, with the bytes of one process.

Without an address a cluster of this machine is started, which listens on 127.0.0.1 only. On the
command line: ``gneg sample graph/ --sampler walk -k 50 --engine ray --out negatives/``.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import gneg
from gneg import datasets
from gneg.integrations.ray import RayEngine
from gneg.samplers import formats


def main() -> None:
    data = datasets.load("digits")
    engine = RayEngine()  # or RayEngine("head-node:6379", cpus=4)
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "negatives"
        # Killed workers and nodes cost what they were making; a killed driver goes on from there.
        gneg.sample(data, "walk", k=10, out=out, engine=engine)
        gneg.sample(data, "walk", k=10, out=Path(folder) / "here")
        same = all(
            path.read_bytes() == (out / path.name).read_bytes()
            for path in (Path(folder) / "here").glob("part-*")
        )
        negatives = formats.load(out, data.graph)
    print(f"{tuple(negatives.index.shape)} negatives; the bytes of one process: {same}")


if __name__ == "__main__":
    main()
