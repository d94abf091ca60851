//! The equilibrium against its definition: quadrature, the Euler-Lagrange conditions, sampling.

use std::f64::consts::PI;

use nalgebra::DMatrix;
use proptest::prelude::*;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rieszflow_analytic::line::{self, DiscreteMeasure, Uniform};
use rieszflow_analytic::quadrature::integrate;
use rieszflow_analytic::{Equilibrium, EquilibriumKind, Law, discrepancy};

const CASES: [(usize, f64); 16] = [
    (1, 0.2),
    (1, 1.0),
    (1, 1.7),
    (2, 0.4),
    (2, 1.0),
    (2, 1.6),
    (3, 0.3),
    (3, 0.8),
    (3, 1.0),
    (3, 1.5),
    (4, 0.1),
    (4, 1.0),
    (5, 1.8),
    (10, 1.0),
    (30, 0.5),
    (200, 1.3),
];

/// The mean of |x−y|ʳ over y on the sphere of the given radius, |x| = ρ, by quadrature over the
/// angle.
fn spherical_mean(d: usize, r: f64, rho: f64, radius: f64) -> f64 {
    if d == 1 {
        return 0.5 * ((rho - radius).abs().powf(r) + (rho + radius).powf(r));
    }
    // With v = sin²(θ/2): |x−y|² = (ρ−R)² + 4ρRv, and the density of v is (v(1−v))^{(d−3)/2} up to
    // a constant.
    let power = 0.5 * (d as f64 - 3.0);
    let density = |v: f64, w: f64| (4.0 * v * w).powf(power);
    let total = integrate(0.0, 1.0, |at| density(at.from_low, at.to_high));
    let value = integrate(0.0, 1.0, |at| {
        let square = (rho - radius).powi(2) + 4.0 * rho * radius * at.from_low;
        square.powf(0.5 * r) * density(at.from_low, at.to_high)
    });
    value / total
}

/// ∫ f(|y|) dη*(y) by quadrature of the density, split at `kink`; on the sphere f(s).
fn mean_over(eta: &Equilibrium, kink: f64, f: impl Fn(f64) -> f64) -> f64 {
    let s = eta.radius();
    if eta.kind() == EquilibriumKind::Sphere {
        return f(s);
    }
    let d = eta.dim() as f64;
    let surface = 2.0 * PI.powf(0.5 * d) / [PI.sqrt(), 1.0, 0.5 * PI.sqrt()][eta.dim() - 1];
    // Near the edge by the distance from it, which keeps the singularity of the density exact.
    let beta = 2.0 - 0.5 * (d + eta.exponent());
    let factor = eta.density(0.0).unwrap() / s.powf(2.0 * beta - 2.0);
    let piece = |low: f64, high: f64| {
        integrate(low, high, |at| {
            let from_edge = if high == s { at.to_high } else { s - at.x };
            let density = factor * (from_edge * (s + at.x)).powf(beta - 1.0);
            surface * at.x.powf(d - 1.0) * density * f(at.x)
        })
    };
    if kink > 0.0 && kink < s {
        piece(0.0, kink) + piece(kink, s)
    } else {
        piece(0.0, s)
    }
}

fn potential_by_quadrature(eta: &Equilibrium, rho: f64) -> f64 {
    mean_over(eta, rho, |radius| {
        spherical_mean(eta.dim(), eta.exponent(), rho, radius)
    })
}

#[test]
fn total_mass_second_moment_and_energy() {
    for (d, r) in CASES {
        let eta = Equilibrium::new(d, r).unwrap();
        let mass = mean_over(&eta, 0.0, |_| 1.0);
        assert!((mass - 1.0).abs() < 1e-12, "d = {d}, r = {r}: mass {mass}");
        let second = mean_over(&eta, 0.0, |rho| rho * rho);
        assert!(
            (second / eta.second_moment() - 1.0).abs() < 1e-12,
            "d = {d}, r = {r}"
        );
        let energy = -0.5 * mean_over(&eta, 0.0, |rho| eta.potential(rho));
        assert!(
            (energy / eta.energy() - 1.0).abs() < 1e-12,
            "d = {d}, r = {r}: {energy}"
        );
    }
}

#[test]
fn potential_and_slope_by_quadrature() {
    for (d, r) in CASES {
        let eta = Equilibrium::new(d, r).unwrap();
        for ratio in [0.1, 0.5, 0.9, 1.2, 2.0, 20.0] {
            let rho = ratio * eta.radius();
            let (got, exact) = (eta.potential(rho), potential_by_quadrature(&eta, rho));
            assert!(
                (got / exact - 1.0).abs() < 1e-11,
                "U for d = {d}, r = {r}, ρ = {ratio}s"
            );
            let h = 1e-4 * rho;
            let difference = (8.0 * (eta.potential(rho + h) - eta.potential(rho - h))
                - (eta.potential(rho + 2.0 * h) - eta.potential(rho - 2.0 * h)))
                / (12.0 * h);
            let slope = eta.scaled_potential_slope(1.0, rho);
            assert!(
                (slope - difference).abs() < 1e-9 * got / rho,
                "U' for d = {d}, r = {r}, ρ = {ratio}s"
            );
        }
    }
}

