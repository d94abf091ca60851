"""A chain of networks that learns to draw an unknown given its observation."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from rieszflow import _arrays, _chain, _core
from rieszflow._arrays import RandomState


@dataclass(frozen=True, eq=False)
class PosteriorSampler:
    """What a chain of networks has learned from pairs.

    Attributes
    ----------
    discrepancy : ndarray of shape (L + 1,)
        D² of pairs with fresh unknowns and the pairs held out, which share their observations, standardised: of
        the starts, and after each of L networks.
    best : int
        After how many networks `discrepancy` is least, which is how many draws pass through.
    success : bool
        Whether the chain has come to its end.
    message : str
        How it ended, in words.
    """

    discrepancy: npt.NDArray[np.float64]
    best: int
    success: bool
    message: str
    _standardization: tuple[list[float], list[float], list[float]] = field(repr=False)
    _range: tuple[npt.NDArray[Any], npt.NDArray[Any]] = field(repr=False)
    _kernels: _core.Kernels | None = field(repr=False)
    _dtype: np.dtype[Any] = field(repr=False)

    def sample(
        self, observation: npt.ArrayLike, n_samples: int, random_state: RandomState = None
    ) -> npt.NDArray[Any]:
        """Independent draws of the unknown given what is observed.

        Parameters
        ----------
        observation : array_like of shape (n,) or (C, n)
            One observation, or several.
        n_samples : int
            Number of draws at each.
        random_state : int, Generator, RandomState or None
            Equal integers give equal draws; None takes fresh ones.

        Returns
        -------
        ndarray of shape (n_samples, d) or (C, n_samples, d)

        Raises
        ------
        ValueError
            If nothing was learned, or an observation has not n coordinates.

        Warns
        -----
        UserWarning
            If an observation lies beyond those of the pairs.
        """
        count, n = _arrays.whole(n_samples, "n_samples", 1), len(self._range[0])
        given = _arrays.as_array(observation, "observation").astype(np.float64)
        if given.ndim not in (1, 2) or given.shape[-1] != n or given.size == 0:
            raise ValueError(f"observation must have shape ({n},) or (C, {n}), not {given.shape}")
        _arrays.check_finite(given, "observation")
        low, high = self._range
        beyond = np.argwhere((np.atleast_2d(given) < low) | (np.atleast_2d(given) > high))
        if beyond.size:
            row, k = beyond[0]
            warnings.warn(
                f"the observation {np.atleast_2d(given)[row, k]:.4g} lies beyond those of the pairs in column {k}, "
                f"{low[k]:.4g} to {high[k]:.4g}, so that nothing was learned there",
                stacklevel=2,
            )
        if self._kernels is None:
            raise ValueError("there are no networks to pass samples through: " + self.message)
        drawn = _core.draw_posteriors(
            self._standardization,
            self._kernels,
            self.best,
            np.atleast_2d(given),
            (count, _arrays.seed(random_state)),
            self._dtype == np.float32,
        )
        return drawn[0] if given.ndim == 1 else np.stack(drawn)


def posterior(
    unknowns: npt.ArrayLike,
    observations: npt.ArrayLike,
    *,
    observation_scale: float = 3.0,
    exponent: float = 1.0,
    held_out: int | None = None,
    flow_step: float | None = None,
    momentum: float = 0.8,
    n_directions: int | None = None,
    n_networks: int | None = None,
    first_flow_steps: int | None = None,
    most_flow_steps: int | None = None,
    patience: int = 3,
    random_state: RandomState = None,
    iterations: int | None = None,
    batch: int | None = None,
    width: int | None = None,
    hidden_layers: int | None = None,
    learning_rate: float | None = None,
    learning_rate_decay: float | None = None,
) -> PosteriorSampler:
    r"""Learns to draw an unknown x given its observation y, from pairs of both.

    Particles (x, y) share the observations of the training pairs and follow the flow of D² to these, with sliced
    sums and momentum, in which x moves and y stays; a chain of networks learns where they went [1]_. A draw from
    the posterior at y is a normal start that passes through all networks with this y. The networks learn how the
    posteriors differ from a linear regression of x on y, which is subtracted before.

    Parameters
    ----------
    unknowns : array_like of shape (N, d)
        Samples of x, at least 4. float32 learns in single precision, if both are; all else in double.
    observations : array_like of shape (N, n)
        What is observed of each.
    observation_scale : float, default 3.0
        The standard deviation of the observations that the chain computes with, where that of the unknowns is 1. A
        large one separates pairs whose observations differ a little.
    exponent : float, default 1.0
        r of the kernel -\|x - y\|^r, above 1/2 and below 2.
    held_out : int, optional
        How many of the pairs, chosen at random, are not trained on but compared with fresh draws; by default a
        tenth, at most 2000.
    flow_step : float, optional
        By default a tenth of the root mean square distance of the standardised pairs to their mean, for r = 1.
    momentum, n_directions, n_networks, first_flow_steps, most_flow_steps, patience, random_state
        As for `generate`.
    iterations, batch, width, hidden_layers, learning_rate, learning_rate_decay
        As for `generate`.

    Returns
    -------
    PosteriorSampler
        With a method `sample`, and attributes `discrepancy` and `best`. A chain that diverges is a result
        without success, up to where it came.

    Raises
    ------
    ValueError, TypeError
        If an argument is unusable; the message names it.

    Notes
    -----
    There is a particle for each training pair. The program ``rieszflow posterior`` learns the same networks to
    the bit with the same settings.

    References
    ----------
    .. [1] Hagemann, Hertrich, Altekrüger, Beinert, Chemseddine, Steidl, "Posterior Sampling Based on Gradient
       Flows of the MMD with Negative Distance Kernel", ICLR 2024.

    Examples
    --------
    >>> import numpy as np
    >>> from rieszflow import posterior
    >>> rng = np.random.default_rng(0)
    >>> x = rng.normal(size=(1000, 1))
    >>> y = x + 0.5 * rng.normal(size=(1000, 1))  # so that the posterior at y is N(0.8 y, 0.2)
    >>> sampler = posterior(x, y, width=32, iterations=300, n_networks=4, random_state=0)
    >>> drawn = sampler.sample([1.0], 2000, random_state=1)
    >>> drawn.shape, bool(abs(drawn.mean() - 0.8) < 0.1)
    ((2000, 1), True)
    """
    x, y = _arrays.points(unknowns, "unknowns"), _arrays.points(observations, "observations")
    if len(x) != len(y):
        raise ValueError(
            f"unknowns and observations must have the same number of rows, not {len(x)} and {len(y)}"
        )
    scale = _arrays.real(observation_scale, "observation_scale")
    if not 0 < scale < np.inf:
        raise ValueError(f"observation_scale must be positive and finite, not {scale}")
    pairs = np.ascontiguousarray(np.hstack([x, y]))
    settings = _chain.settings(
        pairs.shape,
        "unknowns",
        len(pairs),
        exponent=exponent,
        held_out=held_out,
        n_particles=None,
        flow_step=flow_step,
        momentum=momentum,
        n_directions=n_directions,
        n_networks=n_networks,
        first_flow_steps=first_flow_steps,
        most_flow_steps=most_flow_steps,
        patience=patience,
        random_state=random_state,
        iterations=iterations,
        batch=batch,
        width=width,
        hidden_layers=hidden_layers,
        learning_rate=learning_rate,
        learning_rate_decay=learning_rate_decay,
    )
    standardization, learned = _core.posterior(pairs, y.shape[1], scale, settings)
    return PosteriorSampler(
        discrepancy=np.array(learned["discrepancy"]),
        best=learned["best"],
        success=learned["success"],
        message=learned["message"],
        _standardization=standardization,
        _range=(y.min(axis=0), y.max(axis=0)),
        _kernels=learned["kernels"],
        _dtype=pairs.dtype,
    )
