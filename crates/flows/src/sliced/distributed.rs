//! Sliced sums on several ranks: how directions are shared out, and what the first rank sends.

use std::ops::Range;

use rieszflow_numerics::Real;
use rieszflow_numerics::ranks::{Communicator, Message, Team, Work, share};

use super::distances::Coefficients;
use super::projection::Gradients;
use super::reduction::blocks;
use super::{Memory, Query, SlicedSums, Slicing};
use crate::RieszKernel;
use crate::pair_sums::messages::{Received, put_particles};

/// The projections of particles on directions from which on a sum is shared with other ranks: a shorter one
/// takes less time than they take to answer.
const LEAST_SHARED_WORK: usize = 1 << 16;

/// The name of the sums in this precision.
fn work<T: Real>() -> Work {
    if size_of::<T>() == 4 {
        *b"slices32"
    } else {
        *b"slices64"
    }
}

impl<T: Real> Query<'_, T> {
    /// The blocks of directions, `count` in all, that a rank sums over: consecutive ones.
    ///
    /// The sums of each direction are kept apart, so without a gradient it does not matter how directions
    /// are cut into blocks, and each rank takes as many.
    pub(super) fn blocks(&self, count: usize, rank: usize, size: usize) -> Vec<Range<usize>> {
        let (particles, dim) = (self.counts().iter().sum(), self.dim());
        if self.gradients != Gradients::Neither {
            let all = blocks(count, particles, dim);
            let own = share(&(0..all.len()), rank, size);
            return all.skip(own.start).take(own.len()).collect();
        }
        let own = share(&(0..count), rank, size);
        let shift = |block: Range<usize>| own.start + block.start..own.start + block.end;
        blocks(own.len(), particles, dim).map(shift).collect()
    }
}

impl<T: Real> SlicedSums<T> {
    /// Sums over all directions in the memory, on all ranks if that is worth it.
    pub(super) fn sum_on_ranks(&self, query: &Query<'_, T>, count: usize, memory: &mut Memory<T>) {
        let particles: usize = query.counts().iter().sum();
        let parts = query.blocks(count, 0, 1).len();
        let is_divisible = count > 1 && (parts > 1 || query.gradients == Gradients::Neither);
        let team = Team::new(is_divisible && particles * count >= LEAST_SHARED_WORK);
        team.call(work::<T>(), |message| {
            put(message, self.kernel.exponent(), query, count);
            message.put(&memory.directions);
            put_particles(message, (query.x, query.y.unwrap_or(query.x)), true);
        });
        self.share(query, count, memory, team.ranks());
    }
}

fn put<T: Real>(message: &mut Message, exponent: f64, query: &Query<'_, T>, count: usize) {
    let Coefficients { between, own } = query.coefficients;
    message.put(&[exponent, between, own]);
    for number in [
        query.gradients as usize,
        count,
        query.dim(),
        query.y.is_some().into(),
    ] {
        message.put_count(number);
    }
}

/// Carries out the share of this rank in a sum that the first one has called for; `false` if the work is
/// another one.
pub(crate) fn assist(ranks: &dyn Communicator, name: Work, message: &mut Message) -> bool {
    if name == work::<f32>() {
        assist_in::<f32>(ranks, message);
    } else if name == work::<f64>() {
        assist_in::<f64>(ranks, message);
    } else {
        return false;
    }
    true
}

fn assist_in<T: Real>(ranks: &dyn Communicator, message: &mut Message) {
    let mut numbers = [0.0; 3];
    message.fill(&mut numbers);
    let [exponent, between, own] = numbers;
    let [gradients, count, dim, has_y] = [(); 4].map(|()| message.count());
    let kernel = RieszKernel::new(exponent).expect("the exponent of a kernel");
    let sums = SlicedSums::<T>::new(kernel, Slicing::new(count)).expect("directions");
    let mut memory = Memory {
        directions: message.numbers(count * dim),
        ..Memory::default()
    };
    let received = Received::<T>::take(message, dim);
    let (x, y) = received.both();
    let query = Query {
        coefficients: Coefficients { between, own },
        gradients: [Gradients::Neither, Gradients::InX, Gradients::InBoth][gradients],
        ..sums.query(x, (has_y == 1).then_some(y))
    };
    sums.share(&query, count, &mut memory, ranks);
}
