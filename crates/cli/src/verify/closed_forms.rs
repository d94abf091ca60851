//! The closed forms against quadrature and against brute-force minimisation.

use rieszflow_analytic::line::{DiscreteMeasure, backward_step};
use rieszflow_analytic::quadrature::integrate;
use rieszflow_analytic::{Equilibrium, EquilibriumKind};

use super::Check;

pub(super) fn check(add: &mut impl FnMut(Check)) {
    for (dim, exponent) in [
        (1, 1.0),
        (2, 0.5),
        (2, 1.0),
        (2, 1.5),
        (3, 1.0),
        (10, 1.0),
        (1000, 1.0),
    ] {
        let equilibrium = Equilibrium::new(dim, exponent).expect("a valid equilibrium");
        let of = format!("d = {dim}, r = {exponent}");
        check_potential(&equilibrium, &of, add);
        check_euler_lagrange(&equilibrium, &of, add);
        if equilibrium.kind() == EquilibriumKind::Ball {
            check_density(&equilibrium, &of, add);
        }
    }
    check_line_step(add);
}

/// ∫|x−y|ʳ dη*(y) for |x| = ρ: over the radius R of y, and over the angle between x and y, whose
/// cosine has density ∝ (1−c²)^{(d−3)/2}.
fn potential_by_quadrature(equilibrium: &Equilibrium, rho: f64) -> f64 {
    let (d, r) = (equilibrium.dim(), equilibrium.exponent());
    let mean_over_angle = |radius: f64| {
        if d == 1 {
            return 0.5 * ((rho - radius).abs().powf(r) + (rho + radius).powf(r));
        }
        let power = 0.5 * (d as f64 - 3.0);
        // In the angle φ the weight is sin^{d−2}; distances from both ends keep every digit.
        let weight = |from: f64, to: f64| (from * to).powf(power);
        let total = integrate(-1.0, 1.0, |c| weight(c.from_low, c.to_high));
        let sum = integrate(-1.0, 1.0, |c| {
            let apart = (rho - radius).powi(2) + 2.0 * rho * radius * c.to_high;
            weight(c.from_low, c.to_high) * apart.powf(0.5 * r)
        });
        sum / total
    };
    match equilibrium.kind() {
        EquilibriumKind::Sphere => mean_over_angle(equilibrium.radius()),
        EquilibriumKind::Ball => over_ball(equilibrium, rho, mean_over_angle),
    }
}

/// ∫ f(|y|) dη*(y) for a density on the ball, split where f may have a kink.
fn over_ball(equilibrium: &Equilibrium, kink: f64, f: impl Fn(f64) -> f64) -> f64 {
    let (d, s) = (equilibrium.dim() as f64, equilibrium.radius());
    let power = 1.0 - 0.5 * (d + equilibrium.exponent());
    let weight =
        |radius: f64, to_edge: f64| radius.powf(d - 1.0) * (to_edge * (s + radius)).powf(power);
    let split = kink.clamp(0.0, s);
    let integral = |g: &dyn Fn(f64) -> f64| {
        let inner = integrate(0.0, split, |x| weight(x.x, s - x.x) * g(x.x));
        let outer = integrate(split, s, |x| weight(x.x, x.to_high) * g(x.x));
        if split > 0.0 && split < s {
            inner + outer
        } else if split > 0.0 {
            integrate(0.0, s, |x| weight(x.x, x.to_high) * g(x.x))
        } else {
            outer
        }
    };
    integral(&f) / integral(&|_| 1.0)
}

fn check_potential(equilibrium: &Equilibrium, of: &str, add: &mut impl FnMut(Check)) {
    let s = equilibrium.radius();
    let errors = [0.3, 0.9, 1.1, 3.0].map(|at| {
        let exact = potential_by_quadrature(equilibrium, at * s);
        (equilibrium.potential(at * s) / exact - 1.0).abs()
    });
    let worst = errors.into_iter().fold(0.0, f64::max);
    let what = format!("potential of η*, {of} (relative)");
    add(Check::new(what, "quadrature", worst, 1e-13));
}

