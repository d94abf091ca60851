//! Large targets in the training of neural schemes: what blocks of their atoms sum to, and how near one is to all.

use std::sync::Mutex;

use nalgebra::DMatrix;
use rand::RngExt;
use rieszflow_flows::rng::{Purpose, stream};
use rieszflow_flows::scheme::{Backward, Forward, Training};
use rieszflow_flows::{
    Error, Functional, Interaction, Minibatches, Points, Potential, RieszKernel, Scheme, Slicing,
    Sums,
};

/// So many that they are three blocks of different sizes.
const ATOMS: usize = 3 * 8192 + 2;

/// Atoms in order of their first coordinate, as in a sorted file.
fn sorted_atoms(dim: usize) -> DMatrix<f64> {
    let mut rng = stream(1, Purpose::Target, 0, 0);
    DMatrix::from_fn(ATOMS, dim, |i, k| {
        if k == 0 {
            i as f64 / ATOMS as f64
        } else {
            rng.random_range(-1.0..1.0)
        }
    })
}

fn particles(dim: usize) -> DMatrix<f64> {
    let mut rng = stream(2, Purpose::Start, 0, 0);
    DMatrix::from_fn(10, dim, |_, _| rng.random_range(-1.0..1.0))
}

/// The energy of minibatches and its gradient, of draw number `draw` or of none.
fn energy(functional: &Potential<f64>, x: &DMatrix<f64>, draw: Option<u64>) -> (f64, DMatrix<f64>) {
    let mut gradient = DMatrix::zeros(x.nrows(), x.ncols());
    let batches = Minibatches::new(Points::from(x));
    let batches = draw.map_or(batches, |draw| batches.of_draw(draw));
    let value = functional.minibatch_energy(batches, gradient.as_mut_slice());
    (value, gradient)
}

/// The derivative along velocities, and its gradient.
fn derivative(
    functional: &Potential<f64>,
    x: &DMatrix<f64>,
    draw: Option<u64>,
) -> (f64, DMatrix<f64>) {
    let mut gradient = DMatrix::zeros(x.nrows(), x.ncols());
    let batches = Minibatches::new(Points::from(x));
    let batches = draw.map_or(batches, |draw| batches.of_draw(draw));
    let along = DMatrix::from_fn(x.nrows(), x.ncols(), |i, k| {
        x[(i, k)] + 0.1 * i as f64 + 0.3
    });
    let along = Minibatches::new(Points::from(&along));
    let value = functional.minibatch_derivative(batches, along, gradient.as_mut_slice());
    (value.unwrap(), gradient)
}

fn mean(draws: &[(f64, DMatrix<f64>)]) -> (f64, DMatrix<f64>) {
    let share = 1.0 / draws.len() as f64;
    let value = share * draws.iter().map(|draw| draw.0).sum::<f64>();
    let gradient: DMatrix<f64> = draws.iter().map(|draw| &draw.1).sum();
    (value, share * gradient)
}

#[test]
fn the_mean_over_all_blocks_is_the_sum_over_all_atoms() {
    let weights = (0..ATOMS).map(|i| (i % 7) as f64).collect();
    for weights in [None, Some(weights)] {
        for exponent in [0.7, 1.0, 1.5] {
            let kernel = RieszKernel::new(exponent).unwrap();
            let functional = Potential::new(kernel, sorted_atoms(2), weights.clone()).unwrap();
            let x = particles(2);
            for of in [energy, derivative] {
                let (value, gradient) = of(&functional, &x, None);
                let draws: Vec<_> = (3..6).map(|draw| of(&functional, &x, Some(draw))).collect();
                assert_eq!(draws[0], of(&functional, &x, Some(0)), "blocks take turns");
                assert!(draws[0] != draws[1] && draws[1] != draws[2] && draws[2] != draws[0]);
                let (mean_value, mean_gradient) = mean(&draws);
                assert!((mean_value - value).abs() < 1e-12 * value.abs().max(1.0));
                assert!((mean_gradient - &gradient).amax() < 1e-12 * gradient.amax());
            }
        }
    }
}

