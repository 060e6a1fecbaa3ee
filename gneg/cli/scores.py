"""What ``gneg evaluate`` ranks by: a model, a heuristic, a density, a file or a function."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from gneg import checks
from gneg.cli.values import any_sampler
from gneg.graph.heuristics import KINDS

SCORES = (".npy", ".npz")  # suffixes of files of scores
LOG_Q = "log_q("  # prefix of the name of a base measure


def check_model(name: str, text: str) -> str:
    """Return what is evaluated, if it is there."""
    if text.startswith(LOG_Q):
        any_sampler(name, text[len(LOG_Q) : -1])
        return text
    if text.endswith(".py"):
        checks.fail(name, "FILE.py:FUNCTION", text, hint="name the function after a colon")
    spelt = checks.spelling(text, KINDS)
    file = text.rpartition(":")[0] if ".py:" in text else text
    if spelt not in KINDS and not Path(file).exists():
        allowed = f"a run of gneg train, a file of scores, FILE.py:FUNCTION, {LOG_Q}SAMPLER)"
        options = f"{allowed} or one of {', '.join(KINDS)}"
        checks.fail(name, options, text, hint=checks.closest(text, KINDS))
    return spelt


def record_of(model: str) -> dict[str, Any]:
    """Return the record of the run that a model belongs to."""
    from gneg.training.load import load_record

    path = Path(model)
    scores = path.suffix in SCORES or ".py:" in model or model.startswith(LOG_Q)
    if scores or model in KINDS:
        checks.fail("dataset", "given unless MODEL is a run of gneg train", None)
    return load_record(path)


def scores_of(model: str, data: Any, sets: Mapping[str, Any]) -> Iterator[Any]:
    """Yield the score of each weights file, or a single one, in the form of :func:`evaluate`."""
    from gneg.datasets import TripleData
    from gneg.evaluation import scorers
    from gneg.evaluation.link import name_of_own
    from gneg.evaluation.triple_scorers import EachTriple
    from gneg.nn.base_measure import log_density_score
    from gneg.nn.kge.base_measure import log_density_scorer
    from gneg.training.load import load_run, weights_of

    path, of_triples = Path(model), isinstance(data, TripleData)
    ranked: Any = data.ranked if isinstance(data, TripleData) else data
    if path.suffix in SCORES:
        yield {next(iter(sets), name_of_own(data)): scorers.from_file(path)}
    elif model in KINDS:
        if of_triples:
            hint = "log_q(SAMPLER) of a sampler of triples needs no training either"
            checks.fail("model", "another score for a knowledge graph", model, hint=hint)
        yield scorers.heuristic(data, model)
    elif model.startswith(LOG_Q) and model.endswith(")"):
        sampler = ranked.sampler(model[len(LOG_Q) : -1], corrupt="both")
        yield log_density_scorer(sampler) if of_triples else log_density_score(sampler)
    elif ".py:" in model:
        if of_triples:
            score = scorers.from_function(model, ("head", "relation", "tail"))
            yield EachTriple(score, ranked.num_entities)
        else:
            yield scorers.from_function(model)
    else:
        for weights in weights_of(path):
            yield load_run(data, weights).scorer()
