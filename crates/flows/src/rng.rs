//! Random numbers keyed by what they are for, so that a resumed run draws the same ones.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

/// What a stream of random numbers is used for; streams of different purpose are independent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Fresh network parameters.
    Parameters = 1,
    /// Minibatches and latents of the inner loop.
    Training = 2,
    /// Latents that push the particles forward after the training.
    Push = 3,
    /// The large batches that estimate the rescaling of the forward scheme.
    Rescaling = 4,
    /// The start's particles and their jitter.
    Start = 5,
    /// The target's particles.
    Target = 6,
    /// Fresh particles of a finished flow and their latents.
    Sample = 7,
    /// The directions of sliced sums.
    Directions = 8,
    /// Fresh latents of minibatches that are drawn in sweeps.
    Latents = 9,
    /// Which data is held out, and fresh starts to compare with it.
    HeldOut = 10,
    /// Which atoms of a large target stand for all in an iteration.
    TargetBlocks = 11,
}

/// The stream for (`seed`, `purpose`, `step`, `iteration`), the same on every machine and for any
/// number of threads.
pub fn stream(seed: u64, purpose: Purpose, step: u64, iteration: u64) -> ChaCha8Rng {
    let mut key = [0; 32];
    key[..8].copy_from_slice(&seed.to_le_bytes());
    key[8..16].copy_from_slice(&(purpose as u64).to_le_bytes());
    key[16..24].copy_from_slice(&step.to_le_bytes());
    let mut rng = ChaCha8Rng::from_seed(key);
    rng.set_stream(iteration);
    rng
}
