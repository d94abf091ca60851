"""D², its gradient and the energy distance against double loops, finite differences and scipy."""

import math

import numpy as np
import pytest
import rieszflow
from rieszflow import energy_distance, mmd2, mmd2_and_grad


def powers(x, y, r):
    """|x_i - y_j|^r as a matrix, by the plain definition."""
    return (np.sqrt(((x[:, None, :] - y[None, :, :]) ** 2).sum(axis=2))) ** r


def double_loop(x, y, a, b, r, unbiased=False):
    """D² by loops over all pairs, each sum without rounding."""

    def total(p, q, u, w):
        distances = powers(p, q, r)
        return math.fsum((u[:, None] * w[None, :] * distances).ravel())

    u, w = (1 - math.fsum(a * a), 1 - math.fsum(b * b)) if unbiased else (1, 1)
    return total(x, y, a, b) - total(x, x, a, a) / (2 * u) - total(y, y, b, b) / (2 * w)


def equal(n):
    return np.full(n, 1 / n)


def samples(n, m, d, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, d)), rng.normal(size=(m, d)) * 0.7 + 0.5


@pytest.mark.parametrize("r", [0.5, 1.0, 1.5, 1.9])
@pytest.mark.parametrize(("n", "m", "d"), [(1, 1, 2), (3, 70, 1), (257, 100, 2), (300, 310, 3), (40, 30, 50)])
@pytest.mark.parametrize("weighted", [False, True])
def test_it_is_the_double_loop(r, n, m, d, weighted):
    x, y = samples(n, m, d)
    rng = np.random.default_rng(1)
    a, b = (rng.random(n), rng.random(m)) if weighted else (None, None)
    shares = [np.asarray(w) / np.sum(w) if weighted else equal(k) for w, k in ((a, n), (b, m))]
    expected = double_loop(x, y, *shares, r)
    assert mmd2(x, y, a, b, exponent=r) == pytest.approx(expected, rel=1e-12, abs=0)
    if n > 1 and m > 1:
        expected = double_loop(x, y, *shares, r, unbiased=True)
        # It may be close to 0, where the sums cancel.
        found = mmd2(x, y, a, b, exponent=r, unbiased=True)
        assert found == pytest.approx(expected, rel=1e-12, abs=1e-14)


def test_samples_in_several_blocks_of_pairs():
    x, y = samples(6000, 1000, 2)
    y[:500] = x[:500]
    expected = double_loop(x, y, equal(6000), equal(1000), 1.0)
    value, gradient = mmd2_and_grad(x, y)
    assert mmd2(x, y) == pytest.approx(expected, rel=1e-12, abs=0)
    assert value == pytest.approx(expected, rel=1e-12, abs=0)
    rows = np.linspace(0, 5999, 50).astype(int)
    assert gradient[rows] == pytest.approx(plain_gradient(x, y, equal(6000), equal(1000), 1.0, rows), rel=1e-9, abs=1e-14)


def plain_gradient(x, y, a, b, r, rows):
    """The gradient in the given rows of x, with derivative 0 of |u|^r at 0."""

    def force(point, others, weights):
        u = point - others
        squared = (u**2).sum(axis=1)
        factor = np.divide(
            r * squared ** (r / 2), squared, out=np.zeros_like(squared), where=squared > 0
        )
        return (weights * factor) @ u

    return np.array([a[i] * (force(x[i], y, b) - force(x[i], x, a)) for i in rows])


@pytest.mark.parametrize("r", [0.5, 1.0, 1.5])
@pytest.mark.parametrize("d", [1, 2, 10])
@pytest.mark.parametrize("unbiased", [False, True])
def test_gradients_are_finite_differences(r, d, unbiased):
    x, y = samples(12, 9, d, seed=2)
    a, b = np.random.default_rng(3).random((2, 12))
    b = b[:9]
    value, gradient = mmd2_and_grad(x, y, a, b, exponent=r, unbiased=unbiased)
    assert value == pytest.approx(mmd2(x, y, a, b, exponent=r, unbiased=unbiased), rel=1e-12)
    step = 1e-6
    for i in range(12):
        for k in range(d):
            ends = []
            for sign in (1, -1):
                moved = x.copy()
                moved[i, k] += sign * step
                ends.append(mmd2(moved, y, a, b, exponent=r, unbiased=unbiased))
            assert gradient[i, k] == pytest.approx((ends[0] - ends[1]) / (2 * step), abs=1e-7)


