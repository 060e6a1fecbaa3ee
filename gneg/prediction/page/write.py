"""The page of answers: columns packed into one HTML file, which a script in it reads."""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Iterable, Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from gneg import files
from gneg.datasets import LinkData, TripleData
from gneg.prediction.calibrate import Calibration
from gneg.prediction.page import answers
from gneg.prediction.page.answers import Answers, IntArray, Roles
from gneg.prediction.page.known import KnownLinks

ROWS = 1_000_000  # answers on a page
SIZE = 40_000_000  # bytes of a page
LINKS = 2_000_000  # ends of known links on a page
MEANING = (
    "The probability of a {link} is the share of held-out {link}s among all {pairs} that score as "
    "it does: what it would be if the {link}s that are missing are as many as those that were held "
    "out, and like them."
)


def write_page(
    path: str | Path,
    tables: Iterable[pa.Table],
    data: LinkData | TripleData,
    *,
    title: str,
    info: Mapping[str, Any],
    calibration: Calibration | None,
) -> None:
    """Write a page to look at answers: nodes by name, their predicted and their known links.

    Of more than 1,000,000 answers, or 40 MB, those to the queries with the most probable answers
    are on the page, and it says so.

    Args:
        path: The file, ``.html``.
        tables: The answers, as :meth:`gneg.prediction.LinkModel.answers` returns them: columns
            source, target, score, probability, known and perhaps why; of triples head, relation
            and tail in place of source and target. A query is in one of them as a whole.
        data: The dataset, for the names and the known links.
        title: The heading.
        info: How the answers were made, JSON; ``looked_for`` is the column of the answer.
        calibration: Where the probabilities come from; None: nothing is said of it.

    Raises:
        ImportError: If jinja2 is not installed.
        ValueError: If a column is missing or a name is unknown.
        WriteError: If it cannot be written.
    """
    columns = answers.roles(data, info.get("looked_for"))
    best, *totals = answers.collect(tables, data, columns, ROWS)
    links = KnownLinks.of(data)
    link, pairs = (
        ("triple", "pairs of a query and an entity outside training")
        if isinstance(data, TripleData)
        else ("link", "pairs outside training")
    )
    meaning = MEANING.format(link=link, pairs=pairs)
    facts = {"meaning": meaning, "title": title, "info": _facts(info), "calibration": calibration}
    while True:
        content = _page({**facts, **_content(best, totals, columns, data, links)})
        fewer = int(0.95 * len(best) * SIZE / len(content.encode("utf-8")))
        if fewer >= 0.95 * len(best):
            break
        before = len(best)
        best = best.best(fewer, columns.asked)
        if len(best) == before:  # one query, which is there as a whole
            break
    files.write_whole(Path(path), lambda temporary: temporary.write_text(content, "utf-8"))


def _page(values: Mapping[str, Any]) -> str:
    """Return the page as HTML."""
    try:
        import jinja2
    except ImportError as error:
        raise ImportError("a page needs jinja2: pip install 'gneg[report]'") from error
    environment = jinja2.Environment(
        loader=jinja2.DictLoader({"page": _text("page.html")}),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
    )
    return environment.get_template("page").render(
        **values,
        bins=json.dumps(list(values["calibration"].reliability if values["calibration"] else ())),
        style=_text("page.css"),
        script="".join(_text(f"{name}.js") for name in ("data", "drawing", "page")),
    )


