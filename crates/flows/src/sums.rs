//! How sums over pairs are computed: all pairs, or by slicing, under one contract.

use rieszflow_numerics::Real;

use crate::pair_sums::{GradientRows, Moving, PairSums};
use crate::sliced::{SlicedSums, Slicing};
use crate::{Error, Measure, RieszKernel};

/// How sums over pairs of particles are computed.
///
/// ```
/// use nalgebra::DMatrix;
/// use rieszflow_flows::{Functional, Interaction, Points, RieszKernel, Slicing, Sums};
///
/// let kernel = RieszKernel::new(1.0)?;
/// let x = DMatrix::from_row_slice(2, 2, &[0.0, 0.0, 3.0, 4.0]);
/// let exact = Interaction::new(kernel).energy(Points::from(&x));
/// let sliced = Interaction::with_sums(kernel, Sums::Sliced(Slicing::new(100)))?;
/// assert!((sliced.energy(Points::from(&x)) / exact - 1.0).abs() < 1e-4);
/// # Ok::<(), rieszflow_flows::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sums {
    /// Over all pairs, exactly, in O(N²) time: [`PairSums`].
    #[default]
    Exact,
    /// Estimated by slicing, in O(N log N) time: [`SlicedSums`].
    Sliced(Slicing),
}

/// The sums that a setting asks for.
#[derive(Debug)]
pub(crate) enum RieszSums<T: Real> {
    Exact(PairSums<T>),
    Sliced(SlicedSums<T>),
}

impl<T: Real> RieszSums<T> {
    pub(crate) fn exact(kernel: RieszKernel) -> Self {
        Self::Exact(PairSums::new(kernel))
    }

    /// An error if there are no directions, or no gradient for the exponent.
    pub(crate) fn new(kernel: RieszKernel, sums: Sums) -> Result<Self, Error> {
        Ok(match sums {
            Sums::Exact => Self::exact(kernel),
            Sums::Sliced(slicing) => {
                let sums = SlicedSums::new(kernel, slicing)?;
                sums.check_gradient()?;
                Self::Sliced(sums)
            }
        })
    }

    pub(crate) fn exponent(&self) -> f64 {
        match self {
            Self::Exact(sums) => sums.kernel().exponent(),
            Self::Sliced(sums) => sums.kernel().exponent(),
        }
    }

    /// The sliced sums, if they are.
    pub(crate) fn sliced(&self) -> Option<&SlicedSums<T>> {
        match self {
            Self::Exact(_) => None,
            Self::Sliced(sums) => Some(sums),
        }
    }

    pub(crate) fn energy(&self, x: Measure<'_, T>, y: Measure<'_, T>) -> f64 {
        match self {
            Self::Exact(sums) => sums.energy(x, y),
            Self::Sliced(sums) => sums.energy(x, y),
        }
    }

    pub(crate) fn energy_gradient(
        &self,
        x: Measure<'_, T>,
        y: Measure<'_, T>,
        scale: f64,
        gradient: &mut GradientRows<'_, T>,
    ) -> f64 {
        match self {
            Self::Exact(sums) => sums.energy_gradient(x, y, scale, gradient),
            Self::Sliced(sums) => sums.energy_gradient(x, y, scale, gradient),
        }
    }

    /// ∬ |x−x'|ʳ dμ dμ.
    pub(crate) fn self_energy(&self, x: Measure<'_, T>) -> f64 {
        match self {
            Self::Exact(sums) => sums.energy(x, x),
            Self::Sliced(sums) => sums.self_energy(x),
        }
    }

    /// The same; `scale` times its gradient is added. Each particle stands on both sides of the double
    /// integral.
    pub(crate) fn self_energy_gradient(
        &self,
        x: Measure<'_, T>,
        scale: f64,
        gradient: &mut GradientRows<'_, T>,
    ) -> f64 {
        match self {
            Self::Exact(sums) => sums.energy_gradient(x, x, 2.0 * scale, gradient),
            Self::Sliced(sums) => sums.self_energy_gradient(x, scale, gradient),
        }
    }

    /// An error if it is infinite.
    pub(crate) fn directional_derivative(
        &self,
        x: Moving<'_, T>,
        y: Moving<'_, T>,
        scale: f64,
        gradient: &mut GradientRows<'_, T>,
    ) -> Result<f64, Error> {
        let sum = match self {
            Self::Exact(sums) => sums.directional_derivative(x, y, scale, gradient),
            Self::Sliced(sums) => sums.directional_derivative(x, y, scale, gradient),
        };
        let exponent = self.exponent();
        if exponent < 1.0 && sum.is_infinite() {
            return Err(Error::Collision { exponent });
        }
        Ok(sum)
    }
}
