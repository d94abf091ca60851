//! The ranks that share the work of the program: which run has them, and what the others do for it.

use std::sync::{Arc, Mutex, PoisonError};

use nalgebra::DMatrix;
use rieszflow_analytic::{Discrepancy, Error, Law, discrepancy_with, pair_blocks, pair_sums};
use rieszflow_autodiff::Tape;
use rieszflow_flows::ranks::{self, Communicator, Message, Team, Work};
use rieszflow_flows::{GradientRows, Measure, PairSums, Points, RieszKernel};
use rieszflow_nets::Mlp;
use rieszflow_numerics::Real;
use xxhash_rust::xxh3::xxh3_64;

/// The ranks, while no run has them.
static RANKS: Mutex<Option<Arc<dyn Communicator>>> = Mutex::new(None);

/// The name of the sums over pairs of D² to a law.
const TO_LAW: Work = *b"to a law";

/// Sums of fewer coordinate differences take less time than the other ranks take to answer.
const LEAST_SHARED_WORK: usize = 1 << 21;

/// Lets runs call these ranks, one run at a time.
pub fn offer_ranks(ranks: Arc<dyn Communicator>) {
    let mut place = RANKS.lock().unwrap_or_else(PoisonError::into_inner);
    *place = Some(ranks);
}

/// Carries out `work`, which may call the ranks from this thread unless another run has them.
pub(crate) fn with_ranks<V>(work: impl FnOnce() -> V) -> V {
    let mut place = RANKS.lock().unwrap_or_else(PoisonError::into_inner);
    let free = place.take();
    drop(place);
    let Some(ranks) = free else {
        return work();
    };
    let value = ranks::with_ranks(Arc::clone(&ranks), work);
    offer_ranks(ranks);
    value
}

/// Carries out a share of what the first rank calls for, until it lets this one go.
///
/// # Panics
/// If the first rank calls for work that this one does not know.
pub fn assist(communicator: &dyn Communicator) {
    ranks::serve(communicator, |work, message| {
        assert!(work == TO_LAW, "the first rank calls for {work:?}");
        let [rows, columns] = [(); 2].map(|()| message.count());
        let exponent = message.numbers::<f64>(1)[0];
        let particles = DMatrix::from_vec(rows, columns, message.numbers(rows * columns));
        let weights: Vec<f64> = message.numbers(rows);
        share_pair_sums(communicator, &particles, &weights, exponent);
    });
}

/// D² of particles to a law, as [`rieszflow_analytic::discrepancy`] computes it, on all ranks if that is
/// worth it.
pub(crate) fn discrepancy_to_law(
    particles: &DMatrix<f64>,
    weights: Option<&[f64]>,
    law: &Law,
    exponent: f64,
) -> Result<Discrepancy, Error> {
    discrepancy_with(particles, weights, law, exponent, |weights| {
        let work = particles.nrows() * particles.len() / 2;
        let team = Team::new(work >= LEAST_SHARED_WORK);
        team.call(TO_LAW, |message| {
            message.put_count(particles.nrows());
            message.put_count(particles.ncols());
            message.put(&[exponent]);
            message.put(particles.as_slice());
            message.put(weights);
        });
        share_pair_sums(team.ranks(), particles, weights, exponent)
    })
}

/// The sums over pairs of this rank's blocks, on the first one those of all in order. Later blocks have
/// fewer pairs, so the ranks take turns.
fn share_pair_sums(
    ranks: &dyn Communicator,
    particles: &DMatrix<f64>,
    weights: &[f64],
    exponent: f64,
) -> Vec<f64> {
    let blocks = pair_blocks(particles.nrows());
    let turns = |rank: usize| (rank..blocks).step_by(ranks.size());
    let own: Vec<usize> = turns(ranks.rank()).collect();
    let sums = pair_sums(particles, weights, exponent, &own);
    if ranks.size() == 1 {
        return sums;
    }
    let mut message = Message::default();
    message.put(&sums);
    let mut all = vec![0.0; blocks];
    let mut place = |rank, sums: &[f64]| {
        turns(rank)
            .zip(sums)
            .for_each(|(block, sum)| all[block] = *sum);
    };
    place(ranks.rank(), &sums);
    for (other, bytes) in (1..).zip(ranks.gather(message.bytes())) {
        place(other, &Message::new(bytes).numbers(turns(other).len()));
    }
    all
}

/// A number that is the same on ranks whose processors round alike: what they get for some sums and a
/// network.
///
/// # Panics
/// Never: the exponents are valid.
pub fn rounding() -> u64 {
    let mut message = Message::default();
    for exponent in [1.0, 1.3] {
        let kernel = RieszKernel::new(exponent).expect("0 < r < 2");
        probe_sums::<f32>(kernel, &mut message);
        probe_sums::<f64>(kernel, &mut message);
    }
    probe_network::<f32>(&mut message);
    probe_network::<f64>(&mut message);
    xxh3_64(message.bytes())
}

fn wave<T: Real>(len: usize) -> Vec<T> {
    let term = |i: usize| (i % 89) as f64 / 89.0 - 0.4 * (i % 7) as f64;
    (0..len).map(|i| T::from_f64(term(i))).collect()
}

fn probe_sums<T: Real>(kernel: RieszKernel, message: &mut Message) {
    let sums = PairSums::<T>::new(kernel);
    for dim in [2, 5] {
        let (points, mut gradient) = (wave::<T>(100 * dim), vec![T::zero(); 100 * dim]);
        let x = Measure::uniform(Points::new(&points, 100, dim));
        let rows = &mut GradientRows::in_x(&mut gradient, 100);
        message.put(&[sums.energy_gradient(x, x, 1.0, rows)]);
        message.put(&gradient);
    }
}

fn probe_network<T: Real>(message: &mut Message) {
    let network = Mlp::new(&[3, 32, 32, 2]);
    let parameters: Vec<T> = wave(network.parameter_count());
    let mut gradient = vec![T::zero(); parameters.len()];
    let mut tape = Tape::new();
    let mut graph = tape.record(&parameters);
    let input = graph.constant(&DMatrix::from_vec(40, 3, wave(120)));
    let output = network.record(&mut graph, input);
    let loss = graph.sum_of_squares(output);
    graph.gradient(loss, &mut gradient);
    message.put(&gradient);
}
