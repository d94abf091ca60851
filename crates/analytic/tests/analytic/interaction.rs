//! The scales of flow and schemes against the problems they solve.

use proptest::prelude::*;
use rieszflow_analytic::{
    Equilibrium, Error, backward_scale, backward_scales, flow_scale, flow_scale_from,
    forward_scale, forward_scales,
};

fn exponent() -> impl Strategy<Value = f64> {
    prop_oneof![0.001..1.0_f64, Just(1.0), 1.0..1.9_f64, 1.9..1.97_f64]
}

/// From 10^low to 10^high.
fn logarithmic(low: f64, high: f64) -> impl Strategy<Value = f64> {
    (low..high).prop_map(|power| 10.0_f64.powf(power))
}

fn start() -> impl Strategy<Value = f64> {
    prop_oneof![Just(0.0), logarithmic(-9.0, 6.0)]
}

/// W₂²/(2τ) + E along rescalings of η*, divided by m₂.
fn proximal_objective(r: f64, c: f64, tau: f64, x: f64) -> f64 {
    (x - c) * (x - c) / (2.0 * tau) - x.powf(r) / r
}

#[test]
fn backward_step_is_a_step_to_the_proximal_point() {
    // By golden-section search, which knows nothing of the scale equation.
    for (r, c, tau) in [
        (0.4, 0.0, 0.7),
        (0.9, 0.5, 0.1),
        (1.0, 1.0, 2.0),
        (1.5, 0.0, 0.3),
        (1.8, 2.0, 0.5),
    ] {
        let objective = |x: f64| proximal_objective(r, c, tau, x);
        let found = backward_scale(r, c, tau).unwrap();
        let (mut low, mut high) = (c + 1e-12, 4.0 * (c + tau + 1.0));
        let golden = 0.5 * (5.0_f64.sqrt() - 1.0);
        for _ in 0..100 {
            let (left, right) = (high - golden * (high - low), low + golden * (high - low));
            if objective(left) < objective(right) {
                high = right;
            } else {
                low = left;
            }
        }
        assert!(
            (found - low).abs() < 1e-6 * found,
            "r = {r}: {found}, {low}"
        );
    }
}

/// The particle JKO step on the line by plain gradient descent, from a Dirac, against the quantiles
/// of c₁η*.
#[test]
fn particles_reach_the_proximal_point_of_a_dirac() {
    let (n, r, tau) = (80_usize, 1.5, 0.4);
    let mut x: Vec<f64> = (0..n).map(|i| (i as f64 + 0.5) / n as f64 - 0.5).collect();
    for _ in 0..1500 {
        let gradient: Vec<f64> = (0..n)
            .map(|i| {
                let push: f64 = x
                    .iter()
                    .map(|y| r * (x[i] - y).abs().powf(r - 1.0) * (x[i] - y).signum())
                    .filter(|p| p.is_finite())
                    .sum();
                x[i] / tau - push / n as f64
            })
            .collect();
        x.iter_mut().zip(&gradient).for_each(|(x, g)| *x -= 0.1 * g);
    }
    let eta = Equilibrium::new(1, r).unwrap();
    let scale = backward_scale(r, 0.0, tau).unwrap();
    for (i, found) in x.iter().enumerate() {
        let level = (2 * i + 1) as f64 / n as f64 - 1.0;
        let exact = level.signum() * scale * eta.radial_quantile(level.abs());
        assert!(
            (found - exact).abs() < 0.02 * scale * eta.radius(),
            "{i}: {found}, {exact}"
        );
    }
}

#[test]
fn refinement_converges_at_first_order() {
    for r in [0.3, 0.7, 1.3, 1.6] {
        let exact = flow_scale(r, 1.0).unwrap();
        let end = |n: u32| {
            let steps = vec![1.0 / f64::from(n); n as usize];
            backward_scales(r, 0.0, &steps).unwrap()[n as usize - 1]
        };
        let errors: Vec<f64> = (3..=11).map(|k| (end(1 << k) - exact).abs()).collect();
        let orders: Vec<f64> = errors
            .windows(2)
            .map(|pair| (pair[0] / pair[1]).log2())
            .collect();
        assert!(
            orders.iter().all(|order| (0.6..1.1).contains(order)),
            "r = {r}: {orders:?}"
        );
        assert!(*orders.last().unwrap() > 0.85, "r = {r}: {orders:?}");
    }
}

#[test]
fn forward_and_backward_bracket_the_flow_away_from_the_dirac() {
    for r in [0.5, 1.5] {
        let start = flow_scale(r, 1.0).unwrap();
        let exact = flow_scale(r, 2.0).unwrap();
        let error = |n: usize, forward: bool| {
            let steps = vec![1.0 / n as f64; n];
            let scales = if forward {
                forward_scales
            } else {
                backward_scales
            };
            (scales(r, start, &steps).unwrap()[n - 1] - exact).abs()
        };
        for forward in [true, false] {
            let order = (error(500, forward) / error(1000, forward)).log2();
            assert!((order - 1.0).abs() < 0.01, "r = {r}: order {order}");
        }
    }
}

