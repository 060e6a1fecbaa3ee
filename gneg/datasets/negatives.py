"""Negatives of all positives of a dataset, drawn and written to a file or a folder of files."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from torch import Tensor

from gneg import checks, files, records
from gneg.datasets import LinkData, TripleData, as_data
from gneg.datasets.graph_data import GraphData, is_stored
from gneg.datasets.names import Names
from gneg.datasets.positives import Positives, positives_of
from gneg.graph.known import KnownPolicy
from gneg.graph.triples import TripleCorrupt
from gneg.rng import generator_from, split_seed
from gneg.samplers import Sampler
from gneg.samplers.base import Corrupt, IntArray
from gneg.samplers.formats import shards
from gneg.samplers.formats.columns import SUFFIXES, Columns, is_whole, read, write
from gneg.samplers.formats.engine import Engine, Local
from gneg.samplers.formats.parts import Parts
from gneg.samplers.formats.store import columns as columns_of
from gneg.samplers.negatives import Density, Vectors
from gneg.samplers.triples import TripleSampler

__all__ = ["sample"]

#: ``score(src, dst)`` of pairs or ``score(head, relation, tail)`` of triples, all of one shape.
Score = Callable[..., Tensor]
SCORES = 256  # of a model that are hashed


def sample(
    data: LinkData | TripleData | GraphData | str | Path,
    sampler: str = "uniform",
    *,
    k: int = 10,
    out: str | Path,
    part: str | None = None,
    nodes: Sequence[str | int] | None = None,
    known: KnownPolicy = "train",
    corrupt: Corrupt | TripleCorrupt | None = None,
    score: Score | None = None,
    z: Tensor | None = None,
    log_q: bool = True,
    seed: int = 0,
    fresh: bool = False,
    engine: Engine | None = None,
    report: Callable[[int, int], object] | None = None,
    command: str = "gneg.sample()",
) -> dict[str, Any]:
    """Draw ``k`` negatives of every positive and write them, reproducible to the bit.

    A row of the file is a positive: ``src``, the query; ``replaced``, the end that negatives
    replace; ``side``, True where that is the source; ``index [K]``, -1 where a query has no further
    non-edges; and ``log_q [K]`` where the sampler has a density. A triple is ``head``,
    ``relation`` and ``tail`` in place of the first two; ``side`` is True where negatives replace
    the head. Where the data have names, Parquet and csv hold them too: ``src_name``,
    ``replaced_name`` (``head_name``, ``relation_name``, ``tail_name``) and ``index_name [K]``. The
    header holds the hash of the graph, the sampler, the seed, the policy of known edges, and
    versions.

    Args:
        data: The dataset of edges or the knowledge graph, or its name or path; a stored graph, or
            its folder, is not split.
        sampler: The expression of a sampler.
        k: Negatives per positive.
        out: File to write, ``.parquet``, ``.npz`` or ``.csv``; finished pieces are stored beside it
            until all are drawn. Without a suffix: a folder with a Parquet file for each piece,
            and a manifest once all are there (see :mod:`gneg.samplers.formats.shards`).
        part: The part of the positives: ``train`` (None), ``valid`` or ``test``; None for all edges
            of a stored graph, which it does not fit in.
        nodes: Sources or heads, by name or id, whose positives alone are drawn for; None: all.
        known: Edges or triples that negatives avoid.
        corrupt: The end that is replaced: ``dst``, ``src`` or ``both``; of triples ``tail``,
            ``head``, ``both`` or ``bernoulli``; if None ``dst``, of triples ``both``.
        score: A trained model, ``score(src, dst)`` or ``score(head, relation, tail)``, for samplers
            that select by a model.
        z: ``[N, D]`` embeddings of that model, for samplers that look for similar nodes.
        log_q: Whether to write log probabilities where there are any; those of walks take several
            times as long as the walks.
        seed: Seed of all draws.
        fresh: Whether to start again even if there are finished pieces, or a finished file.
        engine: What draws the pieces, with the same result; None: this process.
        report: Called after each piece with the numbers of finished and of all positives.
        command: The command line or call, for the record.

    Returns:
        The header.

    Raises:
        ValueError: If an argument is out of range, or the sampler needs a model and there is none.
    """
    data = _opened(data, part, score)
    if not isinstance(data, GraphData):
        part = part or "train"
    if corrupt is None:
        corrupt = "both" if isinstance(data, TripleData) else "dst"
    folder = shards.is_folder(out)
    out = check_out(out, fresh=fresh)
    positives = positives_of(data, part, nodes)
    if not positives.count:
        checks.fail("part" if nodes is None else "nodes", "with positives", part or data.name)
    built = data.sampler(sampler, known=known, corrupt=corrupt, z=z)  # type: ignore[arg-type]
    if "score" in built.needs and score is None:
        allowed = f"a model, for the sampler {sampler}, which selects by one"
        checks.fail("score", allowed, None, hint="on the command line --model RUN")
    # Others than those that need keys hold the embeddings already.
    vectors = _vectors(data, z) if "keys" in built.needs else None
    settings = {
        "dataset": data.name,
        "split": data.split,
        "part": part,
        "graph": (data.triples if isinstance(data, TripleData) else data.graph).fingerprint(),
        "sampler": sampler,
        "k": checks.integer("k", k, 1),
        "known": known,
        "corrupt": corrupt,
        "seed": seed,
        "log_q": log_q,
        **({} if nodes is None else {"nodes": files.digest(list(nodes))}),
        **_model_of(positives, score, z),
    }
    info = {**settings, "command": command, "versions": records.versions()}
    if folder:
        store, target, suffix = shards.Shards(out, settings, fresh=fresh), out, shards.SUFFIX
    else:
        parts = Parts(out, settings, fresh=fresh)
        target, suffix = parts.folder, ".npz"
    names = None if data.end_names[0] is None else data.end_names
    drawing = _Drawing(
        sampler=built,
        positives=positives,
        k=k,
        score=score,
        z=vectors,
        log_q=log_q,
        seed=seed,
        names=names if folder else None,
        header={**settings, "versions": records.versions()} if folder else {},
        folder=target,
        suffix=suffix,
    )
    pieces = range(positives.pieces)
    missing = [piece for piece in pieces if not is_whole(drawing.path(piece))]
    finished = len(pieces) - len(missing)
    for _ in (engine or Local()).run(drawing, missing):
        finished += 1
        if report is not None:
            report(finished * positives.count // len(pieces), positives.count)
    if folder:
        store.finish(info, len(pieces))
        return info
    drawn_columns = (read(drawing.path(piece))[0] for piece in pieces)
    if out.suffix != ".npz" and names is not None:
        drawn_columns = (_with_names(columns, names) for columns in drawn_columns)
    write(out, drawn_columns, info, rows=positives.count)
    parts.remove()
    return info


def check_out(out: str | Path, *, fresh: bool, inputs: Iterable[str | Path | None] = ()) -> Path:
    """Return the file of negatives, or the folder of pieces, if it can be written.

    Args:
        out: The file or folder.
        fresh: Whether a finished file is replaced.
        inputs: Files that are read.

    Raises:
        ValueError: If its suffix is unknown, it cannot be written or a file is there.
    """
    if shards.is_folder(out):
        return files.check_output("out", out, folder=True, inputs=inputs)
    return files.check_file("out", out, SUFFIXES, fresh=fresh, inputs=inputs)


def _opened(
    data: LinkData | TripleData | GraphData | str | Path, part: str | None, score: Score | None
) -> LinkData | TripleData | GraphData:
    """Return the data, loaded by its name or path if it is given so; a stored graph as a whole.

    Held-out triples of an inductive split are those of its second graph, which no model was trained
    on.
    """
    if isinstance(data, str | Path) and part is None and is_stored(data):
        return GraphData.open(data)
    data = data if isinstance(data, GraphData) else as_data(data)
    if not isinstance(data, TripleData) or part in (None, "train"):
        return data
    if data.inference is not None and score is not None:
        allowed = f"None for the {part} triples of an inductive split, of other entities"
        checks.fail("score", allowed, "a model")
    return data.ranked


def _vectors(data: LinkData | TripleData | GraphData, z: Tensor | None) -> Vectors | None:
    """Return embeddings ``[N, D]`` in the form that ``sample`` of a sampler takes."""
    return z if z is None or isinstance(data, TripleData) else data.sides(z)


def _model_of(positives: Positives, score: Score | None, z: Tensor | None) -> dict[str, str]:
    """Return a hash of a model, by its embeddings and some of its scores; empty without one."""
    tensors = [] if z is None else [z.detach()]
    if score is not None:
        tensors.append(score(*positives.piece(0)[:, :SCORES]).detach())
    return {"model": files.digest("model", *tensors)} if tensors else {}


@dataclass(frozen=True)
class _Drawing:
    """What draws and writes the negatives of a piece, in any process.

    Attributes:
        sampler: The sampler.
        positives: The positives, in pieces.
        k: Negatives per positive.
        score: Scores of a trained model; None: none.
        z: Embeddings that are stored with the negatives; None: none.
        log_q: Whether to write log probabilities.
        seed: Seed of all draws.
        names: Names of each row of the positives, which are written too; None: ids only.
        header: The header of each file.
        folder: The folder of the pieces.
        suffix: The suffix of their names.
    """

    sampler: Sampler | TripleSampler
    positives: Positives
    k: int
    score: Score | None
    z: Vectors | None
    log_q: bool
    seed: int
    names: tuple[Names | None, ...] | None
    header: dict[str, Any]
    folder: Path
    suffix: str

    def path(self, piece: int) -> Path:
        """Return the path of the file of a piece."""
        return shards.shard_path(self.folder, piece, self.suffix)

    def __call__(self, piece: int) -> None:
        """Draw and write a piece."""
        pos = self.positives.piece(piece)
        generator = generator_from(split_seed(self.seed, piece))
        model: dict[str, Any] = {"score": self.score, "z": self.z}
        drawn = self.sampler.sample(pos, self.k, **model, generator=generator)
        if not self.log_q:
            drawn = replace(drawn, density=Density())
        columns = columns_of(drawn)
        if self.names is not None:
            columns = _with_names(columns, self.names)
        write(self.path(piece), [columns], self.header, rows=pos.size(1))


def _with_names(columns: Columns, names: tuple[Names | None, ...]) -> Columns:
    """Return columns of ids with the columns of their names."""
    source, *middle, target = names
    assert source is not None
    assert target is not None
    replaces_source = columns["side"]

    def named(ids: IntArray, of_source: npt.NDArray[np.bool_]) -> npt.NDArray[np.object_]:
        text = np.full(ids.shape, None, object)
        for mask, side_names in ((of_source, source), (~of_source, target)):
            chosen = np.broadcast_to(mask, ids.shape) & (ids >= 0)
            text[chosen] = _text(side_names, ids[chosen])
        return text

    relations = middle[0] if middle else None
    return {
        **columns,
        "src_name": named(columns["src"], ~replaces_source),
        "replaced_name": named(columns["replaced"], replaces_source),
        "index_name": named(columns["index"], replaces_source[:, None]),
        **({} if relations is None else {"relation_name": _text(relations, columns["relation"])}),
    }


def _text(names: Names, ids: IntArray) -> npt.NDArray[np.object_]:
    text: npt.NDArray[np.object_] = names.of(ids).cast("string").to_numpy(zero_copy_only=False)
    return text
