# %% [markdown]
# # A run, read from Python
#
# Needs numpy; draws with matplotlib if that is there. Make a small run first:
#
#     rieszflow interaction --time 0.4 --iterations 300 --first-iterations 300 --out runs/small
#     python examples/read_run.py runs/small
#
# The cells (`# %%`) open as a notebook in most editors.

# %%
import csv
import json
import struct
import sys
from pathlib import Path

import numpy as np

RUN = Path(sys.argv[1] if len(sys.argv) > 1 else "runs/interaction-backward")

# %% [markdown]
# ## What happened: `summary.json`

# %%
summary = json.loads((RUN / "summary.json").read_text(encoding="utf-8"))
print(f"{summary['status']} at t = {summary['time']:g} after {summary['steps']} steps")

# %% [markdown]
# ## The particles: `snapshots.npz`
#
# `times` has S flow times, `particles` is S×N×d: a snapshot, a particle, a coordinate.

# %%
snapshots = np.load(RUN / "snapshots.npz")
times, particles = snapshots["times"], snapshots["particles"]
assert len(times) == len(particles)


def spread(x):
    """Root mean square distance of particles (N×d) from their mean."""
    return np.sqrt(((x - x.mean(axis=0)) ** 2).sum(axis=1).mean())


print("spread:", ", ".join(f"{spread(x):.3f} (t = {t:g})" for t, x in zip(times, particles)))

# %% [markdown]
# ## A row for each time step: `metrics.csv`

# %%
with open(RUN / "metrics.csv", newline="", encoding="utf-8") as file:
    rows = list(csv.DictReader(file))
metrics = {
    name: np.array([float(row[name] or "nan") for row in rows]) for name in rows[0]
}
assert len(rows) == summary["steps"]
print(f"D² after the last step: {metrics['discrepancy'][-1]:.2e}")


# %% [markdown]
# ## The learned kernels: `kernels.safetensors`
#
# The format is a length, a JSON header, and numbers; `safetensors.numpy.load_file` reads it as well.
# Runs of the particle flow have no kernels. Kernels move particles minus the `origin` in the metadata: data
# far from zero is centred before it is rounded to single precision.

# %%
def load_safetensors(path):
    """All tensors of a file by name, and its metadata."""
    data = path.read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + length])
    metadata = header.pop("__metadata__", {})
    types = {"F32": "<f4", "F64": "<f8", "U64": "<u8", "I64": "<i8"}
    body = memoryview(data)[8 + length :]
    tensors = {
        name: np.frombuffer(body[slice(*entry["data_offsets"])], types[entry["dtype"]]).reshape(
            entry["shape"]
        )
        for name, entry in header.items()
    }
    return tensors, metadata


def push(tensors, step, x, rng):
    """Particles x (N×d, minus the origin) moved by the kernel of a time step, with fresh latents."""
    name = f"step.{step}."
    centre, length = tensors[name + "centre"], tensors[name + "length"]
    count = sum(key.startswith(name + "layers.") and key.endswith(".bias") for key in tensors)
    latent_dim = tensors[name + "layers.0.weight"].shape[1] - x.shape[1]
    # Particles that all coincide are seen at 0.
    inside = (x - centre) / length if length > 0 else np.zeros_like(x)
    features = np.hstack([inside, rng.standard_normal((len(x), latent_dim))])
    for layer in range(count):
        weight, bias = (tensors[f"{name}layers.{layer}.{part}"] for part in ("weight", "bias"))
        features = features @ weight.T + bias
        if layer + 1 < count:
            features = np.maximum(features, 0)
    return x + tensors[name + "factor"] * features


# %%
if (RUN / "kernels.safetensors").exists():
    tensors, metadata = load_safetensors(RUN / "kernels.safetensors")
    origin = np.array(json.loads(metadata["origin"]))
    steps = sorted({int(name.split(".")[1]) for name in tensors})
    if steps == list(range(1, summary["steps"] + 1)):
        # Fresh particles from the same start, through all kernels in turn.
        rng = np.random.default_rng(0)
        fresh = particles[0][rng.integers(len(particles[0]), size=2000)] - origin
        for step in steps:
            fresh = push(tensors, step, fresh, rng)
        fresh += origin
        last = particles[-1]
        offset = np.linalg.norm(fresh.mean(axis=0) - last.mean(axis=0))
        print(f"2000 fresh particles end with spread {spread(fresh):.3f}, means {offset:.1e} apart")
        assert abs(spread(fresh) - spread(last)) < 0.05 * spread(last) + 1e-3
        assert offset < 0.2 * spread(last) + 1e-3

# %% [markdown]
# ## Pictures

# %%
try:
    import matplotlib

    if not hasattr(sys, "ps1") and "ipykernel" not in sys.modules:
        matplotlib.use("Agg")
    import matplotlib.pyplot as plt
except ImportError:
    sys.exit(0)

figure, (left, right) = plt.subplots(1, 2, figsize=(9, 4))
for time, x in list(zip(times, particles))[:: max(1, len(times) // 4)]:
    y = x[:, 1] if x.shape[1] > 1 else np.full(len(x), time)
    left.plot(x[:, 0], y, ".", markersize=2, label=f"t = {time:g}")
left.set_aspect("equal" if particles.shape[2] > 1 else "auto")
left.legend()
right.semilogy(metrics["time"], metrics["discrepancy"])
right.set_xlabel("flow time t")
right.set_ylabel("D²")
figure.tight_layout()
figure.savefig(RUN / "python.png", dpi=120)
print("figure in", RUN / "python.png")
