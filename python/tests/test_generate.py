"""Chains of networks: what they learn, the program's bits, and refusals."""

import csv
import os
import pickle
import subprocess

import numpy as np
import pytest
from rieszflow import energy_distance, generate

RNG = np.random.default_rng(0)
DATA = np.where(RNG.random((400, 1)) < 0.5, -1.0, 1.0) + 0.1 * RNG.normal(size=(400, 2))
QUICK = {"width": 32, "hidden_layers": 2, "iterations": 150, "batch": 100, "n_networks": 4, "n_directions": 32}


def test_samples_follow_the_law_of_the_data():
    generator = generate(DATA, random_state=0, **QUICK)
    assert generator.success and 1 <= generator.best <= 4
    assert generator.message == f"{len(generator.discrepancy) - 1} networks were learned."
    assert generator.discrepancy[generator.best] == generator.discrepancy.min()
    assert (generator.discrepancy_u < generator.discrepancy).all()
    x = generator.sample(2000, random_state=1)
    assert x.shape == (2000, 2) and x.dtype == np.float64
    start = RNG.normal(size=(2000, 2)) * DATA.std(0) + DATA.mean(0)
    assert energy_distance(x, DATA) < 0.4 * energy_distance(start, DATA)
    assert abs((x[:, 0] > 0).mean() - 0.5) < 0.1
    assert (generator.sample(50, random_state=1) == generator.sample(50, random_state=1)).all()
    assert (generator.sample(50, random_state=1) != generator.sample(50, random_state=2)).any()
    copy = pickle.loads(pickle.dumps(generator))
    assert (copy.sample(10, random_state=3) == generator.sample(10, random_state=3)).all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_samples_are_the_programs_to_the_bit(tmp_path, dtype):
    program = os.environ.get("RIESZFLOW_PROGRAM")
    if program is None:
        pytest.skip("RIESZFLOW_PROGRAM does not name the program")
    data, run, samples = DATA.astype(dtype), tmp_path / "run", tmp_path / "samples.npy"
    np.save(tmp_path / "data.npy", data)
    precision = {np.float32: "f32", np.float64: "f64"}[dtype]
    arguments = [program, "generate", "--data", f"npy:{tmp_path / 'data.npy'}", "--precision", precision]
    arguments += ["--width", "32", "--hidden-layers", "2", "--iterations", "150", "--batch", "100"]
    arguments += ["--networks", "4", "--directions", "32", "--seed", "7", "--out", str(run)]
    subprocess.run([*arguments, "--quiet", "--no-plots"], check=True)
    arguments = [program, "sample", str(run), "--count", "80", "--seed", "3", "--out", str(samples)]
    subprocess.run(arguments, check=True)
    generator = generate(data, random_state=7, **QUICK)
    fresh = generator.sample(80, random_state=3)
    assert fresh.dtype == dtype
    assert (fresh == np.load(samples).astype(dtype)).all()
    with open(run / "metrics.csv") as file:
        theirs = [float(row["discrepancy"]) for row in csv.DictReader(file)]
    assert generator.discrepancy[1:].tolist() == theirs


def test_arguments_are_named():
    def refused(match, **options):
        with pytest.raises((TypeError, ValueError), match=match):
            generate(**{"data": DATA, **options})

    refused("data must have at least 4 samples", data=DATA[:3])
    refused("data", data=[[np.nan]] * 5)
    refused("exponent must be above 1/2", exponent=0.5)
    refused("held_out must be between 2 and 398", held_out=399)
    refused("momentum must be at least 0 and below 1", momentum=1.0)
    refused("batch must be between 1 and the 360 particles", batch=361)
    refused("flow_step must be positive", flow_step=-1.0)
    refused("n_networks must be at least 1", n_networks=0)
    refused("patience must be a whole number", patience=1.5)
