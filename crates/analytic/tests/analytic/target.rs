//! Flows towards scaled equilibria and spheres, and confined flows: against particles, other
//! integrators, variational problems, and the laws every flow obeys.

use nalgebra::{DMatrix, RowDVector};
use proptest::prelude::*;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rieszflow_analytic::quadrature::integrate;
use rieszflow_analytic::{
    Confinement, Equilibrium, EquilibriumKind, EquilibriumTarget, Error, Law, LawPotential,
    dirac_descent, discrepancy, flow_scale_from,
};

const CASES: [(usize, f64); 9] = [
    (1, 0.5),
    (1, 1.0),
    (2, 0.6),
    (2, 1.5),
    (3, 1.0),
    (3, 1.6),
    (5, 0.4),
    (10, 1.0),
    (784, 1.3),
];

fn target(dim: usize, exponent: f64, scale: f64) -> EquilibriumTarget {
    EquilibriumTarget::new(&Equilibrium::new(dim, exponent).unwrap(), scale).unwrap()
}

/// The radii of the sphere for r = 1 and A = 1 at t = ¼, ½, 1, 2, by another integrator.
#[test]
fn spheres_grow_as_tabulated() {
    for (dim, radii) in [
        (10, [0.156_188, 0.281_539, 0.466_489, 0.684_850]),
        (784, [0.156_530, 0.279_610, 0.458_230, 0.668_685]),
    ] {
        let target = EquilibriumTarget::sphere(dim, 1.0, 1.0).unwrap();
        let s = target.equilibrium().radius();
        assert!((target.scale() * s - 1.0).abs() < 1e-15);
        for (time, radius) in [0.25, 0.5, 1.0, 2.0].into_iter().zip(radii) {
            let found = target.flow_scale(0.0, time).unwrap() * s;
            assert!(
                (found - radius).abs() < 6e-7,
                "d = {dim}, t = {time}: {found}"
            );
        }
    }
}

/// c' of the flow, from the potential of the target.
fn velocity(target: &EquilibriumTarget, scale: f64) -> f64 {
    let eta = target.equilibrium();
    let s = eta.radius();
    let slope = eta.scaled_potential_slope(target.scale(), scale * s);
    scale.powf(eta.exponent() - 1.0) - slope / s
}

/// The time to a scale is an integral over 1/c', by quadrature; the flow is by extrapolation or closed.
#[test]
fn flow_by_quadrature_of_the_time() {
    for (d, r) in CASES {
        let target = target(d, r, 1.7);
        let p = 2.0 - r;
        for (from, to) in [(0.0_f64, 0.6_f64), (0.4, 1.5), (0.0, 1.69)] {
            // In y = c^{2−r} nothing is singular at c = 0.
            let time = integrate(from.powf(p), to.powf(p), |at| {
                let c = at.x.powf(p.recip());
                c.powf(r - 1.0) / (p * velocity(&target, c))
            });
            let found = target.flow_scale(from, time).unwrap();
            assert!(
                (found / to - 1.0).abs() < 1e-11,
                "d = {d}, r = {r}: {found} for {to}"
            );
        }
    }
}

#[test]
fn discrepancy_has_the_closed_form_on_balls() {
    for (d, r) in [(1, 0.5), (1, 1.7), (2, 1.0), (3, 0.4)] {
        let (a, target) = (1.3_f64, target(d, r, 1.3));
        let m2 = target.equilibrium().second_moment();
        for c in [0.0, 0.2, 1.0, 1.3] {
            let bracket =
                a.powf(r - 2.0) * c * c / 2.0 + a.powf(r) * (1.0 / r - 0.5) - f64::powf(c, r) / r;
            let found = target.discrepancy(c).unwrap();
            assert!(
                (found - m2 * bracket).abs() < 1e-14,
                "d = {d}, r = {r}, c = {c}"
            );
        }
    }
    // r = 1 from δ₀: (m₂a/2)e^{−2t/a}.
    let target = target(2, 1.0, 2.0);
    for time in [0.1, 1.0, 5.0] {
        let found = target
            .discrepancy(target.flow_scale(0.0, time).unwrap())
            .unwrap();
        let exact = target.equilibrium().second_moment() * (-time).exp();
        assert!(
            (found / exact - 1.0).abs() < 1e-12,
            "t = {time}: {found} {exact}"
        );
    }
}

