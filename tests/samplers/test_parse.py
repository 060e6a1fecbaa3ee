"""Samplers from text, and errors that point at the wrong part."""

from __future__ import annotations

import pytest

from gneg import samplers
from gneg.samplers import build
from tests.worlds import random_graph


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("uniform", "Uniform(corrupt='both', unique=False)"),
        ("degree(alpha=-.5)", "Degree(alpha=-0.5, corrupt='both', unique=False)"),
        (
            "khop(hops=2|3|far, weights=5|3|2)",
            "KHop(hops=(2, 3, 'far'), weights=(5.0, 3.0, 2.0), corrupt='both', unique=False)",
        ),
        (
            " walk( kind = ppr , alpha = 1e-1 ) ",
            "Walk(kind='ppr', hops=2, alpha=0.1, corrupt='both', unique=False)",
        ),
    ],
)
def test_text_becomes_a_sampler(text, expected):
    assert repr(build(text, random_graph(20, 50), corrupt="both")) == expected


def test_mixture_nests():
    mixture = build("mixture(uniform:1, mixture(walk, khop):3)", random_graph(20, 50))
    assert mixture.weights == [0.25, 0.75]
    assert [type(part) for part in mixture.samplers[1].samplers] == [samplers.Walk, samplers.KHop]


@pytest.mark.parametrize(
    ("text", "message", "column"),
    [
        ("wlak", r"no sampler 'wlak' \(did you mean 'walk'\?\); there are uniform", 0),
        ("mixture(uniform, wlak)", "no sampler 'wlak'", 17),
        ("walk(", "expected the name of a sampler, found the end", 5),
        ("walk)", r"unexpected '\)'", 4),
        ("walk(kind=)", r"expected a value for 'kind', found '\)'", 10),
        ("walk(kind=xx)", "'kind' must be one of", 5),
        ("walk(foo=1)", r"'walk' has no option 'foo' \(only kind, hops, alpha\)", 5),
        ("mixture", "'mixture' takes samplers", 0),
        ("uniform(walk)", "'uniform' takes no samplers", 0),
        ("mixture(walk:)", r"expected a weight, found '\)'", 13),
        ("mixture(walk:1 walk)", r"expected ',' or '\)'", 15),
        ("", "expected the name of a sampler", 0),
        ("hardest", r"'hardest' takes one sampler, as in hardest\(walk\)", 0),
        ("hardest(walk, khop)", "'hardest' takes one sampler", 0),
        ("hardest(walk:2)", "only the parts of a mixture have weights, not 'walk'", 8),
        ("hardest(walk, m=0)", "'m' must be an integer >= 1", 14),
        ("hardest(walk, m=4, m=5)", "'m' is given twice", 19),
        ("mixture(uniform:0.5, dns(uniform, k=3):0.5)", "'dns' has no option 'k'", 34),
        ("curriculum(walk, setting=share)", "a setting of walk, which has none", 17),
        ("selfpaced(uniform)", r"which has none; did you mean hardest\(uniform\)\?", 0),
        ("selfpaced(hardest(uniform), hard=2)", "'quantile' must be a number in", 0),
        ("curriculum(hardest(walk), schedule=up)", "'schedule' must be one of 'linear'", 26),
        ("guarded(walk)", "'guards' must be one or more guards", 0),
        ("guarded(walk, percentile=xx)", "'kind' must be one of", 0),
        ("guarded(walk, percentile=cosine|90)", "'x' must be features", 0),
    ],
)
def test_errors_point_at_the_place(text, message, column):
    with pytest.raises(ValueError, match=message) as error:
        build(text, random_graph(20, 50))
    assert str(error.value).split("\n")[-1].index("^") - 2 == column
