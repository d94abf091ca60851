//! Flows from one Dirac to another, and radial flows by shells, against other ways to the same.

use proptest::prelude::*;
use rieszflow_analytic::line::{self, DiracToDirac, DiscreteMeasure};
use rieszflow_analytic::quadrature::integrate;
use rieszflow_analytic::{Equilibrium, Law, Shells, dirac_descent};

/// One Dirac towards another on the line, against the flow from event to event and the double sums.
#[test]
fn from_dirac_to_dirac_on_the_line() {
    let (p, q) = (-0.7, 1.1);
    let exact = DiracToDirac::new(p, q).unwrap();
    let target = DiscreteMeasure::new(&[q], &[1.0]).unwrap();
    let count = 4000;
    for time in [0.0, 0.4, 0.9, 1.5, 10.0] {
        let particles = line::flow(&target, &vec![p; count], time).unwrap();
        for (level, x) in line::midpoint_levels(count).zip(&particles) {
            assert!((exact.quantile(level, time).unwrap() - x).abs() < 1e-14);
        }
        let d2 = line::discrepancy(&DiscreteMeasure::equal(&particles).unwrap(), &target);
        // The quantiles' error is of order 1/N².
        assert!(
            (exact.discrepancy(time).unwrap() - d2).abs() < 1e-6,
            "t = {time}"
        );
        let arrived = particles.iter().filter(|x| **x == q).count() as f64 / count as f64;
        assert!((exact.mass_at_target(time).unwrap() - arrived).abs() < 1e-3);
    }
}

#[test]
fn a_dirac_descends_by_its_equation() {
    // |x|' = −r|x|^{r−1}, by Runge-Kutta steps.
    for r in [1.1, 1.5, 1.9] {
        let (mut x, step) = (1.0_f64, 1e-4);
        let f = |x: f64| -r * x.max(0.0).powf(r - 1.0);
        for _ in 0..4000 {
            let k1 = f(x);
            let k2 = f(x + 0.5 * step * k1);
            let k3 = f(x + 0.5 * step * k2);
            let k4 = f(x + step * k3);
            x += step * (k1 + 2.0 * (k2 + k3) + k4) / 6.0;
        }
        let exact = dirac_descent(r, 1.0, 0.4).unwrap();
        assert!((x - exact).abs() < 1e-12, "r = {r}: {x} {exact}");
        assert_eq!(dirac_descent(r, 1.0, 100.0), Ok(0.0));
    }
}

/// Second moments from N(0, 0.09 I) to N(0, I) in ℝ³; the errors fall as shells and steps grow.
#[test]
fn shells_towards_a_gaussian() {
    let law = Law::gaussian(&[0.0; 3], 1.0).unwrap();
    let potential = law.potential(1.0).unwrap();
    let radial = potential.radial().unwrap();
    let mut shells = Shells::gaussian(4000, 0.3).unwrap();
    assert!((shells.second_moment() - 0.27).abs() < 1e-4);
    let mut time = 0.0;
    for (until, exact) in [
        (1.0, 0.696_18),
        (2.0, 1.089_54),
        (4.0, 1.669_21),
        (8.0, 2.251_01),
    ] {
        let span: f64 = until - time;
        shells
            .flow(|rho| radial.slope(rho), span, (20.0 * span) as usize)
            .unwrap();
        time = until;
        let found = shells.second_moment();
        assert!(
            (found - exact).abs() < 1.2e-4,
            "t = {until}: {found} {exact}"
        );
    }
}

/// Shells under E alone against the equilibrium of (3, 1), and their energy against draws.
#[test]
fn shells_repel_like_the_equilibrium() {
    let eta = Equilibrium::new(3, 1.0).unwrap();
    let mut shells = Shells::new(vec![1e-6 * eta.radius(); 50]).unwrap();
    shells.flow(|_| 0.0, 0.9, 20).unwrap();
    let exact = 0.9 * eta.radius();
    assert!(
        shells.radii().iter().all(|rho| (rho - exact).abs() < 2e-6),
        "{shells:?}"
    );
    let energy = Shells::new(vec![0.5 * eta.radius(); 7]).unwrap().energy();
    assert!((energy / (0.5 * eta.energy()) - 1.0).abs() < 1e-14);
    let mixed = Shells::new(vec![2.0, 0.0, 0.5]).unwrap();
    let spheres = [0.0, 0.5, 2.0].map(|radius| (1.0, Law::sphere(&[0.0; 3], radius).unwrap()));
    let law = Law::mixture(&spheres).unwrap();
    assert!((mixed.energy() - law.energy(1.0).unwrap()).abs() < 1e-13);
}

proptest! {
    #[test]
    fn laws_of_the_flow_to_a_point(p in -2.0..0.0_f64, q in 0.1..2.0_f64, t in 0.05..3.0_f64) {
        // d/dt ∫|x−q|² = −2rF with F = D² to δ_q; D² also falls at the square of the speed.
        let flow = DiracToDirac::new(p, q).unwrap();
        let moment = |t: f64| {
            let g = |s: f64| (flow.quantile(s, t).unwrap() - q).powi(2);
            let kink = ((q - p) / (2.0 * t)).min(1.0);
            integrate(0.0, kink, |at| g(at.x.clamp(1e-300, 1.0 - 1e-16)))
        };
        let h = 1e-5;
        prop_assume!((2.0 * t - (q - p)).abs() > 4.0 * h);
        let rate = (moment(t + h) - moment(t - h)) / (2.0 * h);
        prop_assert!((rate + 2.0 * flow.discrepancy(t).unwrap()).abs() < 1e-6 * (1.0 + rate.abs()));
    }
}
