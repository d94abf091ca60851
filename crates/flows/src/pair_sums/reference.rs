//! The sums over pairs as plain double loops in f64: slow, obvious, and the oracle of the fast ones.

use rieszflow_numerics::Real;

use super::{GradientRows, Moving};
use crate::{Measure, RieszKernel};

/// ∬ |x−y|ʳ dμ(x) dν(y) = Σᵢⱼ uᵢ wⱼ |xᵢ−yⱼ|ʳ.
pub fn energy<T: Real>(kernel: RieszKernel, x: Measure<'_, T>, y: Measure<'_, T>) -> f64 {
    let mut sum = 0.0;
    for_each_pair(x, y, |i, j, weight| {
        let u = difference(x, i, y, j);
        sum += weight * kernel.value_and_factor(dot(&u, &u)).0;
    });
    sum
}

/// The energy, and `scale` times its gradient added to the rows of x and, if named, of y.
pub fn energy_gradient<T: Real>(
    kernel: RieszKernel,
    x: Measure<'_, T>,
    y: Measure<'_, T>,
    scale: f64,
    gradient: &mut GradientRows<'_, T>,
) -> f64 {
    let mut sum = 0.0;
    for_each_pair(x, y, |i, j, weight| {
        let u = difference(x, i, y, j);
        let (value, factor) = kernel.value_and_factor(dot(&u, &u));
        sum += weight * value;
        for (k, u) in u.iter().enumerate() {
            let term = T::from_f64(scale * weight * factor * u);
            gradient.add(k, i, j, term);
        }
    });
    sum
}

/// Σᵢⱼ uᵢ wⱼ ∂|·|ʳ(xᵢ−yⱼ; aᵢ−bⱼ), and `scale` times its gradient in the velocities added.
///
/// +∞ where a coincident pair with r < 1 has different velocities.
pub fn directional_derivative<T: Real>(
    kernel: RieszKernel,
    x: Moving<'_, T>,
    y: Moving<'_, T>,
    scale: f64,
    gradient: &mut GradientRows<'_, T>,
) -> f64 {
    let mut sum = 0.0;
    for_each_pair(x.measure, y.measure, |i, j, weight| {
        let u = difference(x.measure, i, y.measure, j);
        let h: Vec<f64> = (0..u.len())
            .map(|k| x.velocity(k, i).into_f64() - y.velocity(k, j).into_f64())
            .collect();
        let (value, along, across) = kernel.directional(dot(&u, &u), dot(&u, &h), dot(&h, &h));
        sum += weight * value;
        for (k, (u, h)) in u.iter().zip(&h).enumerate() {
            let term = T::from_f64(scale * weight * (along * u + across * h));
            gradient.add(k, i, j, term);
        }
    });
    sum
}

fn for_each_pair<T: Real>(
    x: Measure<'_, T>,
    y: Measure<'_, T>,
    mut visit: impl FnMut(usize, usize, f64),
) {
    let weight = |measure: Measure<'_, T>, i: usize| match measure.weights {
        Some(weights) => weights[i].into_f64(),
        None => 1.0 / measure.points.count() as f64,
    };
    for i in 0..x.points.count() {
        for j in 0..y.points.count() {
            visit(i, j, weight(x, i) * weight(y, j));
        }
    }
}

fn difference<T: Real>(x: Measure<'_, T>, i: usize, y: Measure<'_, T>, j: usize) -> Vec<f64> {
    (0..x.points.dim())
        .map(|k| x.points.coordinate(k)[i].into_f64() - y.points.coordinate(k)[j].into_f64())
        .collect()
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}
