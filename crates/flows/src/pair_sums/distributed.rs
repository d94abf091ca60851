//! Sums over pairs on several ranks: what the first one sends to the others, and their part of the work.

use std::ops::Range;

use fearless_simd::Level;
use rieszflow_numerics::Real;
use rieszflow_numerics::ranks::{Communicator, Message, Work};

use super::Moving;
use super::blocks::Gradients;
use super::memory::{Job, Memory, Summand};
use super::partition::Partition;
use crate::{Measure, Points, RieszKernel};

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
    put_particles(message, x, job.summand);
    let same = is_same(x, y);
    message.put_count(same.into());
    if !same {
        put_particles(message, y, job.summand);
    }
    if job.summand == Summand::Coincident {
        for chunks in coincident {
            message.put_count(chunks.start);
            message.put_count(chunks.end);
        }
    }
}

fn put_particles<T: Real>(message: &mut Message, particles: Moving<'_, T>, summand: Summand) {
    let Measure { points, weights } = particles.measure;
    let velocities = particles
        .velocities
        .filter(|_| summand == Summand::Coincident);
    message.put_count(points.count());
    message.put_count(weights.is_some().into());
    message.put_count(velocities.is_some().into());
    for k in 0..points.dim() {
        message.put(points.coordinate(k));
    }
    message.put(weights.unwrap_or_default());
    if let Some(velocities) = velocities {
        for k in 0..points.dim() {
            message.put(velocities.coordinate(k));
        }
    }
}

/// Whether both are the same particles in memory, which are sent once then.
fn is_same<T: Real>(x: Moving<'_, T>, y: Moving<'_, T>) -> bool {
    let place = |numbers: &[T]| numbers.as_ptr_range();
    let [x, y] = [x, y].map(|particles| {
        let Measure { points, weights } = particles.measure;
        let points = (0..points.dim()).map(move |k| place(points.coordinate(k)));
        let velocities = particles.velocities.map(|v| place(v.coordinate(0)));
        (points, weights.map(place), velocities)
    });
    (x.1, x.2) == (y.1, y.2) && x.0.eq(y.0)
}

/// Particles from a message.
struct Received<T> {
    points: Vec<T>,
    weights: Option<Vec<T>>,
    velocities: Option<Vec<T>>,
    count: usize,
    dim: usize,
}

impl<T: Real> Received<T> {
    fn take(message: &mut Message, dim: usize) -> Self {
        let count = message.count();
        let [weighted, moving] = [(); 2].map(|()| message.count() == 1);
        Self {
            points: message.numbers(count * dim),
            weights: weighted.then(|| message.numbers(count)),
            velocities: moving.then(|| message.numbers(count * dim)),
            count,
            dim,
        }
    }

    fn measure(&self) -> Measure<'_, T> {
        let points = Points::new(&self.points, self.count, self.dim);
        match &self.weights {
            Some(weights) => Measure::weighted(points, weights),
            None => Measure::uniform(points),
        }
    }

    fn velocities(&self) -> Option<Points<'_, T>> {
        let velocities = self.velocities.as_ref()?;
        Some(Points::new(velocities, self.count, self.dim))
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
    let x = Received::<T>::take(message, dim);
    let other = (message.count() == 0).then(|| Received::<T>::take(message, dim));
    let y = other.as_ref().unwrap_or(&x);
    let mut partition = Partition::new(x.measure(), y.measure(), gradients);
    partition.set_work(work);

    let mut memory = Memory::default();
    memory.x.fill(x.measure());
    memory.y.fill(y.measure());
    if summand == Summand::Coincident {
        memory.x.set_velocities(x.velocities());
        memory.y.set_velocities(y.velocities());
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
