"""Time of a training iteration against N, width and dimension: prints tables, draws images/growth.png.

Run from the project's root after `cargo build --release`; needs numpy and matplotlib. Each time is the
mean over the iterations of one time step of the backward scheme with full batches.
"""

import csv
import subprocess
import tempfile
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np

PROGRAM = Path("target/release/rieszflow").resolve()
ROOT = Path(__file__).resolve().parent


def seconds_per_iteration(*options, iterations):
    """Seconds of one time step, divided by its iterations."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "run"
        command = [PROGRAM, *options, "--iterations", str(iterations), "--no-plots", "--quiet"]
        command += ["--keep-kernels", "none", "--out", out]
        subprocess.run([str(part) for part in command], check=True)
        with open(out / "metrics.csv", newline="") as file:
            row = next(csv.DictReader(file))
    return float(row["seconds"]) / iterations


def particles(count):
    options = ["mmd", "--target", "circle", "--tau", "0.1", "--time", "0.1", "--hidden-layers", "5"]
    options += ["--particles", count, "--batch", count, "--target-particles", count]
    return seconds_per_iteration(*options, iterations=max(5, 100_000 // count))


def interaction(width=64, dim=2):
    options = ["interaction", "--time", "0.05", "--width", width, "--dim", dim]
    return seconds_per_iteration(*options, iterations=500)


def fit(x, y):
    """The exponent of the last three points."""
    return np.polyfit(np.log(x[-3:]), np.log(y[-3:]), 1)[0]


def main():
    sweeps = [
        ("N = B = M", [2**k for k in range(8, 15)], particles),
        ("width", [16, 32, 64, 128, 256, 512], lambda width: interaction(width=width)),
        ("d", [1, 2, 4, 8, 16, 32, 64, 128, 256], lambda dim: interaction(dim=dim)),
    ]
    figure, axes = plt.subplots(1, 3, figsize=(12, 3.6), layout="constrained")
    for axis, (name, values, measure) in zip(axes, sweeps):
        times = [min(measure(value) for _ in range(3)) * 1e3 for value in values]
        exponent = fit(np.array(values, float), np.array(times))
        print(f"| {name} | " + " | ".join(str(value) for value in values) + " | exponent |")
        print("|---" * (len(values) + 2) + "|")
        print("| ms | " + " | ".join(f"{time:.3g}" for time in times) + f" | {exponent:.2f} |\n")
        axis.loglog(values, times, "o-", color="#0072B2")
        axis.set_xscale("log", base=2)
        axis.set_xlabel(name)
        axis.set_title(f"exponent at the end {exponent:.2f}", fontsize=10)
        axis.grid(alpha=0.3)
    axes[0].set_ylabel("ms per iteration")
    figure.savefig(ROOT / "images/growth.png", dpi=110)


if __name__ == "__main__":
    main()
