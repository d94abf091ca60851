//! The order of projected particles on the line, by a radix sort.
//!
//! A position z lies in the cell (z − least)·(cells − 1)/(greatest − least), rounded. This is monotone in z, so
//! that only particles in one cell have to be compared. Two passes sort by the lower and by the upper half
//! of the bits of the cell; there are many times as many cells as particles, and an insertion sort puts
//! those in one cell in order. Very many particles are first shared out to buckets, the cells of a coarser
//! division, each of which is sorted in the cache.

#![expect(
    clippy::inline_always,
    reason = "what is not inlined into a function compiled for an instruction set is compiled for none"
)]

use std::cmp::Ordering;

use fearless_simd::{Level, Simd, dispatch};
use rieszflow_numerics::Real;

/// Projected particles of two measures; those of the second are counted after those of the first.
#[derive(Clone, Copy)]
pub(super) struct Line<'a, T> {
    pub(super) x: &'a [T],
    pub(super) y: &'a [T],
}

impl<T: Real> Line<'_, T> {
    fn count(&self) -> usize {
        self.x.len() + self.y.len()
    }

    #[inline]
    pub(super) fn at(&self, index: usize) -> f64 {
        match index.checked_sub(self.x.len()) {
            None => self.x[index].into_f64(),
            Some(index) => self.y[index].into_f64(),
        }
    }
}

/// A particle and its position.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Placed<T> {
    pub(super) position: T,
    pub(super) particle: u32,
}

/// Particles in the order of their positions.
#[derive(Clone, Copy)]
pub(super) struct Sorted<'m, T> {
    pub(super) particles: &'m [Placed<T>],
}

impl<T: Real> Sorted<'_, T> {
    pub(super) fn len(&self) -> usize {
        self.particles.len()
    }

    #[inline]
    pub(super) fn particle(&self, place: usize) -> usize {
        self.particles[place].particle as usize
    }

    /// The distance from the particle at `place` to the next one.
    #[inline]
    pub(super) fn gap(&self, place: usize) -> f64 {
        self.distance(place, place + 1)
    }

    /// The greatest position minus the least.
    pub(super) fn length(&self) -> f64 {
        self.distance(0, self.len() - 1)
    }

    #[inline]
    fn distance(&self, start: usize, end: usize) -> f64 {
        let at = |place: usize| self.particles[place].position.into_f64();
        at(end) - at(start)
    }

    /// Whether the particle at `place` is at the same position as the one before.
    #[inline]
    pub(super) fn is_tied(&self, place: usize) -> bool {
        self.particles[place - 1].position == self.particles[place].position
    }

    /// The end of the particles that share the position of the one at `start`.
    #[inline]
    pub(super) fn tied(&self, start: usize) -> usize {
        let mut end = start + 1;
        while end < self.len() && self.is_tied(end) {
            end += 1;
        }
        end
    }
}

/// More particles than this are shared out to buckets: an index among them has 16 bits.
const MOST_AT_ONCE: usize = 1 << 16;
/// The fewest and the most buckets, as powers of 2.
const BUCKET_BITS: [u32; 2] = [8, 10];

/// The memory of a sort.
#[derive(Debug, Default)]
pub(super) struct SortMemory<T> {
    /// The particles, many of them in the order of their buckets.
    particles: Vec<Placed<T>>,
    sorted: Vec<Placed<T>>,
    buckets: Vec<u32>,
    cells: CellMemory,
}

