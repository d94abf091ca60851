//! A functional of one's own: repulsion in a bowl, F(μ) = E(μ) + ½∫|x|² dμ.
//!
//! Its minimiser is known: η*, the equilibrium that the closed forms of the interaction energy are
//! scaled copies of. The particle flow is checked to arrive there.
//!
//! `cargo run --release --example own_functional`

use nalgebra::DMatrix;
use rieszflow::analytic::{Equilibrium, Law, discrepancy};
use rieszflow::flows::scheme::Particle;
use rieszflow::flows::{
    Error, Functional, Interaction, Minibatches, Points, RieszKernel, Scheme, integrate, time_grid,
};

/// E(μ) + ½∫|x|² dμ.
struct Confined {
    repulsion: Interaction<f64>,
}

/// ½∫|x|² dμ of N particles of equal mass, with its gradient xᵢ/N added.
fn bowl(particles: Points<'_, f64>, gradient: &mut [f64]) -> f64 {
    let count = particles.count();
    let mut sum = 0.0;
    for (k, column) in gradient.chunks_exact_mut(count).enumerate() {
        for (g, x) in column.iter_mut().zip(particles.coordinate(k)) {
            *g += x / count as f64;
            sum += 0.5 * x * x;
        }
    }
    sum / count as f64
}

impl Functional<f64> for Confined {
    fn energy(&self, particles: Points<'_, f64>) -> f64 {
        let mut unused = vec![0.0; particles.count() * particles.dim()];
        self.repulsion.energy(particles) + bowl(particles, &mut unused)
    }

    // Drives the particle flow.
    fn gradient(&self, particles: Points<'_, f64>, gradient: &mut [f64]) -> f64 {
        self.repulsion.gradient(particles, gradient) + bowl(particles, gradient)
    }

    // Drives the neural backward scheme.
    fn minibatch_energy(&self, batches: Minibatches<'_, f64>, gradient: &mut [f64]) -> f64 {
        self.repulsion.minibatch_energy(batches, gradient) + bowl(batches.both(), gradient)
    }

    // Drives the neural forward scheme: the derivative along velocities v is the mean of ⟨x, v⟩.
    fn minibatch_derivative(
        &self,
        positions: Minibatches<'_, f64>,
        velocities: Minibatches<'_, f64>,
        gradient: &mut [f64],
    ) -> Result<f64, Error> {
        let mut slope = vec![0.0; gradient.len()];
        bowl(positions.both(), &mut slope);
        let count = 2 * positions.batch();
        let mut derivative = self
            .repulsion
            .minibatch_derivative(positions, velocities, gradient)?;
        for (k, column) in slope.chunks_exact(count).enumerate() {
            let along = velocities.both().coordinate(k);
            derivative += column.iter().zip(along).map(|(s, v)| s * v).sum::<f64>();
        }
        gradient.iter_mut().zip(slope).for_each(|(g, s)| *g += s);
        Ok(derivative)
    }
}

/// 400 particles from a Dirac, for r = 1 in the plane, up to time 6.
pub fn main() -> Result<(), Box<dyn std::error::Error>> {
    let functional = Confined {
        repulsion: Interaction::new(RieszKernel::new(1.0)?),
    };
    let mut scheme = Particle { seed: 0 };
    let mut state = scheme.start(DMatrix::zeros(400, 2))?;
    let grid = time_grid(&[], 0.05, 6.0)?;
    integrate(&mut scheme, &functional, &mut state, &grid, &mut [])?;

    let minimiser = Equilibrium::new(2, 1.0)?;
    let law = Law::equilibrium(&minimiser, 1.0)?;
    let found = discrepancy(&state.particles, None, &law, 1.0)?.v_statistic;
    let energy = functional.energy(Points::from(&state.particles));
    let least = minimiser.energy() + 0.5 * minimiser.second_moment();
    println!("D² to the minimiser η*: {found:.1e}; F = {energy:.4}, at η* {least:.4}");
    assert!(found < 1e-3);
    assert!((energy - least).abs() < 1e-3);
    Ok(())
}
