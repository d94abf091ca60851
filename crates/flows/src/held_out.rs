//! How well a chain generalises: fresh particles against data that it is not trained on, and when to stop.

use nalgebra::DMatrix;
use rieszflow_numerics::Real;

use crate::functional::finite_rows;
use crate::observer::{Observer, ObserverError};
use crate::scheme::StepReport;
use crate::{Error, Measure, PairSums, Points, RieszKernel, State, Transport};

/// D² of fresh particles and held-out data, in both statistics.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct HeldOutDiscrepancy {
    /// D² of the two empirical measures, pairs of a particle with itself included.
    pub v_statistic: f64,
    /// The estimate of D² between the laws without them, which is unbiased and may be below 0.
    pub u_statistic: f64,
}

/// Pushes fresh particles through the networks of a [`Chain`](crate::scheme::Chain) as they are learned, and
/// ends the flow once D² to held-out data no longer falls.
///
/// The particles of the flow cannot tell when to stop: they come to lie on the training data, one by one.
/// Cost of a network: K² pairs for K fresh particles and as many held out, and O(K) passes of the network.
#[derive(Debug)]
pub struct HeldOut<T: Real> {
    sums: PairSums<f64>,
    fresh: DMatrix<T>,
    data: DMatrix<f64>,
    /// ∬|y−y'|ʳ over the data.
    own: f64,
    dim: usize,
    patience: u64,
    discrepancies: Vec<HeldOutDiscrepancy>,
}

impl<T: Real> HeldOut<T> {
    /// Fresh starts (K×(d+n)) and held-out data (L×(d+n)); of both the last n = `conditions` coordinates stay. The
    /// flow ends when the least D² is `patience` networks old; never, if that is 0.
    ///
    /// # Errors
    /// [`Error::Setting`] for other shapes or fewer than two rows, [`Error::NotFinite`].
    pub fn new(
        kernel: RieszKernel,
        (fresh, data): (DMatrix<T>, &DMatrix<T>),
        conditions: usize,
        patience: u64,
    ) -> Result<Self, Error> {
        for (what, rows) in [("fresh", fresh.nrows()), ("held_out", data.nrows())] {
            if rows < 2 {
                return Err(Error::setting(what, "two rows at least", &rows));
            }
        }
        let (expected, found) = (data.ncols(), fresh.ncols());
        if expected != found {
            return Err(Error::Dimension { expected, found });
        }
        if conditions >= found {
            let expected = format!("fewer than the coordinates, {found}");
            return Err(Error::setting("conditions", &expected, &conditions));
        }
        finite_rows("fresh particle", &fresh)?;
        finite_rows("held-out particle", data)?;
        let (sums, data) = (PairSums::new(kernel), data.map(T::into_f64));
        let measure = Measure::uniform(Points::from(&data));
        let own = sums.energy(measure, measure);
        let mut held_out = Self {
            sums,
            own,
            data,
            dim: found - conditions,
            fresh,
            patience,
            discrepancies: Vec::new(),
        };
        held_out.measure();
        Ok(held_out)
    }

    /// Pushes the fresh particles through a further network, and measures them. A flow that goes on from a
    /// state is told the networks before it in this way.
    pub fn add(&mut self, parameters: &[T], transport: &Transport<T>) {
        let conditions = self.fresh.columns_range(self.dim..).into_owned();
        let displacements = transport.displacements(parameters, &self.fresh, &conditions);
        let mut moved = self.fresh.columns_mut(0, self.dim);
        moved += displacements;
        self.measure();
    }

    fn measure(&mut self) {
        let fresh = self.fresh.map(T::into_f64);
        let x = Measure::uniform(Points::from(&fresh));
        let y = Measure::uniform(Points::from(&self.data));
        let (between, own) = (self.sums.energy(x, y), self.sums.energy(x, x));
        let without_itself = |energy: f64, count: usize| energy * count as f64 / (count - 1) as f64;
        let own_u = without_itself(own, fresh.nrows());
        let data_u = without_itself(self.own, self.data.nrows());
        self.discrepancies.push(HeldOutDiscrepancy {
            v_statistic: between - 0.5 * (own + self.own),
            u_statistic: between - 0.5 * (own_u + data_u),
        });
    }

    /// D² of the fresh starts, and after each network.
    pub fn discrepancies(&self) -> &[HeldOutDiscrepancy] {
        &self.discrepancies
    }

    /// After how many networks D² is least.
    pub fn best(&self) -> u64 {
        let values = self.discrepancies.iter().map(|found| found.v_statistic);
        let least = values.enumerate().min_by(|a, b| a.1.total_cmp(&b.1));
        least.map_or(0, |(networks, _)| networks as u64)
    }

    /// The fresh particles where the networks have taken them, K×(d+n).
    pub fn fresh(&self) -> &DMatrix<T> {
        &self.fresh
    }
}

impl<T: Real> Observer<T> for HeldOut<T> {
    fn step(&mut self, state: &State<T>, _: &StepReport) -> Result<(), ObserverError> {
        if let Some(kernel) = state.kernel()
            && let Some(transport) = &kernel.transport
        {
            self.add(&kernel.parameters, transport);
        }
        Ok(())
    }

    fn is_done(&self) -> bool {
        let networks = self.discrepancies.len() as u64 - 1;
        self.patience > 0 && networks >= self.best() + self.patience
    }
}
