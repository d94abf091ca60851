//! The neural schemes against their closed forms.

use nalgebra::DMatrix;
use rieszflow_analytic::line::{self, DiscreteMeasure};
use rieszflow_analytic::{
    Equilibrium, Implosion, Law, SteepestDescent, backward_scales, discrepancy, forward_scales,
};
use rieszflow_flows::scheme::{Backward, Forward, Training};
use rieszflow_flows::{
    Flow, Functional, ImplosionExplosion, Interaction, Mmd, RieszKernel, Scheme, TimeStep,
    time_grid,
};

use super::Check;

/// Time steps are of this size.
const TAU: f64 = 0.05;
pub(super) const PARTICLES: usize = 1000;

#[derive(Clone, Copy, PartialEq)]
pub(super) enum Kind {
    Backward,
    Forward,
}

impl Kind {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Backward => "backward scheme",
            Self::Forward => "forward scheme",
        }
    }
}

pub(super) fn check(quick: bool, add: &mut impl FnMut(Check)) {
    let dims: &[usize] = if quick { &[1, 2] } else { &[1, 2, 3, 10] };
    for kind in [Kind::Backward, Kind::Forward] {
        for &dim in dims {
            check_interaction(kind, dim, 1.0, quick, add);
        }
        if !quick {
            check_line(kind, add);
            check_implosion(kind, add);
        }
    }
    if !quick {
        check_interaction(Kind::Backward, 2, 0.5, quick, add);
        check_interaction(Kind::Backward, 2, 1.5, quick, add);
    }
    check_first_step(quick, add);
}

pub(super) fn training(iterations: u64) -> Training {
    Training {
        hidden_layers: 2,
        width: 64,
        batch: 100,
        first_iterations: iterations,
        iterations,
        learning_rate: 2e-3,
        learning_rate_decay: 1e-2,
        ..Training::default()
    }
}

/// The particles of a scheme at the end of the time steps, in single precision.
pub(super) fn run(
    kind: Kind,
    functional: &dyn Functional<f32>,
    training: Training,
    start: DMatrix<f32>,
    grid: &[TimeStep],
) -> DMatrix<f64> {
    let scheme: Box<dyn Scheme<f32>> = match kind {
        Kind::Backward => Box::new(Backward::new(training)),
        Kind::Forward => Box::new(Forward::new(training)),
    };
    let flow = Flow::new(functional, &*scheme).start(start);
    let flow = flow.expect("a valid start").run(grid).expect("a flow");
    flow.state.particles.map(f64::from)
}

/// Equal time steps.
fn grid(time: f64) -> Vec<TimeStep> {
    time_grid(&[], TAU, time).expect("a grid")
}

/// The interaction energy from a Dirac: D² to the scheme's own closed form.
fn check_interaction(
    kind: Kind,
    dim: usize,
    exponent: f64,
    quick: bool,
    add: &mut impl FnMut(Check),
) {
    let time = if quick { 0.1 } else { 0.4 };
    let steps = vec![TAU; (time / TAU).round() as usize];
    let scales = match kind {
        Kind::Backward => backward_scales(exponent, 0.0, &steps),
        Kind::Forward => forward_scales(exponent, 0.0, &steps),
    };
    let scale = scales.expect("scales")[steps.len() - 1];
    let equilibrium = Equilibrium::new(dim, exponent).expect("a valid equilibrium");
    let functional = Interaction::new(RieszKernel::new(exponent).expect("0 < r < 2"));
    let start = DMatrix::zeros(PARTICLES, dim);
    let training = training(if quick { 1000 } else { 4000 });
    let particles = run(kind, &functional, training, start, &grid(time));
    let law = Law::equilibrium(&equilibrium, scale).expect("a law");
    let found = discrepancy(&particles, None, &law, exponent);
    let error = found.expect("particles in ℝᵈ").v_statistic;
    let floor = -equilibrium.energy() * scale.powf(exponent) / PARTICLES as f64;
    let what = format!(
        "{}, d = {dim}, r = {exponent}, t = {time} (D²)",
        kind.name()
    );
    add(Check::new(what, "closed form", error, 2.0 * floor));
}

