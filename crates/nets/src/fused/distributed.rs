//! The parts of a large batch on several ranks, in both passes.
//!
//! In the forward pass every rank gets the parameters and X, and gives back its rows of Y. It keeps the
//! hidden outputs of its parts for the backward pass, in which it gets Ȳ and gives back the gradients in
//! the parameters, added up over its parts as far as one rank would have added them up before any others.

use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};

use faer::{MatMut, MatRef};
use rieszflow_autodiff::Real;
use rieszflow_numerics::ranks::{Communicator, Message, Team, Work, share};

use super::activation::{column, column_mut};
use super::backward::{self, BackwardRows, add, part_memory};
use super::forward::{ForwardRows, forward_parts, forward_whole};
use super::tree::{first_row, subtrees};
use super::{Layers, parts};

/// The multiplications from which on a pass is shared with other ranks: a shorter one takes less time than
/// they take to answer.
const LEAST_SHARED_WORK: usize = 1 << 22;

/// The number of the latest forward pass that was shared.
static LATEST: AtomicU64 = AtomicU64::new(0);

/// Entries of the residual that say where the hidden outputs are.
pub(super) const KEPT: usize = 3;

/// Digits of a pass's number that an entry holds, in either precision exactly.
const DIGITS: u64 = 1 << 21;

/// Where the hidden outputs of a forward pass are: here, or on all ranks that shared the pass of this
/// number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Kept(u64);

impl Kept {
    const HERE: Self = Self(0);

    pub(super) fn write<T: Real>(self, entries: &mut [T]) {
        let digits = [self.0, self.0 / DIGITS, self.0 / DIGITS / DIGITS];
        for (entry, digits) in entries.iter_mut().zip(digits) {
            *entry = T::from_f64((digits % DIGITS) as f64);
        }
    }

    pub(super) fn read<T: Real>(entries: &[T]) -> Self {
        let digits = entries.iter().map(|entry| entry.into_f64() as u64);
        Self(
            digits
                .rev()
                .fold(0, |number, digits| number * DIGITS + digits),
        )
    }

    /// The ranks for the backward pass. If the hidden outputs are not on them any more, or X̄ is needed,
    /// the forward pass is done again, here alone.
    pub(super) fn team<T: Real>(
        self,
        layers: Layers<'_, T>,
        hidden: &mut [T],
        needs_input_cotangent: bool,
    ) -> Team {
        let shared = self != Self::HERE;
        let is_there = LATEST.load(Ordering::Relaxed) == self.0 && !needs_input_cotangent;
        let team = Team::new(shared && is_there);
        if shared && team.ranks().size() == 1 {
            let (rows, outputs) = (layers.input().nrows(), layers.outputs());
            let mut unused = vec![T::zero(); rows * outputs];
            let output = MatMut::from_column_major_slice_mut(&mut unused, rows, outputs);
            let parts = parts(layers, rows);
            let rows = ForwardRows {
                input: layers.input(),
                hidden,
                output,
            };
            forward_parts(parts, 0..parts, layers, rows);
        }
        team
    }
}

/// The share of this rank in the parts.
fn own(parts: usize, ranks: &dyn Communicator) -> Range<usize> {
    share(&(0..parts), ranks.rank(), ranks.size())
}

/// The names of the passes in this precision.
fn works<T: Real>() -> [Work; 2] {
    if size_of::<T>() == 4 {
        [*b"layers32", *b"reverse3"]
    } else {
        [*b"layers64", *b"reverse6"]
    }
}

/// Y from X through all layers.
pub(super) fn forward<T: Real>(layers: Layers<'_, T>, mut rows: ForwardRows<'_, T>) -> Kept {
    let parts = parts(layers, rows.count());
    if parts == 1 {
        forward_whole(layers, rows);
        return Kept::HERE;
    }
    let is_long = rows.count() * layers.parameters() >= LEAST_SHARED_WORK;
    let team = Team::new(is_long);
    let mut kept = Kept::HERE;
    team.call(works::<T>()[0], |message| {
        kept = Kept(1 + LATEST.fetch_add(1, Ordering::Relaxed));
        put(message, kept, layers);
    });
    share_forward(parts, team.ranks(), layers, &mut rows);
    kept
}

