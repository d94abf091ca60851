//! Tables of radial potentials against the exact ones, and steps towards laws.

use nalgebra::DMatrix;
use rieszflow_analytic::{Equilibrium, EquilibriumTarget, Law, RadialPotential as Exact};
use rieszflow_flows::rng::{Purpose, stream};
use rieszflow_flows::scheme::{Particle, Scheme};
use rieszflow_flows::{
    Error, Functional, Interaction, Mmd, Points, RadialPotential, RadialTable, RieszKernel, Sum,
};

fn kernel(exponent: f64) -> RieszKernel {
    RieszKernel::new(exponent).unwrap()
}

/// A ball, a sphere, an equilibrium and a Gaussian with about the radius `size`, with that radius.
fn laws(dim: usize, exponent: f64, size: f64) -> Vec<(Law, f64)> {
    let origin = vec![0.0; dim];
    let equilibrium = Equilibrium::new(dim, exponent).unwrap();
    let deviation = size / (dim as f64).sqrt();
    let mut laws = vec![
        (Law::ball(&origin, size).unwrap(), size),
        (Law::gaussian(&origin, deviation).unwrap(), size),
        (
            Law::equilibrium(&equilibrium, size).unwrap(),
            size * equilibrium.radius(),
        ),
    ];
    // On the line a sphere is two points, where the potential has kinks.
    if dim > 1 {
        laws.push((Law::sphere(&origin, size).unwrap(), size));
    }
    laws
}

fn table(exact: Exact<'_>, exponent: f64, radius: f64) -> RadialTable {
    let profile = |rho| (exact.value(rho), exact.slope(rho));
    RadialTable::new(kernel(exponent), radius, profile).unwrap()
}

/// The largest relative errors of φ and of φ' at distances spread over many scales, the latter in
/// units of ρʳ⁻¹ where that is larger, since a slope may vanish, and beyond what comes of rounding ρ.
fn errors(table: &RadialTable, exact: Exact<'_>, exponent: f64, radius: f64) -> [f64; 2] {
    let near = (1..=40).flat_map(|k| [1.0, 1.37, 1.9].map(|m| m * 0.5_f64.powi(k)));
    let inside = near.clone().map(|t| 1.0 - t);
    let outside = near.map(|t| 1.0 + t);
    let far = (0..120).map(|k| 1.3_f64.powi(k));
    let centre = (1..10).map(|k| 0.1_f64.powi(k));
    let mut worst = [0.0_f64; 2];
    for u in inside.chain(outside).chain(far).chain(centre).chain([0.0]) {
        let rho = u * radius;
        let (value, factor) = table.at(rho);
        let (exact_value, slope) = (exact.value(rho), exact.slope(rho));
        let size = slope
            .abs()
            .max(rho.min(radius).powf(exponent - 1.0) * u.min(1.0));
        worst[0] = worst[0].max((value / exact_value - 1.0).abs());
        if u > 0.0 {
            let rounding = 1e-15 / (u - 1.0).abs().max(1e-300);
            let error = (factor * rho - slope).abs() / size;
            worst[1] = worst[1].max(error - rounding);
        }
    }
    worst
}

#[test]
fn tables_agree_with_exact_potentials() {
    let mut worst = [0.0_f64; 2];
    for dim in [1, 2, 3, 10, 784, 10_000] {
        for exponent in [0.05, 0.5, 1.0, 1.5, 1.95] {
            for (index, (law, radius)) in laws(dim, exponent, 1.7).into_iter().enumerate() {
                let potential = law.potential(exponent).unwrap();
                let exact = potential.radial().unwrap();
                let table = table(exact, exponent, radius);
                let [value, slope] = errors(&table, exact, exponent, radius);
                let of = format!("d = {dim}, r = {exponent}, law {index}");
                println!("{of}: {value:.1e}, {slope:.1e}");
                worst = [worst[0].max(value), worst[1].max(slope)];
            }
        }
    }
    println!("{worst:?}");
    assert!(worst[0] < 1e-13 && worst[1] < 1e-11, "{worst:?}");
}

#[test]
fn what_is_no_profile_is_refused() {
    let new = |radius, value: f64| RadialTable::new(kernel(1.0), radius, |rho| (value, rho));
    for radius in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        assert!(matches!(
            new(radius, 1.0),
            Err(Error::Setting { name: "radius", .. })
        ));
    }
    let refused = new(1.0, f64::NAN).unwrap_err();
    assert!(refused.to_string().contains("profile must be finite"));
    assert!(new(1.0, 1.0).unwrap().at(f64::NAN).0.is_nan());
}

/// A law is the limit of its samples: potential and gradient of many draws differ by their noise.
#[test]
fn a_law_attracts_like_its_particles() {
    let mut rng = stream(2, Purpose::Target, 0, 0);
    for (dim, exponent) in [(1, 1.0), (2, 0.5), (3, 1.5)] {
        let x = DMatrix::from_fn(5, dim, |i, k| (1.3 * i as f64 + 2.1 * k as f64).sin());
        for (law, radius) in laws(dim, exponent, 1.2) {
            let potential = law.potential(exponent).unwrap();
            let table = table(potential.radial().unwrap(), exponent, radius);
            let exact = RadialPotential::new(table, DMatrix::zeros(1, dim));
            let exact = Sum(Interaction::new(kernel(exponent)), exact);
            let drawn = Mmd::new(kernel(exponent), law.sample(40_000, &mut rng), None).unwrap();
            let (mut one, mut other) = (vec![0.0; 5 * dim], vec![0.0; 5 * dim]);
            let value = exact.gradient(Points::from(&x), &mut one);
            let mean = drawn.gradient(Points::from(&x), &mut other);
            assert!((value - mean).abs() < 0.02, "{value} {mean}");
            // For r = ½ forces of single draws are large.
            let noise = one.iter().zip(&other).map(|(a, b)| (a - b).abs());
            assert!(
                noise.fold(0.0, f64::max) < 0.01,
                "d = {dim}, r = {exponent}"
            );
        }
    }
}

/// Particles on a sphere keep to it and follow its exact steps towards a larger one.
#[test]
fn particle_steps_towards_a_sphere_are_exact() {
    let (dim, exponent) = (3, 1.0);
    let target = EquilibriumTarget::sphere(dim, exponent, 1.5).unwrap();
    let law = Law::sphere(&[0.0; 3], 1.5).unwrap();
    let potential = law.potential(exponent).unwrap();
    let table = table(potential.radial().unwrap(), exponent, 1.5);
    let functional = Sum(
        Interaction::new(kernel(exponent)),
        RadialPotential::new(table, DMatrix::zeros(1, dim)),
    );
    // A golden spiral of N points, whose repulsion is that of the sphere up to O(1/N).
    let count = 4000;
    let (start, s) = (0.5, target.equilibrium().radius());
    let spiral = DMatrix::from_fn(count, 3, |i, k| {
        let height = 1.0 - (2 * i + 1) as f64 / count as f64;
        let angle = 2.399_963_229_728_653 * i as f64;
        let width = (1.0 - height * height).sqrt();
        start * s * [width * angle.cos(), width * angle.sin(), height][k]
    });
    let scheme = Particle::default();
    let mut state = scheme.start(spiral).unwrap();
    let steps = [0.1; 8];
    for tau in steps {
        scheme.step(&functional, &mut state, tau).unwrap();
    }
    let scales = target.forward_scales(start, &steps).unwrap();
    let radius = (state.particles.norm_squared() / count as f64).sqrt();
    assert!((radius / (scales[7] * s) - 1.0).abs() < 1e-4, "{radius}");
}
