//! The exact first forward step at discrete measures against the definition of steepest descent.

use nalgebra::{DMatrix, RowDVector};
use proptest::prelude::*;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rieszflow_analytic::line::{DiscreteMeasure, Target};
use rieszflow_analytic::{Error, SteepestDescent};

/// A discrete measure and a discrete target.
struct Problem {
    atoms: DMatrix<f64>,
    weights: Vec<f64>,
    points: DMatrix<f64>,
    point_weights: Vec<f64>,
}

impl Problem {
    fn plane() -> Self {
        Self {
            atoms: DMatrix::from_row_slice(3, 2, &[0.0, 0.0, 1.0, 0.5, -0.5, 2.0]),
            weights: vec![0.5, 0.2, 0.3],
            points: DMatrix::from_row_slice(2, 2, &[2.0, -1.0, 0.3, 0.4]),
            point_weights: vec![0.75, 0.25],
        }
    }

    fn solve(&self) -> SteepestDescent {
        let target = Some((&self.points, self.point_weights.as_slice()));
        SteepestDescent::new(&self.atoms, &self.weights, target).unwrap()
    }

    /// D_vF and ‖v‖² for equally likely velocities (a matrix per atom, a row each), by their
    /// definitions.
    fn derivative(&self, velocities: &[DMatrix<f64>]) -> (f64, f64) {
        let (mut derivative, mut square) = (0.0, 0.0);
        for (i, mine) in velocities.iter().enumerate() {
            for a in mine.row_iter() {
                let mass = self.weights[i] / mine.nrows() as f64;
                square += mass * a.norm_squared();
                for (k, y) in self.points.row_iter().enumerate() {
                    derivative += mass
                        * self.point_weights[k]
                        * slope(&(self.atoms.row(i) - y), &a.into_owned());
                }
                for (j, theirs) in velocities.iter().enumerate() {
                    for b in theirs.row_iter() {
                        let other = self.weights[j] / theirs.nrows() as f64;
                        derivative -= 0.5
                            * mass
                            * other
                            * slope(&(self.atoms.row(i) - self.atoms.row(j)), &(a - b));
                    }
                }
            }
        }
        (derivative, square)
    }
}

/// The one-sided derivative of |u| in the direction h.
fn slope(u: &RowDVector<f64>, h: &RowDVector<f64>) -> f64 {
    if u.norm() == 0.0 {
        h.norm()
    } else {
        u.dot(h) / u.norm()
    }
}

/// Quantiles of the exact velocities in d = 1, where η* is uniform on [−1, 1].
fn line_velocities(descent: &SteepestDescent, atom: usize, count: usize) -> DMatrix<f64> {
    DMatrix::from_fn(count, 1, |i, _| {
        let uniform = (2 * i + 1) as f64 / count as f64 - 1.0;
        descent.drift()[atom] + descent.weights()[atom] * uniform
    })
}

#[test]
fn the_functional_falls_at_the_squared_speed() {
    let problem = Problem::plane();
    let descent = problem.solve();
    let mut rng = ChaCha8Rng::seed_from_u64(11);
    let velocities: Vec<_> = (0..3)
        .map(|atom| descent.sample_velocities(atom, 400, &mut rng))
        .collect();
    let (derivative, square) = problem.derivative(&velocities);
    // Samples: a few per cent.
    assert!((square / descent.squared_speed() - 1.0).abs() < 0.05);
    assert!((derivative / -descent.squared_speed() - 1.0).abs() < 0.05);
}

/// Minimises D_vF + ½‖v‖² over 100 velocities per atom by gradient descent, which knows nothing of
/// η*.
#[test]
fn brute_force_minimisation_finds_the_same_velocities() {
    let problem = Problem::plane();
    let descent = problem.solve();
    let n = 100;
    let mut rng = ChaCha8Rng::seed_from_u64(12);
    for atom in 0..3 {
        let (w, p) = (problem.weights[atom], problem.atoms.row(atom));
        let mut drift = RowDVector::zeros(2);
        for (j, q) in problem
            .atoms
            .row_iter()
            .enumerate()
            .filter(|&(j, _)| j != atom)
        {
            drift += problem.weights[j] * (p - q) / (p - q).norm();
        }
        for (k, y) in problem.points.row_iter().enumerate() {
            drift -= problem.point_weights[k] * (p - y) / (p - y).norm();
        }
        let mut v = descent.equilibrium().sample(n, &mut rng) * 0.1;
        for _ in 0..200 {
            let before = v.clone();
            for i in 0..n {
                let mut force = &drift - before.row(i);
                for j in (0..n).filter(|&j| j != i) {
                    let u = before.row(i) - before.row(j);
                    force += w / n as f64 * &u / u.norm();
                }
                v.row_mut(i).zip_apply(&force, |x, f| *x += 0.2 * f);
            }
        }
        // The minimiser over N particles is closer to the exact law than a sample of that size.
        let found = descent.discrepancy(atom, &v).unwrap().v_statistic;
        assert!(found < 5e-4, "atom {atom}: {found}");
    }
}