proptest! {
    #[test]
    fn backward_root_is_positive_unique_and_exact(
        r in exponent(), c in start(), tau in logarithmic(-12.0, 3.0),
    ) {
        let x = backward_scale(r, c, tau).unwrap();
        prop_assume!(x >= f64::MIN_POSITIVE);
        prop_assert!(x >= c && x > 0.0);
        let residual = |x: f64| x - c - tau * x.powf(r - 1.0);
        prop_assert!(residual(x).abs() <= 1e-13 * x, "residual {:e}", residual(x) / x);
        // One change of sign: below negative, above positive.
        for factor in [1e-6, 0.1, 0.9, 0.999_999] {
            prop_assert!(residual(x * factor) < 0.0);
            prop_assert!(residual(x / factor) > 0.0);
        }
    }

    #[test]
    fn backward_step_beats_random_competitors(
        r in exponent(), c in start(), tau in logarithmic(-3.0, 2.0), factor in 0.01..4.0_f64,
    ) {
        let x = backward_scale(r, c, tau).unwrap();
        let best = proximal_objective(r, c, tau, x);
        let other = proximal_objective(r, c, tau, c + (x - c) * factor);
        prop_assert!(other >= best - 1e-12 * (best.abs() + x.powf(r) / r));
    }

    #[test]
    fn scales_increase_with_the_step_and_with_the_number_of_steps(
        r in exponent(), c in start(), steps in prop::collection::vec(logarithmic(-4.0, 1.0), 1..20),
        longer in 1.0..3.0_f64,
    ) {
        let scales = backward_scales(r, c, &steps).unwrap();
        prop_assert!(scales[0] > c);
        prop_assert!(scales.windows(2).all(|pair| pair[0] <= pair[1]));
        let stretched: Vec<f64> = steps.iter().map(|tau| tau * longer).collect();
        let larger = backward_scales(r, c, &stretched).unwrap();
        prop_assert!(scales.iter().zip(&larger).all(|(one, other)| *one <= other * (1.0 + 1e-14)));
    }

    #[test]
    fn stretching_time_stretches_scales(
        r in exponent(), c in start(), factor in 0.1..10.0_f64,
        steps in prop::collection::vec(logarithmic(-2.0, 1.0), 1..10),
    ) {
        // c ↦ λc belongs to τ ↦ λ^{2−r}τ.
        let scales = backward_scales(r, c, &steps).unwrap();
        let stretched: Vec<f64> = steps.iter().map(|tau| tau * factor.powf(2.0 - r)).collect();
        let larger = backward_scales(r, c * factor, &stretched).unwrap();
        for (one, other) in scales.iter().zip(&larger) {
            prop_assert!((other / (one * factor) - 1.0).abs() < 1e-12, "{one} {other}");
        }
        let flow = flow_scale(r, steps[0]).unwrap();
        let flow_stretched = flow_scale(r, stretched[0]).unwrap();
        prop_assert!((flow_stretched / (flow * factor) - 1.0).abs() < 1e-12);
    }

    #[test]
    fn refining_the_steps_approaches_the_flow(
        r in 0.2..1.8_f64, cuts in prop::collection::vec(0.05..1.0_f64, 3..8),
    ) {
        let total: f64 = cuts.iter().sum();
        let exact = flow_scale(r, total).unwrap();
        let error = |parts: usize| {
            let steps: Vec<f64> =
                cuts.iter().flat_map(|cut| vec![cut / parts as f64; parts]).collect();
            (backward_scales(r, 0.0, &steps).unwrap().last().unwrap() - exact).abs() / exact
        };
        // For r = 1 there is no error at all.
        prop_assert!(error(64) <= 0.6 * error(16) + 1e-13);
        prop_assert!(error(256) <= 0.6 * error(64) + 1e-13);
    }

    #[test]
    fn the_flow_from_a_scale_is_a_semigroup(
        r in exponent(), c in start(), first in logarithmic(-6.0, 2.0), second in logarithmic(-6.0, 2.0),
    ) {
        let at_once = flow_scale_from(r, c, first + second).unwrap();
        let in_two = flow_scale_from(r, flow_scale_from(r, c, first).unwrap(), second).unwrap();
        prop_assume!(at_once > f64::MIN_POSITIVE);
        prop_assert!((in_two / at_once - 1.0).abs() < 1e-12);
        prop_assert_eq!(flow_scale_from(r, 0.0, first), flow_scale(r, first));
        prop_assert_eq!(flow_scale_from(r, c, 0.0), Ok(c));
        // c' = c^{r−1}, by a forward step too short to leave the tangent.
        let (tau, scale) = (1e-7 * at_once.powf(2.0 - r), at_once);
        let moved = flow_scale_from(r, scale, tau).unwrap() - scale;
        prop_assert!((moved / (forward_scale(r, scale, tau).unwrap() - scale) - 1.0).abs() < 1e-5);
    }

    #[test]
    fn energy_dissipates_at_the_square_of_the_speed(
        r in 0.1..1.9_f64, d in 1_usize..6, time in 0.1..5.0_f64,
    ) {
        let eta = Equilibrium::new(d, r).unwrap();
        let energy = |t: f64| flow_scale(r, t).unwrap().powf(r) * eta.energy();
        let h = 1e-4 * time;
        let rate = (8.0 * (energy(time + h) - energy(time - h)) - (energy(time + 2.0 * h) - energy(time - 2.0 * h)))
            / (12.0 * h);
        // The speed of (c(t)·Id)#η* is c'(t)√m₂ with c' = c^{r−1}.
        let speed = flow_scale(r, time).unwrap().powf(r - 1.0);
        prop_assert!((rate + speed * speed * eta.second_moment()).abs() < 1e-8 * rate.abs());
    }

    #[test]
    fn forward_step_is_explicit(r in exponent(), c in logarithmic(-6.0, 3.0), tau in logarithmic(-3.0, 1.0)) {
        let next = forward_scale(r, c, tau).unwrap();
        prop_assert!((next - c - tau * c.powf(r - 1.0)).abs() <= 1e-15 * next);
        let from_dirac = forward_scale(r, 0.0, tau);
        if r < 1.0 {
            prop_assert_eq!(from_dirac, Err(Error::ForwardFromDirac(r)));
        } else {
            prop_assert_eq!(from_dirac, Ok(if r == 1.0 { tau } else { 0.0 }));
        }
    }
}
