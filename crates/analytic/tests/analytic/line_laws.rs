//! The Laplace and the uniform law on the line: closed forms against the general methods, and the error
//! of the JKO scheme against its bound.

use proptest::prelude::*;
use rieszflow_analytic::line::{
    Continuous, DiscreteMeasure, Laplace, Measure, Target, Uniform, backward_steps, discrepancy,
    flow, midpoint_levels, wasserstein,
};
use rieszflow_analytic::quadrature::integrate;

/// A law of which only the distribution function is known.
struct OnlyCdf(Laplace);

impl Target for OnlyCdf {
    fn cdf(&self, x: f64) -> f64 {
        self.0.cdf(x)
    }
}

fn root_mean_square(values: &[f64]) -> f64 {
    (values.iter().map(|v| v * v).sum::<f64>() / values.len() as f64).sqrt()
}

/// |JKO − flow| in L² is at most (τ/√2)‖2(s − R(g₀))‖ after any time.
fn check_jko_error(
    law: &impl Target,
    start: &[f64],
    tau: f64,
    steps: usize,
) -> Result<(), TestCaseError> {
    let exact = flow(law, start, tau * steps as f64).unwrap();
    let scheme = backward_steps(law, start, &vec![tau; steps]).unwrap();
    let last = &scheme[steps - 1];
    let gap: Vec<f64> = exact.iter().zip(last).map(|(x, y)| x - y).collect();
    let levels = midpoint_levels(start.len()).zip(start);
    let speed: Vec<f64> = levels.map(|(s, x)| 2.0 * (s - law.cdf(*x))).collect();
    let bound = tau / 2.0_f64.sqrt() * root_mean_square(&speed);
    let error = root_mean_square(&gap);
    prop_assert!(error <= bound + 1e-12, "{} {}", error, bound);
    Ok(())
}

proptest! {
    #[test]
    fn laplace_flow_agrees_with_the_numerical_one(
        mean in -1.0..1.0_f64, scale in 0.1..3.0_f64, level in 0.01..0.99_f64, start in -5.0..5.0_f64,
        time in 0.01..10.0_f64,
    ) {
        let law = Laplace::new(mean, scale).unwrap();
        let (exact, general) = (
            law.flow(level, start, time),
            OnlyCdf(law).flow(level, start, time),
        );
        // The numerical flow loses digits where it passes the kink at m.
        prop_assert!((exact - general).abs() < 1e-8, "{exact} {general}");
        // The velocity is 2(s − R).
        let h = 1e-5;
        let rate = (law.flow(level, start, time + h) - law.flow(level, start, time - h)) / (2.0 * h);
        let velocity = 2.0 * (level - law.cdf(exact));
        prop_assert!((rate - velocity).abs() < 1e-5 * (1.0 + 1.0 / scale), "{rate} {velocity}");
        // A semigroup, and it ends at the quantile.
        let halfway = law.flow(level, start, 0.4 * time);
        prop_assert!((law.flow(level, halfway, 0.6 * time) - exact).abs() < 1e-11);
        let end = law.flow(level, start, 1e5 * scale);
        prop_assert!((end - law.quantile(level)).abs() < 1e-9 * (1.0 + scale));
    }

    #[test]
    fn laplace_integrals_agree_with_quadrature(
        mean in -1.0..1.0_f64, scale in 0.1..3.0_f64,
        particles in prop::collection::vec(-4.0..4.0_f64, 1..6),
    ) {
        let law = Laplace::new(mean, scale).unwrap();
        let measure = DiscreteMeasure::equal(&particles).unwrap();
        let mut ends: Vec<f64> = particles.clone();
        ends.extend([mean, mean - 60.0 * scale, mean + 60.0 * scale, -4.0, 4.0]);
        ends.sort_by(f64::total_cmp);
        let by_cdf: f64 = ends.windows(2).filter(|pair| pair[0] < pair[1]).map(|pair| {
            let middle = 0.5 * (pair[0] + pair[1]);
            let level = measure.cdf(middle);
            integrate(pair[0], pair[1], |at| (law.cdf(at.x) - level).powi(2))
        }).sum();
        prop_assert!((discrepancy(&measure, &law) - by_cdf).abs() < 1e-12 * (1.0 + by_cdf));
        let mut sum = 0.0;
        let mut before = 0.0;
        for &(atom, mass) in measure.steps() {
            let middle = 0.5_f64.clamp(before, mass);
            for (low, high) in [(before, middle), (middle, mass)] {
                if low < high {
                    // Levels close to 1 by their distance from it.
                    sum += integrate(low, high, |at| {
                        let x = if high == 1.0 {
                            mean - scale * (2.0 * at.to_high).min(1.0).ln()
                        } else {
                            law.quantile(at.x)
                        };
                        (atom - x).powi(2)
                    });
                }
            }
            before = mass;
        }
        let w2 = wasserstein(&measure, &law).powi(2);
        prop_assert!((w2 - sum).abs() < 1e-10 * (1.0 + sum), "{w2} {sum}");
    }

    #[test]
    fn jko_error_is_below_its_bound(
        scale in 0.2..2.0_f64, tau in 0.01..0.5_f64, steps in 1..30_usize,
        mut start in prop::collection::vec(-3.0..3.0_f64, 1..12),
    ) {
        start.sort_by(f64::total_cmp);
        check_jko_error(&Laplace::new(0.3, scale).unwrap(), &start, tau, steps)?;
        check_jko_error(&Uniform::new(-scale, scale).unwrap(), &start, tau, steps)?;
    }
}

#[test]
fn laplace_law_is_itself() {
    let law = Laplace::new(-0.4, 0.7).unwrap();
    for level in [1e-12, 0.1, 0.5, 0.77, 0.999] {
        assert!((law.cdf(law.quantile(level)) / level - 1.0).abs() < 1e-13);
    }
    // A kink in the distribution function at m, which a user's own law may have as well.
    let own = Continuous::new(|x| law.cdf(x), -30.0, 30.0).unwrap();
    let measure = DiscreteMeasure::new(&[-0.9, 0.1, 2.0], &[1.0, 2.0, 1.0]).unwrap();
    assert!((discrepancy(&measure, &own) - discrepancy(&measure, &law)).abs() < 1e-6);
    assert!(Laplace::new(f64::NAN, 1.0).is_err() && Laplace::new(0.0, 0.0).is_err());
    // Far away it moves at constant speed, without overflow.
    assert_eq!(law.flow(0.3, -1e4, 2.0), -1e4 + 1.2);
    assert!((law.flow(0.3, 1e4, 2.0) - (1e4 - 2.8)).abs() < 1e-11);
}
