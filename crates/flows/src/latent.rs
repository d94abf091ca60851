//! Latent variables Z ~ N(0, I_m) of the generative networks.

use nalgebra::DMatrix;
use rand::seq::SliceRandom;
use rand::{Rng, RngExt};
use rand_distr::{Distribution, StandardNormal};
use rieszflow_numerics::Real;
use statrs::function::erf::erfc_inv;

/// Overwrites `latents` with independent standard normals.
pub fn fill_normal<T: Real, R: Rng + ?Sized>(latents: &mut [T], rng: &mut R) {
    for z in latents {
        let normal: f32 = StandardNormal.sample(rng);
        *z = T::from_f64(f64::from(normal));
    }
}

/// `count` standard normals in ℝᵐ, stratified in every coordinate (N×m).
///
/// Coordinate by coordinate, each of the N equally likely intervals of N(0, 1) holds exactly one of
/// the N values, in random order (Latin hypercube sampling, McKay, Beckman, Conover 1979). Every
/// row alone is N(0, I_m); together the rows represent N(0, I_m) with less noise than independent
/// draws, and so do the particles that are pushed with them.
pub fn stratified_normal<T: Real, R: Rng + ?Sized>(
    count: usize,
    latent_dim: usize,
    rng: &mut R,
) -> DMatrix<T> {
    let mut strata: Vec<usize> = (0..count).collect();
    let mut latents = DMatrix::zeros(count, latent_dim);
    for mut coordinate in latents.column_iter_mut() {
        strata.shuffle(rng);
        for (z, &stratum) in coordinate.iter_mut().zip(&strata) {
            let inside: f64 = rng.random_range(f64::EPSILON..1.0);
            *z = T::from_f64(normal_quantile((stratum as f64 + inside) / count as f64));
        }
    }
    latents
}

/// The inverse of the distribution function of N(0, 1).
fn normal_quantile(level: f64) -> f64 {
    -std::f64::consts::SQRT_2 * erfc_inv(2.0 * level)
}
