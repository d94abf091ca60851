"""Flows against closed forms, plain steps and the program."""

import os
import pickle
import subprocess

import numpy as np
import pytest
from rieszflow import exact, flow, load_run, mmd2, mmd2_and_grad

RNG = np.random.default_rng(0)
START = RNG.normal(size=(60, 2))
TARGET = RNG.normal(size=(40, 2)) * 0.5 + 1.0
WEIGHTS = RNG.random(40)


def test_particle_steps_are_gradient_steps():
    result = flow(START, TARGET, tau=0.1, t_eval=[0.0, 0.1, 0.25], exponent=1.3, weights=WEIGHTS)
    x, times, all_x = START, [0.1, 0.1, 0.05], [START]
    for tau in times:
        _, gradient = mmd2_and_grad(x, TARGET, b=WEIGHTS, exponent=1.3)
        x = x - tau * len(x) * gradient
        all_x.append(x)
    assert result.t.tolist() == [0.0, 0.1, 0.25]
    assert (result.particles[0] == START).all()
    assert result.particles[1] == pytest.approx(all_x[1], abs=1e-13)
    assert result.particles[2] == pytest.approx(all_x[3], abs=1e-13)
    assert result.success
    assert result.message == "The flow reached t = 0.25 in 3 time steps."
    expected = [mmd2(x, TARGET, b=WEIGHTS, exponent=1.3) for x in result.particles]
    assert result.discrepancy == pytest.approx(expected, rel=1e-12)


def test_on_the_line_it_is_the_exact_flow():
    x0, target = np.sort(RNG.normal(size=50)), RNG.normal(size=30) + 2
    result = flow(x0[:, None], target[:, None], tau=1e-3, t_eval=1.0)
    expected = exact.line.flow(x0, target, 1.0)
    assert np.sort(result.particles[0, :, 0]) == pytest.approx(expected, abs=5e-3)
    assert result.discrepancy == pytest.approx(
        [mmd2(result.particles[0], target[:, None])], rel=1e-12
    )


def test_times_are_those_of_the_steps_that_reach_them():
    result = flow(START, TARGET, tau=0.1, t_eval=[0.05, 0.07, 0.31])
    assert result.t == pytest.approx([0.1, 0.1, 0.31])
    assert result.particles.shape == (3, 60, 2)
    result = flow(START, TARGET, tau="0.1,0.2:0.3", t_eval=[0.25, 0.8], initial_steps=[0.01])
    assert result.t == pytest.approx([0.5, 0.8])
    assert result.message.endswith("in 5 time steps.")


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_energy_alone_spreads_a_dirac_as_the_closed_form(dtype):
    result = flow(np.zeros((400, 2), dtype), None, tau=0.02, t_eval=[0.5, 1.0], random_state=1)
    assert result.particles.dtype == dtype
    assert np.isnan(result.discrepancy).all()
    for t, x in zip(result.t, result.particles, strict=True):
        law = exact.Equilibrium(2, 1.0, scale=exact.flow_scale(t))
        assert exact.discrepancy(x, law) < 3e-3
        assert (x**2).sum(axis=1).mean() == pytest.approx(law.second_moment, rel=0.02)


@pytest.mark.parametrize("scheme", ["backward", "forward"])
def test_neural_schemes_learn_the_closed_form(scheme):
    result = flow(
        np.zeros((500, 2), np.float32), None, scheme=scheme, tau=0.1, t_eval=[0.1, 0.3], random_state=0
    )
    law = exact.Equilibrium(2, 1.0, scale=0.3)
    floor = -law.energy / 500
    assert exact.discrepancy(result.particles[-1], law) < 2 * floor
    fresh = result.sample(3000, random_state=3)
    assert fresh.shape == (3000, 2)
    assert fresh.dtype == np.float32
    assert exact.discrepancy(fresh, law, unbiased=True) < 2 * floor
    assert (result.sample(50, random_state=4) == result.sample(50, random_state=4)).all()
    copy = pickle.loads(pickle.dumps(result))
    assert (copy.particles == result.particles).all()
    assert (copy.sample(50, random_state=4) == result.sample(50, random_state=4)).all()
    assert copy.message == result.message


