//! What a long time step costs: the pairs of particles that it sums, and about how long that takes here.

use std::time::Instant;

use nalgebra::DMatrix;
use rieszflow_flows::{Functional, Points, Potential};
use rieszflow_numerics::Real;

use crate::config::{Config, SchemeKind, SumsKind};
use crate::numbers::{duration, rounded};
use crate::setting::Phrase;

/// Time steps of fewer seconds are not announced.
const LONG: f64 = 5.0;

/// Products of pairs and dimensions that take no longer than that on any machine.
const FEW: f64 = 1e10;

/// How many particles the speed is measured with.
const MEASURED: usize = 64;

/// A note about the first time step of a flow that starts at `particles`, if it takes long, with a target
/// of `atoms` particles.
pub(super) fn note<T: Real>(
    config: &Config,
    functional: &dyn Functional<T>,
    particles: &DMatrix<T>,
    atoms: usize,
) -> Option<Phrase> {
    if config.sums == SumsKind::Sliced {
        return None;
    }
    let (pairs, sum) = pairs_of_a_step(config, atoms);
    if pairs * config.dim as f64 <= FEW {
        return None;
    }
    let seconds = pairs * seconds_of_a_pair(functional, particles, atoms);
    let phrase = Phrase::from(format!(
        "the first time step sums {} pairs of particles ({sum}), which takes up to {}; less with a \
         smaller ",
        rounded(pairs, 2),
        duration(seconds)
    ));
    let phrase = match config.scheme {
        SchemeKind::Particle => phrase.setting("particles"),
        _ => phrase.setting("iterations").text(" or ").setting("batch"),
    };
    let target = if atoms > 0 {
        ", or fewer particles in the target"
    } else {
        ""
    };
    (seconds >= LONG).then(|| phrase.text(target))
}

/// The number of pairs, and how it comes about.
fn pairs_of_a_step(config: &Config, atoms: usize) -> (f64, String) {
    let target = |factor: &str, atoms: usize| match atoms {
        0 => String::new(),
        _ => format!(" + {factor}·{atoms}"),
    };
    let count = config.particles;
    if config.scheme == SchemeKind::Particle {
        let pairs = count as f64 * (count + atoms) as f64;
        return (
            pairs,
            format!("{count}²{}", target(&count.to_string(), atoms)),
        );
    }
    let atoms = Potential::<f64>::atoms_of_a_draw(atoms);
    let (batch, iterations) = (config.batch, config.first_iterations);
    let all = config.scheme == SchemeKind::Backward && config.control_variate;
    let (copies, of_copies) = if all {
        (count, format!(" + 2·{batch}·{count}"))
    } else {
        (0, String::new())
    };
    let pairs = batch as f64 * (batch + 2 * (atoms + copies)) as f64;
    let sum = format!(
        "{batch}²{}{of_copies}",
        target(&format!("2·{batch}"), atoms)
    );
    let text = format!("{iterations} iterations of {sum}");
    (iterations as f64 * pairs, text)
}

/// Measured by a gradient of a few particles.
fn seconds_of_a_pair<T: Real>(
    functional: &dyn Functional<T>,
    particles: &DMatrix<T>,
    atoms: usize,
) -> f64 {
    let count = particles.nrows().min(MEASURED);
    let few = particles.rows(0, count).into_owned();
    let mut gradient = vec![T::zero(); few.len()];
    let since = Instant::now();
    functional.gradient(Points::from(&few), &mut gradient);
    since.elapsed().as_secs_f64() / (count * (count + atoms)) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_are_those_of_the_gradients() {
        let mut config = Config::interaction(SchemeKind::Particle, 2, 1.0);
        config.particles = 10;
        let (pairs, text) = pairs_of_a_step(&config, 30);
        assert_eq!((pairs, &*text), (400.0, "10² + 10·30"));
        config.scheme = SchemeKind::Backward;
        (config.batch, config.first_iterations) = (4, 7);
        let (pairs, text) = pairs_of_a_step(&config, 30);
        assert_eq!(
            (pairs, &*text),
            (7.0 * 256.0, "7 iterations of 4² + 2·4·30")
        );
        let (pairs, text) = pairs_of_a_step(&config, 0);
        assert_eq!((pairs, &*text), (112.0, "7 iterations of 4²"));
        let (_, text) = pairs_of_a_step(&config, 500_000);
        assert_eq!(text, "7 iterations of 4² + 2·4·8197");
        config.control_variate = true;
        let (pairs, text) = pairs_of_a_step(&config, 0);
        assert_eq!((pairs, &*text), (7.0 * 96.0, "7 iterations of 4² + 2·4·10"));
    }
}
