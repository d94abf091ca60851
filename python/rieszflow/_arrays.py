"""Arguments as arrays that the native module takes, or errors that name them."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np
import numpy.typing as npt

from rieszflow import _core

RandomState = int | np.random.Generator | np.random.RandomState | None
Points = npt.NDArray[np.float32] | npt.NDArray[np.float64]

_LARGEST = {np.dtype(np.float32): 1e15, np.dtype(np.float64): 1e150}
"""Coordinates whose squared distances are finite."""


def as_array(value: object, name: str) -> npt.NDArray[Any]:
    """`value` as an array of float32 or float64, C-contiguous; it is copied only if it has to be.

    Single precision stays, half precision becomes single, integers and all else double.
    """
    if isinstance(value, np.ma.MaskedArray):
        raise TypeError(f"{name} must not be a masked array; its rows without a mask are points")
    if not isinstance(value, np.ndarray):
        value = _imported(value, name)
    kind = value.dtype.kind
    if kind not in "fiub":
        raise TypeError(f"{name} must hold real numbers, not {value.dtype}")
    dtype = np.float32 if kind == "f" and value.dtype.itemsize <= 4 else np.float64
    return np.require(value, dtype=dtype, requirements=["C", "A"])


def _imported(value: object, name: str) -> npt.NDArray[Any]:
    """The array that a list, a tensor or another holder of numbers stands for."""
    if getattr(value, "requires_grad", False):
        raise TypeError(
            f"{name} is a tensor that requires gradients; use rieszflow.torch.MMD2Loss, or {name}.detach()"
        )
    try:
        if hasattr(value, "__dlpack__") and not hasattr(value, "__array__"):
            return np.from_dlpack(value)
        return np.asarray(value)
    except ValueError as error:
        raise ValueError(f"{name} cannot be read as an array: {error}") from error
    except (TypeError, RuntimeError, BufferError) as error:
        raise TypeError(f"{name} cannot be read as an array on the CPU: {error}") from error


def points(value: object, name: str) -> Points:
    """`value` as points (n, d) with finite coordinates."""
    array = as_array(value, name)
    if array.ndim != 2:
        hint = f"; points on the line are {name}.reshape(-1, 1)" if array.ndim == 1 else ""
        raise ValueError(
            f"{name} must have shape (n_samples, n_features), not {array.shape}{hint}"
        )
    if array.size == 0:
        raise ValueError(
            f"{name} must have at least one row and one column, not shape {array.shape}"
        )
    check_finite(array, name)
    largest = _LARGEST[array.dtype]
    if np.abs(array).max() > largest:
        raise ValueError(f"{name} must hold coordinates up to {largest:g} in {array.dtype}")
    return array


def check_finite(array: npt.NDArray[Any], name: str) -> None:
    """Raises unless all entries are finite; the message has the index of the first that is not."""
    finite = np.isfinite(array)
    if not finite.all():
        index = tuple(int(i) for i in np.argwhere(~finite)[0])
        place = ", ".join(map(str, index))
        raise ValueError(f"{name} must be finite, but {name}[{place}] is {array[index]}")


def pair(x: object, y: object, names: tuple[str, str]) -> tuple[Points, Points]:
    """Two sets of points in one space and one precision: double, unless both are single."""
    first, second = points(x, names[0]), points(y, names[1])
    if first.shape[1] != second.shape[1]:
        raise ValueError(
            f"{names[0]} and {names[1]} must have the same number of features, not "
            f"{first.shape[1]} and {second.shape[1]}"
        )
    if first.dtype != second.dtype:
        return first.astype(np.float64), second.astype(np.float64)
    return first, second


def weights(value: object, name: str, count: int) -> npt.NDArray[np.float64] | None:
    """`value` as weights of `count` rows, divided by their sum; None for equal weights."""
    if value is None:
        return None
    array = as_array(value, name).astype(np.float64)
    if array.shape != (count,):
        raise ValueError(f"{name} must have shape ({count},), one weight a row, not {array.shape}")
    check_finite(array, name)
    if (array < 0).any():
        index = int(np.argmax(array < 0))
        raise ValueError(f"{name} must not be negative, but {name}[{index}] is {array[index]}")
    largest = float(array.max())
    if largest == 0:
        raise ValueError(f"{name} must have a positive entry")
    scaled = array / largest
    normalised: npt.NDArray[np.float64] = scaled / np.cumsum(scaled)[-1]
    return normalised


def exponent(value: object, name: str = "exponent") -> float:
    """`value` as the exponent r of a Riesz kernel."""
    number = real(value, name)
    if not 0 < number < 2:
        raise ValueError(f"{name} must lie strictly between 0 and 2, not {number}")
    return number


def real(value: object, name: str) -> float:
    """`value` as a number."""
    try:
        return float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        raise TypeError(f"{name} must be a number, not {value!r}") from None


def whole(value: object, name: str, least: int) -> int:
    """`value` as a whole number of at least `least`."""
    try:
        number = operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        raise TypeError(f"{name} must be a whole number, not {value!r}") from None
    if not least <= number < 2**63:
        raise ValueError(f"{name} must be at least {least} and below 2**63, not {number}")
    return number


def slicing(sums: str, n_directions: object, dim: int) -> int | None:
    """The number of directions of sliced sums; None for sums over all pairs."""
    if sums not in ("exact", "sliced"):
        raise ValueError(f"sums must be 'exact' or 'sliced', not {sums!r}")
    if n_directions is not None:
        count = whole(n_directions, "n_directions", 1)
        if sums == "exact":
            raise ValueError("n_directions has no effect with sums='exact'")
        return count
    return None if sums == "exact" else _core.default_directions(dim)


def seed(random_state: object) -> int:
    """The seed that `random_state` stands for: an integer itself, of a generator its next number."""
    if random_state is None:
        random_state = np.random.default_rng()
    if isinstance(random_state, np.random.Generator):
        return int(random_state.integers(2**63))
    if isinstance(random_state, np.random.RandomState):
        return int(random_state.randint(2**63 - 1, dtype=np.int64))
    try:
        number = operator.index(random_state)  # type: ignore[arg-type]
    except TypeError:
        raise TypeError(
            "random_state must be None, an integer, a numpy Generator or a RandomState, not "
            f"{random_state!r}"
        ) from None
    if not 0 <= number < 2**64:
        raise ValueError(f"random_state must lie between 0 and 2**64 - 1, not {number}")
    return number
