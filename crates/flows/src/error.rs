//! What can go wrong, in words that say what would be accepted.

/// An input that has no flow, or a flow that has no finite value.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The exponent is outside (0, 2) or not a number.
    #[error("the exponent r of the Riesz kernel must lie strictly between 0 and 2, not {0}")]
    Exponent(f64),
    /// The time step is not positive and finite.
    #[error("the time step τ must be positive and finite, not {0}")]
    TimeStep(f64),
    /// A setting is unusable.
    #[error("{name} must be {expected}, not {given}")]
    Setting {
        /// The setting's name.
        name: &'static str,
        /// What would be accepted.
        expected: String,
        /// What was given.
        given: String,
    },
    /// Particles or weights are not numbers.
    #[error("{what} {row} is not finite; every coordinate and weight must be a number")]
    NotFinite {
        /// Which list.
        what: &'static str,
        /// Index into it, from 0.
        row: usize,
    },
    /// The particles live in another space than the functional.
    #[error(
        "the functional is one of measures on ℝ^{expected}, and the particles are in ℝ^{found}"
    )]
    Dimension {
        /// The dimension of the functional.
        expected: usize,
        /// That of the particles.
        found: usize,
    },
    /// The state was made by another scheme or with another network.
    #[error("this scheme needs a state of its own {expected}, not one of {found}")]
    ForeignState {
        /// What the scheme works with.
        expected: String,
        /// What the state comes from.
        found: String,
    },
    /// Two coincident particles with different velocities, r < 1: the derivative is infinite.
    #[error(
        "for r = {exponent} < 1 the energy has no finite one-sided derivative where two particles \
         coincide and their velocities differ (+∞ here); the forward scheme needs r ≥ 1 or a start \
         without coincident particles"
    )]
    Collision {
        /// The exponent r.
        exponent: f64,
    },
    /// The callback has asked to stop inside a time step; the state tells where.
    #[error("interrupted inside a time step")]
    Interrupted,
    /// Loss or particles became infinite or not a number.
    #[error("{0} is no longer a finite number")]
    Diverged(String),
    /// The training has left the network without an active hidden unit.
    #[error("no hidden unit of the network is active, so that all particles move alike")]
    Inactive,
}

impl Error {
    /// A setting that is unusable.
    pub(crate) fn setting(name: &'static str, expected: &str, given: &dyn ToString) -> Self {
        Self::Setting {
            name,
            expected: expected.to_owned(),
            given: given.to_string(),
        }
    }
}
