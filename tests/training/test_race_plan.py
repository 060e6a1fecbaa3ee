"""How a race divides its seconds."""

from __future__ import annotations

import pytest

from gneg.training.race_plan import seconds_to_train, share_to_compare


def test_a_third_of_the_seconds_is_for_comparing_and_a_tenth_of_the_positives_the_least():
    assert share_to_compare(90.0, pilot=1.5) == 1.0
    assert share_to_compare(90.0, pilot=10.0) == pytest.approx(0.3)
    assert share_to_compare(9.0, pilot=10.0) == 0.1


def test_models_are_trained_for_as_many_seconds_each():
    """Three models of which one was trained for an epoch of 2 s."""
    limit = seconds_to_train(28.0, trained=2.0, models=3)
    assert 3 * limit - 2.0 == 28.0
    assert seconds_to_train(4.0, trained=2.0, models=3) == 2.0  # an epoch of each, and no more
