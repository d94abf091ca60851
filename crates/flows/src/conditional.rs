//! Pairs of an unknown and its observation, towards which the unknowns of particles flow.

use nalgebra::DMatrix;
use rieszflow_numerics::Real;

use crate::functional::finite_rows;
use crate::{Error, Mmd, RieszKernel, Sums};

/// Training pairs (x̃ᵢ, yᵢ) of a conditional flow: particle i starts at (xᵢ, yᵢ) with the observation of pair
/// i, and a [`Chain`](crate::scheme::Chain) whose `conditions` are n moves the xᵢ alone.
///
/// F is the functional of the pairs in ℝᵈ⁺ⁿ. Particles and pairs have the same observations, one by one, so
/// that what is left of D² depends on the conditional laws of x given y. With other observations the two laws of y
/// would differ. The unknowns would move to make up for that, which they cannot, and outliers run away.
///
/// Source: Hagemann, Hertrich, Altekrüger, Beinert, Chemseddine, Steidl, *Posterior Sampling Based on
/// Gradient Flows of the MMD with Negative Distance Kernel* (ICLR 2024).
///
/// ```
/// use nalgebra::DMatrix;
/// use rieszflow_flows::scheme::{Chain, Training};
/// use rieszflow_flows::{
///     ConditionalPairs, Flow, NetworkChain, RieszKernel, StepSizes, Sums, time_grid,
/// };
///
/// // At each y two points: y and 4 − y.
/// let y = DMatrix::from_fn(200, 1, |i, _| (i / 2) as f64 / 50.0);
/// let x = DMatrix::from_fn(200, 1, |i, _| if i % 2 == 0 { y[i] } else { 4.0 - y[i] });
/// let pairs = ConditionalPairs::new(&x, &y)?;
/// let functional = pairs.functional(RieszKernel::new(1.0)?, Sums::Exact)?;
/// let start = pairs.start(&DMatrix::from_fn(200, 1, |i, _| (i * 7 % 40) as f64 / 10.0))?;
/// assert_eq!(start.column(1), y.column(0));
///
/// let training = Training { width: 16, batch: 50, iterations: 100, ..Training::default() };
/// let chain = Chain { training, flow_step: 0.1, momentum: 0.5, conditions: pairs.conditions() };
/// let (tau, time) = StepSizes::doubling(1.6, 3.2, 3);
/// let mut networks = NetworkChain::default();
/// let flow = Flow::new(&functional, &chain).start(start)?.observe(&mut networks);
/// flow.run(&time_grid(&[], tau, time)?)?;
/// let fresh = DMatrix::from_column_slice(2, 1, &[0.2, 3.8]);
/// let drawn = networks.push_forward(fresh, &DMatrix::from_element(2, 1, 0.5)); // given y = ½
/// assert!(drawn[0] < 2.0 && drawn[1] > 2.0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct ConditionalPairs<T> {
    /// N×(d+n).
    pairs: DMatrix<T>,
    /// n.
    conditions: usize,
}

impl<T: Real> ConditionalPairs<T> {
    /// The pairs of unknowns x̃ᵢ (N×d) and observations yᵢ (N×n), by rows.
    ///
    /// # Errors
    /// [`Error::Setting`] unless both have the same number of rows, at least one, and a column at least;
    /// [`Error::NotFinite`].
    pub fn new(unknowns: &DMatrix<T>, observations: &DMatrix<T>) -> Result<Self, Error> {
        let (count, dim) = unknowns.shape();
        let conditions = observations.ncols();
        let rows = format!(
            "as many as there are observations, {}",
            observations.nrows()
        );
        if count != observations.nrows() || count == 0 {
            return Err(Error::setting("unknowns", &rows, &count));
        }
        if dim == 0 || conditions == 0 {
            let expected = "matrices with at least one column each";
            let given = format!("{dim} and {conditions}");
            return Err(Error::setting(
                "unknowns and observations",
                expected,
                &given,
            ));
        }
        let mut pairs = unknowns
            .clone()
            .resize_horizontally(dim + conditions, T::zero());
        pairs.columns_mut(dim, conditions).copy_from(observations);
        finite_rows("pair", &pairs)?;
        Ok(Self { pairs, conditions })
    }

    /// N×(d+n), the observations last.
    pub fn pairs(&self) -> &DMatrix<T> {
        &self.pairs
    }

    /// n, the number of coordinates that are observed.
    pub fn conditions(&self) -> usize {
        self.conditions
    }

    /// F in the space of pairs.
    ///
    /// # Errors
    /// As [`Mmd::with_sums`].
    pub fn functional(&self, kernel: RieszKernel, sums: Sums) -> Result<Mmd<T>, Error> {
        Mmd::with_sums(kernel, self.pairs.clone(), None, sums)
    }

    /// The particles at time 0 (N×(d+n)): the given unknowns (N×d), each with the observation of its pair.
    ///
    /// # Errors
    /// [`Error::Setting`] unless there is an unknown for each pair, [`Error::Dimension`] unless it has d
    /// coordinates.
    pub fn start(&self, unknowns: &DMatrix<T>) -> Result<DMatrix<T>, Error> {
        let (count, expected) = (self.pairs.nrows(), self.pairs.ncols() - self.conditions);
        if unknowns.nrows() != count {
            let rows = format!("as many as there are pairs, {count}");
            return Err(Error::setting("unknowns", &rows, &unknowns.nrows()));
        }
        let found = unknowns.ncols();
        if found != expected {
            return Err(Error::Dimension { expected, found });
        }
        let mut particles = self.pairs.clone();
        particles.columns_mut(0, expected).copy_from(unknowns);
        Ok(particles)
    }
}
