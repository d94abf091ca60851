//! The experiments: their settings as data, and the exact answers where there are some.

pub(crate) mod interaction;
