"""D² of two samples, its gradient, and the energy distance."""

from __future__ import annotations

import math
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from rieszflow import _core
from rieszflow._arrays import (
    RandomState,
    as_array,
    exponent as as_exponent,
    pair,
    seed as as_seed,
    slicing,
    weights,
)


def mmd2(
    X: npt.ArrayLike,
    Y: npt.ArrayLike,
    a: npt.ArrayLike | None = None,
    b: npt.ArrayLike | None = None,
    *,
    exponent: float = 1.0,
    unbiased: bool = False,
    sums: Literal["exact", "sliced"] = "exact",
    n_directions: int | None = None,
    random_state: RandomState = None,
) -> float:
    r"""Squared maximum mean discrepancy D² of two samples with the Riesz kernel -\|x - y\|^r.

    .. math::

        D^2 = \sum_{i,j} a_i b_j |x_i - y_j|^r
            - \tfrac12 \sum_{i,j} a_i a_j |x_i - x_j|^r
            - \tfrac12 \sum_{i,j} b_i b_j |y_i - y_j|^r \;\ge\; 0

    Parameters
    ----------
    X : array_like of shape (n, d)
        Points of the first sample, a row each. float32 is computed in single precision, all else in
        double; tensors on the CPU are taken without a copy.
    Y : array_like of shape (m, d)
        Points of the second sample.
    a : array_like of shape (n,), optional
        Weights of the rows of `X`, not negative; they are divided by their sum. Equal by default.
    b : array_like of shape (m,), optional
        Weights of the rows of `Y`.
    exponent : float, default 1.0
        r, strictly between 0 and 2.
    unbiased : bool, default False
        Leave out the pairs of a point with itself, and divide the last two sums by :math:`1 - \sum a_i^2`
        and :math:`1 - \sum b_j^2`, which are (n-1)/n and (m-1)/m for equal weights. The mean over
        independent samples is then D² of the laws they are drawn from, and a value may be negative.
    sums : {"exact", "sliced"}, default "exact"
        Sums over all pairs, or their estimate by slicing [3]_: means over directions of sums on the line, in
        time O((n+m) log(n+m)) for each direction. Gradients by slicing need exponent > 1/2.
    n_directions : int, optional
        Number of directions of sliced sums; by default 64 in the plane, 128 for d = 3 and 256 above.
    random_state : int, Generator, RandomState or None
        Of the directions' rotation. Equal integers give equal values; None takes a fresh one.

    Returns
    -------
    float
        D², in units of a length to the power r.

    Raises
    ------
    ValueError, TypeError
        If an argument is empty, not finite or of the wrong shape; the message names it.

    See Also
    --------
    mmd2_and_grad : the same with the gradient.
    energy_distance : :math:`\sqrt{2 D^2}` for r = 1.

    Notes
    -----
    All pairs are summed, on all cores and never in a matrix: time O((n+m)² d), memory O((n+m) d). On the
    line with r = 1 it is a sort. The result does not depend on the number of threads, which the environment
    variable ``RAYON_NUM_THREADS`` sets.

    ``scipy.stats.energy_distance(x, y)**2`` is 2D² on the line; ``geomloss.SamplesLoss("energy")`` is D².

    References
    ----------
    .. [1] Altekrüger, Hertrich, Steidl, "Neural Wasserstein Gradient Flows for Discrepancies with Riesz
       Kernels", ICML 2023.
    .. [2] Székely, Rizzo, "Energy statistics: A class of statistics based on distances", J. Stat. Plan.
       Inference 143 (2013).
    .. [3] Hertrich, Jahn, Quellmalz, "Fast Summation of Radial Kernels via QMC Slicing", ICLR 2025.

    Examples
    --------
    >>> from rieszflow import mmd2
    >>> mmd2([[0.0, 0.0]], [[3.0, 4.0]])
    5.0
    >>> mmd2([[0.0, 0.0]], [[3.0, 4.0], [0.0, 0.0]], b=[1, 3], exponent=0.5)
    0.13975...
    """
    x, y = pair(X, Y, ("X", "Y"))
    directions = slicing(sums, n_directions, x.shape[1])
    found = _discrepancy(x, y, a, b, exponent, unbiased, directions, random_state, False)
    return found[0]


