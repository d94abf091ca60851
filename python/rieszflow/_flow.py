"""The gradient flow of D², from numpy arrays to a result as in scipy."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from rieszflow import _arrays, _core
from rieszflow._arrays import RandomState
from rieszflow.exact import Equilibrium, Law


@dataclass(frozen=True, eq=False)
class FlowResult:
    """What a flow has led to.

    Attributes
    ----------
    t : ndarray of shape (S,)
        The flow times at which particles are kept: the ends of the first time steps that reach the times
        asked for.
    particles : ndarray of shape (S, n, d)
        The particles at these times, in the dtype of the start.
    discrepancy : ndarray of shape (S,)
        D² of the particles to the target (V-statistic, double precision); nan without a target.
    success : bool
        Whether the flow has reached its end.
    message : str
        How it ended, in words.
    """

    t: npt.NDArray[np.float64]
    particles: npt.NDArray[Any]
    discrepancy: npt.NDArray[np.float64]
    success: bool
    message: str
    _start: npt.NDArray[Any] = field(repr=False)
    _kernels: _core.Kernels | None = field(repr=False)

    def sample(self, n_samples: int, random_state: RandomState = None) -> npt.NDArray[Any]:
        """Fresh particles of the measure that a neural flow has learned, at its last time step.

        Rows of the start are drawn at random and pass through the learned kernels of all time steps, with
        latents of their own: the particles are independent.

        Parameters
        ----------
        n_samples : int
            Number of particles.
        random_state : int, Generator, RandomState or None
            Equal integers give equal particles; None takes fresh ones.

        Returns
        -------
        ndarray of shape (n_samples, d)

        Raises
        ------
        ValueError
            If nothing was learned: in the particle scheme, and with ``keep_kernels=False``.
        """
        count = _arrays.whole(n_samples, "n_samples", 1)
        if self._kernels is None:
            raise ValueError(
                "there are no kernels to push fresh particles through; they are learned with "
                "scheme='backward' or 'forward' and kept with keep_kernels=True"
            )
        return _core.push_forward(self._start, self._kernels, count, _arrays.seed(random_state))


def flow(
    x0: npt.ArrayLike,
    target: npt.ArrayLike | Law | None,
    *,
    scheme: Literal["particle", "backward", "forward"] = "particle",
    exponent: float = 1.0,
    tau: float | str,
    t_eval: npt.ArrayLike,
    weights: npt.ArrayLike | None = None,
    initial_steps: Sequence[float] = (),
    momentum: float = 0.0,
    sums: Literal["exact", "sliced"] = "exact",
    n_directions: int | None = None,
    random_state: RandomState = None,
    callback: Callable[[float, npt.NDArray[Any]], object] | None = None,
    iterations: int | None = None,
    first_iterations: int | None = None,
    first_phase: float | None = None,
    batch: int | None = None,
    width: int | None = None,
    hidden_layers: int | None = None,
    latent_dim: int | None = None,
    learning_rate: float | None = None,
    learning_rate_decay: float | None = None,
    control_variate: bool | None = None,
    keep_kernels: bool = True,
) -> FlowResult:
    r"""Wasserstein gradient flow of the discrepancy D² from particles towards a target.

    The measure follows the steepest descent of

    .. math::

        F(\mu) = -\tfrac12 \iint |x - x'|^r \, d\mu \, d\mu + \iint |x - y|^r \, d\mu \, d\nu
               = D^2(\mu, \nu) + \text{const.}

    in time steps of size τ: by explicit Euler for the particles (``"particle"``), or by learning in each step
    a transport plan that minimises :math:`W_2^2(\mu, \mu_n) / 2\tau + F(\mu)` (``"backward"``, JKO), or a
    velocity plan of steepest descent (``"forward"``) [1]_. Plans split mass: a Dirac becomes a density.

    Parameters
    ----------
    x0 : array_like of shape (n, d)
        The particles at time 0, of equal weight. float32 flows in single precision, all else in double.
    target : array_like of shape (m, d), Law or None
        Points of the target, an exact law (`rieszflow.exact`), of which nothing is sampled, or None: the flow
        of the interaction energy alone, in which the particles repel each other.
    scheme : {"particle", "backward", "forward"}, default "particle"
        How a time step is computed. "forward" leaves a Dirac for r = 1 alone.
    exponent : float, default 1.0
        r of the kernel -\|x - y\|^r, strictly between 0 and 2.
    tau : float or str
        τ, the size of a time step, in flow time; ``"0.5,5:1,25:2"`` is 0.5 at first, 1 from t = 5 on and 2
        from 25 on.
    t_eval : float or array_like of shape (S,)
        The flow times, increasing, at which particles are kept: each at the end of the first time step that
        reaches it. The flow ends at the last.
    weights : array_like of shape (m,), optional
        Weights of the points of the target, which are divided by their sum; equal by default.
    initial_steps : sequence of float, optional
        Sizes of the first time steps, after which the steps return to multiples of τ.
    momentum : float, default 0.0
        The part of its velocity that a particle keeps from step to step in the particle scheme, below 1. With it
        this is no gradient flow, but one that comes nearer to the target in fewer steps.
    sums : {"exact", "sliced"}, default "exact"
        Sums over all pairs, or their estimate by slicing, for many particles: time O((n+m) log(n+m)) for each
        direction, and exponents above 1/2 alone.
    n_directions : int, optional
        Number of directions of sliced sums; by default 64 in the plane, 128 for d = 3 and 256 above.
    random_state : int, Generator, RandomState or None
        Equal integers give equal flows, to the bit and for every number of threads.
    callback : callable, optional
        Called after each time step as ``callback(t, particles)``. Its exceptions pass through, but for
        StopIteration, which ends the flow there.
    iterations, first_iterations : int, optional
        Training iterations per time step, and those until the flow time `first_phase`.
    first_phase : float, optional
        The flow time until which `first_iterations` applies.
    batch : int, optional
        Size of each of the two minibatches, at most n.
    width, hidden_layers, latent_dim : int, optional
        The network: units of a hidden layer, number of these, and dimension of the random input, by default d.
    learning_rate, learning_rate_decay : float, optional
        Adam's learning rate, and the fraction of it that is left at the end of each time step.
    control_variate : bool, optional
        Whether a control variate reduces the variance of gradients.
    keep_kernels : bool, default True
        Whether the networks of all time steps are kept for `FlowResult.sample`.

    Returns
    -------
    FlowResult
        With attributes `t`, `particles`, `discrepancy`, `success` and `message`, and a method `sample`. A flow
        that diverges is a result without success, up to where it came.

    Raises
    ------
    ValueError, TypeError
        If an argument is unusable; the message names it.

    Notes
    -----
    A step of the particle scheme takes O(n (n + m) d) time on all cores, towards a law O(n² d), and O((n + m) d)
    memory. Defaults of the training depend on the target, as in the program ``rieszflow``, which gives the same
    particles to the bit with the same settings. Particles that coincide at the start are jittered by 1e-9 in
    the particle scheme, which could not part them.

    References
    ----------
    .. [1] Altekrüger, Hertrich, Steidl, "Neural Wasserstein Gradient Flows for Discrepancies with Riesz
       Kernels", ICML 2023.

    Examples
    --------
    A particle is drawn to a target at distance 1 with speed 1 for r = 1.

    >>> import numpy as np
    >>> from rieszflow import flow
    >>> result = flow([[0.0]], [[1.0]], tau=0.25, t_eval=[0.5, 1.0], random_state=0)
    >>> result.particles[:, 0, 0]
    array([0.5, 1. ])
    >>> result.success, result.message
    (True, 'The flow reached t = 1 in 4 time steps.')
    """
    start = _arrays.points(x0, "x0")
    training = {
        "iterations": _optional_whole(iterations, "iterations"),
        "first_iterations": _optional_whole(first_iterations, "first_iterations"),
        "first_phase": _optional_real(first_phase, "first_phase"),
        "batch": _optional_whole(batch, "batch"),
        "width": _optional_whole(width, "width"),
        "hidden_layers": _optional_whole(hidden_layers, "hidden_layers"),
        "latent_dim": _optional_whole(latent_dim, "latent_dim"),
        "learning_rate": _optional_real(learning_rate, "learning_rate"),
        "learning_rate_decay": _optional_real(learning_rate_decay, "learning_rate_decay"),
        "control_variate": None if control_variate is None else bool(control_variate),
    }
    r = _arrays.exponent(exponent)
    _check_scheme(scheme, r, start, training)
    directions = _arrays.slicing(sums, n_directions, start.shape[1])
    if directions is not None and r <= 0.5:
        raise ValueError(f"exponent must be above 1/2 with sums='sliced', not {r}")
    inertia = _arrays.real(momentum, "momentum")
    if not 0 <= inertia < 1:
        raise ValueError(f"momentum must be at least 0 and below 1, not {inertia}")
    if inertia > 0 and scheme != "particle":
        raise ValueError(f"momentum has an effect with scheme='particle' alone, not with {scheme!r}")
    points, shares, law = _target(target, weights, start.shape[1], r)
    if callback is not None and not callable(callback):
        raise TypeError(f"callback must be callable, not {callback!r}")
    times = _times(t_eval)
    settings = {
        "scheme": scheme,
        "exponent": r,
        "tau": _step_sizes(tau, times[-1]),
        "initial_steps": [_positive(size, "initial_steps") for size in initial_steps],
        "t_eval": times,
        "seed": _arrays.seed(random_state),
        "keep_kernels": bool(keep_kernels),
        "directions": directions,
        "momentum": inertia,
        **training,
    }
    found = _core.flow(start, points, shares, law, settings, callback)
    shape = (len(found["t"]), *start.shape)
    return FlowResult(
        t=np.array(found["t"]),
        particles=np.array(found["particles"], dtype=start.dtype).reshape(shape),
        discrepancy=np.array(found["discrepancy"]),
        success=found["success"],
        message=found["message"],
        _start=start.copy(),
        _kernels=found["kernels"],
    )


def _check_scheme(
    scheme: str, exponent: float, start: npt.NDArray[Any], training: Mapping[str, object]
) -> None:
    schemes = ("particle", "backward", "forward")
    if scheme not in schemes:
        raise ValueError(f"scheme must be one of {', '.join(map(repr, schemes))}, not {scheme!r}")
    given = [name for name, value in training.items() if value is not None]
    if scheme == "particle" and given:
        raise ValueError(f"{given[0]} has no effect with scheme='particle', which learns nothing")
    if scheme == "forward" and exponent < 1 and len(np.unique(start, axis=0)) < len(start):
        raise ValueError(
            f"exponent must be at least 1 with scheme='forward' from particles that coincide, not {exponent}: "
            "the energy has no finite one-sided derivative there; scheme='backward' has no such limit"
        )


def _target(
    target: npt.ArrayLike | Law | None, weights: npt.ArrayLike | None, dim: int, exponent: float
) -> tuple[npt.NDArray[np.float64] | None, npt.NDArray[np.float64] | None, _core.Law | None]:
    """Points and weights, or a law, or nothing."""
    if target is None or isinstance(target, Law):
        if weights is not None:
            raise ValueError("weights are those of the points of a target, which is not points")
        if target is None:
            return None, None, None
        if target.dim != dim:
            raise ValueError(f"target must be a law in dimension {dim}, that of x0, not {target.dim}")
        if isinstance(target, Equilibrium) and target.exponent != exponent:
            raise ValueError(
                f"target must be an equilibrium for exponent {exponent}, not for {target.exponent}"
            )
        return None, None, target._law
    points = _arrays.points(target, "target").astype(np.float64, copy=False)
    if points.shape[1] != dim:
        raise ValueError(f"target must have {dim} features, as x0, not {points.shape[1]}")
    return points, _arrays.weights(weights, "weights", len(points)), None


def _times(t_eval: npt.ArrayLike) -> list[float]:
    times = np.atleast_1d(_arrays.as_array(t_eval, "t_eval").astype(np.float64))
    if times.ndim != 1 or times.size == 0:
        raise ValueError(f"t_eval must be a flow time or have shape (S,), not {times.shape}")
    _arrays.check_finite(times, "t_eval")
    if times[0] < 0 or (np.diff(times) <= 0).any():
        raise ValueError("t_eval must increase from a time that is not negative")
    numbers: list[float] = times.tolist()
    return numbers


def _step_sizes(tau: float | str, time: float) -> str:
    """τ as the native module reads it."""
    text = tau if isinstance(tau, str) else repr(_positive(tau, "tau"))
    for part in text.split(","):
        try:
            size = float(part.split(":")[-1])
        except ValueError:
            raise ValueError(
                f"tau must be a number such as 0.05, or text such as '0.5,5:1,25:2', not {tau!r}"
            ) from None
        _positive(size, "tau")
        # Flow times are kept to twelve decimals.
        if not 1e-9 <= size <= 1e9:
            raise ValueError(f"tau must lie between 1e-9 and 1e9, not {size}")
        if time > 0 and not 1e-7 <= time / size <= 1e7:
            raise ValueError(
                f"tau must lie between a 10⁷th of the last time {time} and 10⁷ times it, not {size}"
            )
    return text


def _positive(value: float, name: str) -> float:
    number = _arrays.real(value, name)
    if not 0 < number < np.inf:
        raise ValueError(f"{name} must be positive and finite, not {number}")
    return number


def _optional_whole(value: int | None, name: str) -> int | None:
    return None if value is None else _arrays.whole(value, name, 1)


def _optional_real(value: float | None, name: str) -> float | None:
    return None if value is None else _arrays.real(value, name)
