"""Probability laws with exact potential, energy and sampler."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from rieszflow import _arrays, _core


class Law:
    """A probability law on ℝᵈ: the base of `Equilibrium`, `Gaussian`, `Ball`, `Sphere` and `Mixture`.

    A law can be the target of `rieszflow.flow`, and `discrepancy` measures points against it.
    """

    _law: _core.Law
    _arguments: tuple[object, ...]

    def __init__(self, law: _core.Law, arguments: tuple[object, ...]) -> None:
        self._law = law
        self._arguments = arguments

    def __reduce__(self) -> tuple[type[Law], tuple[object, ...]]:
        return type(self), self._arguments

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(map(repr, self._arguments))})"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Law):
            return NotImplemented
        return type(self) is type(other) and self._arguments == other._arguments

    def __hash__(self) -> int:
        return hash((type(self), self._arguments))

    @property
    def dim(self) -> int:
        """d, the dimension of the space."""
        return self._law.dim

    def rvs(
        self,
        size: int = 1,
        random_state: int | np.random.Generator | np.random.RandomState | None = None,
    ) -> npt.NDArray[np.float64]:
        """Independent draws.

        Parameters
        ----------
        size : int, default 1
            Number of points.
        random_state : int, Generator, RandomState or None
            Equal integers give equal points; None takes fresh ones.

        Returns
        -------
        ndarray of shape (size, d)
        """
        count = _arrays.whole(size, "size", 0)
        return self._law.sample(count, _arrays.seed(random_state))

    def _potential(self, X: npt.ArrayLike, exponent: float) -> npt.NDArray[np.float64]:
        points = _points(X, self.dim)
        return self._law.potential(points, _arrays.exponent(exponent))


class _WithoutExponent(Law):
    """A law that does not depend on the exponent of the kernel."""

    def potential(self, X: npt.ArrayLike, exponent: float = 1.0) -> npt.NDArray[np.float64]:
        r"""The potential :math:`U(x) = \int |x - y|^r \, d\nu(y)` at points.

        Parameters
        ----------
        X : array_like of shape (n, d)
            Points.
        exponent : float, default 1.0
            r, strictly between 0 and 2.

        Returns
        -------
        ndarray of shape (n,)
        """
        return self._potential(X, exponent)

    def energy(self, exponent: float = 1.0) -> float:
        r"""The interaction energy :math:`-\tfrac12 \iint |x - y|^r \, d\nu \, d\nu`."""
        return self._law.energy(_arrays.exponent(exponent))


class Equilibrium(Law):
    r"""The equilibrium η* of the interaction energy, scaled.

    η* minimises :math:`\tfrac12 \int |x|^2 d\eta + E(\eta)`. For r + d < 4 it has a density on a ball, else it
    is uniform on a sphere. The flow of E from a Dirac at 0 is η* scaled by `flow_scale` [1]_.

    Parameters
    ----------
    dim : int
        d, the dimension of the space.
    exponent : float, default 1.0
        r, the exponent of the kernel, strictly between 0 and 2.
    scale : float, default 1.0
        c > 0; the law is that of c Y with Y of law η*.

    References
    ----------
    .. [1] Altekrüger, Hertrich, Steidl, "Neural Wasserstein Gradient Flows for Discrepancies with Riesz
       Kernels", ICML 2023.

    Examples
    --------
    >>> from rieszflow import exact
    >>> exact.Equilibrium(2).radius  # π/4
    0.785398...
    """

    def __init__(self, dim: int, exponent: float = 1.0, scale: float = 1.0) -> None:
        dim = _arrays.whole(dim, "dim", 1)
        exponent = _arrays.exponent(exponent)
        scale = _positive(scale, "scale")
        radius, moment, energy, is_ball = _core.equilibrium(dim, exponent)
        super().__init__(_core.Law.equilibrium(dim, exponent, scale), (dim, exponent, scale))
        self._exponent, self._scale, self._is_ball = exponent, scale, is_ball
        self._radius, self._moment = scale * radius, scale**2 * moment
        self._energy: float = scale**exponent * energy

    @property
    def exponent(self) -> float:
        """r."""
        return self._exponent

    @property
    def scale(self) -> float:
        """c."""
        return self._scale

    @property
    def kind(self) -> str:
        """What carries the mass: "ball" or "sphere"."""
        return "ball" if self._is_ball else "sphere"

    @property
    def radius(self) -> float:
        """The radius of the ball or sphere."""
        return self._radius

    @property
    def second_moment(self) -> float:
        r"""The mean of :math:`|x|^2`."""
        return self._moment

    @property
    def energy(self) -> float:
        r"""The interaction energy :math:`-\tfrac12 \iint |x - y|^r \, d\eta \, d\eta` for its own r."""
        return self._energy

    def pdf(self, X: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """The density at points: 0 outside the ball, inf on its edge if r + d > 2.

        Parameters
        ----------
        X : array_like of shape (n, d)
            Points.

        Returns
        -------
        ndarray of shape (n,)

        Raises
        ------
        ValueError
            For r + d ≥ 4: a law on a sphere has no density.
        """
        points = _points(X, self.dim)
        radii = np.linalg.norm(points, axis=1) / self._scale
        density = _core.equilibrium_density(self.dim, self._exponent, radii.tolist())
        if density is None:
            raise ValueError("a law on a sphere has no density; pdf needs exponent + dim < 4")
        return np.array(density) / self._scale**self.dim

    def potential(self, X: npt.ArrayLike) -> npt.NDArray[np.float64]:
        r"""The potential :math:`U(x) = \int |x - y|^r \, d\eta(y)` at points, for its own r.

        Parameters
        ----------
        X : array_like of shape (n, d)
            Points.

        Returns
        -------
        ndarray of shape (n,)
        """
        return self._potential(X, self._exponent)


class Gaussian(_WithoutExponent):
    """The normal law N(mean, std² I).

    Parameters
    ----------
    mean : array_like of shape (d,)
        The mean.
    std : float, default 1.0
        The standard deviation of each coordinate.

    Examples
    --------
    >>> from rieszflow import exact
    >>> exact.Gaussian([0.0, 0.0]).potential([[0.0, 0.0]])  # √(π/2)
    array([1.253314...])
    """

    def __init__(self, mean: npt.ArrayLike, std: float = 1.0) -> None:
        centre, size = _vector(mean, "mean"), _positive(std, "std")
        super().__init__(_core.Law.gaussian(centre, size), (tuple(centre), size))


class Ball(_WithoutExponent):
    """The uniform law on a ball.

    Parameters
    ----------
    centre : array_like of shape (d,)
        The centre.
    radius : float, default 1.0
        The radius.
    """

    def __init__(self, centre: npt.ArrayLike, radius: float = 1.0) -> None:
        middle, size = _vector(centre, "centre"), _positive(radius, "radius")
        super().__init__(_core.Law.ball(middle, size), (tuple(middle), size))


class Sphere(_WithoutExponent):
    """The uniform law on a sphere; two points on the line.

    Parameters
    ----------
    centre : array_like of shape (d,)
        The centre.
    radius : float, default 1.0
        The radius.
    """

    def __init__(self, centre: npt.ArrayLike, radius: float = 1.0) -> None:
        middle, size = _vector(centre, "centre"), _positive(radius, "radius")
        super().__init__(_core.Law.sphere(middle, size), (tuple(middle), size))


class Mixture(_WithoutExponent):
    """A mixture of laws.

    Parameters
    ----------
    laws : sequence of Law
        The components, in one dimension.
    weights : array_like of shape (len(laws),), optional
        Their weights, which are divided by their sum; equal by default.

    Notes
    -----
    As the target of `rieszflow.flow` the components have to be of one kind and size, with equal weights.
    """

    def __init__(self, laws: Sequence[Law], weights: npt.ArrayLike | None = None) -> None:
        laws = tuple(laws)
        if not laws or not all(isinstance(law, Law) for law in laws):
            raise TypeError("laws must be a sequence of at least one law")
        if len({law.dim for law in laws}) > 1:
            raise ValueError("laws must have one dimension")
        checked = _arrays.weights(weights, "weights", len(laws))
        shares = (np.full(len(laws), 1 / len(laws)) if checked is None else checked).tolist()
        parts = [law._law for law in laws]
        super().__init__(_core.Law.mixture(parts, shares), (laws, tuple(shares)))


def discrepancy(
    X: npt.ArrayLike,
    law: Law,
    a: npt.ArrayLike | None = None,
    *,
    exponent: float | None = None,
    unbiased: bool = False,
) -> float:
    r"""D² of points to a law, exactly: nothing of the law is sampled.

    .. math::

        D^2 = \sum_i a_i U(x_i) - \tfrac12 \sum_{i,j} a_i a_j |x_i - x_j|^r + E(\nu)

    Parameters
    ----------
    X : array_like of shape (n, d)
        Points.
    law : Law
        The law ν, with potential U and energy E(ν).
    a : array_like of shape (n,), optional
        Weights of the points; equal by default.
    exponent : float, optional
        r; by default that of an `Equilibrium`, else 1.
    unbiased : bool, default False
        Leave out pairs of a point with itself, as in `rieszflow.mmd2`.

    Returns
    -------
    float

    Examples
    --------
    >>> from rieszflow import exact
    >>> exact.discrepancy([[0.0]], exact.Ball([0.0], 1.0))  # 1/2 - 1/3
    0.1666666...
    """
    if not isinstance(law, Law):
        raise TypeError(f"law must be a law of rieszflow.exact, not {law!r}")
    points = _points(X, law.dim)
    if exponent is None:
        exponent = law.exponent if isinstance(law, Equilibrium) else 1.0
    weights = _arrays.weights(a, "a", len(points))
    if unbiased and len(points) < 2:
        raise ValueError("X must have at least 2 rows if unbiased=True")
    found = law._law.discrepancy(points, weights, _arrays.exponent(exponent))
    return found[1] if unbiased else found[0]


def _points(X: npt.ArrayLike, dim: int) -> npt.NDArray[np.float64]:
    """Points in ℝ^dim, in double precision."""
    points = _arrays.points(X, "X").astype(np.float64, order="C", copy=False)
    if points.shape[1] != dim:
        raise ValueError(f"X must have {dim} features, the dimension of the law, not {points.shape[1]}")
    return points


def _vector(value: npt.ArrayLike, name: str) -> list[float]:
    """A point as a list of its coordinates."""
    array = _arrays.as_array(value, name).astype(np.float64)
    if array.ndim != 1 or array.size == 0:
        raise ValueError(f"{name} must have shape (n_features,), not {array.shape}")
    _arrays.check_finite(array, name)
    coordinates: list[float] = array.tolist()
    return coordinates


def _positive(value: float, name: str) -> float:
    """A positive, finite number."""
    number = _arrays.real(value, name)
    if not 0 < number < np.inf:
        raise ValueError(f"{name} must be positive and finite, not {number}")
    return number
