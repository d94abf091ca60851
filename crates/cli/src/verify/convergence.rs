//! Schemes against the flows they approximate: orders of convergence as τ → 0 and N → ∞.

use nalgebra::DMatrix;
use rieszflow_analytic::{
    Equilibrium, Implosion, Law, backward_scales, discrepancy, flow_scale, flow_scale_from,
    forward_scales,
};
use rieszflow_flows::scheme::Particle;
use rieszflow_flows::{Flow, Functional, ImplosionExplosion, Interaction, RieszKernel, time_grid};

use super::Check;

/// First time steps of the particle flow from a jittered Dirac: it has to forget the jitter's cube,
/// which takes many steps on each scale.
const GROWING: [f64; 72] = {
    let mut steps = [1e-8; 72];
    let mut i = 1;
    while i < 72 {
        steps[i] = 1.2 * steps[i - 1];
        i += 1;
    }
    steps
};

pub(super) fn check(quick: bool, add: &mut impl FnMut(Check)) {
    check_scales(add);
    check_particle_flow(quick, add);
    check_particle_implosion(add);
}

/// Scales of both schemes at time 1 for τ = 2⁻⁸ and 2⁻⁹ against the flow.
fn check_scales(add: &mut impl FnMut(Check)) {
    type Scales = fn(f64, f64, &[f64]) -> Result<Vec<f64>, rieszflow_analytic::Error>;
    let cases: [(&str, f64, f64, Scales, f64); 4] = [
        ("JKO scale from a Dirac", 0.5, 0.0, backward_scales, 0.85),
        ("JKO scale from a Dirac", 1.5, 0.0, backward_scales, 0.85),
        ("JKO scale from c = 1/2", 0.5, 0.5, backward_scales, 0.99),
        (
            "steepest descent's scale from c = 1/2",
            1.5,
            0.5,
            forward_scales,
            0.97,
        ),
    ];
    for (name, exponent, start, scales, least_order) in cases {
        let error = |steps: u32| {
            let tau = 1.0 / f64::from(steps);
            let reached = scales(exponent, start, &vec![tau; steps as usize]);
            let exact = flow_scale_from(exponent, start, 1.0).expect("a scale");
            (reached.expect("scales")[steps as usize - 1] / exact - 1.0).abs()
        };
        let (coarse, fine) = (error(256), error(512));
        let what = format!("{name}, r = {exponent}, τ = 1/512 (relative)");
        let check = Check::new(what, "the flow as τ → 0", fine, 2e-2);
        add(check.with_order((coarse / fine).log2(), least_order));
    }
}

/// The particle flow of the interaction energy at t = 1, r = 1, for growing N.
fn check_particle_flow(quick: bool, add: &mut impl FnMut(Check)) {
    let dims: &[usize] = if quick { &[1, 2] } else { &[1, 2, 3, 10] };
    for &dim in dims {
        let equilibrium = Equilibrium::new(dim, 1.0).expect("a valid equilibrium");
        let scale = flow_scale(1.0, 1.0).expect("a scale");
        let law = Law::equilibrium(&equilibrium, scale).expect("a law");
        let error = |count: usize| {
            let functional = Interaction::new(RieszKernel::new(1.0).expect("0 < 1 < 2"));
            let particles = flow(&functional, DMatrix::zeros(count, dim), &GROWING, 0.05, 1.0);
            let found = discrepancy(&particles, None, &law, 1.0);
            found.expect("particles in ℝᵈ").v_statistic
        };
        let sizes = if quick { [100, 400] } else { [250, 1000] };
        let (coarse, fine) = (error(sizes[0]), error(sizes[1]));
        let order = (coarse / fine).ln() / 4.0_f64.ln();
        let what = format!("particle flow, d = {dim}, N = {} (D²)", sizes[1]);
        // Independent draws would converge with order 1 from the sampling floor.
        let floor = -equilibrium.energy() / sizes[1] as f64;
        let check = Check::new(what, "the flow as N → ∞", fine, floor);
        // Where r + d = 4, particles inside the sphere are hardly drawn to it: the memory of the start
        // fades too slowly for an order to show.
        add(if dim == 3 {
            check
        } else {
            check.with_order(order, 0.8)
        });
    }
}

/// W₂ of the particle flow to the exact implosion and explosion.
fn check_particle_implosion(add: &mut impl FnMut(Check)) {
    let count = 500;
    let start = DMatrix::from_fn(count, 2, |i, k| match k {
        0 => -1.0,
        _ => (2 * i + 1) as f64 / count as f64 - 1.0,
    });
    for (time, allowed) in [(0.5, 0.03), (1.0, 0.03), (2.0, 0.06)] {
        let particles = flow(&ImplosionExplosion::new(), start.clone(), &[], 0.01, time);
        let exact = Implosion::at(time).expect("a time");
        let error = exact.wasserstein(&particles).expect("particles");
        let what = format!("particle flow, implosion at t = {time} (W₂)");
        add(Check::new(what, "the exact flow", error, allowed));
    }
}

pub(super) fn flow(
    functional: &dyn Functional<f64>,
    start: DMatrix<f64>,
    initial_steps: &[f64],
    tau: f64,
    time: f64,
) -> DMatrix<f64> {
    let grid = time_grid(initial_steps, tau, time).expect("a grid");
    let flow = Flow::new(
        functional,
        &Particle {
            seed: 0,
            momentum: 0.0,
        },
    )
    .start(start)
    .expect("finite particles");
    let state = flow.run(&grid).expect("a flow").state;
    state.particles
}
