# %% [markdown]
# # A run of the program, read from Python
#
# Make a run first; it takes seconds:
#
#     cargo run --release -- interaction
#     python examples/python/read_run.py runs/interaction-backward
#
# Needs numpy and matplotlib.

# %%
import sys
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from rieszflow import exact, load_run

FIGURES = Path(__file__).parent / "figures"
run = load_run(sys.argv[1] if len(sys.argv) > 1 else "runs/interaction-backward")

# %% [markdown]
# ## What happened
#
# `config` holds every setting and `summary` the figures of its end, `metrics` a row for each time step.

# %%
print(run.message)
print(f"{run.config['scheme']} scheme, {run.particles.shape[1]} particles, saved at t = {run.t}")
print(f"D² to the {run.summary['reference']}: {run.metrics['discrepancy'][-1]:.1e}")

# %% [markdown]
# ## The particles against the exact measure
#
# D² is computed anew from the particles. In this flow time steps of the backward scheme scale the equilibrium
# by exactly c = nτ for r = 1.

# %%
r, dim = run.config["exponent"], run.config["dim"]
scale = run.metrics["scale_exact"][-1]
law = exact.Equilibrium(dim, r, scale)
found = exact.discrepancy(run.particles[-1], law)
assert np.isclose(found, run.metrics["discrepancy"][-1], rtol=1e-6)

# %%
figure, (left, right) = plt.subplots(1, 2, figsize=(9, 4), layout="constrained")
left.scatter(*run.particles[-1].T[:2], s=3, linewidths=0)
angle = np.linspace(0, 2 * np.pi, 200)
left.plot(law.radius * np.cos(angle), law.radius * np.sin(angle), color="tab:orange")
left.set_aspect("equal")
left.set_title(f"t = {run.t[-1]:g}", fontsize=10)
right.plot(run.metrics["time"], run.metrics["discrepancy"], label="D² to the exact measure")
right.plot(
    run.metrics["time"],
    run.metrics["scale_exact"] ** r * -exact.Equilibrium(dim, r).energy / run.particles.shape[1],
    color="0.6",
    label="mean D² of independent draws",
)
right.set_yscale("log")
right.set_xlabel("t")
right.legend()
figure.savefig(FIGURES / "read_run.png", dpi=120)