fn put<T: Real>(message: &mut Message, kept: Kept, layers: Layers<'_, T>) {
    let input = layers.input();
    let first = layers.get(0);
    message.put_count(kept.0 as usize);
    message.put_count(input.nrows());
    message.put_count(layers.count() + 1);
    message.put_count(first.weight.ncols());
    for layer in layers.iter() {
        message.put_count(layer.bias.len());
    }
    for layer in layers.iter() {
        for j in 0..layer.weight.ncols() {
            message.put(column(layer.weight, j));
        }
        message.put(layer.bias);
    }
    for j in 0..input.ncols() {
        message.put(column(input, j));
    }
}

/// The share of this rank in the forward pass; the first one gets all of Y.
fn share_forward<T: Real>(
    parts: usize,
    ranks: &dyn Communicator,
    layers: Layers<'_, T>,
    rows: &mut ForwardRows<'_, T>,
) {
    let own_rows = ForwardRows {
        input: rows.input,
        hidden: &mut *rows.hidden,
        output: rows.output.as_mut(),
    };
    forward_parts(parts, own(parts, ranks), layers, own_rows);
    let (rank, size) = (ranks.rank(), ranks.size());
    if size == 1 {
        return;
    }
    let (count, outputs) = (rows.count(), layers.outputs());
    let rows_of = |rank: usize| {
        let parts_of = share(&(0..parts), rank, size);
        first_row(parts, count, parts_of.start)..first_row(parts, count, parts_of.end)
    };
    let mut message = Message::default();
    if rank > 0 {
        for j in 0..outputs {
            message.put(&column(rows.output.as_ref(), j)[rows_of(rank)]);
        }
    }
    for (other, bytes) in (1..).zip(ranks.gather(message.bytes())) {
        let mut message = Message::new(bytes);
        for j in 0..outputs {
            message.fill(&mut column_mut(rows.output.as_mut(), j)[rows_of(other)]);
        }
    }
}

/// The gradients in the parameters at the start of `memory`, and X̄ if it is needed.
pub(super) fn backward_parts<T: Real>(
    (parts, team, kept): (usize, &Team, Kept),
    layers: Layers<'_, T>,
    batch: BackwardRows<'_, T>,
    memory: &mut [T],
) {
    let cotangent = batch.output_cotangent;
    team.call(works::<T>()[1], |message| {
        message.put_count(kept.0 as usize);
        for j in 0..cotangent.ncols() {
            message.put(column(cotangent, j));
        }
    });
    share_backward(parts, team.ranks(), layers, batch, memory);
}

/// The share of this rank in the backward pass; the first one gets the whole gradients.
fn share_backward<T: Real>(
    parts: usize,
    ranks: &dyn Communicator,
    layers: Layers<'_, T>,
    batch: BackwardRows<'_, T>,
    memory: &mut [T],
) {
    backward::backward_parts(parts, own(parts, ranks), layers, batch, memory);
    let (rank, size) = (ranks.rank(), ranks.size());
    if size == 1 {
        return;
    }
    let sums = Sums {
        parameters: layers.parameters(),
        part_memory: part_memory(layers),
    };
    let mut message = Message::default();
    if rank > 0 {
        for subtree in subtrees(parts, &own(parts, ranks)) {
            message.put(sums.of(&subtree, memory));
        }
    }
    let gathered = ranks.gather(message.bytes());
    if rank > 0 {
        return;
    }
    for (other, bytes) in (1..).zip(gathered) {
        let mut message = Message::new(bytes);
        for subtree in subtrees(parts, &share(&(0..parts), other, size)) {
            message.fill(sums.of(&subtree, memory));
        }
    }
    sums.add_up(0..parts, (parts, size), memory);
}

/// Where the gradients in the parameters are that were added up over some parts.
struct Sums {
    parameters: usize,
    part_memory: usize,
}