def test_towards_laws():
    target = exact.Equilibrium(2, 1.0, scale=2.0)
    result = flow(np.zeros((300, 2)), target, tau=0.02, t_eval=[1.0, 4.0], random_state=0)
    # Scaled equilibria, c(t) = a (1 - exp(-t/a)).
    for t, x, found in zip(result.t, result.particles, result.discrepancy, strict=True):
        scale = 2 * (1 - np.exp(-t / 2))
        moment = exact.Equilibrium(2, 1.0, scale).second_moment
        assert (x**2).sum(axis=1).mean() == pytest.approx(moment, rel=0.02)
        assert found == pytest.approx(exact.discrepancy(x, target), rel=1e-12)
    mixture = exact.Mixture([exact.Gaussian([-2.0, 0.0], 0.3), exact.Gaussian([2.0, 0.0], 0.3)])
    result = flow(START, mixture, tau=0.1, t_eval=[0.0, 10.0])
    assert result.discrepancy[1] < 0.1 * result.discrepancy[0]
    line = flow([[0.5], [0.7]], exact.Sphere([1.0]), tau=0.05, t_eval=5.0)
    points = flow([[0.5], [0.7]], [[0.0], [2.0]], tau=0.05, t_eval=5.0)
    assert (line.particles == points.particles).all()


def test_sliced_flows_follow_exact_ones():
    settings = {"tau": 0.1, "t_eval": [0.5, 2.0], "random_state": 0}
    exactly = flow(START, TARGET, **settings)
    sliced = flow(START, TARGET, sums="sliced", n_directions=500, **settings)
    assert abs(sliced.particles - exactly.particles).max() < 0.05
    assert sliced.discrepancy == pytest.approx(exactly.discrepancy, rel=0.1)
    ball = exact.Ball([0.0, 0.0], 2.0)
    exactly = flow(START, ball, **settings)
    sliced = flow(START, ball, sums="sliced", n_directions=500, **settings)
    assert abs(sliced.particles - exactly.particles).max() < 0.05
    assert sliced.discrepancy == pytest.approx(exactly.discrepancy, rel=0.1)
    with pytest.raises(ValueError, match="exponent must be above 1/2"):
        flow(START, TARGET, sums="sliced", exponent=0.5, **settings)


def test_momentum_keeps_a_part_of_the_velocity():
    result = flow(START, TARGET, tau=0.1, t_eval=0.3, momentum=0.6)
    x, v = START, np.zeros_like(START)
    for _ in range(3):
        v = 0.6 * v - len(x) * mmd2_and_grad(x, TARGET)[1]
        x = x + 0.1 * v
    assert result.particles[0] == pytest.approx(x, abs=1e-12)


def test_equal_seeds_give_equal_flows():
    dirac = np.zeros((50, 2))
    settings = {"tau": 0.1, "t_eval": 0.5}
    one, other, third = (flow(dirac, TARGET, random_state=s, **settings) for s in (1, 1, 2))
    assert (one.particles == other.particles).all()
    assert (one.particles != third.particles).any()
    generators = [flow(dirac, TARGET, random_state=np.random.default_rng(5), **settings) for _ in "ab"]
    assert (generators[0].particles == generators[1].particles).all()
    legacy = [flow(dirac, TARGET, random_state=np.random.RandomState(5), **settings) for _ in "ab"]
    assert (legacy[0].particles == legacy[1].particles).all()


def test_callbacks_see_every_step():
    seen = []
    result = flow(START, TARGET, tau=0.1, t_eval=0.5, callback=lambda t, x: seen.append((t, x)))
    assert [t for t, _ in seen] == pytest.approx([0.1, 0.2, 0.3, 0.4, 0.5])
    assert (seen[-1][1] == result.particles[-1]).all()
    # A callback may compute, also with a flow of its own.
    inner = []

    def compute(t, x):
        inner.append(flow(x, TARGET, tau=0.1, t_eval=0.1).discrepancy[0] + mmd2(x, TARGET))

    flow(START, TARGET, tau=0.1, t_eval=0.3, callback=compute)
    assert len(inner) == 3


@pytest.mark.parametrize("scheme", ["particle", "backward"])
def test_exceptions_of_callbacks_pass_through(scheme):
    class Mine(Exception):
        pass

    def fail(t, x):
        raise Mine(t)

    options = {} if scheme == "particle" else {"iterations": 5}
    with pytest.raises(Mine) as caught:
        flow(START, TARGET, tau=0.1, t_eval=0.5, scheme=scheme, callback=fail, **options)
    assert caught.value.args[0] == pytest.approx(0.1)


def test_stop_iteration_ends_the_flow():
    def stop(t, x):
        if t > 0.25:
            raise StopIteration

    result = flow(START, TARGET, tau=0.1, t_eval=[0.1, 0.5], callback=stop)
    assert not result.success
    assert result.message.startswith("The callback stopped the flow at t = 0.3")
    assert result.t == pytest.approx([0.1, 0.3])


