//! The networks of a chain, through which fresh particles pass.

use nalgebra::DMatrix;
use rieszflow_numerics::Real;

use crate::latent::fill_normal;
use crate::observer::{Observer, ObserverError};
use crate::rng::{Purpose, stream};
use crate::scheme::StepReport;
use crate::{Standardization, State, Transport};

/// The networks that a [`Chain`](crate::scheme::Chain) has learned, in order. As an observer of the flow it
/// collects them.
///
/// ```
/// use nalgebra::DMatrix;
/// use rieszflow_flows::scheme::{Chain, Training};
/// use rieszflow_flows::{Flow, Mmd, NetworkChain, RieszKernel, StepSizes, time_grid};
///
/// let target = DMatrix::from_fn(100, 1, |i, _| 3.0 + i as f64 / 100.0);
/// let functional = Mmd::new(RieszKernel::new(1.0)?, target, None)?;
/// let training = Training { width: 16, batch: 25, ..Training::default() };
/// let chain = Chain { training, flow_step: 0.1, momentum: 0.5, conditions: 0 };
/// let (tau, time) = StepSizes::doubling(1.6, 3.2, 3); // 16, 32 and 32 steps of the flow
/// let start = DMatrix::from_fn(50, 1, |i, _| i as f64 / 50.0);
/// let mut networks = NetworkChain::default();
/// let flow = Flow::new(&functional, &chain).start(start)?.observe(&mut networks);
/// flow.run(&time_grid(&[], tau, time)?)?;
/// assert_eq!(networks.len(), 3);
/// let fresh = DMatrix::from_element(1, 1, 0.505);
/// let drawn = networks.push_forward(fresh, &DMatrix::zeros(1, 0));
/// assert!((drawn[0] - 3.5_f64).abs() < 0.2, "{drawn}");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct NetworkChain<T> {
    networks: Vec<(Vec<T>, Transport<T>)>,
}

impl<T: Real> NetworkChain<T> {
    /// Appends a network.
    pub fn push(&mut self, parameters: Vec<T>, transport: Transport<T>) {
        self.networks.push((parameters, transport));
    }

    /// How many networks there are.
    pub fn len(&self) -> usize {
        self.networks.len()
    }

    /// Whether there is no network, so that particles stay.
    pub fn is_empty(&self) -> bool {
        self.networks.is_empty()
    }

    /// Keeps the first `count` networks.
    pub fn truncate(&mut self, count: usize) {
        self.networks.truncate(count);
    }

    /// The networks with their parameters, in order.
    pub fn iter(&self) -> impl Iterator<Item = &(Vec<T>, Transport<T>)> {
        self.networks.iter()
    }

    /// Where the networks take fresh starts (K×d) with their conditions (K×n), one after the other.
    pub fn push_forward(&self, starts: DMatrix<T>, conditions: &DMatrix<T>) -> DMatrix<T> {
        let networks = self.networks.iter();
        networks.fold(starts, |x, (parameters, transport)| {
            transport.push_forward(parameters, &x, conditions)
        })
    }

    /// Draws `count` unknowns (`count`×d) given each of the observations (C×n), one after the other, by networks
    /// that have learned standardised pairs. Starts are standard normal, keyed by the seed and the number of the
    /// observation.
    ///
    /// # Panics
    /// If the observations have not n columns.
    pub fn draw_posteriors(
        &self,
        standardization: &Standardization,
        observations: &DMatrix<f64>,
        count: usize,
        seed: u64,
    ) -> impl Iterator<Item = DMatrix<f64>> {
        let (conditions, found) = (standardization.conditions(), observations.ncols());
        assert_eq!(found, conditions, "the columns of observations");
        let observations = standardization.standardize_observations(observations);
        (0..observations.nrows()).map(move |row| {
            let dim = standardization.dim();
            let mut starts = DMatrix::zeros(count, dim);
            let rng = &mut stream(seed, Purpose::Sample, 0, row as u64);
            fill_normal(starts.as_mut_slice(), rng);
            let given = DMatrix::from_fn(count, conditions, |_, k| observations[(row, k)]);
            let drawn = self.push_forward(starts.map(T::from_f64), &given.map(T::from_f64));
            standardization.restore(&drawn.map(T::into_f64), &given)
        })
    }
}

impl<T: Real> Observer<T> for NetworkChain<T> {
    fn step(&mut self, state: &State<T>, _: &StepReport) -> Result<(), ObserverError> {
        if let Some(kernel) = state.kernel()
            && let Some(transport) = &kernel.transport
        {
            self.push(kernel.parameters.clone(), transport.clone());
        }
        Ok(())
    }
}
