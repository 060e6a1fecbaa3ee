"""Answers of models written to files, with what decides them in the header."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import torch

from gneg import files
from gneg.prediction.export import write_answers
from gneg.prediction.link import LinkModel
from gneg.prediction.model import MEMORY_MB, IntArray
from gneg.prediction.ranking import Candidates
from gneg.prediction.retrieve import Side
from gneg.prediction.triple import TripleModel
from gneg.prediction.triple_ranking import Part

#: Writes a page of the tables of answers, given the header of their file.
Page = Callable[[dict[str, Any], Iterator[pa.Table]], object]
#: Called with the numbers of answered and of all queries.
Report = Callable[[int, int], object]


def write_links(
    model: LinkModel,
    out: str | Path,
    ids: IntArray,
    k: int = 20,
    *,
    side: Side = "target",
    candidates: Candidates = None,
    keep_known: bool = False,
    why: bool = False,
    memory_mb: int = MEMORY_MB,
    check: bool = True,
    fresh: bool = False,
    report: Report | None = None,
    page: Page | None = None,
    command: str = "gneg.prediction.write_links()",
) -> dict[str, Any]:
    """Write :meth:`LinkModel.recommend` for many nodes: streamed, resumed, whole or not at all.

    Args:
        model: The model.
        out: The file: ``.parquet``, ``.csv`` or ``.jsonl``.
        ids: Ids of the nodes, ``[n]``.
        k: Links of each node, >= 1.
        side: The end that is looked for.
        candidates: Candidates that are scored for each node.
        keep_known: Whether known links are listed too.
        why: Whether to say why.
        memory_mb: Memory for scores, in megabytes.
        check: Whether to measure the recall of the candidates on some nodes.
        fresh: Whether to replace the file, and to start again.
        report: Called after each piece.
        page: Called with the header and all tables, to write a page of them.
        command: The command line or call, for the record.

    Returns:
        The header of the file: its settings, under ``"recall"`` the measured recall, and under
        ``"unanswered"`` the number of nodes without a row, as all their links are known.

    Raises:
        ValueError: If the file exists and ``fresh`` is False, or an argument is out of range.
    """
    options = {
        "side": side,
        "candidates": candidates,
        "keep_known": keep_known,
        "why": why,
    }
    number = model.ranker(side).number(candidates, k, len(ids))
    settings = {**_of(model, ids, k), **options, "scored": number or "all"}
    recall = 1.0 if number is None else None
    if number is not None and check:
        recall = model.retrieval_recall(k, side=side, candidates=number)

    def answers(low: int, high: int) -> Any:
        return model.answers(ids[low:high], k, memory_mb=memory_mb, **chosen)  # type: ignore[arg-type]

    chosen = {**options, "candidates": number or "all"}
    info = {"recall": recall, "command": command}
    header = {**settings, **info}
    header["unanswered"] = write_answers(
        out,
        len(ids),
        answers,
        settings,
        info=info,
        fresh=fresh,
        report=report,
        page=None if page is None else partial(page, header),
    )
    return header


def write_completions(
    model: TripleModel,
    out: str | Path,
    query: dict[str, IntArray],
    part: Part,
    k: int = 20,
    *,
    keep_known: bool = False,
    why: bool = False,
    memory_mb: int = MEMORY_MB,
    fresh: bool = False,
    report: Report | None = None,
    page: Page | None = None,
    command: str = "gneg.prediction.write_completions()",
) -> dict[str, Any]:
    """Write the answers to many queries of a knowledge graph, as :func:`write_links` does.

    Args:
        model: The model.
        out: The file: ``.parquet``, ``.csv`` or ``.jsonl``.
        query: Ids ``[n]`` of the two parts that are given.
        part: The part that is looked for.
        k: Number of answers to each, >= 1.
        keep_known: Whether known triples are listed too.
        why: Whether to say why.
        memory_mb: Memory for scores, in megabytes.
        fresh: Whether to replace the file, and to start again.
        report: Called after each piece.
        page: Called with the header and all tables, to write a page of them.
        command: The command line or call, for the record.

    Returns:
        The header of the file: its settings and, under ``"unanswered"``, the number of queries
        without a row, as all their answers are known.

    Raises:
        ValueError: As for :func:`write_links`.
    """
    ids = np.stack(list(query.values()))
    options = {"keep_known": keep_known, "why": why}
    settings = {**_of(model, ids, k), **options, "given": list(query), "part": part}

    def answers(low: int, high: int) -> Any:
        chunk = {name: values[low:high] for name, values in query.items()}
        return model.answers(chunk, part, k, memory_mb=memory_mb, **options)

    info = {"command": command}
    header = {**settings, **info}
    header["unanswered"] = write_answers(
        out,
        ids.shape[1],
        answers,
        settings,
        info=info,
        fresh=fresh,
        report=report,
        page=None if page is None else partial(page, header),
    )
    return header


def _of(model: LinkModel | TripleModel, ids: IntArray, k: int) -> dict[str, Any]:
    """Return what decides the answers of a model to queries."""
    return {
        "dataset": model.data.name,
        "model": model.fingerprint,
        "queries": files.digest(ids.shape, torch.from_numpy(np.ascontiguousarray(ids))),
        "k": k,
    }
