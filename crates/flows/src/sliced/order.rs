//! The order of projected particles on the line, by a radix sort.
//!
//! A position z becomes a key of 32 bits, (z − least)·(2³² − 1)/(greatest − least) rounded. Very many
//! particles are first shared out to buckets by the uppermost bits of their keys, so that what follows stays
//! in the cache; two passes sort by the next bits, from the lower to the upper ones. Particles that agree in
//! all these bits are few, and an insertion sort puts them in order. The key is monotone in z, so only
//! particles with equal keys have to be compared by position: the order is exact, and equal positions stay
//! equal.

use std::cmp::Ordering;
use std::ops::Range;

use rieszflow_numerics::Real;

/// Projected particles of two measures; those of the second are counted after those of the first.
#[derive(Clone, Copy)]
pub(super) struct Line<'a, T> {
    pub(super) x: &'a [T],
    pub(super) y: &'a [T],
}

impl<T: Real> Line<'_, T> {
    pub(super) fn count(&self) -> usize {
        self.x.len() + self.y.len()
    }

    #[inline]
    pub(super) fn at(&self, index: usize) -> f64 {
        match index.checked_sub(self.x.len()) {
            None => self.x[index].into_f64(),
            Some(index) => self.y[index].into_f64(),
        }
    }

    /// The least and the greatest position, if all are finite and there are any.
    fn range(&self) -> Option<(f64, f64)> {
        let first = *self.x.first().or(self.y.first())?;
        let ((low, high), finite) = [self.x, self.y].into_iter().fold(
            ((first, first), true),
            |(range, finite), positions| {
                let (range, all) = range_of(positions, range);
                (range, finite & all)
            },
        );
        finite.then_some((low.into_f64(), high.into_f64()))
    }
}

/// The range extended by some positions, and whether these are finite.
fn range_of<T: Real>(positions: &[T], range: (T, T)) -> ((T, T), bool) {
    let mut low = [range.0; 16];
    let mut high = [range.1; 16];
    let mut size = [T::zero(); 16];
    let (chunks, rest) = positions.as_chunks::<16>();
    let mut padded = [range.0; 16];
    padded[..rest.len()].copy_from_slice(rest);
    for chunk in chunks.iter().chain([&padded]) {
        for (l, &z) in chunk.iter().enumerate() {
            low[l] = if z < low[l] { z } else { low[l] };
            high[l] = if z > high[l] { z } else { high[l] };
            // 0 for finite numbers, otherwise NaN.
            size[l] += z * T::zero();
        }
    }
    let low = low
        .into_iter()
        .fold(range.0, |a, b| if b < a { b } else { a });
    let high = high
        .into_iter()
        .fold(range.1, |a, b| if b > a { b } else { a });
    ((low, high), size.into_iter().all(|zero| zero == T::zero()))
}

/// Particles in the order of their positions.
pub(super) struct Sorted<'m> {
    /// The key in the upper half, the particle in the lower half.
    elements: &'m [u64],
    /// The particles with equal keys, in order.
    pub(super) runs: &'m [Run],
    /// The distance between two positions whose keys differ by 1.
    pub(super) unit: f64,
    /// The greatest position minus the least.
    pub(super) length: f64,
}

impl Sorted<'_> {
    pub(super) fn len(&self) -> usize {
        self.elements.len()
    }

    /// The key in the upper half, the particle in the lower half, in order.
    #[inline]
    pub(super) fn elements(&self) -> &[u64] {
        self.elements
    }

    #[inline]
    pub(super) fn particle(&self, place: usize) -> usize {
        self.elements[place] as u32 as usize
    }

    /// The distance from the particle at `place` to the next one; in single precision to a 2³²th of the length,
    /// which is less than the rounding errors of most projections.
    #[inline]
    pub(super) fn gap<T: Real>(&self, line: &Line<'_, T>, place: usize) -> f64 {
        if size_of::<T>() == size_of::<f32>() {
            let keys = [place, place + 1].map(|place| self.elements[place] >> 32);
            (keys[1] - keys[0]).cast_signed() as f64 * self.unit
        } else {
            line.at(self.particle(place + 1)) - line.at(self.particle(place))
        }
    }

    /// Whether the particle at `place` is at the same position as the one before.
    #[inline]
    pub(super) fn is_tied<T: Real>(&self, line: &Line<'_, T>, place: usize) -> bool {
        let (before, this) = (self.elements[place - 1], self.elements[place]);
        before >> 32 == this >> 32
            && line.at(before as u32 as usize) == line.at(this as u32 as usize)
    }

    /// The end of the particles that share the position of the one at `start`.
    #[inline]
    pub(super) fn tied<T: Real>(&self, line: &Line<'_, T>, start: usize) -> usize {
        let mut end = start + 1;
        while end < self.elements.len() && self.is_tied(line, end) {
            end += 1;
        }
        end
    }
}

