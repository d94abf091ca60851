"""Writes golden values of other shapes than golden.json has: python3 make_shapes.py > shapes.json

The formulas of the schemes' losses and of the particle flow, written out in double precision and differentiated
automatically. Dimensions 1 to 5, exponents 0.5 to 1.9, 0 to 3 hidden layers, latents of another dimension than the
space, coincident particles, particles on atoms of the target, and starts at a Dirac. Needs torch.
"""
import json
import sys

import torch

torch.set_default_dtype(torch.float64)
EPSILON = 1e-2


def power(u, r):
    """|u|^r over the last axis, with derivative 0 at u = 0."""
    zero = (u == 0).all(-1)
    squared = torch.where(zero, torch.ones_like(zero, dtype=u.dtype), (u * u).sum(-1))
    return torch.where(zero, torch.zeros_like(squared), squared ** (r / 2))


def one_sided(u, h, r):
    """The derivative of |u|^r in direction h."""
    distance = (u * u).sum(-1).sqrt()
    apart = distance >= 1e-10
    safe = torch.where(apart, distance, torch.ones_like(distance))
    smooth = r * safe ** (r - 2) * (u * h).sum(-1)
    assert r >= 1 or bool(apart.all()), "infinite"
    at_zero = power(h, 1.0) if r == 1 else torch.zeros_like(distance)
    return torch.where(apart, smooth, at_zero)


def pairs(a, b):
    return a[:, None] - b[None]


def network(d, m, width, hidden, generator):
    sizes = [d + m] + [width] * hidden + [d]
    layers = []
    for k, o in zip(sizes, sizes[1:]):
        bound = k**-0.5
        weight = bound * (2 * torch.rand(o, k, generator=generator) - 1)
        bias = bound * (2 * torch.rand(o, generator=generator) - 1)
        layers.append((weight.requires_grad_(), bias.requires_grad_()))
    return layers


def evaluate(layers, x, z):
    y = torch.cat([x, z], 1)
    for index, (weight, bias) in enumerate(layers):
        y = y @ weight.T + bias
        if index + 1 < len(layers):
            y = torch.relu(y)
    return y


def named(layers):
    return [{"weight": w.tolist(), "bias": b.tolist()} for w, b in layers]


