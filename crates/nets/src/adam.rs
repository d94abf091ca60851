//! The Adam optimiser.

use fearless_simd::{Level, Simd, dispatch};
use rayon::prelude::*;
use rieszflow_numerics::Real;

/// Blocks of this many parameters are updated in parallel; smaller networks stay on one thread.
const BLOCK: usize = 1 << 16;

/// The constants of Adam (Kingma and Ba 2015); the defaults are PyTorch's.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Adam {
    /// Decay β₁ of the mean gradient, 0.9 by default.
    pub beta1: f64,
    /// Decay β₂ of the mean squared gradient, 0.999 by default.
    pub beta2: f64,
    /// ε in the denominator, 10⁻⁸ by default.
    pub epsilon: f64,
}

impl Default for Adam {
    fn default() -> Self {
        Self {
            beta1: 0.9,
            beta2: 0.999,
            epsilon: 1e-8,
        }
    }
}

/// The running moments m and v of the gradient and the number t of updates so far.
#[derive(Clone, Debug, PartialEq)]
pub struct Moments<T> {
    /// m, the decaying mean of the gradients.
    pub first: Vec<T>,
    /// v, the decaying mean of their squares.
    pub second: Vec<T>,
    /// t, the number of updates.
    pub updates: u64,
}

impl<T: Real> Moments<T> {
    /// Zero moments for `count` parameters.
    pub fn new(count: usize) -> Self {
        Self {
            first: vec![T::zero(); count],
            second: vec![T::zero(); count],
            updates: 0,
        }
    }
}

/// The numbers that all parameters of one update share.
#[derive(Clone, Copy)]
struct Coefficients<T> {
    beta1: T,
    beta2: T,
    epsilon: T,
    /// α / (1 − β₁ᵗ)
    rate: T,
    /// 1 / √(1 − β₂ᵗ)
    correction: T,
}

impl Adam {
    /// One update of the parameters θ with their gradient g and the learning rate α:
    ///
    /// ```math
    /// \begin{aligned}
    /// m &← β_1 m + (1-β_1)\,g, & v &← β_2 v + (1-β_2)\,g^2,\\
    /// θ &← θ - α\,\frac{m/(1-β_1^t)}{\sqrt{v/(1-β_2^t)} + ε},
    /// \end{aligned}
    /// ```
    ///
    /// entry by entry; t counts the updates. An m below 10⁻³¹ in single precision becomes 0, before it is
    /// subnormal. Source: Kingma and Ba 2015, Algorithm 1. All vectors have
    /// the length of θ.
    ///
    /// ```
    /// use rieszflow_nets::{Adam, Moments};
    ///
    /// // The first update is of size α, whatever the gradient's size.
    /// let (mut parameters, mut moments) = ([1.0_f64, 1.0], Moments::new(2));
    /// Adam::default().update(0.1, &mut parameters, &[1e-3, -1e3], &mut moments);
    /// assert!((parameters[0] - 0.9).abs() < 1e-5 && (parameters[1] - 1.1).abs() < 1e-5);
    /// ```
    ///
    /// # Panics
    /// If the lengths differ.
    pub fn update<T: Real>(
        &self,
        learning_rate: f64,
        parameters: &mut [T],
        gradient: &[T],
        moments: &mut Moments<T>,
    ) {
        let count = parameters.len();
        assert_eq!(count, gradient.len(), "one derivative a parameter");
        assert_eq!(count, moments.first.len(), "one moment a parameter");
        moments.updates += 1;
        let t = moments.updates as f64;
        let shared = Coefficients {
            beta1: T::from_f64(self.beta1),
            beta2: T::from_f64(self.beta2),
            epsilon: T::from_f64(self.epsilon),
            rate: T::from_f64(learning_rate / (1.0 - self.beta1.powf(t))),
            correction: T::from_f64(1.0 / (1.0 - self.beta2.powf(t)).sqrt()),
        };
        let (first, second) = (&mut moments.first[..], &mut moments.second[..]);
        if count <= BLOCK {
            update_block(parameters, gradient, first, second, shared);
            return;
        }
        parameters
            .par_chunks_mut(BLOCK)
            .zip(gradient.par_chunks(BLOCK))
            .zip(first.par_chunks_mut(BLOCK))
            .zip(second.par_chunks_mut(BLOCK))
            .for_each(|(((parameters, gradient), first), second)| {
                update_block(parameters, gradient, first, second, shared);
            });
    }
}

fn update_block<T: Real>(
    parameters: &mut [T],
    gradient: &[T],
    first: &mut [T],
    second: &mut [T],
    shared: Coefficients<T>,
) {
    dispatch!(Level::new(), simd => {
        update_block_on(simd, parameters, gradient, first, second, shared);
    });
}

#[expect(
    clippy::inline_always,
    reason = "what is not inlined into a function compiled for an instruction set is compiled for none"
)]
#[inline(always)]
fn update_block_on<S: Simd, T: Real>(
    _: S,
    parameters: &mut [T],
    gradient: &[T],
    first: &mut [T],
    second: &mut [T],
    shared: Coefficients<T>,
) {
    let Coefficients {
        beta1,
        beta2,
        epsilon,
        rate,
        correction,
    } = shared;
    // The mean gradient of a dead unit decays to subnormal numbers, which are slow.
    let least = T::min_positive_value() / T::epsilon();
    let moments = first.iter_mut().zip(second);
    for ((parameter, &g), (m, v)) in parameters.iter_mut().zip(gradient).zip(moments) {
        let mean = beta1 * *m + (T::one() - beta1) * g;
        *m = if mean.abs() < least { T::zero() } else { mean };
        *v = beta2 * *v + (T::one() - beta2) * g * g;
        let root = v.sqrt() * correction;
        *parameter -= rate * *m / (root + epsilon);
    }
}