/// In one and two dimensions a block is far nearer to all atoms than independent draws are, whose mean distance
/// from a particle, of deviation σ, has an error of σ/√8192; in ten dimensions hardly.
#[test]
fn blocks_are_stratified() {
    let kernel = RieszKernel::new(1.0).unwrap();
    for (dim, gain) in [(1, 20.0), (2, 5.0), (10, 0.8)] {
        let atoms = sorted_atoms(dim);
        let functional = Potential::new(kernel, atoms.clone(), None).unwrap();
        let x = particles(dim);
        let (mut of_blocks, mut of_draws) = (0.0, 0.0);
        for pair in 0..5 {
            let x = x.rows(2 * pair, 2).into_owned();
            let distances = atoms
                .row_iter()
                .map(|y| (0..2).map(|i| (x.row(i) - y).norm()).sum::<f64>() / 2.0);
            let distances = DMatrix::from_iterator(ATOMS, 1, distances);
            let (exact, _) = energy(&functional, &x, None);
            assert!((distances.mean() - exact).abs() < 1e-12);
            of_draws += distances.variance() / 8192.0;
            for draw in 0..3 {
                // A block of 8193 of 24578 atoms has another mass.
                let mass = if draw < 2 { 3.0 * 8193.0 } else { 3.0 * 8192.0 } / ATOMS as f64;
                let (value, _) = energy(&functional, &x, Some(draw));
                of_blocks += (value / mass - exact).powi(2) / 3.0;
            }
        }
        assert!(
            of_draws > gain * gain * of_blocks,
            "{dim}: {of_draws} {of_blocks}"
        );
    }
}

/// A functional that notes the numbers of the draws it is asked for.
struct Draws {
    of: Interaction<f64>,
    seen: Mutex<Vec<Option<u64>>>,
}

impl Functional<f64> for Draws {
    fn gradient(&self, particles: Points<'_, f64>, gradient: &mut [f64]) -> f64 {
        self.of.gradient(particles, gradient)
    }

    fn minibatch_energy(&self, batches: Minibatches<'_, f64>, gradient: &mut [f64]) -> f64 {
        self.seen.lock().unwrap().push(batches.draw());
        self.of.minibatch_energy(batches, gradient)
    }

    fn minibatch_derivative(
        &self,
        positions: Minibatches<'_, f64>,
        velocities: Minibatches<'_, f64>,
        gradient: &mut [f64],
    ) -> Result<f64, Error> {
        self.seen.lock().unwrap().push(positions.draw());
        self.of
            .minibatch_derivative(positions, velocities, gradient)
    }
}

/// Each iteration has a draw of its own, and the factor of the forward scheme is estimated over whole targets.
#[test]
fn iterations_are_the_draws_of_a_training() {
    for control_variate in [false, true] {
        let training = Training {
            width: 8,
            batch: 5,
            first_iterations: 6,
            control_variate,
            ..Training::default()
        };
        let schemes: [(Box<dyn Scheme<f64>>, bool); 2] = [
            (Box::new(Backward::new(training)), false),
            (Box::new(Forward::new(training)), true),
        ];
        for (scheme, has_factor) in schemes {
            let of = Interaction::new(RieszKernel::new(1.0).unwrap());
            let functional = Draws {
                of,
                seen: Mutex::default(),
            };
            // Coincident particles, which the forward scheme learns from minibatches.
            let mut state = scheme.start(DMatrix::zeros(20, 2)).unwrap();
            let rounds = scheme
                .step(&functional, &mut state, 0.1)
                .unwrap()
                .iterations;
            let seen = functional.seen.into_inner().unwrap();
            let draws: Vec<u64> = seen.iter().copied().flatten().collect();
            assert_eq!(draws, (0..rounds).collect::<Vec<_>>());
            assert_eq!(seen.contains(&None), has_factor);
        }
    }
}

#[test]
fn targets_keep_their_order() {
    let kernel = RieszKernel::new(1.0).unwrap();
    let functional = Potential::new(kernel, sorted_atoms(2), None).unwrap();
    energy(&functional, &particles(2), Some(1));
    let target = functional.target().points();
    assert_eq!(target.coordinate(1), sorted_atoms(2).column(1).as_slice());
}

#[test]
fn targets_of_fewer_atoms_are_summed_whole() {
    let atoms = sorted_atoms(2).rows(0, 16383).into_owned();
    for sums in [Sums::Exact, Sums::Sliced(Slicing::new(3))] {
        let kernel = RieszKernel::new(1.0).unwrap();
        let functional = Potential::with_sums(kernel, atoms.clone(), None, sums).unwrap();
        assert_eq!(
            functional.target().points().coordinate(1),
            atoms.column(1).as_slice()
        );
        let x = particles(2);
        let whole = energy(&functional, &x, None);
        for draw in 0..3 {
            assert_eq!(energy(&functional, &x, Some(draw)), whole);
        }
        assert_eq!(functional.energy(Points::from(&x)), whole.0);
    }
    let sizes = [
        (0, 0),
        (7, 7),
        (16383, 16383),
        (16384, 8192),
        (500_000, 8197),
    ];
    for (atoms, of_a_draw) in sizes {
        assert_eq!(Potential::<f64>::atoms_of_a_draw(atoms), of_a_draw);
    }
}