/// Particles with one key.
#[derive(Clone, Copy, Debug)]
pub(super) struct Run {
    start: u32,
    end: u32,
    /// Whether they are all at one position.
    pub(super) is_tied: bool,
}

impl Run {
    pub(super) fn places(self) -> Range<usize> {
        self.start as usize..self.end as usize
    }
}

/// The memory of a sort.
#[derive(Debug, Default)]
pub(super) struct SortMemory {
    elements: Vec<u64>,
    /// Elements between two passes.
    other: Vec<u64>,
    runs: Vec<Run>,
    buckets: Vec<u32>,
    /// How many keys have each value of a digit; then where the next one goes.
    digits: [Vec<u32>; 2],
}

/// With more particles than this they are shared out to buckets.
const MOST_AT_ONCE: usize = 1 << 16;
/// The fewest and the most bits that decide about the bucket.
const BUCKET_BITS: [u32; 2] = [8, 10];
/// From this many keys on from that of 0, neighbouring numbers in single precision are at least two keys apart,
/// so that equal keys mean equal positions.
const COARSE: f64 = (1_u32 << 25) as f64;
/// So many elements are searched for equal keys at a time.
const BLOCK: usize = 64;
/// As few as these are sorted by comparison.
const FEW: usize = 48;

impl SortMemory {
    /// Sorts the particles by position, and where positions are equal by `tie`; `None` if a position is
    /// not finite.
    pub(super) fn sort<T: Real>(
        &mut self,
        line: &Line<'_, T>,
        tie: Option<&Line<'_, T>>,
    ) -> Option<Sorted<'_>> {
        let (low, high) = line.range()?;
        let count = line.count();
        let length = high - low;
        // A length that is too small has no reciprocal.
        let scale = (f64::from(u32::MAX) / length).min(f64::MAX);
        let keys = Keys { line, low, scale };
        self.elements.resize(count, 0);
        self.runs.clear();
        if count > MOST_AT_ONCE {
            self.sort_in_buckets(&keys);
        } else {
            if count > FEW {
                self.sort_at_once(&keys);
            } else {
                keys.for_each_block(|first, keys| {
                    let elements = &mut self.elements[first as usize..];
                    for (element, (index, &key)) in elements.iter_mut().zip((first..).zip(keys)) {
                        *element = u64::from(key) << 32 | index;
                    }
                });
                self.elements.sort_unstable();
            }
            find_runs(&self.elements, 0, &mut self.runs);
        }
        let zero_key = -low * scale;
        for run in &mut self.runs {
            let elements = &mut self.elements[run.places()];
            let key = (elements[0] >> 32) as f64;
            run.is_tied = size_of::<T>() == size_of::<f32>() && (key - zero_key).abs() > COARSE;
            if !run.is_tied || tie.is_some() {
                sort_run(elements, run, line, tie);
            }
        }
        Some(Sorted {
            elements: &self.elements,
            runs: &self.runs,
            unit: 1.0 / scale,
            length,
        })
    }

    /// Two passes from the keys.
    fn sort_at_once<T: Real>(&mut self, keys: &Keys<'_, T>) {
        let count = self.elements.len();
        // Both digits together have 8 to 32 times as many values as there are particles.
        let bits = (count.ilog2() + 4).div_ceil(2);
        let shifts = [32 - 2 * bits, 32 - bits];
        let [lower, upper] = &mut self.digits;
        let (lower, upper) = (reset(lower, bits), reset(upper, bits));
        let mask = lower.len() - 1;
        keys.for_each_block(|_, keys| {
            for &key in keys {
                lower[(key >> shifts[0]) as usize & mask] += 1;
                upper[(key >> shifts[1]) as usize & mask] += 1;
            }
        });
        to_places(lower);
        to_places(upper);
        self.other.resize(count, 0);
        distribute_keys(keys, &mut self.other, lower, shifts[0]);
        distribute(&self.other, &mut self.elements, upper, shifts[1] + 32);
        finish(&mut self.elements, shifts[0] + 32);
    }

    /// A pass from the keys to buckets, and two passes in each of them.
    fn sort_in_buckets<T: Real>(&mut self, keys: &Keys<'_, T>) {
        let [fewest, most] = BUCKET_BITS;
        let bits = (self.elements.len().ilog2() - 10).clamp(fewest, most);
        let shift = 32 - bits;
        let places = reset(&mut self.buckets, bits);
        keys.for_each_block(|_, keys| {
            for &key in keys {
                places[(key >> shift) as usize] += 1;
            }
        });
        to_places(places);
        distribute_keys(keys, &mut self.elements, places, shift);
        // Where the next element of a bucket would go is where the next bucket starts.
        let mut start = 0;
        for &end in &*places {
            let bucket = &mut self.elements[start..end as usize];
            sort_bucket(bucket, shift, &mut self.other, &mut self.digits);
            find_runs(bucket, start, &mut self.runs);
            start = end as usize;
        }
    }
}

