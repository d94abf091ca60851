"""Closed forms against values of the papers, quadrature and samples."""

import math
import pickle

import numpy as np
import pytest
from rieszflow import exact, mmd2


@pytest.mark.parametrize(
    ("dim", "exponent", "radius", "kind"),
    [
        (1, 1.0, 1.0, "ball"),
        (2, 1.0, math.pi / 4, "ball"),
        (2, 0.5, 0.557730, "ball"),
        (2, 1.5, 1.561402, "ball"),
        (3, 1.0, 2 / 3, "sphere"),
        (10, 1.0, 0.697388, "sphere"),
    ],
)
def test_the_equilibrium_of_the_paper(dim, exponent, radius, kind):
    law = exact.Equilibrium(dim, exponent)
    assert law.radius == pytest.approx(radius, abs=1e-6)
    assert law.kind == kind
    assert law.energy == pytest.approx(-law.second_moment / exponent, rel=1e-14)
    points = law.rvs(20_000, random_state=0)
    assert (points**2).sum(axis=1).mean() == pytest.approx(law.second_moment, rel=0.03)
    scaled = exact.Equilibrium(dim, exponent, scale=3.0)
    assert scaled.radius == pytest.approx(3 * law.radius)
    assert scaled.energy == pytest.approx(3**exponent * law.energy)
    assert scaled.potential(3 * points[:5]) == pytest.approx(3**exponent * law.potential(points[:5]))


def test_a_density_has_mass_one():
    law = exact.Equilibrium(2, 0.7, scale=1.7)
    edges = np.linspace(-law.radius, law.radius, 801)
    middle = (edges[:-1] + edges[1:]) / 2
    grid = np.stack(np.meshgrid(middle, middle), axis=-1).reshape(-1, 2)
    mass = law.pdf(grid).sum() * (middle[1] - middle[0]) ** 2
    assert mass == pytest.approx(1, abs=2e-3)
    with pytest.raises(ValueError, match="has no density"):
        exact.Equilibrium(3).pdf([[0.0, 0.0, 0.0]])


LAWS = [
    exact.Gaussian([1.0, -1.0], 0.5),
    exact.Ball([0.0, 2.0], 1.5),
    exact.Sphere([3.0, 0.0], 2.0),
    exact.Equilibrium(2, 1.0, 2.0),
    exact.Mixture([exact.Gaussian([0.0, 0.0]), exact.Ball([4.0, 0.0])], [1, 3]),
]


@pytest.mark.parametrize("law", LAWS, ids=repr)
def test_laws_agree_with_their_samples(law):
    sample = law.rvs(100_000, random_state=1)
    assert sample.shape == (100_000, 2)
    points = np.array([[0.3, 0.2], [5.0, -1.0]])
    means = [np.linalg.norm(sample - point, axis=1).mean() for point in points]
    assert law.potential(points) == pytest.approx(means, rel=0.01)
    particles = law.rvs(500, random_state=2) + 0.5
    sampled = mmd2(particles, sample[:20_000], unbiased=True)
    found = exact.discrepancy(particles, law, unbiased=True)
    assert found == pytest.approx(sampled, abs=0.02)
    # Between V- and U-statistic lie the pairs of a point with itself.
    distances = np.linalg.norm(particles[:, None] - particles[None], axis=2)
    within = distances.mean() / 2 * (500 / 499 - 1)
    assert exact.discrepancy(particles, law) - found == pytest.approx(within)
    assert (law.rvs(3, random_state=5) == law.rvs(3, random_state=5)).all()
    assert (law.rvs(3) != law.rvs(3)).any()


@pytest.mark.parametrize("law", LAWS, ids=repr)
def test_laws_can_be_pickled(law):
    copy = pickle.loads(pickle.dumps(law))
    assert copy == law
    assert hash(copy) == hash(law)
    assert (copy.potential([[1.0, 2.0]]) == law.potential([[1.0, 2.0]])).all()


def test_discrepancies_are_weighted():
    law = exact.Ball([0.0], 1.0)
    # ∫|y| - ½∬|y - y'| for the point 0.
    assert exact.discrepancy([[0.0], [7.0]], law, [1, 0]) == pytest.approx(1 / 2 - 1 / 3)
    assert law.energy(1.0) == pytest.approx(-1 / 3)
    assert exact.discrepancy([[2.0]], exact.Gaussian([2.0]), exponent=1.0) == pytest.approx(
        math.sqrt(2 / math.pi) - 1 / math.sqrt(math.pi)
    )


