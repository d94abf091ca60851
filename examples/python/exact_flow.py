# %% [markdown]
# # The exact flow beside the particle flow
#
# Two flows are known in closed form. On the line, every particle moves by itself until it meets a point of
# the target. In the plane, the interaction energy drives a Dirac apart: after time t the measure is the
# equilibrium scaled by c(t). Particles approximate both.
#
# Needs numpy and matplotlib.

# %%
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from rieszflow import exact, flow

FIGURES = Path(__file__).parent / "figures"

# %% [markdown]
# ## On the line: from a point to three points

# %%
times = np.linspace(0, 3, 61)
atoms, weights = np.array([-1.0, 0.5, 2.0]), np.array([0.3, 0.5, 0.2])
start = np.zeros(40)
curves = np.array([exact.line.flow(start, atoms, t, weights) for t in times])
result = flow(
    start[:, np.newaxis],
    atoms[:, np.newaxis],
    weights=weights,
    tau=0.01,
    t_eval=times,
    random_state=0,
)
particles = np.sort(result.particles[:, :, 0], axis=1)
print(f"largest distance from the exact flow: {abs(particles - curves).max():.3f}")
assert abs(particles - curves).max() < 0.05

# %% [markdown]
# ## In the plane: a Dirac bursts

# %%
plane = flow(np.zeros((1500, 2)), None, tau=0.02, t_eval=[0.5, 1.0, 1.5], random_state=0)
for t, x in zip(plane.t, plane.particles, strict=True):
    law = exact.Equilibrium(2, scale=exact.flow_scale(float(t)))
    floor = -law.energy / len(x)
    print(f"t = {t:g}: D² to the exact measure {exact.discrepancy(x, law):.1e}, of draws {floor:.1e}")
    assert exact.discrepancy(x, law) < floor

# %%
figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4.2), layout="constrained")
left.plot(times, curves, color="0.7", linewidth=3)
left.plot(result.t, particles, color="tab:blue", linewidth=0.8)
left.plot([], color="0.7", linewidth=3, label="exact")
left.plot([], color="tab:blue", label="40 particles, τ = 0.01")
left.set_xlabel("t")
left.set_ylabel("position")
left.legend(loc="upper left")
angle = np.linspace(0, 2 * np.pi, 200)
colours = plt.get_cmap("viridis")(np.linspace(0.75, 0.1, 3))
for t, x, colour in reversed(list(zip(plane.t, plane.particles, colours, strict=True))):
    radius = exact.Equilibrium(2, scale=exact.flow_scale(float(t))).radius
    right.scatter(*x.T, s=3, color=colour, linewidths=0, label=f"t = {t:g}")
    right.plot(radius * np.cos(angle), radius * np.sin(angle), color=colour)
right.set_aspect("equal")
right.legend(loc="center left", bbox_to_anchor=(1, 0.5), markerscale=3, frameon=False)
right.set_title("particles, and the exact support", fontsize=10)
figure.savefig(FIGURES / "exact_flow.png", dpi=120)
