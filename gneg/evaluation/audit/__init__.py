"""How hard and how risky a sampler's negatives are, and what they cost."""

from __future__ import annotations

from typing import Any, Literal, overload

from torch import Tensor

from gneg import checks
from gneg.datasets import LinkData, TripleData
from gneg.evaluation.audit import pairs, triples
from gneg.evaluation.audit.hardness import Score
from gneg.graph.known import KnownPolicy
from gneg.samplers import Sampler
from gneg.samplers.base import Corrupt
from gneg.samplers.triples import TripleSampler
from gneg.samplers.triples.scoring import TripleScore

__all__ = ["audit"]


@overload
def audit(
    data: LinkData,
    sampler: str | Sampler,
    *,
    k: int = 8,
    negatives: int = 1_000_000,
    score: Score | None = None,
    z: Tensor | None = None,
    known: KnownPolicy = "train",
    corrupt: Corrupt = "both",
    seed: int = 0,
    command: str = "gneg.audit()",
) -> dict[str, Any]: ...


@overload
def audit(
    data: TripleData,
    sampler: str | TripleSampler,
    *,
    k: int = 8,
    negatives: int = 1_000_000,
    score: TripleScore | None = None,
    z: Tensor | None = None,
    known: KnownPolicy = "train",
    corrupt: Literal["both", "head", "tail", "bernoulli"] = "both",
    seed: int = 0,
    command: str = "gneg.audit()",
) -> dict[str, Any]: ...


def audit(
    data: LinkData | TripleData,
    sampler: Any,
    *,
    k: int = 8,
    negatives: int = 1_000_000,
    score: Any = None,
    z: Tensor | None = None,
    known: KnownPolicy = "train",
    corrupt: Any = "both",
    seed: int = 0,
    command: str = "gneg.audit()",
) -> dict[str, Any]:
    """Draw negatives for random training edges, or triples, and measure them.

    The sampler sees training edges only; the held-out ones (valid and test) are counted afterwards
    and stand for the positives that negatives are compared with. Quantiles are those of a sample
    of the pairs, everything else is counted in full.

    Args:
        data: The dataset: of edges, or a knowledge graph.
        sampler: An expression, or a sampler on ``data.graph`` (on ``data.triples``).
        k: Negatives per positive.
        negatives: How many to draw.
        score: A trained model, for samplers that select by one, and to tell how it ranks negatives.
        z: ``[N, D]`` embeddings of that model, for samplers that keep some, or look for similar
            nodes where there are no features.
        known: Edges that negatives avoid; of an expression.
        corrupt: The end that is replaced, ``dst``, ``src`` or ``both``; of triples ``tail``,
            ``head``, ``both`` or ``bernoulli``; of an expression.
        seed: Of all randomness.
        command: What was typed, for the record.

    Returns:
        ``hardness`` (mean and quantiles of each measure, of negatives, of held-out positives, of
        uniform negatives), ``histograms``, ``distances``, ``violating`` (share scored above the
        positive), ``coverage`` (of nodes by targets), ``duplicates`` (in a row),
        ``degree_divergence`` (Jensen-Shannon, in bits), ``risk`` (held-out edges per 1,000
        negatives with a 95 % interval, lift over uniform, expected share), ``guards`` (empty for
        triples), ``cost``.

    Raises:
        ValueError: If an argument is out of range, or the sampler needs a model that is not given.
    """
    checks.integer("k", k, 1)
    checks.integer("negatives", negatives, k)
    if not isinstance(data, LinkData | TripleData):
        checks.fail("data", "a LinkData or TripleData", type(data).__name__)
    one = triples.audit if isinstance(data, TripleData) else pairs.audit
    return one(
        data,  # type: ignore[arg-type]
        sampler,
        k=k,
        negatives=negatives,
        score=score,
        z=z,
        known=known,
        corrupt=corrupt,
        seed=seed,
        command=command,
    )