impl<T: Real> SortMemory<T> {
    /// Sorts the particles by position, and where positions are equal by `tie`; `None` if a position is
    /// not finite.
    pub(super) fn sort(
        &mut self,
        line: &Line<'_, T>,
        tie: Option<&Line<'_, T>>,
    ) -> Option<Sorted<'_, T>> {
        let range = range([line.x, line.y], |z| z)?;
        let count = line.count();
        self.sorted.resize(count, Placed::default());
        if count > MOST_AT_ONCE {
            self.share_out(line, range);
            // Where the next particle of a bucket would go is where the next bucket starts.
            let mut start = 0;
            for &end in &self.buckets {
                let bucket = start..end as usize;
                start = bucket.end;
                let particles = &mut self.particles[bucket.clone()];
                self.cells.sort(particles, &mut self.sorted[bucket], None);
            }
        } else {
            self.particles.resize(count, Placed::default());
            let (x, y) = self.particles.split_at_mut(line.x.len());
            set_particles(x, line.x, 0);
            set_particles(y, line.y, line.x.len());
            self.cells
                .sort(&mut self.particles, &mut self.sorted, Some(range));
        }
        if let Some(tie) = tie {
            self.sort_tied(tie);
        }
        Some(Sorted {
            particles: &self.sorted,
        })
    }

    /// Shares the particles out to buckets.
    fn share_out(&mut self, line: &Line<'_, T>, range: [T; 2]) {
        let count = line.count();
        let [fewest, most] = BUCKET_BITS;
        let bits = (count.ilog2() - 10).clamp(fewest, most);
        let sides = [(0, line.x), (line.x.len(), line.y)];
        let cells = Cells::new(range, 1 << bits);
        self.buckets.clear();
        self.buckets.resize(1 << bits, 0);
        let places = &mut self.buckets[..];
        let position = |z| z;
        for (_, positions) in sides {
            cells.for_each_block(positions, position, |_, cells| {
                for &cell in cells {
                    places[cell as usize] += 1;
                }
            });
        }
        to_places(places);
        self.particles.resize(count, Placed::default());
        for (first, positions) in sides {
            cells.for_each_block(positions, position, |start, cells| {
                let positions = &positions[start..];
                let placed = |index: usize, _| Placed {
                    position: positions[index],
                    particle: (first + start + index) as u32,
                };
                let bucket = |cell: u32| cell as usize;
                distribute(cells, places, &mut self.particles, bucket, placed);
            });
        }
    }

    /// Puts particles at one position in the order of `tie`.
    fn sort_tied(&mut self, tie: &Line<'_, T>) {
        for tied in self.sorted.chunk_by_mut(|a, b| a.position == b.position) {
            tied.sort_unstable_by(|a, b| {
                let [tie_a, tie_b] = [a, b].map(|placed| tie.at(placed.particle as usize));
                let order = tie_a.partial_cmp(&tie_b).unwrap_or(Ordering::Equal);
                order.then(a.particle.cmp(&b.particle))
            });
        }
    }
}

/// Sets particles at `positions`, counted from `first` on.
fn set_particles<T: Real>(particles: &mut [Placed<T>], positions: &[T], first: usize) {
    for ((placed, &position), particle) in particles.iter_mut().zip(positions).zip(first as u32..) {
        *placed = Placed { position, particle };
    }
}

/// The least and the greatest position, if all are finite and there are any.
fn range<I: Copy, T: Real, const N: usize>(
    parts: [&[I]; N],
    position: impl Fn(I) -> T,
) -> Option<[T; 2]> {
    dispatch!(Level::new(), simd => range_with(simd, parts, &position))
}

#[inline(always)]
fn range_with<I: Copy, T: Real, S: Simd, const N: usize>(
    _: S,
    parts: [&[I]; N],
    position: &impl Fn(I) -> T,
) -> Option<[T; 2]> {
    let first = *parts.iter().find_map(|part| part.first())?;
    let start = position(first);
    let mut low = [start; 16];
    let mut high = [start; 16];
    let mut size = [T::zero(); 16];
    for part in parts {
        let (chunks, rest) = part.as_chunks::<16>();
        let mut padded = [first; 16];
        padded[..rest.len()].copy_from_slice(rest);
        for chunk in chunks.iter().chain([&padded]) {
            for (lane, &item) in chunk.iter().enumerate() {
                let z = position(item);
                low[lane] = if z < low[lane] { z } else { low[lane] };
                high[lane] = if z > high[lane] { z } else { high[lane] };
                // 0 for finite numbers, otherwise NaN.
                size[lane] += z * T::zero();
            }
        }
    }
    let low = low.into_iter().fold(start, T::min);
    let high = high.into_iter().fold(start, T::max);
    let are_finite = size.into_iter().all(|zero| zero == T::zero());
    are_finite.then_some([low, high])
}

