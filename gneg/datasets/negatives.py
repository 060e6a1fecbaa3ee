"""Negatives of a whole dataset, written as they are drawn."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from torch import Tensor

from gneg import checks, files
from gneg.datasets import LinkData
from gneg.graph.known import KnownPolicy
from gneg.rng import generator_from, split_seed
from gneg.samplers.base import Corrupt, Score
from gneg.samplers.formats import columns
from gneg.samplers.formats.columns import Columns, read, suffix_of, write

__all__ = ["sample"]

ROWS = 2**16  # positives drawn, and kept, at once


def sample(
    data: LinkData,
    sampler: str = "uniform",
    *,
    k: int = 10,
    out: str | Path,
    part: str = "train",
    known: KnownPolicy = "train",
    corrupt: Corrupt = "dst",
    score: Score | None = None,
    z: Tensor | None = None,
    seed: int = 0,
    fresh: bool = False,
    report: Callable[[int, int], object] | None = None,
    command: str = "gneg.sample()",
) -> dict[str, Any]:
    """Draw ``k`` negatives of every positive and write them, reproducible to the bit.

    A row of the file is a positive: ``src``, the kept end; ``replaced``, the other; ``side``, True
    where the source was replaced; ``index [K]``, -1 where a node has no more non-edges; and
    ``log_q [K]`` where the sampler has a density. Its header holds the hash of the graph, the
    sampler, the seed, what was known, and versions.

    Args:
        data: The dataset.
        sampler: An expression.
        k: Negatives per positive.
        out: ``.parquet``, ``.npz`` or ``.csv``; finished parts are kept beside it meanwhile.
        part: The positives: ``train``, ``valid`` or ``test``.
        known: Edges that negatives avoid.
        corrupt: The end that is replaced.
        score: A trained model, for samplers that select by one.
        z: ``[N, D]`` embeddings of that model, see :func:`gneg.audit`.
        seed: Of all randomness.
        fresh: Start again even if there are finished parts.
        report: Called with the positives done and all.
        command: What was typed, for the record.

    Returns:
        The header.

    Raises:
        ValueError: If an argument is out of range, or the sampler needs a model that is not given.
    """
    out = Path(out)
    suffix_of(out)
    pos = data.positives(part)
    made = data.sampler(sampler, known=known, corrupt=corrupt, z=z)
    vectors = None if z is None else data.sides(z)
    settings = {
        "dataset": data.name,
        "split": data.split,
        "part": part,
        "graph": data.graph.fingerprint(),
        "sampler": sampler,
        "k": checks.integer("k", k, 1),
        "known": known,
        "corrupt": corrupt,
        "seed": seed,
    }
    info = {**settings, "command": command, "versions": files.versions()}
    parts = files.Parts(out, settings, fresh=fresh)
    pieces = [parts.path(f"{i:06d}.npz") for i in range(-(-pos.size(1) // ROWS))]
    for i, piece in enumerate(pieces):
        if not piece.exists():
            some = pos[:, i * ROWS : (i + 1) * ROWS]
            generator = generator_from(split_seed(seed, i))
            drawn = made.sample(some, k, score=score, z=vectors, generator=generator)
            write(piece, [columns(drawn)], {})
        if report is not None:
            report(min((i + 1) * ROWS, pos.size(1)), pos.size(1))
    write(out, _each(pieces), info)
    parts.remove()
    return info


def _each(pieces: list[Path]) -> Iterator[Columns]:
    for piece in pieces:
        yield read(piece)[0]