def test_scales():
    assert exact.flow_scale(0.8) == 0.8
    assert exact.flow_scale([0.0, 0.5, 2.0], 1.5) == pytest.approx([0.0, 0.0625, 1.0])
    assert exact.flow_scale([[1.0]], 0.5, initial_scale=1.0) == pytest.approx(2.5 ** (1 / 1.5))
    steps = [0.1, 0.2, 0.3]
    scales = exact.backward_scales(steps, 0.5, initial_scale=0.3)
    before = np.concatenate([[0.3], scales[:-1]])
    assert scales - before == pytest.approx(steps * scales**-0.5)
    forward = exact.forward_scales(steps, 1.5, initial_scale=0.3)
    before = np.concatenate([[0.3], forward[:-1]])
    assert forward - before == pytest.approx(steps * before**0.5)
    assert exact.forward_scales(steps) == pytest.approx([0.1, 0.3, 0.6])


def test_on_the_line_flow_and_steps_agree():
    rng = np.random.default_rng(0)
    x0, target, weights = np.sort(rng.normal(size=40)), rng.normal(size=7) + 1, rng.random(7)
    end = exact.line.flow(x0, target, 0.7, weights)
    errors = []
    for count in (20, 40, 80):
        x = x0
        for _ in range(count):
            x = exact.line.backward_step(x, target, 0.7 / count, weights)
        errors.append(abs(x - end).mean())
    assert errors[0] > errors[1] > errors[2]
    assert errors[2] < 0.02
    # Explicit steps with R summed by hand.
    x, shares = x0.copy(), weights / weights.sum()
    levels = (np.arange(40) + 0.5) / 40
    for _ in range(7000):
        x = x + 1e-4 * 2 * (levels - (shares * (target <= x[:, None])).sum(axis=1))
    assert x == pytest.approx(end, abs=1e-3)
    assert exact.line.flow([0.0, 0.0], None, 2.0).tolist() == [-1.0, 1.0]


@pytest.mark.parametrize(
    ("call", "kind", "message"),
    [
        (lambda: exact.Equilibrium(0), ValueError, "dim must be at least 1"),
        (lambda: exact.Equilibrium(2.5), TypeError, "dim must be a whole number"),
        (lambda: exact.Equilibrium(2, 2.0), ValueError, "exponent must lie"),
        (lambda: exact.Equilibrium(2, 1.0, 0.0), ValueError, "scale must be positive"),
        (lambda: exact.Gaussian([]), ValueError, "mean must have shape"),
        (lambda: exact.Gaussian([0.0], -1.0), ValueError, "std must be positive"),
        (lambda: exact.Ball([np.nan]), ValueError, r"centre\[0\] is nan"),
        (lambda: exact.Mixture([]), TypeError, "laws must be"),
        (lambda: exact.Mixture([exact.Ball([0.0]), LAWS[0]]), ValueError, "laws must have one dimension"),
        (lambda: exact.Mixture([LAWS[0]], [1, 2]), ValueError, "weights must have shape"),
        (lambda: LAWS[0].potential([[1.0]]), ValueError, "X must have 2 features"),
        (lambda: LAWS[0].rvs(-1), ValueError, "size must be at least 0"),
        (lambda: LAWS[0].rvs(1, "seed"), TypeError, "random_state must be"),
        (lambda: exact.discrepancy([[0.0, 0.0]], "ball"), TypeError, "law must be"),
        (lambda: exact.flow_scale(-1.0), ValueError, "time"),
        (lambda: exact.backward_scales([0.0]), ValueError, "step"),
        (lambda: exact.line.flow([1.0, 0.0], None, 1.0), ValueError, "x0 must increase"),
        (lambda: exact.line.flow([[1.0]], None, 1.0), ValueError, "x0 must have shape"),
        (lambda: exact.line.flow([1.0], None, 1.0, [1.0]), ValueError, "weights are those of a target"),
        (lambda: exact.line.backward_step([1.0], [1.0], 0.0), ValueError, "step"),
    ],
)
def test_errors_name_the_argument(call, kind, message):
    with pytest.raises(kind, match=message):
        call()