/// Turns numbers of particles into the places where the first of them goes.
fn to_places(counts: &mut [u32]) {
    let mut start = 0;
    for count in counts {
        (start, *count) = (start + *count, start);
    }
}

/// Puts what `element` makes of each item and its index at the next place of the item's digit.
#[inline]
fn distribute<I: Copy, E>(
    items: &[I],
    places: &mut [u32],
    to: &mut [E],
    digit: impl Fn(I) -> usize,
    element: impl Fn(usize, I) -> E,
) {
    let (pairs, rest) = items.as_chunks::<2>();
    for (index, &[a, b]) in (0..).step_by(2).zip(pairs) {
        // Both places are read before anything is written: not every processor reads from memory while it is
        // not known where the element before goes.
        let digits = [digit(a), digit(b)];
        let first = places[digits[0]];
        let second = places[digits[1]] + u32::from(digits[0] == digits[1]);
        places[digits[0]] = first + 1;
        places[digits[1]] = second + 1;
        to[first as usize] = element(index, a);
        to[second as usize] = element(index + 1, b);
    }
    for &item in rest {
        let place = &mut places[digit(item)];
        to[*place as usize] = element(items.len() - 1, item);
        *place += 1;
    }
}

/// A division of the line into cells of one length.
#[derive(Clone, Copy)]
struct Cells<T> {
    /// The least position.
    low: T,
    /// Cells per length.
    scale: T,
    /// The greatest number of a cell.
    last: T,
}

impl<T: Real> Cells<T> {
    fn new([low, high]: [T; 2], count: u32) -> Self {
        let last = T::from_f64(f64::from(count - 1));
        Self {
            low,
            // A length that is too small has no reciprocal.
            scale: (last / (high - low)).min(T::max_value()),
            last,
        }
    }

    /// The number of the cell of z. Where the distance overflows it is the last one.
    #[inline(always)]
    fn of(&self, z: T) -> u32 {
        let cell = (z - self.low) * self.scale;
        (if cell < self.last { cell } else { self.last }).round_to_u32()
    }

    /// Calls `work` with the cells of consecutive items and the index of the first.
    #[inline]
    fn for_each_block<I: Copy>(
        &self,
        items: &[I],
        position: impl Fn(I) -> T + Copy,
        mut work: impl FnMut(usize, &[u32]),
    ) {
        const BLOCK: usize = 256;
        let mut cells = [0; BLOCK];
        for (start, items) in (0..).step_by(BLOCK).zip(items.chunks(BLOCK)) {
            let cells = &mut cells[..items.len()];
            dispatch!(Level::new(), simd => self.set(simd, cells, items, position));
            work(start, cells);
        }
    }

    #[inline(always)]
    fn set<I: Copy, S: Simd>(
        &self,
        _: S,
        cells: &mut [u32],
        items: &[I],
        position: impl Fn(I) -> T,
    ) {
        for (cell, &item) in cells.iter_mut().zip(items) {
            *cell = self.of(position(item));
        }
    }
}

/// The memory of a sort of at most [`MOST_AT_ONCE`] particles by their cells.
#[derive(Debug, Default)]
struct CellMemory {
    /// The indices of particles in the order of their cells.
    order: Vec<u16>,
    /// The indices in the order of the lower halves of the cells, and the upper halves above them.
    halves: Vec<u32>,
    /// How many particles have each half of a cell; then where the next one goes.
    counts: [Vec<u32>; 2],
}