/// Along a gradient flow F falls at the square of the speed, |c'|²m₂.
#[test]
fn discrepancy_dissipates_at_the_square_of_the_speed() {
    for (d, r) in CASES {
        let target = target(d, r, 1.2);
        let eta = target.equilibrium();
        let unit = eta.radius().powf(-r); // times are of order 1 in units where s = 1
        for time in [0.2, 0.7] {
            let value = |t: f64| {
                target
                    .discrepancy(target.flow_scale(0.3, t).unwrap())
                    .unwrap()
            };
            let h = 1e-4;
            let rate = (8.0 * (value(time + h) - value(time - h))
                - (value(time + 2.0 * h) - value(time - 2.0 * h)))
                / (12.0 * h);
            let speed = velocity(&target, target.flow_scale(0.3, time).unwrap());
            let expected = -speed * speed * eta.second_moment();
            let error = (rate - expected).abs() * unit;
            assert!(
                error < 1e-8,
                "d = {d}, r = {r}, t = {time}: {rate} {expected}"
            );
        }
    }
}

/// The JKO step is the proximal point among all scales, by golden-section search.
#[test]
fn backward_step_is_a_step_to_the_proximal_point() {
    for (d, r) in CASES {
        let target = target(d, r, 1.0);
        let m2 = target.equilibrium().second_moment();
        for (c, tau) in [(0.0, 0.3), (0.4, 0.05), (0.9, 2.0)] {
            let objective =
                |x: f64| (x - c) * (x - c) * m2 / (2.0 * tau) + target.discrepancy(x).unwrap();
            let found = target.backward_scales(c, &[tau]).unwrap()[0];
            let (mut low, mut high) = (c, 1.0);
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
                (found - low).abs() < 1e-6,
                "d = {d}, r = {r}: {found}, {low}"
            );
        }
    }
}

#[test]
fn schemes_converge_at_first_order() {
    for (d, r) in CASES {
        let target = target(d, r, 1.0);
        let exact = target.flow_scale(0.3, 0.5).unwrap();
        let error = |n: usize, forward: bool| {
            let steps = vec![0.5 / n as f64; n];
            let scales = if forward {
                target.forward_scales(0.3, &steps)
            } else {
                target.backward_scales(0.3, &steps)
            };
            (scales.unwrap()[n - 1] - exact).abs()
        };
        for forward in [true, false] {
            let order = (error(40, forward) / error(80, forward)).log2();
            assert!(
                (order - 1.0).abs() < 0.15,
                "d = {d}, r = {r}: order {order}"
            );
        }
    }
}

/// Particles under F_ν with the exact potential of the target: the cloud stays a scaled equilibrium.
#[test]
fn particles_follow_the_exact_flow() {
    for (d, r, count) in [(1, 1.0, 200), (2, 1.0, 200), (2, 1.5, 200), (5, 1.0, 200)] {
        let eta = Equilibrium::new(d, r).unwrap();
        let (a, start, time) = (1.0, 0.3, 1.0);
        let target = EquilibriumTarget::new(&eta, a).unwrap();
        let law = Law::equilibrium(&eta, a).unwrap();
        let potential = law.potential(r).unwrap();
        let initial = Law::equilibrium(&eta, start).unwrap();
        let mut x = initial.sample(count, &mut ChaCha8Rng::seed_from_u64(1));
        let steps = 50;
        let step = time / f64::from(steps);
        for _ in 0..steps {
            let middle = &x + velocities(&x, r, &potential) * (0.5 * step);
            x += velocities(&middle, r, &potential) * step;
        }
        let exact = target.flow_scale(start, time).unwrap();
        let scale = (x.norm_squared() / (count as f64 * eta.second_moment())).sqrt();
        assert!(
            (scale / exact - 1.0).abs() < 0.015,
            "d = {d}, r = {r}: {scale} for {exact}"
        );
        let now = Law::equilibrium(&eta, exact).unwrap();
        let found = discrepancy(&x, None, &now, r).unwrap().v_statistic;
        let floor = -now.energy(r).unwrap() / count as f64;
        assert!(
            found < floor,
            "d = {d}, r = {r}: {found} against the floor {floor}"
        );
    }
}