impl Sums {
    fn of<'m, T>(&self, subtree: &Range<usize>, memory: &'m mut [T]) -> &'m mut [T] {
        &mut memory[subtree.start * self.part_memory..][..self.parameters]
    }

    /// Adds up over some of all parts what no rank has added up alone.
    fn add_up<T: Real>(
        &self,
        some: Range<usize>,
        (parts, ranks): (usize, usize),
        memory: &mut [T],
    ) {
        let shares = (0..ranks).map(|rank| share(&(0..parts), rank, ranks));
        let is_in = |share: Range<usize>| share.start <= some.start && some.end <= share.end;
        if shares.into_iter().any(is_in) {
            return;
        }
        let middle = some.start + some.len() / 2;
        let (first, second) = (some.start..middle, middle..some.end);
        self.add_up(first.clone(), (parts, ranks), memory);
        self.add_up(second.clone(), (parts, ranks), memory);
        let (upper, lower) = memory.split_at_mut(middle * self.part_memory);
        let upper = &mut upper[first.start * self.part_memory..][..self.parameters];
        add(upper, &lower[..self.parameters]);
    }
}

/// A rank's part of the passes that the first one calls for, with what it keeps in between.
#[derive(Default)]
pub struct Assistant {
    single: Option<Pass<f32>>,
    double: Option<Pass<f64>>,
}

impl Assistant {
    /// Carries out the share of this rank; `false` if the work is another one.
    ///
    /// # Panics
    /// If the first rank asks for the backward pass of a forward pass that was not the latest one.
    pub fn assist(&mut self, ranks: &dyn Communicator, name: Work, message: &mut Message) -> bool {
        assist_in(&mut self.single, ranks, name, message)
            || assist_in(&mut self.double, ranks, name, message)
    }
}

/// A forward pass of which this rank keeps its share.
struct Pass<T> {
    kept: Kept,
    rows: usize,
    sizes: Vec<usize>,
    parameters: Vec<T>,
    input: Vec<T>,
    hidden: Vec<T>,
}

impl<T: Real> Pass<T> {
    fn take(message: &mut Message) -> Self {
        let [number, rows, sizes] = [(); 3].map(|()| message.count());
        let sizes: Vec<usize> = (0..sizes).map(|_| message.count()).collect();
        let parameters = sizes.windows(2).map(|pair| (pair[0] + 1) * pair[1]).sum();
        let mut pass = Self {
            kept: Kept(number as u64),
            rows,
            parameters: message.numbers(parameters),
            input: message.numbers(rows * sizes[0]),
            hidden: Vec::new(),
            sizes,
        };
        pass.hidden = vec![T::zero(); rows * pass.layers().hidden()];
        pass
    }

    fn layers(&self) -> Layers<'_, T> {
        Layers::Flat {
            input: MatRef::from_column_major_slice(&self.input, self.rows, self.sizes[0]),
            sizes: &self.sizes,
            parameters: &self.parameters,
        }
    }
}

fn assist_in<T: Real>(
    latest: &mut Option<Pass<T>>,
    ranks: &dyn Communicator,
    name: Work,
    message: &mut Message,
) -> bool {
    let [forward, backward] = works::<T>();
    if name == forward {
        let mut pass = Pass::take(message);
        let mut hidden = std::mem::take(&mut pass.hidden);
        let (layers, rows) = (pass.layers(), pass.rows);
        let mut output = vec![T::zero(); rows * layers.outputs()];
        let mut all = ForwardRows {
            input: layers.input(),
            hidden: &mut hidden,
            output: MatMut::from_column_major_slice_mut(&mut output, rows, layers.outputs()),
        };
        share_forward(parts(layers, rows), ranks, layers, &mut all);
        pass.hidden = hidden;
        *latest = Some(pass);
    } else if name == backward {
        let number = Kept(message.count() as u64);
        let pass = latest.as_ref().filter(|pass| pass.kept == number);
        let pass = pass.expect("the backward pass follows its forward pass");
        let (layers, rows) = (pass.layers(), pass.rows);
        let cotangent: Vec<T> = message.numbers(rows * layers.outputs());
        let batch = BackwardRows {
            input: layers.input(),
            hidden: &pass.hidden,
            output_cotangent: MatRef::from_column_major_slice(&cotangent, rows, layers.outputs()),
            input_cotangent: None,
        };
        let parts = parts(layers, rows);
        let mut memory = vec![T::zero(); parts * part_memory(layers)];
        share_backward(parts, ranks, layers, batch, &mut memory);
    } else {
        return false;
    }
    true
}
