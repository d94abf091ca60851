"""Reading the folder of a run, as the program writes it."""

import json
import os
import pickle
import subprocess

import numpy as np
import pytest
from rieszflow import exact, load_run

CONFIG = """\
experiment = "interaction"
scheme = "particle"
dim = 2
tau = 0.1
initial-steps = [0.01, 1e-2]

[extra]
keep = true
"""


def folder(path, summary=None):
    """The files of a run with two particles and two saved times."""
    times, particles = np.array([0.0, 0.1]), np.arange(8.0).reshape(2, 2, 2)
    (path / "config.toml").write_text(CONFIG)
    (path / "metrics.csv").write_text("step,time,loss\n1,0.1,\n2,0.2,0.5\n")
    rows = [
        f"{step},{times[step]},{i},{x[0]!r},{x[1]!r}"
        for step in (0, 1)
        for i, x in enumerate(particles[step].tolist())
    ]
    (path / "snapshots.csv").write_text("step,time,particle,x0,x1\n" + "\n".join(rows) + "\n")
    if summary is not None:
        (path / "summary.json").write_text(json.dumps(summary))
        np.savez(path / "snapshots.npz", times=times, particles=particles)
    return times, particles


@pytest.mark.parametrize(
    ("summary", "success", "message"),
    [
        ({"status": "completed", "time": 0.2}, True, "The run is completed at t = 0.2."),
        ({"status": "diverged", "reason": "too fast"}, False, "The run diverged: too fast"),
        (None, False, "The run has not ended; continue it with: rieszflow resume "),
    ],
)
def test_arrays_and_outcome(tmp_path, summary, success, message):
    times, particles = folder(tmp_path, summary)
    run = load_run(str(tmp_path))
    assert (run.t == times).all()
    assert (run.particles == particles).all()
    assert run.metrics["time"].tolist() == [0.1, 0.2]
    assert np.isnan(run.metrics["loss"][0])
    assert run.target is None
    assert run.config["initial-steps"] == [0.01, 0.01]
    assert run.config["extra"] == {"keep": True}
    assert run.success is success
    assert run.message.startswith(message)
    assert (pickle.loads(pickle.dumps(run)).particles == particles).all()


@pytest.mark.parametrize("name", ["config.toml", "metrics.csv", "snapshots.npz", "summary.json"])
def test_damaged_files_are_named(tmp_path, name):
    folder(tmp_path, {"status": "completed", "time": 0.2})
    (tmp_path / name).write_text("step,time\n}{,x\n")
    with pytest.raises(ValueError, match=f"{name} is damaged"):
        load_run(tmp_path)


def test_a_folder_without_a_run(tmp_path):
    with pytest.raises(FileNotFoundError, match="path must be the folder of a run"):
        load_run(tmp_path)


@pytest.mark.skipif("RIESZFLOW_PROGRAM" not in os.environ, reason="RIESZFLOW_PROGRAM does not name the program")
def test_a_run_of_the_program(tmp_path):
    out = tmp_path / "run"
    command = [os.environ["RIESZFLOW_PROGRAM"], "interaction", "--scheme", "particle", "--out", str(out)]
    subprocess.run([*command, "--particles", "200", "--time", "0.5", "--quiet", "--no-plots"], check=True)
    run = load_run(out)
    assert run.success
    assert run.config["particles"] == 200
    assert run.summary["seed"] == 0
    law = exact.Equilibrium(2, 1.0, scale=exact.flow_scale(run.t[-1]))
    assert exact.discrepancy(run.particles[-1], law) == pytest.approx(run.metrics["discrepancy"][-1], rel=1e-9)
