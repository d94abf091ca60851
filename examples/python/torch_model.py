# %% [markdown]
# # A generative model trained with `MMD2Loss`
#
# A network pushes normal noise to two interleaved half moons. Its loss is D² between a minibatch of what it
# generates and one of the data, as half the squared energy distance.
#
# Needs numpy, torch and matplotlib; a minute on two cores.

# %%
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import torch
from rieszflow import mmd2
from rieszflow.torch import MMD2Loss

FIGURES = Path(__file__).parent / "figures"
torch.manual_seed(0)


# %%
def moons(count: int) -> torch.Tensor:
    """Points on two half circles, with a little noise."""
    angle = np.pi * torch.rand(count)
    upper = torch.rand(count) < 0.5
    x = torch.where(upper, torch.cos(angle), 1 - torch.cos(angle))
    y = torch.where(upper, torch.sin(angle), 0.5 - torch.sin(angle))
    return torch.stack([x, y], dim=1) + 0.05 * torch.randn(count, 2)


model = torch.nn.Sequential(
    torch.nn.Linear(4, 128),
    torch.nn.SiLU(),
    torch.nn.Linear(128, 128),
    torch.nn.SiLU(),
    torch.nn.Linear(128, 128),
    torch.nn.SiLU(),
    torch.nn.Linear(128, 2),
)

# %% [markdown]
# ## Training
#
# The gradient is finite also where points coincide, as at the start of many models.

# %%
steps = 2000
loss = MMD2Loss(unbiased=True)
optimiser = torch.optim.Adam(model.parameters(), lr=4e-3)
schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
losses = []
for _ in range(steps):
    value = loss(model(torch.randn(1000, 4)), moons(1000))
    optimiser.zero_grad()
    value.backward()
    optimiser.step()
    schedule.step()
    losses.append(value.item())

# %% [markdown]
# ## How good it is
#
# D² of 10,000 generated points to fresh data, beside that of fresh data to fresh data.

# %%
with torch.no_grad():
    generated = model(torch.randn(10_000, 4))
data = moons(10_000)
found, floor = mmd2(generated, data), mmd2(moons(10_000), data)
print(f"D² of the model {found:.1e}, of data to data {floor:.1e}")
assert found < 3e-3

# %%
figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.6), layout="constrained")
left.scatter(*data[:2000].T, s=3, color="0.75", linewidths=0, label="data")
left.scatter(*generated[:2000].T, s=3, color="tab:blue", linewidths=0, label="model")
left.set_aspect("equal")
left.legend(loc="upper right", markerscale=3)
right.plot(np.convolve(losses, np.ones(25) / 25, mode="valid"))
right.set_yscale("log")
right.set_ylim(bottom=1e-4)
right.set_xlabel("step")
right.set_ylabel("D² (unbiased, mean of 25 steps)")
figure.savefig(FIGURES / "torch_model.png", dpi=120)
