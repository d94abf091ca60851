//! Orthogonal matrices, the other place that calls the linear algebra library.

use faer::dyn_stack::{MemBuffer, MemStack};
use faer::linalg::{householder, qr::no_pivoting::factor};
use faer::{Conj, Mat, MatMut, Par, Spec};

/// Replaces a d×d matrix, column-major, by the factor Q of its QR decomposition with a positive diagonal
/// of R.
///
/// For a matrix of independent standard normals Q is a uniformly distributed (Haar) orthogonal matrix
/// (Mezzadri, *How to generate random matrices from the classical compact groups*, 2007). Runs on this
/// thread alone, so that the bits do not depend on the number of threads. Cost: O(d³).
///
/// ```
/// use rieszflow_numerics::orthogonal::orthogonalise;
///
/// let mut matrix = [3.0, 4.0, 1.0, 0.0];
/// orthogonalise(&mut matrix, 2);
/// let expected = [0.6, 0.8, 0.8, -0.6];
/// assert!(matrix.iter().zip(expected).all(|(q, e)| (q - e).abs() < 1e-15));
/// ```
///
/// # Panics
/// If `entries` does not hold d² values.
pub fn orthogonalise(entries: &mut [f64], dim: usize) {
    let mut basis = MatMut::from_column_major_slice_mut(entries, dim, dim);
    let block = factor::recommended_block_size::<f64>(dim, dim);
    let mut coefficients = Mat::zeros(block, dim);
    let scratch = factor::qr_in_place_scratch::<f64>(dim, dim, block, Par::Seq, Spec::default());
    factor::qr_in_place(
        basis.as_mut(),
        coefficients.as_mut(),
        Par::Seq,
        MemStack::new(&mut MemBuffer::new(scratch)),
        Spec::default(),
    );
    let mut q = Mat::<f64>::identity(dim, dim);
    let scratch = householder::apply_block_householder_sequence_on_the_left_in_place_scratch::<f64>(
        dim, block, dim,
    );
    householder::apply_block_householder_sequence_on_the_left_in_place_with_conj(
        basis.as_ref(),
        coefficients.as_ref(),
        Conj::No,
        q.as_mut(),
        Par::Seq,
        MemStack::new(&mut MemBuffer::new(scratch)),
    );
    for k in 0..dim {
        let sign = if basis[(k, k)] < 0.0 { -1.0 } else { 1.0 };
        for i in 0..dim {
            basis[(i, k)] = sign * q[(i, k)];
        }
    }
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
            let mut q = a.clone();
            orthogonalise(&mut q, dim);
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
