//! Flows towards exact laws and in external fields against their closed forms.

use nalgebra::DMatrix;
use rand::RngExt;
use rieszflow_analytic::{
    Confinement, Equilibrium, EquilibriumTarget, Error, FieldMinimiser, Law, Shells, discrepancy,
};
use rieszflow_flows::rng::{Purpose, stream};
use rieszflow_flows::scheme::particle::step;
use rieszflow_flows::{
    Functional, Interaction, Mmd, Points, PotentialFunction, RieszKernel, Sum, Sums, time_grid,
};

use super::Check;
use super::convergence::flow;
use super::schemes::{Kind, PARTICLES, run, training};
use crate::experiments::exact_functional;
use crate::targets::ExactLaw;

pub(super) fn check(quick: bool, add: &mut impl FnMut(Check)) {
    check_field_minimisers(add);
    check_laws_of_motion(add);
    check_orders(add);
    check_particle_flows(quick, add);
    check_confined_flow(add);
    check_gaussian(add);
    if !quick {
        check_neural_schemes(add);
    }
}

fn kernel(exponent: f64) -> RieszKernel {
    RieszKernel::new(exponent).expect("0 < r < 2")
}

/// λ|x|^α/α − U(x) is constant on the support of the minimiser, and not less elsewhere.
fn check_field_minimisers(add: &mut impl FnMut(Check)) {
    for (dim, exponent, power) in [
        (1, 1.0, 3.0),
        (2, 1.0, 1.5),
        (3, 1.0, 1.5),
        (3, 1.0, 3.0),
        (2, 1.5, 2.5),
        (4, 1.0, 1.9),
        (10, 1.0, 2.0),
    ] {
        let strength = 0.7;
        let minimiser = FieldMinimiser::new(dim, exponent, strength, power).expect("a minimiser");
        let radius = minimiser.radius();
        let condition = |at: f64| {
            let rho = at * radius;
            strength * rho.powf(power) / power - minimiser.potential(rho)
        };
        let inside = [0.0, 0.2, 0.5, 0.9, 0.999];
        let is_sphere = minimiser.sphere_mass() == 1.0;
        let level = condition(1.0);
        let unequal = inside.map(|at| {
            let below = level - condition(at);
            if is_sphere { below } else { below.abs() }
        });
        let outside = [1.001, 1.1, 2.0, 10.0].map(|at| level - condition(at));
        let worst = unequal.into_iter().chain(outside).fold(0.0, f64::max);
        let what = format!(
            "Euler–Lagrange conditions in the field |x|^{power}, d = {dim}, r = {exponent}"
        );
        add(Check::new(what, "quadrature", worst, 1e-11));
    }
}

/// Laws of the flow for any measure: d/dt ∫|x−q|² = −2rF for F = E and for the flow to δ_q; x ↦ λx
/// with λ^{2−r}τ for τ, rotations and translations commute with a step.
fn check_laws_of_motion(add: &mut impl FnMut(Check)) {
    let mut rng = stream(0, Purpose::Sample, 0, 0);
    let mut cloud = |count: usize, dim: usize| {
        DMatrix::from_fn(count, dim, |_, _| rng.random_range(-1.0..1.0_f64))
    };
    let (mut moments, mut motions) = (0.0_f64, 0.0_f64);
    for (dim, exponent) in [(1, 0.5), (2, 1.0), (3, 1.5), (10, 0.3), (100, 1.9)] {
        let (x, y) = (cloud(30, dim), cloud(20, dim));
        let q = cloud(1, dim);
        let atom = Mmd::new(kernel(exponent), q.clone(), None).expect("an atom");
        let energy = Interaction::new(kernel(exponent));
        let alone: &dyn Functional<f64> = &energy;
        for functional in [alone, &atom] {
            let mut gradient = DMatrix::zeros(30, dim);
            let value = functional.gradient(Points::from(&x), gradient.as_mut_slice());
            let offsets = DMatrix::from_fn(30, dim, |i, k| x[(i, k)] - q[k]);
            // The velocity of a particle is −N times its gradient.
            let rate = -2.0 * gradient.dot(&offsets);
            moments = moments.max((rate / (-2.0 * exponent * value) - 1.0).abs());
        }
        let (turn, shift, scale) = (cloud(dim, dim).qr().q(), cloud(1, dim), 1.7_f64);
        let place = |points: &DMatrix<f64>| {
            let mut placed = points * &turn * scale;
            for mut row in placed.row_iter_mut() {
                row += shift.row(0);
            }
            placed
        };
        let towards =
            |target: DMatrix<f64>| Mmd::new(kernel(exponent), target, None).expect("atoms");
        let tau = 0.1;
        let moved = step(&towards(y.clone()), &x, tau).expect("a step");
        let stretched = tau * scale.powf(2.0 - exponent);
        let placed = step(&towards(place(&y)), &place(&x), stretched).expect("a step");
        motions = motions.max((placed - place(&moved)).amax());
    }
    let what = "second moments of random measures under E and towards a Dirac (relative)";
    add(Check::new(what, "d/dt ∫|x−q|² = −2rF", moments, 1e-12));
    let what = "steps of random measures, scaled, turned and moved (largest error)";
    add(Check::new(what, "steps there", motions, 1e-12));
}

