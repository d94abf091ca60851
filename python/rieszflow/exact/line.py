"""Exact flow and JKO step of the discrepancy on the line, r = 1.

The flow of D² to ν moves the quantile of level s by g' = 2(s - R(g)), with R the distribution function of ν.
Of n particles in increasing order the i-th has the level (i - ½)/n, and nothing is discretised.

References
----------
Hertrich, Beinert, Gräf, Steidl, "Wasserstein Gradient Flows of the Discrepancy with Distance Kernel on the
Line", SSVM 2023. Duong, Stein, Beinert, Hertrich, Steidl, "Wasserstein Gradient Flows of MMD Functionals with
Distance Kernel and Cauchy Problems on Quantile Functions", arXiv 2408.07498.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from rieszflow import _arrays, _core

__all__ = ["backward_step", "flow"]


def flow(
    x0: npt.ArrayLike,
    target: npt.ArrayLike | None,
    t: float,
    weights: npt.ArrayLike | None = None,
) -> npt.NDArray[np.float64]:
    """Particles on the line after time t of the exact flow of D² towards points, or of the energy alone.

    Parameters
    ----------
    x0 : array_like of shape (n,)
        Particles of equal weight in increasing order, ties allowed.
    target : array_like of shape (m,) or None
        Points of the target; None is the flow of the interaction energy.
    t : float
        Flow time, not negative.
    weights : array_like of shape (m,), optional
        Weights of the points of the target; equal by default.

    Returns
    -------
    ndarray of shape (n,)

    Examples
    --------
    Two particles at 0 and a target at 1 leave with speeds ½ and 3/2, and rest where they meet it.

    >>> from rieszflow import exact
    >>> exact.line.flow([0.0, 0.0], [1.0], 1.0)
    array([0.5, 1. ])
    """
    time = _arrays.real(t, "t")
    return np.array(_core.line_flow(_quantiles(x0), _atoms(target, weights), time))


def backward_step(
    x0: npt.ArrayLike,
    target: npt.ArrayLike | None,
    tau: float,
    weights: npt.ArrayLike | None = None,
) -> npt.NDArray[np.float64]:
    """Particles on the line after one exact backward (JKO) step of size tau.

    The minimiser of W₂²(·, μ)/(2τ) + D²(·, ν) over n particles of equal weight.

    Parameters
    ----------
    x0, target, weights
        As for `flow`.
    tau : float
        Size of the step, positive.

    Returns
    -------
    ndarray of shape (n,)

    Examples
    --------
    >>> from rieszflow import exact
    >>> exact.line.backward_step([0.0, 0.0], None, 0.5)
    array([-0.25,  0.25])
    """
    size = _arrays.real(tau, "tau")
    return np.array(_core.line_backward_step(_quantiles(x0), _atoms(target, weights), size))


def _quantiles(x0: npt.ArrayLike) -> list[float]:
    particles = _numbers(x0, "x0")
    if (np.diff(particles) < 0).any():
        index = int(np.argmax(np.diff(particles) < 0)) + 1
        raise ValueError(f"x0 must increase, but x0[{index}] is below x0[{index - 1}]; sort it first")
    numbers: list[float] = particles.tolist()
    return numbers


def _atoms(
    target: npt.ArrayLike | None, weights: npt.ArrayLike | None
) -> tuple[list[float], list[float]] | None:
    if target is None:
        if weights is not None:
            raise ValueError("weights are those of a target, which is None")
        return None
    atoms = _numbers(target, "target")
    shares = _arrays.weights(weights, "weights", len(atoms))
    return atoms.tolist(), ([1.0] * len(atoms) if shares is None else shares.tolist())


def _numbers(value: npt.ArrayLike, name: str) -> npt.NDArray[np.float64]:
    array = _arrays.as_array(value, name).astype(np.float64)
    if array.ndim != 1 or array.size == 0:
        raise ValueError(f"{name} must have shape (n,) with n at least 1, not {array.shape}")
    _arrays.check_finite(array, name)
    return array