/// η* minimises ½∫|x|² + E if and only if |x|²/2 − U(x) is smallest, and constant, on the support.
#[test]
fn euler_lagrange_conditions() {
    for (d, r) in CASES {
        let eta = Equilibrium::new(d, r).unwrap();
        let s = eta.radius();
        let variation = |rho: f64| 0.5 * rho * rho - potential_by_quadrature(&eta, rho);
        let (edge, size) = (variation(0.999 * s), eta.energy().abs());
        for ratio in [0.0, 0.2, 0.4, 0.6, 0.8, 0.95, 1.05, 1.2, 1.5, 3.0, 10.0] {
            let found = variation(ratio * s);
            if ratio < 1.0 && eta.kind() == EquilibriumKind::Ball {
                assert!(
                    (found - edge).abs() < 1e-11 * size,
                    "d = {d}, r = {r}, ρ = {ratio}s"
                );
            } else {
                // Not strictly: at r + d = 4 it is constant within the sphere too.
                assert!(
                    found > variation(s) - 1e-12 * size,
                    "d = {d}, r = {r}, ρ = {ratio}s"
                );
            }
        }
    }
}

#[test]
fn samples_follow_the_law() {
    let n = 4000;
    for (seed, (d, r)) in CASES.into_iter().enumerate() {
        let eta = Equilibrium::new(d, r).unwrap();
        let points = eta.sample(n, &mut ChaCha8Rng::seed_from_u64(seed as u64));
        if eta.kind() == EquilibriumKind::Ball {
            let mut levels: Vec<f64> = points
                .row_iter()
                .map(|x| eta.radial_cdf(x.norm()))
                .collect();
            levels.sort_by(f64::total_cmp);
            let gap = levels
                .iter()
                .enumerate()
                .map(|(i, p)| (p - i as f64 / n as f64).abs());
            let kolmogorov = gap.fold(0.0, f64::max) * (n as f64).sqrt();
            assert!(kolmogorov < 2.0, "d = {d}, r = {r}: {kolmogorov}");
        } else {
            assert!(
                points
                    .row_iter()
                    .all(|x| (x.norm() / eta.radius() - 1.0).abs() < 1e-14)
            );
        }
        // Each coordinate has mean 0 and variance m₂/d; five standard errors.
        let variance = eta.second_moment() / d as f64;
        for column in points.column_iter() {
            assert!(
                column.mean().abs() < 5.0 * (variance / n as f64).sqrt(),
                "d = {d}, r = {r}"
            );
            let square = column.norm_squared() / n as f64;
            assert!((square / variance - 1.0).abs() < 0.12, "d = {d}, r = {r}");
        }
    }
}

#[test]
fn discrepancy_between_scales_by_quadrature() {
    for (d, r) in CASES {
        let eta = Equilibrium::new(d, r).unwrap();
        for (c, c2) in [(0.3, 1.0), (1.0, 0.8), (2.0, 1.7), (0.0, 1.5)] {
            let kink = if c > 0.0 { c2 / c * eta.radius() } else { 0.0 };
            let cross = mean_over(&eta, kink, |rho| eta.scaled_potential(c2, c * rho));
            let exact = cross + (f64::powf(c, r) + f64::powf(c2, r)) * eta.energy();
            let got = eta.discrepancy_between(c, c2);
            assert!(
                (got - exact).abs() < 1e-11 * cross,
                "d = {d}, r = {r}: {got}, {exact}"
            );
            assert_eq!(got.to_bits(), eta.discrepancy_between(c2, c).to_bits());
        }
        assert_eq!(eta.discrepancy_between(0.7, 0.7), 0.0);
    }
}

#[test]
fn on_the_line_it_agrees_with_distribution_functions() {
    let eta = Equilibrium::new(1, 1.0).unwrap();
    let particles = [-0.7, -0.1, 0.2, 0.2, 0.9, 3.0];
    let law = Law::equilibrium(&eta, 1.3).unwrap();
    let rows = DMatrix::from_column_slice(6, 1, &particles);
    let by_energies = discrepancy(&rows, None, &law, 1.0).unwrap();
    let measure = DiscreteMeasure::equal(&particles).unwrap();
    let by_distributions = line::discrepancy(&measure, &Uniform::new(-1.3, 1.3).unwrap());
    assert!((by_energies.v_statistic - by_distributions).abs() < 1e-15);
}

