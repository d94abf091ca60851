from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypedDict, final, type_check_only

import numpy as np
import numpy.typing as npt

__all__ = [
    "VERSION",
    "Law",
    "backward_scales",
    "chain_defaults",
    "default_directions",
    "discrepancy",
    "draw_posteriors",
    "equilibrium",
    "equilibrium_density",
    "flow",
    "flow_scales",
    "forward_scales",
    "generate",
    "line_backward_step",
    "line_flow",
    "posterior",
    "push_forward",
    "read_toml",
    "sample_chain",
]

VERSION: Final[str]

@type_check_only
class Kernels(TypedDict):
    parameters: list[npt.NDArray[Any]]
    centres: list[list[float]]
    scales: list[float]
    units: list[float]
    latent_dim: int
    width: int
    hidden_layers: int
    origin: list[float]

@type_check_only
class Found(TypedDict):
    t: list[float]
    particles: list[npt.NDArray[Any]]
    discrepancy: list[float]
    success: bool
    message: str
    kernels: Kernels | None

@type_check_only
class ChainSettings(TypedDict):
    exponent: float
    held_out: int
    particles: int
    flow_step: float | None
    momentum: float
    directions: int
    networks: int
    first_flow_steps: int
    most_flow_steps: int
    patience: int
    seed: int
    iterations: int | None
    batch: int | None
    width: int | None
    hidden_layers: int | None
    learning_rate: float | None
    learning_rate_decay: float | None

@type_check_only
class Learned(TypedDict):
    discrepancy: list[float]
    discrepancy_u: list[float]
    best: int
    mean: list[float]
    deviation: list[float]
    success: bool
    message: str
    kernels: Kernels | None

@final
class Law:
    @staticmethod
    def equilibrium(dim: int, exponent: float, scale: float) -> Law: ...
    @staticmethod
    def sphere(centre: Sequence[float], radius: float) -> Law: ...
    @staticmethod
    def ball(centre: Sequence[float], radius: float) -> Law: ...
    @staticmethod
    def gaussian(mean: Sequence[float], deviation: float) -> Law: ...
    @staticmethod
    def mixture(laws: Sequence[Law], weights: Sequence[float]) -> Law: ...
    @property
    def dim(self) -> int: ...
    def potential(
        self, points: npt.NDArray[np.float64], exponent: float
    ) -> npt.NDArray[np.float64]: ...
    def energy(self, exponent: float) -> float: ...
    def discrepancy(
        self,
        points: npt.NDArray[np.float64],
        weights: npt.NDArray[np.float64] | None,
        exponent: float,
    ) -> tuple[float, float]: ...
    def sample(self, count: int, seed: int) -> npt.NDArray[np.float64]: ...

def discrepancy(
    x: npt.NDArray[Any],
    y: npt.NDArray[Any],
    a: npt.NDArray[np.float64] | None,
    b: npt.NDArray[np.float64] | None,
    exponent: float,
    unbiased: bool,
    directions: int | None,
    seed: int,
    with_gradient: bool,
) -> tuple[float, npt.NDArray[Any] | None]: ...
def default_directions(dim: int) -> int: ...
def flow(
    x0: npt.NDArray[Any],
    target: npt.NDArray[np.float64] | None,
    weights: npt.NDArray[np.float64] | None,
    law: Law | None,
    settings: Mapping[str, Any],
    callback: Callable[[float, npt.NDArray[Any]], object] | None,
) -> Found: ...
def push_forward(
    start: npt.NDArray[Any], kernels: Kernels, count: int, seed: int
) -> npt.NDArray[Any]: ...
def chain_defaults() -> tuple[int, int, int, int]: ...
def generate(data: npt.NDArray[Any], settings: ChainSettings) -> Learned: ...
def sample_chain(
    start: tuple[list[float], list[float]],
    kernels: Kernels,
    networks: int,
    draws: tuple[int, int],
    is_single: bool,
) -> npt.NDArray[Any]: ...
def posterior(
    pairs: npt.NDArray[Any], conditions: int, observation_scale: float, settings: ChainSettings
) -> tuple[tuple[list[float], list[float], list[float]], Learned]: ...
def draw_posteriors(
    columns: tuple[list[float], list[float], list[float]],
    kernels: Kernels,
    networks: int,
    observations: npt.NDArray[np.float64],
    draws: tuple[int, int],
    is_single: bool,
) -> list[npt.NDArray[Any]]: ...
def equilibrium(dim: int, exponent: float) -> tuple[float, float, float, bool]: ...
def equilibrium_density(
    dim: int, exponent: float, radii: Sequence[float]
) -> list[float] | None: ...
def flow_scales(
    exponent: float, initial_scale: float, times: Sequence[float]
) -> list[float]: ...
def backward_scales(
    exponent: float, initial_scale: float, steps: Sequence[float]
) -> list[float]: ...
def forward_scales(
    exponent: float, initial_scale: float, steps: Sequence[float]
) -> list[float]: ...
def line_flow(
    quantiles: Sequence[float], target: tuple[Sequence[float], Sequence[float]] | None, time: float
) -> list[float]: ...
def line_backward_step(
    quantiles: Sequence[float], target: tuple[Sequence[float], Sequence[float]] | None, tau: float
) -> list[float]: ...
def read_toml(text: str) -> dict[str, Any]: ...
