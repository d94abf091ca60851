# %% [markdown]
# # A first flow
#
# 2000 particles start in two points and flow towards a spiral: they repel each other and are drawn to the
# spiral's points. The picture shows them at six times, and the squared discrepancy D² that they descend.
#
# Needs numpy and matplotlib; with tqdm there is a progress bar.

# %%
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from rieszflow import flow
from tqdm import tqdm

FIGURES = Path(__file__).parent / "figures"

# %% [markdown]
# ## Start and target
#
# Points are rows.

# %%
rng = np.random.default_rng(0)
turns = np.sqrt(rng.uniform(0.05, 1.0, size=2000))
angle = 4 * np.pi * turns
spiral = np.column_stack([turns * np.cos(angle), turns * np.sin(angle)])
spiral += rng.normal(scale=0.02, size=spiral.shape)
start = np.repeat([[-0.6, 0.0], [0.6, 0.0]], 1000, axis=0)

# %% [markdown]
# ## The flow
#
# Time steps are small at first, where particles move fast, and larger later. A callback sees every step.

# %%
times = [0.0, 0.1, 0.4, 1.0, 4.0, 20.0]
with tqdm(total=times[-1], unit="t", bar_format="{l_bar}{bar}| t = {n:.1f}") as bar:
    result = flow(
        start,
        spiral,
        tau="0.01,1:0.05,5:0.1",
        t_eval=times,
        random_state=0,
        callback=lambda t, particles: bar.update(t - bar.n),
    )
print(result.message)
assert result.success
assert result.discrepancy[-1] < 1e-4

# %% [markdown]
# ## What it looks like

# %%
figure, axes = plt.subplots(2, 3, figsize=(9, 6.4), sharex=True, sharey=True, layout="constrained")
for ax, t, x, d2 in zip(axes.flat, result.t, result.particles, result.discrepancy, strict=True):
    ax.scatter(*spiral.T, s=2, color="0.82", linewidths=0)
    ax.scatter(*x.T, s=2, color="tab:blue", linewidths=0)
    ax.set_title(f"t = {t:.3g},  D² = {d2:.1e}", fontsize=10)
    ax.set_aspect("equal")
figure.savefig(FIGURES / "first_flow.png", dpi=120)