/// η* minimises ½∫|x|²dη + E(η): ½|x|² − U(x) is constant on its support, and not less elsewhere.
fn check_euler_lagrange(equilibrium: &Equilibrium, of: &str, add: &mut impl FnMut(Check)) {
    let s = equilibrium.radius();
    let condition = |rho: f64| 0.5 * rho * rho - potential_by_quadrature(equilibrium, rho);
    let on_support: &[f64] = match equilibrium.kind() {
        EquilibriumKind::Ball => &[0.05, 0.4, 0.8, 0.99],
        EquilibriumKind::Sphere => &[1.0],
    };
    let level = condition(on_support[0] * s);
    let unequal = on_support
        .iter()
        .map(|at| (condition(at * s) - level).abs());
    let below = [0.1, 0.7, 0.999, 1.001, 1.5, 4.0].map(|at| level - condition(at * s));
    let worst = unequal.chain(below).fold(0.0, f64::max);
    let what = format!("Euler–Lagrange conditions of η*, {of}");
    add(Check::new(what, "quadrature", worst, 1e-13));
}

fn check_density(equilibrium: &Equilibrium, of: &str, add: &mut impl FnMut(Check)) {
    let second = over_ball(equilibrium, 0.0, |radius| radius * radius);
    let error = (second / equilibrium.second_moment() - 1.0).abs();
    let what = format!("second moment of η*, {of} (relative)");
    add(Check::new(what, "quadrature of the density", error, 1e-13));
}

/// The JKO step of particles on the line towards weighted atoms, against coordinate descent on the
/// N-particle problem, which is convex.
fn check_line_step(add: &mut impl FnMut(Check)) {
    let target = DiscreteMeasure::new(&[-0.4, 0.3, 1.0], &[0.2, 0.5, 0.3]).expect("a measure");
    let particles: Vec<f64> = (0..12).map(|i| -0.8 + 0.11 * f64::from(i)).collect();
    let tau = 0.4;
    let exact = backward_step(&target, &particles, tau).expect("a step");
    let found = descend(&particles, &target, tau);
    let errors = exact.iter().zip(&found).map(|(e, f)| (e - f).abs());
    let what = "JKO step of 12 particles on the line (largest error)";
    let worst = errors.fold(0.0, f64::max);
    add(Check::new(what, "brute-force minimisation", worst, 1e-6));
}

/// Minimises Σ(xᵢ−gᵢ)²/(2τN) + F(x) over sorted particles by the projected subgradient's exact
/// coordinate minimisation on ever finer grids.
fn descend(start: &[f64], target: &DiscreteMeasure, tau: f64) -> Vec<f64> {
    let n = start.len() as f64;
    let steps = target.steps();
    let objective = |x: &[f64]| {
        let transport: f64 = x.iter().zip(start).map(|(x, g)| (x - g).powi(2)).sum();
        let mut energy = 0.0;
        for a in x {
            let mut before = 0.0;
            for &(y, mass) in steps {
                energy += (mass - before) * (a - y).abs() / n;
                before = mass;
            }
            energy -= 0.5 * x.iter().map(|b| (a - b).abs()).sum::<f64>() / (n * n);
        }
        transport / (2.0 * tau * n) + energy
    };
    let mut x = start.to_vec();
    let mut best = objective(&x);
    let mut width = 0.5;
    while width > 1e-8 {
        let mut improved = false;
        for i in 0..x.len() {
            for move_by in [-width, width] {
                let old = x[i];
                x[i] = old + move_by;
                let value = objective(&x);
                if value < best {
                    (best, improved) = (value, true);
                } else {
                    x[i] = old;
                }
            }
        }
        if !improved {
            width *= 0.5;
        }
    }
    x.sort_by(f64::total_cmp);
    x
}