def _content(
    best: Answers,
    totals: Sequence[int],
    columns: Roles,
    data: LinkData | TripleData,
    links: KnownLinks,
) -> dict[str, Any]:
    """Return the data of the page, for its script, and what is said of them."""
    listed = np.unique(np.concatenate([best.node, best.partner[best.partner >= 0]]))
    near, most = links.around(listed, LINKS)
    nodes = np.unique(np.concatenate([listed, near.other]))
    near = near.renumbered(nodes)
    relations = _names(data, "relation", None) if isinstance(data, TripleData) else None
    num_src = None if isinstance(data, TripleData) else data.num_src
    record = {
        "names": _node_names(data, nodes),
        "sources": None if num_src is None else int(np.searchsorted(nodes, num_src)),
        "relations": relations,
        "roles": {"node": columns.node, "partner": columns.partner, "asked": columns.asked},
        "directed": isinstance(data, TripleData) or not (data.undirected or num_src is not None),
        "answers": _answer_blocks(best, nodes),
        "links": {
            "starts": _block(near.starts, "Int32"),
            "other": _block(near.other, "Int32"),
            "kind": _block(near.kind, "Int32"),
            "degree": _block(near.degree, "Int32"),
        },
    }
    count = len(np.unique(best.node))
    return {
        "data": json.dumps(record, ensure_ascii=False).replace("<", "\\u003c"),
        "columns": columns,
        "counts": {"nodes": count, "answers": len(best), "all_nodes": totals[0]},
        "all_answers": totals[1],
        "links_each": most,
    }


def _answer_blocks(best: Answers, nodes: IntArray) -> dict[str, Any]:
    """Return the columns of answers, sorted by node."""
    counts = np.bincount(np.searchsorted(nodes, best.node), minlength=len(nodes))
    partner = np.where(best.partner < 0, -1, np.searchsorted(nodes, best.partner))
    blocks: dict[str, Any] = {
        "starts": _block(np.concatenate([[0], np.cumsum(counts)]), "Int32"),
        "partner": _block(partner, "Int32"),
        "relation": _block(best.relation, "Int32"),
        "score": _block(best.score, "Float32"),
        "probability": _block(best.probability, "Float32"),
        "known": _block(best.known, "Uint8"),
    }
    if best.why is not None:
        reasons = [(text or "").encode("utf-8") for text in best.why.to_pylist()]
        ends = np.concatenate([[0], np.cumsum([len(text) for text in reasons])])
        blocks["whyStarts"] = _block(ends, "Int32")
        blocks["why"] = _packed(b"".join(reasons), "Uint8")
    return blocks


def _block(values: npt.NDArray[Any], kind: Literal["Int32", "Float32", "Uint8"]) -> dict[str, str]:
    """Return an array for ``new Int32Array(buffer)``, deflated."""
    return _packed(values.astype(np.dtype(kind.lower()).newbyteorder("<")).tobytes(), kind)


def _packed(content: bytes, kind: str) -> dict[str, str]:
    return {"kind": kind, "data": base64.b64encode(zlib.compress(content)).decode("ascii")}


def _node_names(data: LinkData | TripleData, nodes: IntArray) -> list[str]:
    """Return the names of nodes, given by ascending id; sources come first."""
    if isinstance(data, TripleData):
        return _names(data, "head", nodes)
    num_src = data.num_nodes if data.num_src is None else data.num_src
    sources, targets = nodes[nodes < num_src], nodes[nodes >= num_src]
    return _names(data, "source", sources) + _names(data, "target", targets - num_src)


def _names(data: LinkData | TripleData, column: str, ids: IntArray | None) -> list[str]:
    """Return the names of ids in a column; of None all of a relation."""
    names = answers.end_names(data, column)
    if ids is None:
        assert isinstance(data, TripleData)
        ids = np.arange(data.num_relations)
    if names is None:
        return [str(i) for i in ids.tolist()]
    return [str(name) for name in names.of(ids).to_pylist()]


def _facts(info: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return names and values to read."""
    values = ((name, value) for name, value in info.items() if value is not None)
    return [
        (f"{name[0].upper()}{name[1:]}".replace("_", " "), _spoken(value)) for name, value in values
    ]


def _spoken(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {_spoken(part)}" for name, part in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(_spoken(part) for part in value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:,}" if isinstance(value, int) else str(value)


def _text(name: str) -> str:
    return (resources.files("gneg.prediction.page") / name).read_text("utf-8")
