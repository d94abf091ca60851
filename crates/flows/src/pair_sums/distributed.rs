//! Sums over pairs on several ranks: what the first one sends to the others, and their part of the work.

use std::ops::Range;

use fearless_simd::Level;
use rieszflow_numerics::Real;
use rieszflow_numerics::ranks::{Communicator, Message, Work};

use super::Moving;
use super::blocks::Gradients;
use super::memory::{Job, Memory, Summand};
use super::messages::{Received, put_particles};
use super::partition::Partition;
use crate::RieszKernel;

/// The name of the sums in this precision.
pub(super) fn work<T: Real>() -> Work {
    if size_of::<T>() == 4 {
        *b"pairs 32"
    } else {
        *b"pairs 64"
    }
}

/// Writes what a sum needs: the particles, for the coincident pairs their velocities too, and which they
/// are.
pub(super) fn put<T: Real>(
    message: &mut Message,
    job: &Job<'_>,
    (x, y): (Moving<'_, T>, Moving<'_, T>),
    coincident: &[Range<usize>],
) {
    let partition = job.partition;
    message.put(&[job.kernel.exponent()]);
    let gradients = partition.gradients as usize;
    for count in [
        job.summand as usize,
        gradients,
        partition.work(),
        partition.dim,
    ] {
        message.put_count(count);
    }
    let with_velocities = job.summand == Summand::Coincident;
    put_particles(message, (x, y), with_velocities);
    if with_velocities {
        for chunks in coincident {
            message.put_count(chunks.start);
            message.put_count(chunks.end);
        }
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
    let exponent = message.numbers::<f64>(1)[0];
    let kernel = RieszKernel::new(exponent).expect("the exponent of a kernel");
    let [summand, gradients, work, dim] = [(); 4].map(|()| message.count());
    let summand = [Summand::Energy, Summand::Separated, Summand::Coincident][summand];
    let gradients = [Gradients::Neither, Gradients::InX, Gradients::InBoth][gradients];
    let received = Received::<T>::take(message, dim);
    let (x, y) = received.both();
    let mut partition = Partition::new(x.measure, y.measure, gradients);
    partition.set_work(work);

    let mut memory = Memory::default();
    memory.x.fill(x.measure);
    memory.y.fill(y.measure);
    if summand == Summand::Coincident {
        memory.x.set_velocities(x.velocities);
        memory.y.set_velocities(y.velocities);
        let range = |_| message.count()..message.count();
        memory.coincident = (0..partition.groups()).map(range).collect();
    }
    memory.sum(&Job {
        kernel,
        level: Level::new(),
        summand,
        partition: &partition,
        ranks,
    });
}
