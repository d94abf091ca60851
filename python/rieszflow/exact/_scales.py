"""How far the flow of the interaction energy from a Dirac has come, and both schemes."""

from __future__ import annotations

from typing import Any, overload

import numpy as np
import numpy.typing as npt

from rieszflow import _arrays, _core


@overload
def flow_scale(
    t: float, exponent: float = ..., *, initial_scale: float = ...
) -> float: ...
@overload
def flow_scale(
    t: npt.ArrayLike, exponent: float = ..., *, initial_scale: float = ...
) -> npt.NDArray[np.float64]: ...
def flow_scale(
    t: npt.ArrayLike, exponent: float = 1.0, *, initial_scale: float = 0.0
) -> npt.NDArray[np.float64] | float:
    r"""Scale c(t) of the flow of the interaction energy: at time t it is η* scaled by c(t).

    .. math::

        c(t) = \bigl(c_0^{2-r} + (2-r)\, t\bigr)^{1/(2-r)}

    Parameters
    ----------
    t : float or array_like
        Flow times, not negative.
    exponent : float, default 1.0
        r.
    initial_scale : float, default 0.0
        The scale c₀ at time 0; 0 is a Dirac.

    Returns
    -------
    float or ndarray of the shape of `t`

    References
    ----------
    .. [1] Altekrüger, Hertrich, Steidl, "Neural Wasserstein Gradient Flows for Discrepancies with Riesz
       Kernels", ICML 2023.

    Examples
    --------
    >>> from rieszflow import exact
    >>> exact.flow_scale(0.8)
    0.8
    """
    times = _numbers(t, "t")
    r, start = _arrays.exponent(exponent), _arrays.real(initial_scale, "initial_scale")
    scales = np.array(_core.flow_scales(r, start, times.ravel().tolist())).reshape(times.shape)
    return scales.item() if times.ndim == 0 else scales


def backward_scales(
    steps: npt.ArrayLike, exponent: float = 1.0, *, initial_scale: float = 0.0
) -> npt.NDArray[np.float64]:
    r"""Scales c₁, …, cₙ of the exact backward (JKO) scheme for the interaction energy.

    They solve :math:`c_n - c_{n-1} = \tau_n c_n^{r-1}`.

    Parameters
    ----------
    steps : array_like of shape (n,)
        The sizes τ of the time steps.
    exponent : float, default 1.0
        r.
    initial_scale : float, default 0.0
        c₀; 0 is a Dirac.

    Returns
    -------
    ndarray of shape (n,)

    Examples
    --------
    >>> from rieszflow import exact
    >>> exact.backward_scales([0.5, 0.25, 0.25])
    array([0.5 , 0.75, 1.  ])
    """
    return np.array(_core.backward_scales(*_scheme(steps, exponent, initial_scale)))


def forward_scales(
    steps: npt.ArrayLike, exponent: float = 1.0, *, initial_scale: float = 0.0
) -> npt.NDArray[np.float64]:
    r"""Scales c₁, …, cₙ of the exact forward scheme for the interaction energy.

    They are :math:`c_n = c_{n-1} + \tau_n c_{n-1}^{r-1}`. From a Dirac it stays there for r > 1 and is not
    defined for r < 1.

    Parameters
    ----------
    steps, exponent, initial_scale
        As for `backward_scales`.

    Returns
    -------
    ndarray of shape (n,)
    """
    return np.array(_core.forward_scales(*_scheme(steps, exponent, initial_scale)))


def _scheme(
    steps: npt.ArrayLike, exponent: float, initial_scale: float
) -> tuple[float, float, list[float]]:
    """The arguments of a scheme, checked."""
    sizes = _numbers(steps, "steps")
    if sizes.ndim != 1:
        raise ValueError(f"steps must have shape (n,), not {sizes.shape}")
    return (
        _arrays.exponent(exponent),
        _arrays.real(initial_scale, "initial_scale"),
        sizes.tolist(),
    )


def _numbers(value: npt.ArrayLike, name: str) -> npt.NDArray[Any]:
    array = _arrays.as_array(value, name).astype(np.float64)
    _arrays.check_finite(array, name)
    return array