/// Scales of both schemes towards a target and in a confinement at time 1 for τ = 2⁻⁸ and 2⁻⁹.
fn check_orders(add: &mut impl FnMut(Check)) {
    type Scales<'a> = &'a dyn Fn(&[f64]) -> Result<Vec<f64>, Error>;
    let mut row = |what: String, exact: f64, scales: Scales<'_>, least_order: f64| {
        let error = |steps: usize| {
            let scales = scales(&vec![1.0 / steps as f64; steps]).expect("scales");
            (scales[steps - 1] / exact - 1.0).abs()
        };
        let (coarse, fine) = (error(256), error(512));
        let what = format!("{what}, τ = 1/512 (relative)");
        let check = Check::new(what, "the flow as τ → 0", fine, 5e-3);
        add(check.with_order((coarse / fine).log2(), least_order));
    };
    for (dim, exponent, start) in [
        (2, 1.0, 0.0),
        (1, 0.5, 0.3),
        (10, 1.0, 0.0),
        (784, 1.5, 0.3),
    ] {
        let equilibrium = Equilibrium::new(dim, exponent).expect("a valid equilibrium");
        let target = EquilibriumTarget::new(&equilibrium, 1.2).expect("a target");
        let exact = target.flow_scale(start, 1.0).expect("a scale");
        let of = format!("towards η*, d = {dim}, r = {exponent}, from c = {start}");
        let backward = |steps: &[f64]| target.backward_scales(start, steps);
        row(format!("JKO scale {of}"), exact, &backward, 0.95);
        let forward = |steps: &[f64]| target.forward_scales(start, steps);
        row(
            format!("steepest descent's scale {of}"),
            exact,
            &forward,
            0.95,
        );
    }
    let confinement = Confinement::new(1.5, 0.8).expect("a confinement");
    let exact = confinement.flow_scale(0.3, 1.0).expect("a scale");
    let backward = |steps: &[f64]| confinement.backward_scales(0.3, steps);
    row(
        "JKO scale of a confined flow, r = 1.5".to_owned(),
        exact,
        &backward,
        0.95,
    );
}

/// D² of a particle flow to the exact flow, and the mean D² of as many independent draws from it.
fn particle_error(dim: usize, exponent: f64, law: ExactLaw, tau: f64) -> [f64; 2] {
    let count = 400;
    let target = law
        .exact_flow(dim, exponent)
        .expect("a known flow")
        .expect("a target");
    let start = 0.3 * target.scale();
    let at = |scale| Law::equilibrium(target.equilibrium(), scale).expect("a law");
    let draws = at(start).sample(count, &mut stream(0, Purpose::Start, 0, 0));
    let functional =
        exact_functional(kernel(exponent), law, dim, Sums::Exact).expect("a functional");
    let particles = flow(&functional, draws, &[], tau, 1.0);
    let exact = at(target.flow_scale(start, 1.0).expect("a scale"));
    let found = discrepancy(&particles, None, &exact, exponent).expect("particles in ℝᵈ");
    let energy = exact.energy(exponent).expect("an energy");
    [found.v_statistic, -energy / count as f64]
}

