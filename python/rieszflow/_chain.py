"""The settings of chains of networks, checked."""

from __future__ import annotations

import numpy as np

from rieszflow import _arrays, _core
from rieszflow._arrays import RandomState


def settings(
    shape: tuple[int, ...],
    name: str,
    most_particles: int,
    *,
    exponent: float,
    held_out: int | None,
    n_particles: int | None,
    flow_step: float | None,
    momentum: float,
    n_directions: int | None,
    n_networks: int | None,
    first_flow_steps: int | None,
    most_flow_steps: int | None,
    patience: int,
    random_state: RandomState,
    iterations: int | None,
    batch: int | None,
    width: int | None,
    hidden_layers: int | None,
    learning_rate: float | None,
    learning_rate_decay: float | None,
) -> _core.ChainSettings:
    """What the native module takes, for samples of the given shape that the caller's argument `name` holds.

    There are as many particles as training samples, but at most `most_particles`, if not said otherwise.
    """
    count, dim = shape
    if count < 4:
        raise ValueError(f"{name} must have at least 4 samples, not {count}")
    r = _arrays.exponent(exponent)
    if r <= 0.5:
        raise ValueError(f"exponent must be above 1/2 for sliced sums, not {r}")
    tenth = min(max(count // 10, 2), 2000)
    out = tenth if held_out is None else _arrays.whole(held_out, "held_out", 2)
    if out > count - 2:
        raise ValueError(f"held_out must be between 2 and {count - 2} of {count} samples, not {out}")
    inertia = _arrays.real(momentum, "momentum")
    if not 0 <= inertia < 1:
        raise ValueError(f"momentum must be at least 0 and below 1, not {inertia}")
    networks, first, most = _core.chain_defaults()[1:]
    particles = _whole(n_particles, "n_particles", min(count - out, most_particles))
    if batch is not None and _arrays.whole(batch, "batch", 1) > particles:
        raise ValueError(f"batch must be between 1 and the {particles} particles, not {batch}")
    return {
        "exponent": r,
        "held_out": out,
        "particles": particles,
        "flow_step": _positive(flow_step, "flow_step"),
        "momentum": inertia,
        "directions": _whole(n_directions, "n_directions", _core.default_directions(dim)),
        "networks": _whole(n_networks, "n_networks", networks),
        "first_flow_steps": _whole(first_flow_steps, "first_flow_steps", first),
        "most_flow_steps": _whole(most_flow_steps, "most_flow_steps", most),
        "patience": _arrays.whole(patience, "patience", 0),
        "seed": _arrays.seed(random_state),
        "iterations": _optional_whole(iterations, "iterations"),
        "batch": batch,
        "width": _optional_whole(width, "width"),
        "hidden_layers": _optional_whole(hidden_layers, "hidden_layers"),
        "learning_rate": _positive(learning_rate, "learning_rate"),
        "learning_rate_decay": _positive(learning_rate_decay, "learning_rate_decay"),
    }


def _whole(value: int | None, name: str, default: int) -> int:
    return default if value is None else _arrays.whole(value, name, 1)


def _optional_whole(value: int | None, name: str) -> int | None:
    return None if value is None else _arrays.whole(value, name, 1)


def _positive(value: float | None, name: str) -> float | None:
    if value is None:
        return None
    number = _arrays.real(value, name)
    if not 0 < number < np.inf:
        raise ValueError(f"{name} must be positive and finite, not {number}")
    return number