impl CellMemory {
    /// Sorts particles; their range is found out if it is not given.
    fn sort<T: Real>(
        &mut self,
        particles: &mut [Placed<T>],
        sorted: &mut [Placed<T>],
        known: Option<[T; 2]>,
    ) {
        /// As few as these are sorted by comparison.
        const FEW: usize = 32;
        let count = particles.len();
        if count <= FEW {
            sorted.copy_from_slice(particles);
            sorted.sort_unstable_by(by_position);
            return;
        }
        if count > MOST_AT_ONCE {
            let middle = count / 2;
            particles.select_nth_unstable_by(middle, by_position);
            let (lower, upper) = particles.split_at_mut(middle);
            let (sorted_lower, sorted_upper) = sorted.split_at_mut(middle);
            self.sort(lower, sorted_lower, None);
            self.sort(upper, sorted_upper, None);
            return;
        }
        let range = known.or_else(|| range([particles], |placed| placed.position));
        let range = range.expect("finite positions");
        if count <= 1 << 12 {
            self.sort_by_cells::<256, T>(particles, sorted, range);
        } else {
            self.sort_by_cells::<1024, T>(particles, sorted, range);
        }
    }

    /// Sorts particles by their cells, of which there are H².
    fn sort_by_cells<const H: usize, T: Real>(
        &mut self,
        particles: &[Placed<T>],
        sorted: &mut [Placed<T>],
        range: [T; 2],
    ) {
        let position = |placed: Placed<T>| placed.position;
        let cells = Cells::new(range, (H * H) as u32);
        let [lower, upper] = self.counts.each_mut().map(|counts| {
            counts.clear();
            counts.resize(H, 0);
            <&mut [u32; H]>::try_from(&mut counts[..]).expect("H counts")
        });
        cells.for_each_block(particles, position, |_, cells| {
            for &cell in cells {
                lower[cell as usize % H] += 1;
                upper[cell as usize / H % H] += 1;
            }
        });
        to_places(lower);
        to_places(upper);
        self.halves.resize(particles.len(), 0);
        cells.for_each_block(particles, position, |first, cells| {
            let half = |index: usize, cell: u32| (cell / H as u32) << 16 | (first + index) as u32;
            let digit = |cell: u32| cell as usize % H;
            distribute(cells, lower, &mut self.halves, digit, half);
        });
        self.order.resize(particles.len(), 0);
        let digit = |half: u32| (half >> 16) as usize % H;
        distribute(&self.halves, upper, &mut self.order, digit, |_, half| {
            half as u16
        });
        for (placed, &index) in sorted.iter_mut().zip(&self.order) {
            *placed = particles[usize::from(index)];
        }
        finish(sorted, &cells);
    }
}

/// Sorts particles that are in the order of their cells.
fn finish<T: Real>(particles: &mut [Placed<T>], cells: &Cells<T>) {
    let mut place = 0;
    let mut last = T::neg_infinity();
    while let Some(placed) = particles.get(place) {
        if placed.position < last {
            place = insert(particles, place, cells);
            last = particles[place - 1].position;
        } else {
            last = placed.position;
            place += 1;
        }
    }
}

/// Moves a particle to where it belongs among those before it, which are in order; returns the place up to
/// which particles are in order then.
fn insert<T: Real>(particles: &mut [Placed<T>], place: usize, cells: &Cells<T>) -> usize {
    /// With more to pass, very many are in one cell.
    const MOST: usize = 32;
    let position = particles[place].position;
    let is_greater = |other: &&Placed<T>| other.position > position;
    let others = particles[..place].iter().rev().take(MOST);
    let greater = others.take_while(is_greater).count();
    if greater < MOST {
        particles[place - greater..=place].rotate_right(1);
        return place + 1;
    }
    let cell = cells.of(position);
    let same = |other: &&Placed<T>| cells.of(other.position) == cell;
    let start = place - particles[..place].iter().rev().take_while(same).count();
    let end = place + particles[place..].iter().take_while(same).count();
    particles[start..end].sort_unstable_by(by_position);
    end
}

/// The order of two finite positions, and of two particles at one position.
fn by_position<T: Real>(a: &Placed<T>, b: &Placed<T>) -> Ordering {
    let order = a
        .position
        .partial_cmp(&b.position)
        .unwrap_or(Ordering::Equal);
    order.then(a.particle.cmp(&b.particle))
}
