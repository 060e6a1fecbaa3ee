"""The model that a comparison recommends: the best, or a simpler one that is as good."""

import pytest

from gneg.experiments.best import best_of


def row(valid, sampler="uniform", stack="none", pair_features="none"):
    summary = {"uniform": {"mrr": {"mean": 0.5}}}
    parts = {"sampler": sampler, "stack": stack, "pair_features": pair_features}
    return {**parts, "valid": valid, "summary": summary, "epochs": [9], "best_epochs": [5]}


BEST = row([0.60, 0.62, 0.64], sampler="hardest(uniform)", stack="all")


@pytest.mark.parametrize(
    ("other", "chosen"),
    [
        (row([0.59, 0.63, 0.63], stack="all"), 0),  # behind by 0.003, with an error of 0.007
        (row([0.59, 0.61, 0.63], stack="all"), 1),  # by 0.01 with every seed
        (row([0.59, 0.63, 0.63], stack="all", pair_features="all"), 1),  # no simpler
    ],
)
def test_a_simpler_model_is_taken_if_noise_hides_the_difference(other, chosen):
    best = best_of([other, BEST], {}, {}, "mrr")
    assert best["row"] == chosen
    assert ("is simpler, and no worse" in best["sentence"]) == (chosen == 0)
    assert best["sentence"].startswith("best by validation mrr: hardest(uniform)")
    assert best["valid"] == pytest.approx(0.62)


def test_one_seed_says_nothing_of_noise():
    assert best_of([row([0.61]), row([0.62], stack="all")], {}, {}, "mrr")["row"] == 1


def test_a_heuristic_that_beats_all_is_named_instead():
    heuristics = {"katz": {"uniform": {"mrr": 0.7}}}
    best = best_of([row([0.59, 0.63, 0.63]), BEST], heuristics, {"katz": 0.7}, "mrr")
    assert best["heuristic"] == "katz"
    assert "simpler" not in best["sentence"]