/// The particle flow towards scaled equilibria and spheres, from independent draws of a smaller one.
fn check_particle_flows(quick: bool, add: &mut impl FnMut(Check)) {
    let balls = [1, 2, 3].into_iter().flat_map(|dim| {
        [0.5, 1.0, 1.5].map(|exponent| (dim, exponent, ExactLaw::Equilibrium(1.0)))
    });
    let spheres = [10, 784].map(|dim| (dim, 1.0, ExactLaw::Sphere(1.0)));
    for (dim, exponent, law) in balls.chain(spheres).filter(|case| !quick || case.0 < 100) {
        let [error, floor] = particle_error(dim, exponent, law, 0.02);
        let what = format!("particle flow towards {law}, d = {dim}, r = {exponent} (D²)");
        add(Check::new(what, "the exact flow", error, floor));
    }
}

/// The particle flow of E + (λ/2)∫|x|² from independent draws: the scale.
fn check_confined_flow(add: &mut impl FnMut(Check)) {
    let (dim, exponent, strength, start) = (2, 1.0, 0.8, 0.3);
    let equilibrium = Equilibrium::new(dim, exponent).expect("a valid equilibrium");
    let law = Law::equilibrium(&equilibrium, start).expect("a law");
    let draws = law.sample(1000, &mut stream(0, Purpose::Start, 0, 0));
    let bowl = PotentialFunction::new(|x: &[f64], gradient: &mut [f64]| {
        for (g, x) in gradient.iter_mut().zip(x) {
            *g = strength * x;
        }
        0.5 * strength * x.iter().map(|x| x * x).sum::<f64>()
    });
    let functional = Sum(Interaction::new(kernel(exponent)), bowl);
    let particles = flow(&functional, draws, &[], 0.02, 1.5);
    let measured = (particles.norm_squared() / 1000.0 / equilibrium.second_moment()).sqrt();
    let confinement = Confinement::new(exponent, strength).expect("a confinement");
    let exact = confinement.flow_scale(start, 1.5).expect("a scale");
    let what = "particle flow in a confinement, d = 2, r = 1, t = 1.5 (relative scale)";
    add(Check::new(
        what,
        "the exact flow",
        measured / exact - 1.0,
        0.01,
    ));
}

/// The particle flow from N(0, 0.09 I) to N(0, I) in ℝ³, r = 1: the second moment at t = 2.
fn check_gaussian(add: &mut impl FnMut(Check)) {
    let (deviation, time) = (0.3, 2.0);
    let target = Law::gaussian(&[0.0; 3], 1.0).expect("a law");
    let potential = target.potential(1.0).expect("a potential");
    let radial = potential.radial().expect("a Gaussian");
    let mut shells = Shells::gaussian(2000, deviation).expect("shells");
    let moved = shells.flow(|rho| radial.slope(rho), time, 40);
    moved.expect("a time");
    let start = Law::gaussian(&[0.0; 3], deviation).expect("a law");
    let draws = start.sample(2000, &mut stream(0, Purpose::Start, 0, 0));
    let law = ExactLaw::Gaussian(1.0);
    let functional = exact_functional(kernel(1.0), law, 3, Sums::Exact).expect("a functional");
    let particles = flow(&functional, draws, &[], 0.05, time);
    let measured = particles.norm_squared() / 2000.0;
    let error = measured / shells.second_moment() - 1.0;
    let what = "particle flow to a Gaussian in ℝ³, t = 2 (relative second moment)";
    add(Check::new(what, "flow of 2000 shells", error, 0.02));
}

