# %% [markdown]
# # The energy distance of large samples
#
# `energy_distance` is that of `scipy.stats` on the line, and goes on where scipy ends: in any dimension, and
# for samples whose matrix of distances would not fit into memory.
#
# Needs numpy, scipy and matplotlib.

# %%
import time
from collections.abc import Callable
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import numpy.typing as npt
from rieszflow import energy_distance, mmd2
from scipy.spatial.distance import cdist
from scipy.stats import energy_distance as of_scipy

FIGURES = Path(__file__).parent / "figures"
Points = npt.NDArray[np.float64]
rng = np.random.default_rng(0)

# %% [markdown]
# ## On the line it is scipy's

# %%
x, y = rng.normal(size=5000), rng.normal(size=4000) * 1.5
print(f"rieszflow {energy_distance(x, y):.15f}")
print(f"scipy     {of_scipy(x, y):.15f}")
assert np.isclose(energy_distance(x, y), of_scipy(x, y), rtol=1e-10)

# %% [markdown]
# ## In the plane it is the double loop
#
# The square of the energy distance is 2D² = 2 E|X−Y| − E|X−X'| − E|Y−Y'|.


# %%
def with_matrices(x: Points, y: Points) -> float:
    """The energy distance by matrices of all distances."""
    squared = 2 * cdist(x, y).mean() - cdist(x, x).mean() - cdist(y, y).mean()
    return float(np.sqrt(squared))


def seconds(function: Callable[[Points, Points], float], x: Points, y: Points) -> float:
    """The least of three times."""
    times = []
    for _ in range(3):
        start = time.perf_counter()
        function(x, y)
        times.append(time.perf_counter() - start)
    return min(times)


sizes = [500, 1000, 2000, 4000, 8000, 16_000, 32_000]
ours: list[float] = []
theirs: list[float] = []
for n in sizes:
    x, y = rng.normal(size=(n, 2)), rng.normal(size=(n, 2)) + 0.1
    ours.append(seconds(energy_distance, x, y))
    # 8 n² bytes for each matrix: the largest would be 8 GB.
    if n <= 8000:
        assert np.isclose(energy_distance(x, y), with_matrices(x, y), rtol=1e-9)
        theirs.append(seconds(with_matrices, x, y))

# %% [markdown]
# ## Can 32,000 points tell two laws apart?
#
# The unbiased D² of two samples of one law has mean 0, whatever their size.

# %%
x, y = rng.normal(size=(32_000, 2)), rng.normal(size=(32_000, 2))
print(f"one law:  D² = {mmd2(x, y, unbiased=True):+.1e}")
print(f"two laws: D² = {mmd2(x, y + 0.1, unbiased=True):+.1e}")

# %%
figure, ax = plt.subplots(figsize=(5.5, 3.8), layout="constrained")
ax.loglog(sizes, ours, "o-", label="rieszflow")
ax.loglog(sizes[: len(theirs)], theirs, "s-", label="scipy, matrices of distances")
ax.set_xlabel("points in each sample, d = 2")
ax.set_ylabel("seconds")
ax.grid(alpha=0.3)
ax.legend()
figure.savefig(FIGURES / "energy_distance.png", dpi=120)