#[test]
fn translation_and_weights() {
    let eta = Equilibrium::new(2, 0.7).unwrap();
    let particles = eta.sample(30, &mut ChaCha8Rng::seed_from_u64(9));
    let centred = Law::equilibrium(&eta, 1.2).unwrap();
    let plain = discrepancy(&particles, None, &centred, 0.7).unwrap();
    let mut moved = particles.clone();
    moved
        .row_iter_mut()
        .for_each(|mut x| x += nalgebra::RowVector2::new(5.0, -3.0));
    let away = centred.clone().translated(&[5.0, -3.0]).unwrap();
    let same = discrepancy(&moved, Some(&[2.5; 30]), &away, 0.7).unwrap();
    assert!((plain.v_statistic - same.v_statistic).abs() < 1e-14);
    assert!((plain.u_statistic - same.u_statistic).abs() < 1e-14);
    // A weight of 2 is a particle twice.
    let mut doubled = particles.clone().insert_row(30, 0.0);
    doubled.set_row(30, &particles.row(4));
    let mut weights = vec![1.0; 30];
    weights[4] = 2.0;
    let by_weight = discrepancy(&particles, Some(&weights), &centred, 0.7).unwrap();
    let by_copy = discrepancy(&doubled, None, &centred, 0.7).unwrap();
    assert!((by_weight.v_statistic - by_copy.v_statistic).abs() < 1e-14);
}

fn dimension() -> impl Strategy<Value = usize> {
    prop_oneof![1_usize..=5, Just(10), Just(100), Just(3000)]
}

proptest! {
    #[test]
    fn scaling_law(d in dimension(), r in 0.01..1.95_f64, c in 0.01..10.0_f64, ratio in 0.0..5.0_f64) {
        let eta = Equilibrium::new(d, r).unwrap();
        let rho = ratio * eta.radius();
        let scaled = eta.scaled_potential(c, c * rho);
        prop_assert!((scaled / (c.powf(r) * eta.potential(rho)) - 1.0).abs() < 1e-12);
        let slope = c.powf(r - 1.0) * eta.scaled_potential_slope(1.0, rho);
        let near_edge = (ratio - 1.0).abs() < 1e-6;
        prop_assert!(near_edge || (eta.scaled_potential_slope(c, c * rho) - slope).abs() <= 1e-11 * slope);
        let d2 = c.powf(r) * eta.discrepancy_between(0.6, 1.0);
        prop_assert!((eta.discrepancy_between(0.6 * c, c) / d2 - 1.0).abs() < 1e-11);
    }

    #[test]
    fn discrepancies_are_nonnegative_and_vanish_only_at_equality(
        d in dimension(), r in 0.01..1.95_f64, c in 0.01..3.0_f64, far in 1e-6..2.0_f64, seed in 0..1000_u64,
    ) {
        let eta = Equilibrium::new(d, r).unwrap();
        prop_assert!(eta.discrepancy_between(c, c + far) > 0.0);
        prop_assert_eq!(eta.discrepancy_between(c, c), 0.0);
        let count = 1 + (seed % 7) as usize;
        let particles = eta.sample(count, &mut ChaCha8Rng::seed_from_u64(seed));
        let value = |points: &DMatrix<f64>, law: &Law| {
            discrepancy(points, None, law, r).unwrap().v_statistic
        };
        prop_assert!(value(&particles, &Law::equilibrium(&eta, c).unwrap()) > 0.0);
        let point: Vec<f64> = particles.row(0).iter().copied().collect();
        let dirac = Law::equilibrium(&eta, 0.0).unwrap().translated(&point).unwrap();
        let same = DMatrix::from_fn(count, d, |_, k| point[k]);
        prop_assert_eq!(value(&same, &dirac), 0.0);
        let mut offset = vec![0.0; d];
        offset[0] = far;
        prop_assert!(value(&same, &dirac.translated(&offset).unwrap()) > 0.0);
    }

    #[test]
    fn radial_quantile_inverts_the_distribution(d in 1_usize..=3, r in 0.05..0.95_f64, level in 1e-6..0.999_f64) {
        let eta = Equilibrium::new(d, r).unwrap();
        let radius = eta.radial_quantile(level);
        prop_assert!(radius <= eta.radius());
        // Towards r + d = 4 the quantiles crowd at the edge, where a radius holds few digits of the
        // level.
        let digits = 1e-16 * radius / (eta.radius() - radius).max(1e-16 * radius);
        prop_assert!((eta.radial_cdf(radius) / level - 1.0).abs() < 1e-12 + 10.0 * digits);
    }
}