/// On the line towards two unequal atoms: W₂ to the exact JKO iterate, or to the exact flow.
fn check_line(kind: Kind, add: &mut impl FnMut(Check)) {
    let (atoms, weights) = ([-0.5, 0.5], [0.3, 0.7]);
    let target = DiscreteMeasure::new(&atoms, &weights).expect("a measure");
    let functional = Mmd::new(
        RieszKernel::new(1.0).expect("0 < 1 < 2"),
        DMatrix::from_column_slice(2, 1, &atoms.map(|x| x as f32)),
        Some(weights.map(|w| w as f32).to_vec()),
    )
    .expect("a target");
    let time = 0.4;
    let dirac = vec![0.0; PARTICLES];
    let exact = match kind {
        Kind::Backward => {
            let steps = vec![TAU; (time / TAU).round() as usize];
            let iterates = line::backward_steps(&target, &dirac, &steps).expect("steps");
            iterates[steps.len() - 1].clone()
        }
        Kind::Forward => line::flow(&target, &dirac, time).expect("a flow"),
    };
    let particles = run(
        kind,
        &functional,
        training(4000),
        DMatrix::zeros(PARTICLES, 1),
        &grid(time),
    );
    let reached = DiscreteMeasure::equal(particles.as_slice()).expect("particles");
    let exact = DiscreteMeasure::equal(&exact).expect("particles");
    let error = line::wasserstein(&reached, &exact);
    let what = format!(
        "{} on the line towards two atoms, t = {time} (W₂)",
        kind.name()
    );
    // 5 % of the target's standard deviation.
    let deviation = (0.3_f64 * 0.7).sqrt();
    add(Check::new(what, "exact quantiles", error, 0.05 * deviation));
}

/// W₂ to the exact flow just before the collapse, and after it.
fn check_implosion(kind: Kind, add: &mut impl FnMut(Check)) {
    let start = DMatrix::from_fn(PARTICLES, 2, |i, k| match k {
        0 => -1.0,
        _ => (2 * i + 1) as f32 / PARTICLES as f32 - 1.0,
    });
    for time in [0.5, 1.5] {
        let functional = ImplosionExplosion::new();
        let particles = run(
            kind,
            &functional,
            training(2000),
            start.clone(),
            &grid(time),
        );
        let exact = Implosion::at(time).expect("a time");
        let error = exact.wasserstein(&particles).expect("particles");
        let what = format!("{}, implosion at t = {time} (W₂)", kind.name());
        add(Check::new(what, "the exact flow", error, 0.08));
    }
}

/// The first forward step from two Diracs towards two others: the velocities at each atom.
fn check_first_step(quick: bool, add: &mut impl FnMut(Check)) {
    let atoms = DMatrix::from_row_slice(2, 2, &[-1.0, 1.0, 1.0, -1.0]);
    let target = DMatrix::from_row_slice(2, 2, &[1.0, 1.0, -1.0, -1.0]);
    let descent = SteepestDescent::new(&atoms, &[0.5, 0.5], Some((&target, &[0.5, 0.5])))
        .expect("distinct atoms");
    let functional = Mmd::new(
        RieszKernel::new(1.0).expect("0 < 1 < 2"),
        target.map(|x| x as f32),
        None,
    )
    .expect("a target");
    let start = DMatrix::from_fn(2 * PARTICLES, 2, |i, k| atoms[(i % 2, k)] as f32);
    let training = Training {
        batch: 250,
        ..training(if quick { 1500 } else { 5000 })
    };
    let moved = run(Kind::Forward, &functional, training, start, &grid(TAU));
    for atom in 0..2 {
        let velocities = DMatrix::from_fn(PARTICLES, 2, |i, k| {
            (moved[(2 * i + atom, k)] - atoms[(atom, k)]) / TAU
        });
        let found = descent.discrepancy(atom, &velocities).expect("velocities");
        let what = format!("first forward step at atom {} of two (D²)", atom + 1);
        add(Check::new(
            what,
            "exact steepest descent",
            found.v_statistic,
            1.5e-3,
        ));
    }
}