/// Sorts elements whose keys agree but for the lowest `bits`.
fn sort_bucket(elements: &mut [u64], bits: u32, other: &mut Vec<u64>, digits: &mut [Vec<u32>; 2]) {
    const BITS: u32 = 8;
    let shifts = [32 + bits - 2 * BITS, 32 + bits - BITS];
    if elements.len() <= FEW {
        elements.sort_unstable();
        return;
    }
    if other.len() < elements.len() {
        other.resize(elements.len(), 0);
    }
    let other = &mut other[..elements.len()];
    let [lower, upper] = digits;
    let (lower, upper) = (reset(lower, BITS), reset(upper, BITS));
    let mask = lower.len() - 1;
    for &element in &*elements {
        lower[(element >> shifts[0]) as usize & mask] += 1;
        upper[(element >> shifts[1]) as usize & mask] += 1;
    }
    to_places(lower);
    to_places(upper);
    distribute(elements, other, lower, shifts[0]);
    distribute(other, elements, upper, shifts[1]);
    finish(elements, shifts[0]);
}

/// Zeros for every value of a digit.
fn reset(digits: &mut Vec<u32>, bits: u32) -> &mut [u32] {
    digits.clear();
    digits.resize(1 << bits, 0);
    digits
}

/// Turns numbers of keys into the places where the first of them goes.
fn to_places(digits: &mut [u32]) {
    let mut start = 0;
    for digit in digits {
        (start, *digit) = (start + *digit, start);
    }
}

/// The keys of all particles, computed where they are needed.
struct Keys<'a, T> {
    line: &'a Line<'a, T>,
    /// The least position.
    low: f64,
    scale: f64,
}

impl<T: Real> Keys<'_, T> {
    /// Calls `work` with the keys of consecutive particles and the first of these.
    #[inline]
    fn for_each_block(&self, mut work: impl FnMut(u64, &[u32])) {
        let mut keys = [0; 4 * BLOCK];
        for (start, positions) in [(0, self.line.x), (self.line.x.len(), self.line.y)] {
            for (first, positions) in (start..)
                .step_by(keys.len())
                .zip(positions.chunks(keys.len()))
            {
                let keys = &mut keys[..positions.len()];
                set_keys(keys, positions, self.low, self.scale);
                work(first as u64, keys);
            }
        }
    }
}

