//! The frame of a cloud of particles: coordinates in which it is centred and of size one.
//!
//! Networks are good at functions of size one on inputs of size one. A flow from a Dirac offers
//! neither: for r = ½ its first time steps are 10⁻⁸, 10⁻⁷, …, and the cloud grows from 5·10⁻⁶ to
//! 10⁻¹. But it is self-similar. Under E the measure at time t is the one at time 1 shrunk by a factor,
//! so that in the frame of the cloud all time steps are nearly the same problem, and what one step
//! has learned is the right start for the next.

use nalgebra::{DMatrix, RowDVector};
use rieszflow_numerics::Real;

/// Centre x̄ and length ℓ of a cloud; a network sees (x − x̄)/ℓ and never the scale of the flow.
///
/// ```math
/// \bar x = \frac1N \sum_i x_i, \qquad ℓ^2 = \frac1N \sum_i |x_i - \bar x|^2
/// ```
///
/// A change of variables, which alters no minimiser. The paper has no such frame (`docs/deviations.md`).
/// ℓ has the unit of the positions. Cost: O(Nd), once a time step.
///
/// ```
/// use nalgebra::DMatrix;
/// use rieszflow_flows::Frame;
///
/// let cloud = DMatrix::from_row_slice(2, 1, &[3.0, 7.0]);
/// let frame = Frame::of(&cloud);
/// assert_eq!((frame.centre()[0], frame.length()), (5.0, 2.0));
/// // Where all particles coincide there is no length, and the network sees 0.
/// assert_eq!(Frame::of(&DMatrix::<f64>::zeros(9, 1)).length(), 0.0);
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Frame<T> {
    centre: RowDVector<T>,
    length: T,
}

impl<T: Real> Frame<T> {
    /// Centred at the mean of the particles (N×d), with ℓ their root mean square distance from it.
    ///
    /// If they all coincide, ℓ = 0 and the network sees 0.
    pub fn of(particles: &DMatrix<T>) -> Self {
        let count = particles.nrows() as f64;
        let mean = |k: usize| {
            particles
                .column(k)
                .iter()
                .map(|x| x.into_f64())
                .sum::<f64>()
                / count
        };
        let centre = RowDVector::from_fn(particles.ncols(), |_, k| mean(k));
        let squared: f64 = (0..particles.ncols())
            .flat_map(|k| particles.column(k).into_iter().map(move |x| (k, x)))
            .map(|(k, x)| (x.into_f64() - centre[k]).powi(2))
            .sum();
        let length = (squared / count).sqrt();
        // Rounding keeps coincident particles a little apart from their mean.
        let rounding = 4.0 * T::epsilon().into_f64() * centre.amax();
        let coincide = length <= rounding;
        Self {
            centre: centre.map(T::from_f64),
            length: if coincide {
                T::zero()
            } else {
                T::from_f64(length)
            },
        }
    }

    /// x̄.
    pub fn centre(&self) -> &RowDVector<T> {
        &self.centre
    }

    /// The frame with the given centre and length.
    pub fn new(centre: RowDVector<T>, length: T) -> Self {
        Self { centre, length }
    }

    /// The frame with centre 0 and length 1, in `dim` dimensions.
    pub fn identity(dim: usize) -> Self {
        Self {
            centre: RowDVector::zeros(dim),
            length: T::one(),
        }
    }

    /// ℓ.
    pub fn length(&self) -> T {
        self.length
    }

    /// Writes (x − x̄)/ℓ for particles x (N×d) to N×d entries, column by column, and 0 if ℓ = 0.
    pub fn enter(&self, particles: &DMatrix<T>, entries: &mut [T]) {
        if self.length.is_zero() {
            entries.fill(T::zero());
            return;
        }
        let rows = particles.nrows().max(1);
        let columns = particles.as_slice().chunks_exact(rows);
        for (k, (column, entries)) in columns.zip(entries.chunks_exact_mut(rows)).enumerate() {
            let (centre, length) = (self.centre[k], self.length);
            for (y, &x) in entries.iter_mut().zip(column) {
                *y = (x - centre) / length;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn particles_enter_with_mean_zero_and_size_one() {
        let x = DMatrix::from_fn(7, 3, |i, k| 5.0 + 0.01 * ((3 * i + k) as f64).sin());
        let frame = Frame::of(&x);
        let mut y = DMatrix::zeros(7, 3);
        frame.enter(&x, y.as_mut_slice());
        assert!(y.row_mean().amax() < 1e-12);
        assert!((y.norm_squared() / 7.0 - 1.0).abs() < 1e-12);
    }

    #[test]
    fn a_dirac_has_length_0_and_enters_as_0() {
        let x = DMatrix::from_element(1000, 2, 0.1_f32);
        let frame = Frame::of(&x);
        assert_eq!(frame.length(), 0.0);
        let mut y = DMatrix::repeat(1000, 2, 7.0);
        frame.enter(&x, y.as_mut_slice());
        assert_eq!(y, DMatrix::zeros(1000, 2));
    }
}
