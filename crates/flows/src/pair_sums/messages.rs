//! Two measures as a message from the first rank to the others.

use rieszflow_numerics::Real;
use rieszflow_numerics::ranks::Message;

use super::Moving;
use crate::{Measure, Points};

/// Writes the particles of two measures, with their velocities if these are needed.
pub(crate) fn put_particles<T: Real>(
    message: &mut Message,
    (x, y): (Moving<'_, T>, Moving<'_, T>),
    with_velocities: bool,
) {
    put_side(message, x, with_velocities);
    let same = is_same(x, y);
    message.put_count(same.into());
    if !same {
        put_side(message, y, with_velocities);
    }
}

fn put_side<T: Real>(message: &mut Message, particles: Moving<'_, T>, with_velocities: bool) {
    let Measure { points, weights } = particles.measure;
    let velocities = particles.velocities.filter(|_| with_velocities);
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

/// Two measures from a message.
pub(crate) struct Received<T> {
    x: Side<T>,
    /// `None` if it is x.
    y: Option<Side<T>>,
}

struct Side<T> {
    points: Vec<T>,
    weights: Option<Vec<T>>,
    velocities: Option<Vec<T>>,
    count: usize,
    dim: usize,
}

impl<T: Real> Received<T> {
    /// Takes out what [`put_particles`] has written, for particles in ℝᵈ.
    pub(crate) fn take(message: &mut Message, dim: usize) -> Self {
        let x = Side::take(message, dim);
        let y = (message.count() == 0).then(|| Side::take(message, dim));
        Self { x, y }
    }

    pub(crate) fn both(&self) -> (Moving<'_, T>, Moving<'_, T>) {
        let x = self.x.moving();
        (x, self.y.as_ref().map_or(x, Side::moving))
    }
}

impl<T: Real> Side<T> {
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

    fn moving(&self) -> Moving<'_, T> {
        let points = |entries| Points::new(entries, self.count, self.dim);
        let measure = match &self.weights {
            Some(weights) => Measure::weighted(points(&self.points), weights),
            None => Measure::uniform(points(&self.points)),
        };
        Moving {
            measure,
            velocities: self.velocities.as_deref().map(points),
        }
    }
}
