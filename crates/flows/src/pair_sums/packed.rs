//! Particles copied into the order in which the inner loops read them.
//!
//! Groups of as many particles as a vector `V` holds, one after the other; of each group all
//! coordinates. The last group is filled up with the last particle, at weight 0.

use std::ops::Range;

use rieszflow_autodiff::Real;

use super::Moving;
use crate::Points;

/// A measure in groups of particles.
#[derive(Debug, Default)]
pub(super) struct Packed<V> {
    /// Groups × d.
    positions: Vec<V>,
    /// Groups × d; zero at rest.
    velocities: Vec<V>,
    /// One vector a group.
    weights: Vec<V>,
}

/// Some groups of a packed measure.
#[derive(Clone, Copy)]
pub(super) struct Groups<'a, V> {
    pub(super) dim: usize,
    pub(super) positions: &'a [V],
    pub(super) velocities: &'a [V],
    pub(super) weights: &'a [V],
}

/// Whether velocities are read.
#[derive(Clone, Copy)]
pub(super) enum Velocities {
    Needed,
    Unused,
}

impl<V: Copy + Default> Packed<V> {
    /// Copies `particles`; measures without weights get weight 1 each.
    pub(super) fn fill<T: Real>(&mut self, particles: Moving<'_, T>, velocities: Velocities)
    where
        V: AsMut<[T]>,
    {
        let Moving { measure, .. } = particles;
        let len = V::default().as_mut().len();
        let groups = measure.points.count().div_ceil(len);
        copy(&mut self.positions, groups, measure.points);
        match (velocities, particles.velocities) {
            (Velocities::Unused, _) => self.velocities.clear(),
            (_, Some(velocities)) => copy(&mut self.velocities, groups, velocities),
            (_, None) => {
                self.velocities.clear();
                let len = groups * measure.points.dim();
                self.velocities.resize(len, V::default());
            }
        }
        self.weights.resize(groups, V::default());
        for (group, start) in self.weights.iter_mut().zip((0..).step_by(len)) {
            let group = group.as_mut();
            let count = len.min(measure.points.count() - start);
            let (used, unused) = group.split_at_mut(count);
            match measure.weights {
                Some(weights) => used.copy_from_slice(&weights[start..start + count]),
                None => used.fill(T::one()),
            }
            unused.fill(T::zero());
        }
    }

    /// All groups, of `dim` coordinates each.
    pub(super) fn groups(&self, dim: usize) -> Groups<'_, V> {
        Groups {
            dim,
            positions: &self.positions,
            velocities: &self.velocities,
            weights: &self.weights,
        }
    }
}

impl<'a, V> Groups<'a, V> {
    pub(super) fn len(&self) -> usize {
        self.weights.len()
    }

    #[inline]
    pub(super) fn range(self, range: Range<usize>) -> Self {
        let entries = range.start * self.dim..range.end * self.dim;
        let packed = !self.velocities.is_empty();
        Self {
            dim: self.dim,
            positions: &self.positions[entries.clone()],
            velocities: if packed {
                &self.velocities[entries]
            } else {
                &[]
            },
            weights: &self.weights[range],
        }
    }

    /// The groups in runs of `size`, the last one perhaps shorter.
    #[inline]
    pub(super) fn runs(self, size: usize) -> impl Iterator<Item = Groups<'a, V>>
    where
        V: Copy,
    {
        let starts = (0..self.len()).step_by(size);
        starts.map(move |start| self.range(start..self.len().min(start + size)))
    }
}

fn copy<T: Real, V: Copy + Default + AsMut<[T]>>(
    packed: &mut Vec<V>,
    groups: usize,
    points: Points<'_, T>,
) {
    let dim = points.dim();
    packed.resize(groups * dim, V::default());
    for k in 0..dim {
        let mut rest = points.coordinate(k);
        for group in packed[k..].iter_mut().step_by(dim) {
            let group = group.as_mut();
            if rest.len() >= group.len() {
                let (now, later) = rest.split_at(group.len());
                group.copy_from_slice(now);
                rest = later;
            } else {
                let (used, unused) = group.split_at_mut(rest.len());
                used.copy_from_slice(rest);
                unused.fill(rest[rest.len() - 1]);
            }
        }
    }
}
