"""Times D² and its gradient beside scipy, POT, geomloss and KeOps, in one run, and compares their values.

    python docs/python_peers.py [n]

What is not installed is left out. Peers whose matrices of distances need more than 4 GB get a smaller sample.
"""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import rieszflow

COUNT = int(sys.argv[1]) if len(sys.argv) > 1 else 20_000
LARGEST_MATRIX = 4e9
REPETITIONS = 5


def has(*names: str) -> bool:
    return all(importlib.util.find_spec(name) for name in names)


def report(name: str, n: int, work: Callable[[], float], expected: float, rtol: float = 1e-9) -> None:
    """Times `work` after a first call, and compares what it returns with `expected`."""
    start = time.perf_counter()
    value = work()
    first = time.perf_counter() - start
    times = []
    for _ in range(REPETITIONS):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    assert abs(value / expected - 1) < rtol, f"{name}: {value}, not {expected}"
    print(f"| {name} | {n} | {first:.3g} | {np.median(times):.3g} | {min(times):.3g} |", flush=True)


def main() -> None:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(COUNT, 2)), rng.normal(size=(COUNT, 2)) + 0.1
    small = min(COUNT, int((LARGEST_MATRIX / 8) ** 0.5) // 3)
    u, v = x[:small], y[:small]
    print(f"n = m, d = 2, float64, {os.cpu_count()} cores; seconds\n")
    print("| value and gradient | n | first call | median | least |\n|---|---|---|---|---|")
    value = rieszflow.mmd2(x, y)
    value_small = rieszflow.mmd2(u, v)
    report("rieszflow", COUNT, lambda: rieszflow.mmd2_and_grad(x, y)[0], value)
    if has("torch"):
        with_torch(x, y, u, v, value, value_small)
    print("\n| value | n | first call | median | least |\n|---|---|---|---|---|")
    report("rieszflow", COUNT, lambda: rieszflow.mmd2(x, y), value)
    with_program(x, y, value)
    if has("scipy"):
        from scipy.spatial.distance import cdist
        from scipy.stats import energy_distance

        def matrices() -> float:
            return cdist(u, v).mean() - cdist(u, u).mean() / 2 - cdist(v, v).mean() / 2

        report("scipy's cdist", small, matrices, value_small)
        report("rieszflow", small, lambda: rieszflow.mmd2(u, v), value_small)
        s, t = rng.normal(size=(2, 1_000_000))
        on_line = rieszflow.energy_distance(s, t)
        report("scipy, on the line", len(s), lambda: energy_distance(s, t), on_line, 1e-8)
        report("rieszflow, on the line", len(s), lambda: rieszflow.energy_distance(s, t), on_line)
    if has("ot"):
        import ot

        def dist() -> float:
            def mean(a: np.ndarray, b: np.ndarray) -> float:
                return ot.dist(a, b, metric="euclidean").mean()

            return mean(u, v) - mean(u, u) / 2 - mean(v, v) / 2

        report("POT's ot.dist", small, dist, value_small, 1e-6)


def with_torch(
    x: np.ndarray, y: np.ndarray, u: np.ndarray, v: np.ndarray, value: float, value_small: float
) -> None:
    import torch
    from rieszflow.torch import MMD2Loss

    def of(loss: Callable[..., torch.Tensor], a: np.ndarray, b: np.ndarray) -> Callable[[], float]:
        def work() -> float:
            points = torch.from_numpy(a).requires_grad_()
            result = loss(points, torch.from_numpy(b))
            result.backward()
            return result.item()

        return work

    report("rieszflow, MMD2Loss", len(x), of(MMD2Loss(), x, y), value)

    def with_cdist(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        return torch.cdist(a, b).mean() - torch.cdist(a, a).mean() / 2 - torch.cdist(b, b).mean() / 2

    report("torch.cdist", len(u), of(with_cdist, u, v), value_small, 1e-6)
    report("rieszflow, MMD2Loss", len(u), of(MMD2Loss(), u, v), value_small)
    if has("geomloss"):
        from geomloss import SamplesLoss

        loss = SamplesLoss("energy", backend="tensorized")
        report("geomloss, tensorized", len(u), of(loss, u, v), value_small, 1e-6)
        if has("pykeops"):
            report("geomloss, online (KeOps)", len(x), of(SamplesLoss("energy", backend="online"), x, y), value, 1e-6)
    if has("pykeops"):
        from pykeops.torch import LazyTensor

        def mean_distance(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
            squared = ((LazyTensor(a[:, None, :]) - LazyTensor(b[None, :, :])) ** 2).sum(-1)
            return squared.sqrt().sum(dim=1).sum() / (len(a) * len(b))

        def lazy(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
            return mean_distance(a, b) - mean_distance(a, a) / 2 - mean_distance(b, b) / 2

        report("KeOps", len(x), of(lazy, x, y), value, 1e-6)


def with_program(x: np.ndarray, y: np.ndarray, value: float) -> None:
    """The program's own time, reading left out as far as its `seconds` tell: they include it."""
    program = Path("target/release/rieszflow")
    if not program.exists():
        return
    with tempfile.TemporaryDirectory() as folder:
        files = [f"npy:{folder}/{name}.npy" for name in "xy"]
        for file, points in zip(files, (x, y), strict=True):
            np.save(file.removeprefix("npy:"), points)
        seconds = []
        for _ in range(REPETITIONS + 1):
            out = subprocess.run(
                [program, "discrepancy", *files, "--json"], capture_output=True, check=True, text=True
            )
            found = json.loads(out.stdout)
            seconds.append(found["seconds"])
        assert abs(found["discrepancy"] / value - 1) < 1e-9
    first, *others = seconds
    print(
        f"| the program, reading files included | {len(x)} | {first:.3g} | {np.median(others):.3g} "
        f"| {min(others):.3g} |"
    )


if __name__ == "__main__":
    main()