/// The keys of positions; those of all particles start at `low`.
fn set_keys<T: Real>(keys: &mut [u32], positions: &[T], low: f64, scale: f64) {
    /// Added to an integer below 2³², it leaves the integer in the lower half of the bits.
    const ROUND: f64 = 4_503_599_627_370_496.0;
    for (key, z) in keys.iter_mut().zip(positions) {
        *key = ((z.into_f64() - low) * scale + ROUND).to_bits() as u32;
    }
}

/// Moves each particle to the next place of the digit of its key.
fn distribute_keys<T: Real>(keys: &Keys<'_, T>, to: &mut [u64], places: &mut [u32], shift: u32) {
    let mask = places.len() - 1;
    keys.for_each_block(|first, keys| {
        for (index, &key) in (first..).zip(keys) {
            let place = &mut places[(key >> shift) as usize & mask];
            to[*place as usize] = u64::from(key) << 32 | index;
            *place += 1;
        }
    });
}

/// Moves each element to the next place of its digit.
fn distribute(from: &[u64], to: &mut [u64], places: &mut [u32], shift: u32) {
    let mask = places.len() - 1;
    for &element in from {
        let place = &mut places[(element >> shift) as usize & mask];
        to[*place as usize] = element;
        *place += 1;
    }
}

/// Sorts elements that are in order but for the bits below `shift`.
fn finish(elements: &mut [u64], shift: u32) {
    let mut place = 1;
    let mut last = elements[0];
    while let Some(&element) = elements.get(place) {
        if element < last {
            place = insert(elements, place, shift);
            last = elements[place - 1];
        } else {
            last = element;
            place += 1;
        }
    }
}

/// Moves the element at `place` to where it belongs among those before it; returns the place from which on
/// elements are not yet in order.
fn insert(elements: &mut [u64], place: usize, shift: u32) -> usize {
    /// With more elements to pass, very many agree in the upper bits.
    const MOST: usize = 32;
    let element = elements[place];
    let greater = elements[..place].iter().rev().take(MOST);
    let count = greater.take_while(|other| **other > element).count();
    if count < MOST {
        elements[place - count..=place].rotate_right(1);
        return place + 1;
    }
    let same = |other: &&u64| **other >> shift == element >> shift;
    let start = place - elements[..place].iter().rev().take_while(same).count();
    let end = place + elements[place..].iter().take_while(same).count();
    elements[start..end].sort_unstable();
    end
}

/// Appends the runs of equal keys among sorted elements, the first of which is at `first`.
fn find_runs(elements: &[u64], first: usize, runs: &mut Vec<Run>) {
    let same = |pair: &[u64]| (pair[0] ^ pair[1]) >> 32 == 0;
    let mut start = 0;
    while start + 1 < elements.len() {
        let end = elements.len().min(start + BLOCK + 1);
        let pairs = elements[start..end].windows(2);
        // A whole block at once, most of which have no equal keys.
        if !pairs.clone().fold(false, |any, pair| any | same(pair)) {
            start = end - 1;
            continue;
        }
        start += pairs.take_while(|pair| !same(pair)).count();
        let pairs = elements[start..].windows(2);
        let end = start + 1 + pairs.take_while(|pair| same(pair)).count();
        runs.push(Run {
            start: (first + start) as u32,
            end: (first + end) as u32,
            is_tied: false,
        });
        start = end;
    }
}

/// Sorts the elements of a run, which have equal keys, by position, and then by `tie`.
fn sort_run<T: Real>(
    elements: &mut [u64],
    run: &mut Run,
    line: &Line<'_, T>,
    tie: Option<&Line<'_, T>>,
) {
    let position = |element: u64| line.at(element as u32 as usize);
    let first = position(elements[0]);
    run.is_tied = elements[1..].iter().all(|&e| position(e) == first);
    if run.is_tied && tie.is_none() {
        return;
    }
    let place = |element: u64| {
        let tie = tie.map_or(0.0, |tie| tie.at(element as u32 as usize));
        (position(element), tie)
    };
    elements.sort_unstable_by(|a, b| {
        let order = place(*a).partial_cmp(&place(*b));
        order.unwrap_or(Ordering::Equal).then(a.cmp(b))
    });
}