def test_divergence_is_a_result():
    far = (START * 1e14).astype(np.float32)
    result = flow(far, TARGET, exponent=1.9, tau=1e8, t_eval=[0.0, 1e10])
    assert not result.success
    assert "diverged in time step" in result.message
    assert result.t.tolist() == [0.0]
    assert result.particles.shape == (1, 60, 2)


def test_a_flow_that_rises_is_no_success():
    result = flow(START, TARGET, exponent=1.9, tau=2.0, t_eval=[0.0, 20.0])
    assert result.discrepancy[1] > 10 * result.discrepancy[0]
    assert not result.success
    assert "D² to the target has risen" in result.message
    assert "tau is too large" in result.message


def test_a_stationary_flow_says_so():
    result = flow(np.zeros((20, 2)), None, exponent=1.5, scheme="forward", tau=0.1, t_eval=0.2)
    assert result.success
    assert "stationary" in result.message
    assert (result.particles == 0).all()


@pytest.mark.parametrize(
    ("options", "kind", "message"),
    [
        ({"scheme": "sideways"}, ValueError, "scheme must be one of"),
        ({"exponent": 0.0}, ValueError, "exponent must lie"),
        ({"tau": 0.0}, ValueError, "tau must be positive"),
        ({"tau": "0.5,x"}, ValueError, "tau must be a number"),
        ({"tau": "0.5,3:1,2:4"}, ValueError, "in order"),
        ({"tau": 1e-9}, ValueError, "tau must lie between a 10⁷th"),
        ({"tau": "0.1,1:1e10"}, ValueError, "tau must lie between 1e-9 and 1e9"),
        ({"t_eval": []}, ValueError, "t_eval must be"),
        ({"t_eval": [0.5, 0.1]}, ValueError, "t_eval must increase"),
        ({"t_eval": -1.0}, ValueError, "t_eval must increase"),
        ({"t_eval": np.nan}, ValueError, "t_eval"),
        ({"weights": [1.0]}, ValueError, r"weights must have shape \(40,\)"),
        ({"initial_steps": [0.0]}, ValueError, "initial_steps must be positive"),
        ({"momentum": 1.0}, ValueError, "momentum must be at least 0"),
        ({"momentum": 0.5, "scheme": "backward"}, ValueError, "momentum has an effect"),
        ({"sums": "some"}, ValueError, "sums must be"),
        ({"random_state": -1}, ValueError, "random_state must lie"),
        ({"callback": 3}, TypeError, "callback must be callable"),
        ({"iterations": 5}, ValueError, "iterations has no effect with scheme='particle'"),
        ({"scheme": "backward", "iterations": 0}, ValueError, "iterations must be at least 1"),
        ({"scheme": "backward", "batch": 61}, ValueError, "batch must be between 1 and"),
        ({"scheme": "backward", "width": 2.5}, TypeError, "width must be a whole number"),
        ({"scheme": "backward", "learning_rate": -1.0}, ValueError, "learning_rate must be"),
        ({"scheme": "backward", "learning_rate_decay": 2.0}, ValueError, "learning_rate_decay"),
        ({"scheme": "backward", "first_phase": np.nan}, ValueError, "first_phase"),
        ({"nonsense": 1}, TypeError, "nonsense"),
    ],
)
def test_errors_name_the_argument(options, kind, message):
    with pytest.raises(kind, match=message):
        flow(START, TARGET, **{"tau": 0.1, "t_eval": 0.2, **options})


def test_starts_and_targets_have_to_fit():
    options = {"tau": 0.1, "t_eval": 0.2}
    with pytest.raises(ValueError, match="target must have 2 features"):
        flow(START, [[1.0]], **options)
    with pytest.raises(ValueError, match="target must be a law in dimension 2"):
        flow(START, exact.Ball([0.0]), **options)
    with pytest.raises(ValueError, match="target must be an equilibrium for exponent 1.5"):
        flow(START, exact.Equilibrium(2), exponent=1.5, **options)
    with pytest.raises(ValueError, match="target must be a single law or a mixture of equal laws"):
        flow(START, exact.Mixture([exact.Ball([0.0, 0.0]), exact.Gaussian([0.0, 0.0])]), **options)
    with pytest.raises(ValueError, match="weights are those of the points"):
        flow(START, None, weights=[1.0], **options)
    with pytest.raises(ValueError, match="exponent must be at least 1 with scheme='forward'"):
        flow(np.zeros((5, 2)), None, scheme="forward", exponent=0.5, **options)
    with pytest.raises(ValueError, match="there are no kernels"):
        flow(START, TARGET, **options).sample(5)


def program():
    path = os.environ.get("RIESZFLOW_PROGRAM")
    if path is None:
        pytest.skip("RIESZFLOW_PROGRAM does not name the program")
    return path