#[test]
fn rivals_fall_more_slowly() {
    let problem = Problem::plane();
    let descent = problem.solve();
    let mut rng = ChaCha8Rng::seed_from_u64(13);
    let rate = |velocities: &[DMatrix<f64>]| {
        let (derivative, square) = problem.derivative(velocities);
        derivative / square.sqrt()
    };
    let best: Vec<_> = (0..3)
        .map(|atom| descent.sample_velocities(atom, 300, &mut rng))
        .collect();
    let drift_only: Vec<_> = (0..3)
        .map(|atom| descent.drift().rows(atom, 1).into_owned())
        .collect();
    let stretched: Vec<_> = (0..3)
        .map(|atom| {
            let mut v = best[atom].clone();
            v.row_iter_mut()
                .for_each(|mut a| a += (&a - descent.drift().row(atom)) * 0.5);
            v
        })
        .collect();
    let turned: Vec<_> = best.iter().map(|v| v.map(|x| x + 0.2)).collect();
    for rival in [drift_only, stretched, turned] {
        assert!(rate(&best) < rate(&rival) - 1e-3);
    }
}

fn distinct() -> impl Strategy<Value = Vec<f64>> {
    prop::collection::btree_set(-20..20_i32, 2..9)
        .prop_map(|set| set.into_iter().map(f64::from).collect())
}

proptest! {
    #[test]
    fn on_the_line_it_is_the_start_of_the_exact_flow(positions in distinct(), split in 1..8_usize) {
        // Some positions are atoms, the rest the target, all with equal weights.
        let split = 1 + split % (positions.len() - 1);
        let rotated: Vec<f64> = positions.iter().map(|x| (x * 7.3).sin()).collect();
        let (mut atoms, target) = (rotated[..split].to_vec(), &rotated[split..]);
        atoms.sort_by(f64::total_cmp);
        let (k, n) = (atoms.len(), 40);
        let descent = SteepestDescent::new(
            &DMatrix::from_column_slice(k, 1, &atoms),
            &vec![1.0; k],
            Some((&DMatrix::from_column_slice(target.len(), 1, target), &vec![2.0; target.len()])),
        ).unwrap();
        let target = DiscreteMeasure::equal(target).unwrap();
        let tau = 1e-7;
        for (atom, &start) in atoms.iter().enumerate() {
            for (i, v) in line_velocities(&descent, atom, n).iter().enumerate() {
                let level = (atom as f64 + (i as f64 + 0.5) / n as f64) / k as f64;
                let moved = (target.flow(level, start, tau) - start) / tau;
                prop_assert!((v - moved).abs() < 1e-8, "{} {}", v, moved);
            }
        }
    }
}

#[test]
fn bad_input_is_refused() {
    let points = |values: &[f64]| DMatrix::from_row_slice(values.len() / 2, 2, values);
    let pair = points(&[0.0, 0.0, 1.0, 0.0]);
    let single = points(&[1.0, 0.0]);
    let solve = |atoms: &DMatrix<f64>, weights: &[f64], target: &DMatrix<f64>| {
        SteepestDescent::new(atoms, weights, Some((target, &vec![1.0; target.nrows()])))
    };
    let error = solve(&pair, &[1.0, 1.0], &single).unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("atom 1 and point 0 of the target coincide"),
        "{error}"
    );
    let twice = points(&[0.0, 1.0, 0.0, 1.0]);
    let error = SteepestDescent::new(&twice, &[1.0, 1.0], None).unwrap_err();
    assert!(
        error.to_string().starts_with("atoms 1 and 0 coincide"),
        "{error}"
    );
    assert!(matches!(
        solve(&pair, &[1.0, 0.0], &twice),
        Err(Error::Weight { index: 1, .. })
    ));
    assert!(matches!(
        solve(&pair, &[1.0], &twice),
        Err(Error::WeightCount { .. })
    ));
    assert!(matches!(
        solve(&pair, &[1.0; 2], &DMatrix::zeros(1, 3)),
        Err(Error::Shape { .. })
    ));
    assert!(matches!(
        solve(&points(&[f64::NAN, 0.0]), &[1.0], &twice),
        Err(Error::Coordinate { .. })
    ));
    assert!(SteepestDescent::new(&DMatrix::zeros(0, 2), &[], None).is_err());
}