/// (1/N)Σ_j r|x_i−x_j|^{r−2}(x_i−x_j) − ∇U(x_i).
fn velocities(x: &DMatrix<f64>, r: f64, potential: &LawPotential<'_>) -> DMatrix<f64> {
    let (count, dim) = x.shape();
    let mut v = DMatrix::zeros(count, dim);
    for i in 0..count {
        let point: Vec<f64> = x.row(i).iter().copied().collect();
        let mut sum: Vec<f64> = potential
            .gradient(&point)
            .unwrap()
            .iter()
            .map(|g| -g)
            .collect();
        for j in (0..count).filter(|&j| j != i) {
            let square: f64 = (0..dim).map(|k| (point[k] - x[(j, k)]).powi(2)).sum();
            let factor = r * square.powf(0.5 * r - 1.0) / count as f64;
            for k in 0..dim {
                sum[k] += factor * (point[k] - x[(j, k)]);
            }
        }
        v.set_row(i, &RowDVector::from_vec(sum));
    }
    v
}

#[test]
fn confinement_is_the_target_within_its_support_and_known_beyond() {
    for (d, r) in [(1, 0.5), (2, 1.4), (3, 1.0)] {
        let a: f64 = 1.6;
        let (confined, target) = (
            Confinement::new(r, a.powf(r - 2.0)).unwrap(),
            target(d, r, a),
        );
        assert!((confined.limit() / a - 1.0).abs() < 1e-15);
        let steps = [0.1, 0.5, 0.2];
        for c in [0.2, 1.0] {
            let pairs = [
                (confined.flow_scale(c, 0.8), target.flow_scale(c, 0.8)),
                (
                    Ok(confined.backward_scales(c, &steps).unwrap()[2]),
                    Ok(target.backward_scales(c, &steps).unwrap()[2]),
                ),
                (
                    Ok(confined.forward_scales(c, &steps).unwrap()[2]),
                    Ok(target.forward_scales(c, &steps).unwrap()[2]),
                ),
            ];
            for (one, other) in pairs {
                assert!((one.unwrap() / other.unwrap() - 1.0).abs() < 1e-14);
            }
        }
    }
    // From a larger scale it shrinks; without strength it is the flow of E.
    let confined = Confinement::new(0.7, 1.0).unwrap();
    assert!((confined.flow_scale(5.0, 40.0).unwrap() - 1.0).abs() < 1e-15);
    let free = Confinement::new(0.7, 1e-13)
        .unwrap()
        .flow_scale(0.4, 2.0)
        .unwrap();
    assert!((free / flow_scale_from(0.7, 0.4, 2.0).unwrap() - 1.0).abs() < 1e-12);
}

#[test]
fn scales_too_small_for_f64_are_stepped_over() {
    // From δ₀, r close to 2: the first scales are below the range of f64, the later ones are not.
    for (d, r) in [(1, 1.99), (5, 1.99)] {
        let target = target(d, r, 1e-3);
        // c ↦ λc belongs to τ ↦ λ^{2−r}τ.
        let larger = EquilibriumTarget::new(target.equilibrium(), 1e157).unwrap();
        let tau: f64 = 2e-4;
        let small = target.backward_scales(0.0, &vec![tau; 2000]).unwrap();
        let stretched = tau * 10.0_f64.powf(1.6);
        let large = larger.backward_scales(0.0, &vec![stretched; 2000]).unwrap();
        assert!(small[0] == 0.0 && small[1999] > 1e-300, "{}", small[1999]);
        for (one, other) in small.iter().zip(&large).filter(|(one, _)| **one > 1e-300) {
            assert!(
                (other.log10() - one.log10() - 160.0).abs() < 1e-8,
                "{one} {other}"
            );
        }
    }
}

/// Close to the centre U_a'(ρ) = K₀ρ, so that one JKO step from δ₀ leads to y⁺ = τ/(1+τK₀), y = c^{2−r}.
#[test]
fn the_first_step_feels_the_stiffness_at_the_centre() {
    for (d, r) in [(5, 1.99), (3, 1.98), (40, 1.99)] {
        let target = target(d, r, 1.0);
        let rho = 1e-7 * target.equilibrium().radius();
        let stiffness = target.equilibrium().scaled_potential_slope(1.0, rho) / rho;
        for tau in [0.02, 0.09] {
            let found = target.backward_scales(0.0, &[tau]).unwrap()[0];
            let exact = (tau / (1.0 + tau * stiffness)).powf((2.0 - r).recip());
            assert!(
                (found / exact - 1.0).abs() < 1e-10,
                "d = {d}, r = {r}: {found:e} {exact:e}"
            );
        }
    }
}

