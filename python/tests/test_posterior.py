"""Posteriors: what a chain learns of pairs, the program's bits, and refusals."""

import csv
import os
import pickle
import subprocess

import numpy as np
import pytest
from rieszflow import posterior

RNG = np.random.default_rng(0)
X = RNG.normal(size=(1000, 1))
Y = X + 0.5 * RNG.normal(size=(1000, 1))
QUICK = {"width": 32, "hidden_layers": 2, "iterations": 300, "batch": 100, "n_networks": 4, "n_directions": 32}


def test_draws_follow_the_posterior():
    sampler = posterior(X, Y, random_state=0, **QUICK)
    assert sampler.success and 1 <= sampler.best <= 4
    assert sampler.discrepancy[sampler.best] == sampler.discrepancy.min()
    drawn = sampler.sample([[-1.0], [0.0], [1.0]], 2000, random_state=1)
    assert drawn.shape == (3, 2000, 1) and drawn.dtype == np.float64
    # N(0.8 y, 0.2); of 900 pairs some 200 lie near each observation.
    assert np.abs(drawn.mean(axis=(1, 2)) - [-0.8, 0.0, 0.8]).max() < 0.1
    assert np.abs(drawn.std(axis=(1, 2)) - 0.447).max() < 0.15
    assert (sampler.sample([-1.0], 2000, random_state=1) == drawn[0]).all()
    assert (sampler.sample([-1.0], 2000, random_state=2) != drawn[0]).any()
    copy = pickle.loads(pickle.dumps(sampler))
    assert (copy.sample([-1.0], 2000, random_state=1) == drawn[0]).all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_draws_are_the_programs_to_the_bit(tmp_path, dtype):
    program = os.environ.get("RIESZFLOW_PROGRAM")
    if program is None:
        pytest.skip("RIESZFLOW_PROGRAM does not name the program")
    x, y = np.hstack([X, X**2]).astype(dtype), 100 + Y.astype(dtype)
    run, samples = tmp_path / "run", tmp_path / "samples.npy"
    np.save(tmp_path / "pairs.npy", np.hstack([x, y]))
    precision = {np.float32: "f32", np.float64: "f64"}[dtype]
    arguments = [program, "posterior", "--data", f"npy:{tmp_path / 'pairs.npy'}", "--observed", "3"]
    arguments += ["--width", "32", "--hidden-layers", "2", "--iterations", "300", "--batch", "100"]
    arguments += ["--networks", "4", "--directions", "32", "--seed", "7", "--precision", precision]
    subprocess.run([*arguments, "--out", str(run), "--quiet", "--no-plots"], check=True)
    arguments = [program, "sample", str(run), "--condition", "100.5", "--count", "80", "--seed", "3"]
    subprocess.run([*arguments, "--out", str(samples)], check=True)
    sampler = posterior(x, y, random_state=7, **QUICK)
    drawn = sampler.sample([100.5], 80, random_state=3)
    assert drawn.shape == (80, 2) and drawn.dtype == dtype
    assert (drawn == np.load(samples)[:, :2].astype(dtype)).all()
    with open(run / "metrics.csv") as file:
        theirs = [float(row["discrepancy"]) for row in csv.DictReader(file)]
    assert sampler.discrepancy[1:].tolist() == theirs


def test_arguments_are_named():
    def refused(match, **options):
        with pytest.raises((TypeError, ValueError), match=match):
            posterior(**{"unknowns": X, "observations": Y, **options})

    refused("same number of rows, not 1000 and 10", observations=Y[:10])
    refused("unknowns must have at least 4 samples", unknowns=X[:3], observations=Y[:3])
    refused(r"observations must have shape .n_samples, n_features.", observations=Y[:, 0])
    refused("every column of observations must vary, but column 0", observations=0 * Y)
    held_out = 0
    for seed in range(6):  # what varies in one pair alone does not among the training pairs, if that is held out
        try:
            posterior(X, np.eye(1000, 1), random_state=seed, iterations=5, n_networks=1, width=4, held_out=500)
        except ValueError as error:
            assert "every column of observations must vary, but column 0" in str(error)
            held_out += 1
    assert 0 < held_out < 6
    refused("batch must be between 1 and the 900 particles", batch=901)
    refused("observation_scale must be positive", observation_scale=0.0)
    refused("n_networks must be at least 1", n_networks=0)


def test_observations_are_checked():
    sampler = posterior(X[:50], Y[:50], width=8, iterations=10, n_networks=1, random_state=0)
    for observation in ([1.0, 2.0], [[1.0, 2.0]], 1.0, []):
        with pytest.raises(ValueError, match=r"observation must have shape \(1,\) or \(C, 1\)"):
            sampler.sample(observation, 5)
    with pytest.raises(ValueError, match=r"observation\[0\] is nan"):
        sampler.sample([np.nan], 5)
    with pytest.warns(UserWarning, match="the observation 50 lies beyond those of the pairs in column 0"):
        sampler.sample([[0.0], [50.0]], 5)
    with pytest.raises(ValueError, match="n_samples must be at least 1"):
        sampler.sample([1.0], 0)