@pytest.mark.parametrize("r", [0.5, 1.0, 1.5])
@pytest.mark.parametrize("d", [1, 2])
def test_gradients_at_coincident_points_are_finite_and_right(r, d):
    # Two points of x and one of y coincide; symmetric differences of |u|^r at 0 vanish.
    x, y = samples(8, 7, d, seed=4)
    x[1] = x[0]
    y[2] = x[0]
    value, gradient = mmd2_and_grad(x, y, exponent=r)
    assert np.isfinite(gradient).all()
    expected = plain_gradient(x, y, equal(8), equal(7), r, range(8))
    assert gradient == pytest.approx(expected, rel=1e-11, abs=1e-14)
    step = 1e-6
    for k in range(d):
        ends = []
        for sign in (1, -1):
            moved = x.copy()
            moved[0, k] += sign * step
            ends.append(mmd2(moved, y, exponent=r))
        assert gradient[0, k] == pytest.approx((ends[0] - ends[1]) / (2 * step), abs=1e-7)


def test_all_points_may_coincide():
    x = np.ones((5, 3))
    for r in (0.5, 1.0, 1.5):
        value, gradient = mmd2_and_grad(x, x, exponent=r)
        assert value == 0
        assert (gradient == 0).all()


@pytest.mark.parametrize(("n", "m"), [(1, 1), (5, 1), (40, 70), (1000, 900)])
@pytest.mark.parametrize("weighted", [False, True])
def test_on_the_line_it_is_scipys(n, m, weighted):
    stats = pytest.importorskip("scipy.stats")
    rng = np.random.default_rng(5)
    x, y = rng.normal(size=n), rng.normal(size=m)
    x[: n // 2] = np.round(x[: n // 2], 1)
    y[: m // 2] = np.round(y[: m // 2], 1)
    a, b = (rng.random(n) + 0.1, rng.random(m)) if weighted else (None, None)
    expected = stats.energy_distance(x, y, a, b)
    for found in (energy_distance(x, y, a, b), energy_distance(x[:, None], y[:, None], a, b)):
        assert found == pytest.approx(expected, rel=1e-10, abs=1e-10)
    assert 2 * mmd2(x[:, None], y[:, None], a, b) == pytest.approx(expected**2, rel=1e-10, abs=1e-20)
    assert energy_distance(x, x) == 0


@pytest.mark.parametrize("r", [0.75, 1.0, 1.5])
@pytest.mark.parametrize("d", [1, 2, 3])
@pytest.mark.parametrize("unbiased", [False, True])
def test_slicing_estimates_the_sums(r, d, unbiased):
    x, y = samples(90, 70, d, seed=6)
    a, b = np.random.default_rng(7).random((2, 90))
    options = {"a": a, "b": b[:70], "exponent": r, "unbiased": unbiased}
    expected, expected_gradient = mmd2_and_grad(x, y, **options)
    sliced = {"sums": "sliced", "n_directions": 4000, "random_state": 0}
    value, gradient = mmd2_and_grad(x, y, **options, **sliced)
    assert value == pytest.approx(expected, rel=0.01)
    error = np.linalg.norm(gradient - expected_gradient) / np.linalg.norm(expected_gradient)
    assert error < 0.02
    assert mmd2(x, y, **options, **sliced) == pytest.approx(value, rel=1e-9)


def test_sliced_sums_are_reproducible():
    x, y = samples(50, 60, 5)
    one, other, third, fresh = (
        mmd2(x, y, sums="sliced", random_state=seed) for seed in (1, 1, 2, None)
    )
    assert one == other
    assert len({one, third, fresh}) == 3
    assert mmd2(x, y) == pytest.approx(one, rel=0.1)
    single, _ = mmd2_and_grad(x.astype("f4"), y.astype("f4"), sums="sliced", random_state=1)
    assert single == pytest.approx(one, rel=1e-4)


def test_far_from_zero_nothing_is_lost():
    x, y = samples(50, 60, 2)
    assert mmd2(x + 1e6, y + 1e6) == pytest.approx(mmd2(x, y), rel=1e-8)


def test_single_precision_stays():
    x, y = samples(300, 200, 3)
    single = x.astype(np.float32), y.astype(np.float32)
    value, gradient = mmd2_and_grad(*single)
    assert gradient.dtype == np.float32
    exact, exact_gradient = mmd2_and_grad(*(s.astype(np.float64) for s in single))
    assert value == pytest.approx(exact, rel=1e-5)
    assert gradient == pytest.approx(exact_gradient, rel=1e-4, abs=1e-8)
    assert mmd2_and_grad(x, single[1])[1].dtype == np.float64
    assert mmd2_and_grad(x.astype(np.float16), single[1])[1].dtype == np.float32
    line = [s[:, :1] for s in single]
    assert mmd2_and_grad(*line)[1].dtype == np.float32


def test_all_kinds_of_arrays_are_taken():
    x, y = np.arange(12.0).reshape(6, 2), np.arange(8.0).reshape(4, 2) ** 2
    expected = mmd2(x, y)
    read_only = x.copy()
    read_only.flags.writeable = False
    wide = np.zeros((12, 5))
    wide[::2, 1:5:2] = x
    forms = [
        x.tolist(),
        x.astype(int),
        x.astype(np.uint8),
        read_only,
        np.asfortranarray(x),
        wide[::2, 1:5:2],
        x.astype(">f8"),
        x[::-1][::-1],
        OnlyDLPack(x),
    ]
    for form in forms:
        assert mmd2(form, y) == expected
    assert mmd2([[True, False]], [[False, False]]) == 1


class OnlyDLPack:
    """Holds an array that DLPack alone gives away."""

    def __init__(self, array):
        self.array = array

    def __dlpack__(self, **options):
        return self.array.__dlpack__(**options)

    def __dlpack_device__(self):
        return self.array.__dlpack_device__()


GOOD = [[0.0, 1.0], [2.0, 3.0]]


@pytest.mark.parametrize(
    ("arguments", "options", "kind", "message"),
    [
        (([], GOOD), {}, ValueError, "X must have shape"),
        ((np.zeros((0, 2)), GOOD), {}, ValueError, "X must have at least one row"),
        ((GOOD, np.zeros((2, 0))), {}, ValueError, "Y must have at least one row"),
        ((GOOD, [1.0, 2.0]), {}, ValueError, r"Y must have shape .*Y.reshape"),
        ((np.zeros((2, 2, 2)), GOOD), {}, ValueError, "X must have shape"),
        (([[0.0, np.nan]], GOOD), {}, ValueError, r"X\[0, 1\] is nan"),
        ((GOOD, [[np.inf, 0.0]]), {}, ValueError, r"Y\[0, 0\] is inf"),
        ((GOOD, [[1e200, 0.0]]), {}, ValueError, "Y must hold coordinates up to 1e"),
        ((GOOD, [[1.0]]), {}, ValueError, "X and Y must have the same number of features"),
        (([[1.0], [1.0, 2.0]], GOOD), {}, ValueError, "X cannot be read"),
        ((["a"], GOOD), {}, TypeError, "X must hold real numbers"),
        (([[1j, 0.0]], GOOD), {}, TypeError, "X must hold real numbers"),
        ((np.ma.masked_array(GOOD, mask=False), GOOD), {}, TypeError, "X must not be a masked"),
        ((GOOD, GOOD, [1.0]), {}, ValueError, r"a must have shape \(2,\)"),
        ((GOOD, GOOD, None, [[1.0, 1.0]]), {}, ValueError, r"b must have shape \(2,\)"),
        ((GOOD, GOOD, [1.0, -1.0]), {}, ValueError, r"a\[1\] is -1"),
        ((GOOD, GOOD, None, [1.0, np.nan]), {}, ValueError, r"b\[1\] is nan"),
        ((GOOD, GOOD, [0.0, 0.0]), {}, ValueError, "a must have a positive entry"),
        ((GOOD, GOOD), {"exponent": 2.0}, ValueError, "exponent must lie strictly between 0 and 2"),
        ((GOOD, GOOD), {"exponent": np.nan}, ValueError, "exponent must lie"),
        ((GOOD, GOOD), {"sums": "all"}, ValueError, "sums must be 'exact' or 'sliced'"),
        ((GOOD, GOOD), {"n_directions": 5}, ValueError, "n_directions has no effect"),
        ((GOOD, GOOD), {"sums": "sliced", "n_directions": 0}, ValueError, "n_directions must be at least 1"),
        ((GOOD, GOOD), {"exponent": "one"}, TypeError, "exponent must be a number"),
        (([[0.0, 1.0]], GOOD), {"unbiased": True}, ValueError, "X must have at least 2 rows"),
        ((GOOD, GOOD, None, [1, 0]), {"unbiased": True}, ValueError, "b must have at least 2 positive"),
    ],
)
def test_errors_name_the_argument(arguments, options, kind, message):
    for function in (mmd2, mmd2_and_grad):
        with pytest.raises(kind, match=message):
            function(*arguments, **options)


def test_small_exponents_have_no_sliced_gradient():
    with pytest.raises(ValueError, match="exponent must be above 1/2"):
        mmd2_and_grad(GOOD, GOOD, exponent=0.5, sums="sliced")


def test_huge_and_tiny_weights_are_shares():
    assert mmd2(GOOD, GOOD, [1e308, 1e308]) == 0
    assert mmd2(GOOD, GOOD, [1e-308, 1e-308]) == 0


def test_the_package_has_a_version():
    assert rieszflow.__version__.count(".") == 2
