"""A chain of networks that learns to sample the law of data."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from rieszflow import _arrays, _chain, _core
from rieszflow._arrays import RandomState


@dataclass(frozen=True, eq=False)
class Generator:
    """What a chain of networks has learned.

    Attributes
    ----------
    discrepancy : ndarray of shape (L + 1,)
        D² of fresh samples and the data held out (V-statistic): of the starts, and after each of L networks.
    discrepancy_u : ndarray of shape (L + 1,)
        The same without the pairs of a sample with itself, which is an unbiased estimate of D² between the laws
        and may be below 0.
    best : int
        After how many networks `discrepancy` is least, which is how many samples pass through.
    success : bool
        Whether the chain has come to its end.
    message : str
        How it ended, in words.
    """

    discrepancy: npt.NDArray[np.float64]
    discrepancy_u: npt.NDArray[np.float64]
    best: int
    success: bool
    message: str
    _start: tuple[list[float], list[float]] = field(repr=False)
    _kernels: _core.Kernels | None = field(repr=False)
    _dtype: np.dtype[Any] = field(repr=False)

    def sample(self, n_samples: int, random_state: RandomState = None) -> npt.NDArray[Any]:
        """Fresh independent samples: normal starts that pass through the networks.

        Parameters
        ----------
        n_samples : int
            Number of samples.
        random_state : int, Generator, RandomState or None
            Equal integers give equal samples; None takes fresh ones.

        Returns
        -------
        ndarray of shape (n_samples, d)

        Raises
        ------
        ValueError
            If nothing was learned.
        """
        count = _arrays.whole(n_samples, "n_samples", 1)
        if self._kernels is None:
            raise ValueError("there are no networks to pass samples through: " + self.message)
        draws = (count, _arrays.seed(random_state))
        single = self._dtype == np.float32
        return _core.sample_chain(self._start, self._kernels, self.best, draws, single)


def generate(
    data: npt.ArrayLike,
    *,
    exponent: float = 1.0,
    held_out: int | None = None,
    n_particles: int | None = None,
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
) -> Generator:
    r"""Learns to draw samples from the law of data.

    Particles follow the flow of D² to the training data, with sliced sums and momentum, for some steps; a
    network learns where they went; all particles are moved by the network; and again with twice as many steps
    [1]_. A fresh sample is a normal start that passes through all networks.

    Parameters
    ----------
    data : array_like of shape (n, d)
        Samples, at least 4. float32 learns in single precision, all else in double.
    exponent : float, default 1.0
        r of the kernel -\|x - y\|^r, above 1/2 and below 2.
    held_out : int, optional
        How many of the samples, chosen at random, are not trained on but compared with fresh ones; by default
        a tenth, at most 2000.
    n_particles : int, optional
        By default as many as training samples, at most 20000.
    flow_step : float, optional
        Size of a step of the particle flow; by default, for r = 1, a tenth of the root mean square distance of
        the data to its mean, and for d <= 3 all of it.
    momentum : float, default 0.8
        The part of its velocity that a particle keeps from step to step, below 1.
    n_directions : int, optional
        Number of directions of the sliced sums; by default 64 in the plane, 128 for d = 3 and 256 above.
    n_networks : int, optional
        The most networks.
    first_flow_steps, most_flow_steps : int, optional
        Steps of the flow that the first network learns, and the most for one network; they double in between.
    patience : int, default 3
        The chain ends when the least D² to the samples held out is this many networks old; 0 learns all.
    random_state : int, Generator, RandomState or None
        Equal integers give equal networks, to the bit and for every number of threads.
    iterations, batch, width, hidden_layers : int, optional
        Training iterations per network, particles in a minibatch, and the size of the networks.
    learning_rate, learning_rate_decay : float, optional
        Adam's learning rate, and the fraction of it that is left at the end of each network's training.

    Returns
    -------
    Generator
        With a method `sample`, and attributes `discrepancy` and `best`. A chain that diverges is a result
        without success, up to where it came.

    Raises
    ------
    ValueError, TypeError
        If an argument is unusable; the message names it.

    Notes
    -----
    A flow step takes O(P (n + N) (d + log n)) time for P directions, n samples and N particles. The program
    ``rieszflow generate`` learns the same networks to the bit with the same settings.

    References
    ----------
    .. [1] Hertrich, Wald, Altekrüger, Hagemann, "Generative Sliced MMD Flows with Riesz Kernels", ICLR 2024.

    Examples
    --------
    >>> import numpy as np
    >>> from rieszflow import generate
    >>> data = np.random.default_rng(0).uniform(2.0, 4.0, size=(300, 1))
    >>> generator = generate(data, width=16, iterations=200, n_networks=3, random_state=0)
    >>> x = generator.sample(1000, random_state=1)
    >>> bool(abs(x.mean() - 3.0) < 0.1 and abs(x.std() - 0.577) < 0.1)
    True
    """
    samples = _arrays.points(data, "data")
    settings = _chain.settings(
        samples.shape,
        "data",
        _core.chain_defaults()[0],
        exponent=exponent,
        held_out=held_out,
        n_particles=n_particles,
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
    learned = _core.generate(samples, settings)
    return Generator(
        discrepancy=np.array(learned["discrepancy"]),
        discrepancy_u=np.array(learned["discrepancy_u"]),
        best=learned["best"],
        success=learned["success"],
        message=learned["message"],
        _start=(learned["mean"], learned["deviation"]),
        _kernels=learned["kernels"],
        _dtype=samples.dtype,
    )
