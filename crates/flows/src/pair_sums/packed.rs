//! Particles copied into the order in which the inner loops read them.
//!
//! Groups of as many particles as a vector `V` holds, one after the other; of each group all
//! coordinates. The last group is filled up with the last particle, at weight 0.

use std::iter::repeat;
use std::ops::Range;

use rieszflow_numerics::Real;

use crate::{Measure, Points};

/// A measure in groups of particles.
#[derive(Debug, Default)]
pub(super) struct Packed<V> {
    /// Groups × d.
    positions: Vec<V>,
    /// One vector a group.
    weights: Vec<V>,
    /// Groups × d, of the last call of [`Self::set_velocities`].
    velocities: Vec<V>,
}

/// Some groups of a packed measure.
#[derive(Clone, Copy)]
pub(super) struct Groups<'a, V> {
    pub(super) dim: usize,
    pub(super) positions: &'a [V],
    pub(super) weights: &'a [V],
    /// Empty if the particles have never moved.
    pub(super) velocities: &'a [V],
}

impl<V: Copy + Default> Packed<V> {
    /// Copies particles and weights, which are 1 where there are none; tells whether they are those
    /// of the call before.
    pub(super) fn fill<T: Real>(&mut self, measure: Measure<'_, T>) -> bool
    where
        V: AsMut<[T]>,
    {
        let len = V::default().as_mut().len();
        let groups = measure.points.count().div_ceil(len);
        let mut known = copy(&mut self.positions, groups, measure.points);
        known &= self.weights.len() == groups;
        self.weights.resize(groups, V::default());
        for (group, start) in self.weights.iter_mut().zip((0..).step_by(len)) {
            let group = group.as_mut();
            let count = len.min(measure.points.count() - start);
            let (used, unused) = group.split_at_mut(count);
            known &= match measure.weights {
                Some(weights) => replace(used, weights[start..start + count].iter().copied()),
                None => replace(used, repeat(T::one())),
            };
            known &= replace(unused, repeat(T::zero()));
        }
        known
    }

    /// Copies the velocities of the particles, if they do not rest.
    pub(super) fn set_velocities<T: Real>(&mut self, velocities: Option<Points<'_, T>>)
    where
        V: AsMut<[T]>,
    {
        if let Some(velocities) = velocities {
            copy(&mut self.velocities, self.weights.len(), velocities);
        } else {
            self.velocities.clear();
            self.velocities.resize(self.positions.len(), V::default());
        }
    }

    /// All groups, of `dim` coordinates each.
    pub(super) fn groups(&self, dim: usize) -> Groups<'_, V> {
        Groups {
            dim,
            positions: &self.positions,
            weights: &self.weights,
            velocities: &self.velocities,
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
        Self {
            dim: self.dim,
            positions: &self.positions[entries.clone()],
            weights: &self.weights[range],
            velocities: self.velocities.get(entries).unwrap_or_default(),
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

/// Copies points, and tells whether they were there already.
fn copy<T: Real, V: Copy + Default + AsMut<[T]>>(
    packed: &mut Vec<V>,
    groups: usize,
    points: Points<'_, T>,
) -> bool {
    let dim = points.dim();
    let mut known = packed.len() == groups * dim;
    packed.resize(groups * dim, V::default());
    for k in 0..dim {
        let mut rest = points.coordinate(k);
        for group in packed[k..].iter_mut().step_by(dim) {
            let group = group.as_mut();
            if rest.len() >= group.len() {
                let (now, later) = rest.split_at(group.len());
                known &= replace(group, now.iter().copied());
                rest = later;
            } else {
                let (used, unused) = group.split_at_mut(rest.len());
                known &= replace(used, rest.iter().copied());
                unused.fill(rest[rest.len() - 1]);
            }
        }
    }
    known
}

/// Writes numbers over others, and tells whether they are the same.
#[inline]
fn replace<T: Real>(target: &mut [T], source: impl Iterator<Item = T>) -> bool {
    let mut known = true;
    for (old, new) in target.iter_mut().zip(source) {
        known &= *old == new;
        *old = new;
    }
    known
}