#[test]
fn bad_input_is_refused() {
    let eta = Equilibrium::new(2, 0.8).unwrap();
    assert_eq!(
        EquilibriumTarget::new(&eta, 0.0).unwrap_err(),
        Error::Scale(0.0)
    );
    assert!(matches!(
        EquilibriumTarget::sphere(2, 1.0, 1.0),
        Err(Error::NoSphere { .. })
    ));
    let target = EquilibriumTarget::new(&eta, 1.0).unwrap();
    assert!(matches!(
        target.flow_scale(1.1, 1.0),
        Err(Error::BeyondTarget { .. })
    ));
    assert!(target.flow_scale(0.1, -1.0).is_err());
    assert!(
        matches!(
            target.forward_scales(0.9, &[50.0]),
            Err(Error::BeyondTarget { .. })
        ) || { target.forward_scales(0.9, &[50.0]).is_err() }
    );
    assert!(matches!(
        target.forward_scales(0.0, &[0.1]),
        Err(Error::ForwardFromDirac(_))
    ));
    assert_eq!(
        target.backward_scales(0.5, &[0.0]),
        Err(Error::StepSize(0.0))
    );
    assert_eq!(Confinement::new(1.0, 0.0), Err(Error::Strength(0.0)));
    let overstep = Confinement::new(1.0, 1.0)
        .unwrap()
        .forward_scales(5.0, &[3.0]);
    assert!(matches!(overstep, Err(Error::Overstep { .. })));
    assert_eq!(dirac_descent(1.0, 1.0, 1.0), Err(Error::DiracDescent(1.0)));
}

fn cases() -> impl Strategy<Value = (usize, f64)> {
    prop_oneof![1_usize..=6, Just(50), Just(784)].prop_flat_map(|d| (Just(d), 0.1..1.9_f64))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn stretching_time_stretches_scales(
        (d, r) in cases(), c in 0.0..0.9_f64, time in 0.01..2.0_f64, factor in 0.1..10.0_f64,
    ) {
        let slow = time * factor.powf(2.0 - r);
        let (one, other) = (target(d, r, 1.0), target(d, r, factor));
        let flow = one.flow_scale(c, time).unwrap();
        let flow_stretched = other.flow_scale(c * factor, slow).unwrap();
        prop_assert!((flow_stretched / (flow * factor) - 1.0).abs() < 1e-10);
        let step = one.backward_scales(c, &[time]).unwrap()[0];
        let stretched = other.backward_scales(c * factor, &[slow]).unwrap()[0];
        prop_assert!((stretched / (step * factor) - 1.0).abs() < 1e-10);
    }

    #[test]
    fn flows_are_semigroups_that_approach_their_target(
        (d, r) in cases(), c in 0.0..1.0_f64, first in 0.01..2.0_f64, second in 0.01..2.0_f64,
    ) {
        let target = target(d, r, 1.0);
        let once = target.flow_scale(c, first + second).unwrap();
        let halfway = target.flow_scale(c, first).unwrap();
        let twice = target.flow_scale(halfway, second).unwrap();
        prop_assert!((once / twice - 1.0).abs() < 1e-10, "{once} {twice}");
        prop_assert!(c <= halfway && halfway <= once && once <= 1.0 + 1e-13);
        // Refined JKO steps approach the flow; the error of one step size may vanish, where it changes sign.
        let error = |n: usize| {
            let steps = vec![first / n as f64; n];
            (target.backward_scales(c, &steps).unwrap()[n - 1] - halfway).abs()
        };
        prop_assert!(error(64) <= f64::max(0.15 * error(4), 0.6 * error(16)) + 1e-11);
    }

    #[test]
    fn the_second_moment_of_a_repelled_flow_grows_with_its_energy(r in 0.1..1.9_f64, d in 1_usize..6, t in 0.1..3.0_f64) {
        // d/dt ∫|x|² = −2rE.
        let eta = Equilibrium::new(d, r).unwrap();
        let moment = |t: f64| flow_scale_from(r, 0.0, t).unwrap().powi(2) * eta.second_moment();
        let h = 1e-4 * t;
        let rate = (8.0 * (moment(t + h) - moment(t - h)) - (moment(t + 2.0 * h) - moment(t - 2.0 * h)))
            / (12.0 * h);
        let energy = Law::equilibrium(&eta, flow_scale_from(r, 0.0, t).unwrap()).unwrap().energy(r).unwrap();
        prop_assert!((rate + 2.0 * r * energy).abs() < 1e-8 * rate.abs(), "{rate} {energy}");
    }
}

#[test]
fn kinds_cover_all_cases() {
    let kinds = CASES.map(|(d, r)| Equilibrium::new(d, r).unwrap().kind());
    assert!(kinds.contains(&EquilibriumKind::Ball) && kinds.contains(&EquilibriumKind::Sphere));
}
