"""The transportation problem against a linear programme, with masses that tie and that do not."""

import numpy as np
import pytest
from scipy.optimize import linprog
from scipy.sparse import eye, kron, vstack

from eegxai.evaluation.metrics.transport import least_work


def programme(supply, demand, distance):
    """The same by scipy's solver of linear programmes."""
    n, m = distance.shape
    sums = vstack([kron(eye(n), np.ones((1, m))), kron(np.ones((1, n)), eye(m))], format="csc")
    masses = np.concatenate([supply, demand])
    return linprog(distance.ravel(), A_eq=sums[:-1], b_eq=masses[:-1], method="highs").fun


@pytest.mark.parametrize(("n_sources", "n_sinks"), [(1, 4), (5, 1), (9, 14)])
@pytest.mark.parametrize("whole", [False, True])
def test_it_is_the_optimum_of_the_linear_programme(n_sources, n_sinks, whole):
    random = np.random.default_rng(n_sources)
    for _ in range(10):
        supply, demand = random.gamma(0.5, size=n_sources) + 0.01, np.ones(n_sinks)
        if whole:  # masses and distances that tie
            supply = np.full(n_sources, float(n_sinks))
            demand = np.full(n_sinks, float(n_sources))
        demand *= supply.sum() / demand.sum()
        distance = random.integers(1, 5, (n_sources, n_sinks)).astype(float)
        distance += 0 if whole else random.random(distance.shape)
        expected = programme(supply, demand, distance)
        assert least_work(supply, demand, distance) == pytest.approx(expected, rel=1e-9)


def test_what_rounding_leaves_over_stays():
    supply, demand = np.full(3, 0.1), np.array([0.30000000000000004 - 1e-16])
    assert least_work(supply, demand, np.ones((3, 1))) == pytest.approx(0.3)


def test_a_distance_that_is_not_known_leaves_the_work_unknown():
    distance = np.array([[np.nan, 1.0], [2.0, 3.0]])
    assert np.isnan(least_work(np.ones(2), np.ones(2), distance))
