//! Orthogonal matrices, the other place that calls the linear algebra library.

use faer::dyn_stack::{MemBuffer, MemStack};
use faer::linalg::{householder, qr::no_pivoting::factor};
use faer::{Conj, Mat, MatMut, Par, Spec};
use rayon::prelude::*;

/// So many points are rotated together.
const POINTS: usize = 64;

/// Multiplies points of ℝᵈ (d×P, column-major) by the factor Q of the QR decomposition of a d×d matrix with a
/// positive diagonal of R; the matrix is overwritten.
///
/// For a matrix of independent standard normals Q is a uniformly distributed (Haar) orthogonal matrix
/// (Mezzadri, *How to generate random matrices from the classical compact groups*, 2007). The bits do not
/// depend on the number of threads. Cost: O(d³ + d²P).
///
/// ```
/// use rieszflow_numerics::orthogonal::rotate;
///
/// let mut points = [1.0, 0.0, 0.0, 1.0];
/// rotate(&mut [3.0, 4.0, 1.0, 0.0], 2, &mut points);
/// let expected = [0.6, 0.8, 0.8, -0.6];
/// assert!(points.iter().zip(expected).all(|(q, e)| (q - e).abs() < 1e-15));
/// ```
///
/// # Panics
/// If `matrix` does not hold d² values.
pub fn rotate(matrix: &mut [f64], dim: usize, points: &mut [f64]) {
    let mut factors = MatMut::from_column_major_slice_mut(matrix, dim, dim);
    let block = factor::recommended_block_size::<f64>(dim, dim);
    let mut coefficients = Mat::zeros(block, dim);
    let scratch = factor::qr_in_place_scratch::<f64>(dim, dim, block, Par::Seq, Spec::default());
    factor::qr_in_place(
        factors.as_mut(),
        coefficients.as_mut(),
        Par::Seq,
        MemStack::new(&mut MemBuffer::new(scratch)),
        Spec::default(),
    );
    let (factors, coefficients) = (factors.as_ref(), coefficients.as_ref());
    points.par_chunks_mut(POINTS * dim).for_each(|points| {
        for point in points.chunks_mut(dim) {
            for (k, x) in point.iter_mut().enumerate() {
                *x = if factors[(k, k)] < 0.0 { -*x } else { *x };
            }
        }
        let count = points.len() / dim;
        let scratch = householder::apply_block_householder_sequence_on_the_left_in_place_scratch::<
            f64,
        >(dim, block, count);
        householder::apply_block_householder_sequence_on_the_left_in_place_with_conj(
            factors,
            coefficients,
            Conj::No,
            MatMut::from_column_major_slice_mut(points, dim, count),
            Par::Seq,
            MemStack::new(&mut MemBuffer::new(scratch)),
        );
    });
}

#[cfg(test)]
mod tests {
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::*;

    /// Q has orthonormal columns, and QᵀA is upper triangular with a positive diagonal.
    #[test]
    fn the_factor_is_orthogonal_and_leaves_a_triangle() {
        for dim in [1, 2, 3, 17, 100] {
            let mut rng = ChaCha8Rng::seed_from_u64(dim as u64);
            let a: Vec<f64> = (0..dim * dim)
                .map(|_| rng.random_range(-1.0..1.0))
                .collect();
            let mut q = vec![0.0; dim * dim];
            (0..dim).for_each(|k| q[k * dim + k] = 1.0);
            rotate(&mut a.clone(), dim, &mut q);
            let inner = |x: &[f64], i: usize, y: &[f64], j: usize| -> f64 {
                let (x, y) = (&x[i * dim..][..dim], &y[j * dim..][..dim]);
                x.iter().zip(y).map(|(x, y)| x * y).sum()
            };
            for i in 0..dim {
                for j in 0..dim {
                    let unit = f64::from(u8::from(i == j));
                    assert!(
                        (inner(&q, i, &q, j) - unit).abs() < 1e-13,
                        "{dim}: {i}, {j}"
                    );
                    let r = inner(&q, i, &a, j);
                    assert!(j >= i || r.abs() < 1e-12, "{dim}: {i}, {j}");
                    assert!(j != i || r > 0.0, "{dim}: {i}");
                }
            }
        }
    }
}