def table(path, points, weights=None):
    header = [f"x{k}" for k in range(points.shape[1])] + ["weight"] * (weights is not None)
    rows = points if weights is None else np.column_stack([points, weights])
    lines = [",".join(header)] + [",".join(map(repr, row)) for row in rows.astype(float).tolist()]
    path.write_text("\n".join(lines) + "\n")
    return f"csv:{path}"


@pytest.mark.parametrize("scheme", ["particle", "backward", "forward"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("far", [0.0, 1e5])
@pytest.mark.parametrize("exponent", [1.0, 1.5])
def test_particles_are_the_programs_to_the_bit(tmp_path, scheme, dtype, far, exponent):
    start, target = (START + far).astype(dtype), TARGET + far
    precision = {np.float32: "f32", np.float64: "f64"}[dtype]
    run = tmp_path / "run"
    arguments = [program(), "mmd", "--scheme", scheme, "--precision", precision, "--quiet", "--no-plots"]
    arguments += ["--start", table(tmp_path / "start.csv", start), "--out", str(run)]
    arguments += ["--target", table(tmp_path / "target.csv", target, WEIGHTS), "--seed", "7"]
    arguments += ["--tau", "0.2", "--time", "0.5", "--save-at", "0.3", "--exponent", str(exponent)]
    training = {}
    if scheme != "particle":
        arguments += ["--iterations", "30"]
        training = {"iterations": 30}
    subprocess.run(arguments, check=True)
    theirs = load_run(run)
    ours = flow(
        start,
        target,
        scheme=scheme,
        exponent=exponent,
        tau=0.2,
        t_eval=[0.0, 0.3, 0.5],
        weights=WEIGHTS,
        random_state=7,
        **training,
    )
    assert (ours.t == theirs.t).all()
    assert (ours.particles == theirs.particles.astype(dtype)).all()
    assert ours.discrepancy[1:] == pytest.approx(theirs.metrics["discrepancy"][[1, 2]], rel=1e-9)
    if scheme != "particle":
        samples = tmp_path / "samples.npy"
        arguments = ["sample", str(run), "--count", "80", "--seed", "3", "--out", str(samples)]
        subprocess.run([program(), *arguments], check=True)
        assert (ours.sample(80, random_state=3) == np.load(samples).astype(dtype)).all()


@pytest.mark.parametrize("scheme", ["particle", "backward"])
@pytest.mark.parametrize(
    ("name", "law"),
    [
        ("gaussian:0.7", exact.Gaussian([0.0, 0.0], 0.7)),
        ("ball:1.5", exact.Ball([0.0, 0.0], 1.5)),
        ("sphere:2", exact.Sphere([0.0, 0.0], 2.0)),
        ("equilibrium:1.2", exact.Equilibrium(2, 1.0, 1.2)),
    ],
)
def test_towards_laws_they_are_the_programs(tmp_path, scheme, name, law):
    start = START.astype(np.float32)
    run = tmp_path / "run"
    arguments = [program(), "mmd", "--scheme", scheme, "--quiet", "--no-plots", "--out", str(run)]
    arguments += ["--start", table(tmp_path / "start.csv", start), "--target", name]
    arguments += ["--tau", "0.2", "--time", "0.4"]
    training = {}
    if scheme != "particle":
        arguments += ["--iterations", "20", "--first-iterations", "30"]
        training = {"iterations": 20, "first_iterations": 30}
    subprocess.run(arguments, check=True)
    ours = flow(start, law, scheme=scheme, tau=0.2, t_eval=0.4, random_state=0, **training)
    theirs = load_run(run)
    assert (ours.particles[-1] == theirs.particles[-1]).all()
    assert ours.discrepancy[-1] == pytest.approx(theirs.metrics["discrepancy"][-1], rel=1e-9)


def test_sliced_flows_with_momentum_are_the_programs(tmp_path):
    start = START.astype(np.float32)
    run = tmp_path / "run"
    arguments = [program(), "mmd", "--scheme", "particle", "--quiet", "--no-plots", "--out", str(run)]
    arguments += ["--start", table(tmp_path / "start.csv", start)]
    arguments += ["--target", table(tmp_path / "target.csv", TARGET), "--seed", "5"]
    arguments += ["--tau", "0.1", "--time", "0.5", "--momentum", "0.7"]
    arguments += ["--sums", "sliced", "--directions", "40"]
    subprocess.run(arguments, check=True)
    settings = {"tau": 0.1, "t_eval": 0.5, "random_state": 5, "momentum": 0.7}
    ours = flow(start, TARGET, sums="sliced", n_directions=40, **settings)
    assert (ours.particles[-1] == load_run(run).particles[-1]).all()
