"""Random calls with valid and hostile arguments: only documented errors, nothing out of range."""

from __future__ import annotations

import random
import re
import warnings
from collections.abc import Callable

import pytest
import torch

from tests.fuzz import files, graphs, pyg, sampling, scoring, triples
from tests.fuzz.calls import Call
from tests.fuzz.values import HOSTILE, twisted

#: Makers of calls; samplers, which everything else draws by, three times as often.
CALLS: tuple[Callable[[random.Random], Call], ...] = (
    sampling.of_sampler,
    sampling.of_sampler,
    sampling.of_sampler,
    sampling.of_constructor,
    sampling.of_rule,
    sampling.of_log_prob,
    graphs.of_functional,
    triples.of_triples,
    triples.of_triple_sets,
    scoring.of_loss,
    scoring.of_loss_settings,
    scoring.of_metrics,
    scoring.of_ranking,
    graphs.of_graph,
    graphs.of_known,
    scoring.of_heuristic,
    pyg.of_transform,
    pyg.of_loader,
    files.of_files,
)
QUICK, ALL = 300, 3000
#: The form of the library's errors: the name of an argument, then what is allowed.
FORM = re.compile(r"'[\w\[\]., ]+'(:| must | of )")
#: Of PyG's own classes, which check some arguments themselves.
FOREIGN = ("NegativeSampling", "num_neighbors")
EXPECTED_WARNINGS = ("There are not enough negative edges",)


def run(number: int) -> str | None:
    """Make the call of that number; return what went wrong."""
    rng = random.Random(number)
    torch.manual_seed(number)
    kind = CALLS[number % len(CALLS)]
    call = kind(rng)
    changed = {}
    for name in rng.sample(
        list(call.arguments), min(rng.choice([0, 1, 1, 2]), len(call.arguments))
    ):
        value = rng.choice(HOSTILE)() if rng.random() < 0.5 else twisted(call.arguments[name], rng)
        changed[name] = value
    label = f"call {number}, {kind.__name__}, {changed}"[:300]
    try:
        with warnings.catch_warnings():
            for message in EXPECTED_WARNINGS:
                warnings.filterwarnings("ignore", message)
            result = call.function(**{**call.arguments, **changed})
            if not call.facts & set(changed):
                call.check(result)
    except ValueError as error:
        return None if FORM.match(str(error)) else f"{label}: {error!r}"
    except Exception as error:
        return f"{label}: {error!r}"
    return None


@pytest.mark.parametrize(
    "numbers",
    [
        pytest.param(range(QUICK), id="quick"),
        pytest.param(range(QUICK, ALL), id="all", marks=pytest.mark.slow),
    ],
)
def test_only_documented_errors_and_nothing_out_of_range(numbers):
    failures = [failure for number in numbers if (failure := run(number)) is not None]
    assert not failures, "\n".join(failures)