def mmd2_and_grad(
    X: npt.ArrayLike,
    Y: npt.ArrayLike,
    a: npt.ArrayLike | None = None,
    b: npt.ArrayLike | None = None,
    *,
    exponent: float = 1.0,
    unbiased: bool = False,
    sums: Literal["exact", "sliced"] = "exact",
    n_directions: int | None = None,
    random_state: RandomState = None,
) -> tuple[float, npt.NDArray[Any]]:
    r"""D² of two samples and its gradient in the points of the first.

    .. math::

        \frac{\partial D^2}{\partial x_i} = a_i \sum_j b_j\, r |x_i - y_j|^{r-2} (x_i - y_j)
            - a_i \sum_j a_j\, r |x_i - x_j|^{r-2} (x_i - x_j)

    Pairs of coincident points contribute 0, for every r: the gradient is always finite.

    Parameters
    ----------
    X, Y, a, b, exponent, unbiased, sums, n_directions, random_state
        As for `mmd2`.

    Returns
    -------
    value : float
        D².
    gradient : ndarray of shape (n, d)
        Its gradient in `X`, of dtype float32 if `X` and `Y` are, else float64.

    Notes
    -----
    Time and memory as for `mmd2`. The gradient of the flow of n particles is n times this one.

    Examples
    --------
    >>> from rieszflow import mmd2_and_grad
    >>> value, gradient = mmd2_and_grad([[0.0], [0.0]], [[3.0]])
    >>> value, gradient.tolist()
    (3.0, [[-0.5], [-0.5]])
    """
    x, y = pair(X, Y, ("X", "Y"))
    directions = slicing(sums, n_directions, x.shape[1])
    if directions is not None and as_exponent(exponent) <= 0.5:
        raise ValueError(
            f"exponent must be above 1/2 for a gradient with sums='sliced', not {exponent}: below, its "
            "variance is infinite"
        )
    value, gradient = _discrepancy(
        x, y, a, b, exponent, unbiased, directions, random_state, True
    )
    assert gradient is not None
    return value, gradient


def energy_distance(
    X: npt.ArrayLike,
    Y: npt.ArrayLike,
    a: npt.ArrayLike | None = None,
    b: npt.ArrayLike | None = None,
) -> float:
    r"""Energy distance of two samples, as ``scipy.stats.energy_distance`` has it, in any dimension.

    .. math::

        \sqrt{2 D^2} = \bigl(2\,\mathbb E|X-Y| - \mathbb E|X-X'| - \mathbb E|Y-Y'|\bigr)^{1/2}

    Parameters
    ----------
    X : array_like of shape (n, d) or (n,)
        Points of the first sample; numbers are points on the line.
    Y : array_like of shape (m, d) or (m,)
        Points of the second sample.
    a, b : array_like of shape (n,) and (m,), optional
        Weights, as for `mmd2`.

    Returns
    -------
    float
        The energy distance, in units of the square root of a length; 0 if D² is negative by rounding.

    References
    ----------
    .. [1] Székely, Rizzo, "Energy statistics: A class of statistics based on distances", J. Stat. Plan.
       Inference 143 (2013).

    Examples
    --------
    >>> from rieszflow import energy_distance
    >>> energy_distance([0], [2])  # scipy.stats.energy_distance([0], [2])
    2.0
    >>> round(energy_distance([[0.0, 0.0]], [[0.6, 0.8]]), 6)
    1.414214
    """
    x, y = pair(_columns(X, "X"), _columns(Y, "Y"), ("X", "Y"))
    value = _discrepancy(x, y, a, b, 1.0, False, None, 0, False)[0]
    return math.sqrt(2 * max(value, 0.0))


def _columns(value: npt.ArrayLike, name: str) -> npt.NDArray[Any]:
    """Numbers as points on the line."""
    array = as_array(value, name)
    return array[:, np.newaxis] if array.ndim == 1 else array


def _discrepancy(
    x: npt.NDArray[Any],
    y: npt.NDArray[Any],
    a: npt.ArrayLike | None,
    b: npt.ArrayLike | None,
    exponent: float,
    unbiased: bool,
    directions: int | None,
    random_state: RandomState,
    with_gradient: bool,
) -> tuple[float, npt.NDArray[Any] | None]:
    """D² and, if asked for, its gradient, of points that are checked."""
    of_x, of_y = weights(a, "a", len(x)), weights(b, "b", len(y))
    if unbiased:
        _check_distinct(of_x, len(x), ("X", "a"))
        _check_distinct(of_y, len(y), ("Y", "b"))
    seed = 0 if directions is None else as_seed(random_state)
    return _core.discrepancy(
        x, y, of_x, of_y, as_exponent(exponent), bool(unbiased), directions, seed, with_gradient
    )


def _check_distinct(
    of_rows: npt.NDArray[np.float64] | None, count: int, names: tuple[str, str]
) -> None:
    """Raises unless two rows have mass, without which there is no pair of distinct points."""
    if count < 2:
        raise ValueError(f"{names[0]} must have at least 2 rows if unbiased=True, not {count}")
    if of_rows is not None and np.count_nonzero(of_rows) < 2:
        raise ValueError(f"{names[1]} must have at least 2 positive weights if unbiased=True")