def neural(kind, seed, d, m, width, hidden, batch, atoms, r, tau, coincide="none"):
    generator = torch.Generator().manual_seed(seed)
    normal = lambda *shape: torch.randn(*shape, generator=generator)
    x1, x2, z1, z2 = normal(batch, d), normal(batch, d), normal(batch, m), normal(batch, m)
    y = normal(atoms, d) if atoms else None
    if coincide == "dirac":
        x1[:], x2[:] = x1[0], x1[0]
    elif coincide == "some":
        x2[: batch // 2 + 1] = x1[: batch // 2 + 1]
        if y is not None:
            y[0] = x1[-1]
    layers = network(d, m, width, hidden, generator)
    t1, t2 = evaluate(layers, x1, z1), evaluate(layers, x2, z2)
    x, t = torch.cat([x1, x2]), torch.cat([t1, t2])
    p1, p2, p = (t1, t2, t) if kind == "backward" else (x1, x2, x)
    expected = {
        "interaction_energy": -0.5 * power(pairs(p1, p2), r).mean(),
        "potential_energy": power(pairs(p, y), r).mean() if atoms else torch.zeros(()),
    }
    if kind == "backward":
        displacement = ((x - t) ** 2).sum(1).mean()
        energy = expected["interaction_energy"] + expected["potential_energy"]
        expected["mean_squared_displacement"] = displacement
        expected["loss"] = 0.5 * displacement + tau * energy
    else:
        interaction = -0.5 * one_sided(pairs(x1, x2), pairs(t1, t2), r).mean()
        potential = torch.zeros(())
        if atoms:
            potential = one_sided(pairs(x, y), t[:, None].expand(-1, atoms, -1), r).mean()
        norm = ((t**2).sum(1).mean()).sqrt()
        expected["directional_derivative_interaction"] = interaction
        expected["directional_derivative_potential"] = potential
        expected["velocity_norm"] = norm
        expected["loss"] = (interaction + potential) / (norm + EPSILON)
        expected["step_factor"] = torch.clamp(-(interaction + potential), min=0) / norm**2
    parameters = [p for layer in layers for p in layer]
    gradients = torch.autograd.grad(expected["loss"], parameters)
    return {
        "kind": kind,
        "dim": d,
        "latent_dim": m,
        "exponent": r,
        "tau": tau,
        "denominator_offset": EPSILON if kind == "forward" else None,
        "layers": named(layers),
        "x1": x1.tolist(),
        "x2": x2.tolist(),
        "z1": z1.tolist(),
        "z2": z2.tolist(),
        "target": y.tolist() if atoms else None,
        "network_output1": t1.tolist(),
        "network_output2": t2.tolist(),
        "expected": {name: value.item() for name, value in expected.items()},
        "expected_gradients": named(list(zip(gradients[::2], gradients[1::2]))),
    }


def particle(seed, d, count, atoms, r, tau, coincide="none"):
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(count, d, generator=generator)
    y = torch.randn(atoms, d, generator=generator) if atoms else None
    if coincide == "dirac":
        x[:] = x[0]
    elif coincide == "some":
        x[1] = x[0]
        if atoms:
            y[0] = x[-1]
    x.requires_grad_()
    energy = -0.5 * power(pairs(x, x), r).mean()
    if atoms:
        energy = energy + power(pairs(x, y), r).mean()
    (gradient,) = torch.autograd.grad(energy, x)
    return {
        "kind": "particle",
        "dim": d,
        "exponent": r,
        "tau": tau,
        "x": x.tolist(),
        "target": y.tolist() if atoms else None,
        "expected": {"x_next": (x - tau * count * gradient).tolist()},
    }


CASES = [
    #       seed  d  m width hidden batch atoms  r  tau
    neural("backward", 1, 1, 3, 5, 1, 4, 6, 1.9, 0.05),
    neural("backward", 2, 3, 1, 8, 3, 9, 0, 0.7, 0.2),
    neural("backward", 3, 4, 4, 7, 2, 5, 3, 1.2, 0.1, "dirac"),
    neural("backward", 4, 5, 2, 4, 1, 17, 2, 0.5, 1.0, "some"),
    neural("backward", 5, 2, 2, 1, 0, 3, 0, 1.0, 0.05, "dirac"),
    neural("backward", 6, 3, 3, 9, 2, 1, 1, 1.0, 0.3),
    neural("forward", 7, 1, 2, 5, 2, 6, 4, 1.0, 0.05, "some"),
    neural("forward", 8, 3, 3, 6, 1, 5, 0, 1.0, 0.05, "dirac"),
    neural("forward", 9, 5, 1, 6, 3, 4, 3, 1.0, 0.05, "dirac"),
    neural("forward", 10, 4, 2, 5, 1, 7, 5, 0.5, 0.05),
    neural("forward", 11, 2, 3, 5, 2, 4, 0, 1.6, 0.05, "dirac"),
    neural("forward", 12, 3, 2, 4, 0, 18, 2, 1.9, 0.05, "some"),
    particle(13, 1, 7, 3, 0.6, 0.1, "some"),
    particle(14, 4, 20, 0, 1.9, 0.05),
    particle(15, 5, 3, 18, 1.0, 0.2, "some"),
    particle(16, 2, 5, 4, 0.5, 0.1, "dirac"),
    particle(17, 3, 6, 0, 1.0, 0.1, "dirac"),
    particle(18, 1, 1, 1, 1.3, 0.5),
]

if __name__ == "__main__":
    json.dump({"cases": CASES}, sys.stdout, separators=(",", ":"))
    sys.stdout.write("\n")