/// Size of a time step of the neural schemes, and the flow time they reach.
const TAU: f64 = 0.25;
const TIME: f64 = 1.0;

/// The neural schemes from a Dirac: D² to the scheme's own closed form, and the order in τ.
fn check_neural_schemes(add: &mut impl FnMut(Check)) {
    let eta = ExactLaw::Equilibrium(1.0);
    let cases = [1, 2, 3].into_iter().flat_map(|dim| {
        let backward = [0.5, 1.0, 1.5].map(|exponent| (Kind::Backward, dim, exponent, eta));
        backward.into_iter().chain([(Kind::Forward, dim, 1.0, eta)])
    });
    let sphere = ExactLaw::Sphere(1.0);
    let spheres = [
        (Kind::Backward, 10, 1.0, sphere),
        (Kind::Forward, 10, 1.0, sphere),
        (Kind::Backward, 784, 1.0, sphere),
    ];
    for (kind, dim, exponent, law) in cases.chain(spheres) {
        let outcome = neural_flow(kind, dim, exponent, law, TAU);
        let what = format!(
            "{} towards {law}, d = {dim}, r = {exponent}, t = {TIME}",
            kind.name()
        );
        let scale = outcome.scale / outcome.scheme_scale - 1.0;
        // A network of width 64 spreads over 64 directions at a time, which D² sees in 784.
        if dim <= 10 {
            add(Check::new(
                format!("{what} (D²)"),
                "closed form",
                outcome.discrepancy,
                2.0 * outcome.floor,
            ));
        }
        add(Check::new(
            format!("{what} (relative scale)"),
            "closed form",
            scale,
            0.015,
        ));
    }
    let error = |tau| {
        let outcome = neural_flow(Kind::Backward, 2, 1.0, eta, tau);
        (outcome.scale / outcome.flow_scale - 1.0).abs()
    };
    let (coarse, fine) = (error(2.0 * TAU), error(TAU));
    let what = format!("backward scheme towards {eta}, d = 2, τ = {TAU} (relative scale)");
    let check = Check::new(what, "the flow as τ → 0", fine, 0.1);
    add(check.with_order((coarse / fine).log2(), 0.7));
}

/// Where a neural flow has arrived.
struct Outcome {
    /// D² to the scheme's closed form.
    discrepancy: f64,
    /// The mean D² of as many independent draws from it.
    floor: f64,
    /// √(mean|x|²/m₂).
    scale: f64,
    /// The scale of the scheme's closed form.
    scheme_scale: f64,
    /// The scale of the flow.
    flow_scale: f64,
}

fn neural_flow(kind: Kind, dim: usize, exponent: f64, law: ExactLaw, tau: f64) -> Outcome {
    let target = law
        .exact_flow(dim, exponent)
        .expect("a known flow")
        .expect("a target");
    let functional =
        exact_functional(kernel(exponent), law, dim, Sums::Exact).expect("a functional");
    let start = DMatrix::zeros(PARTICLES, dim);
    let grid = time_grid(&[], tau, TIME).expect("a grid");
    let particles = run(kind, &functional, training(3000), start, &grid);
    let steps = vec![tau; grid.len()];
    let scales = match kind {
        Kind::Backward => target.backward_scales(0.0, &steps),
        Kind::Forward => target.forward_scales(0.0, &steps),
    };
    let equilibrium = target.equilibrium();
    let scheme_scale = scales.expect("scales")[steps.len() - 1];
    let exact = Law::equilibrium(equilibrium, scheme_scale).expect("a law");
    let found = discrepancy(&particles, None, &exact, exponent).expect("particles in ℝᵈ");
    let mean_square = particles.norm_squared() / PARTICLES as f64;
    Outcome {
        discrepancy: found.v_statistic,
        floor: -exact.energy(exponent).expect("an energy") / PARTICLES as f64,
        scale: (mean_square / equilibrium.second_moment()).sqrt(),
        scheme_scale,
        flow_scale: target.flow_scale(0.0, TIME).expect("a scale"),
    }
}
