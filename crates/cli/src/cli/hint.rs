//! Suggestions for options that are unknown here and usual elsewhere.

use clap::error::{ContextKind, ContextValue, ErrorKind};

/// Symbols of the paper and names of other programs, with the options they stand for.
const SYNONYMS: [(&str, &str); 16] = [
    ("--r", "--exponent"),
    ("--d", "--dim"),
    ("--n", "--particles"),
    ("--b", "--batch"),
    ("--t", "--time"),
    ("--step-size", "--tau"),
    ("--dt", "--tau"),
    ("--lr", "--learning-rate"),
    ("--epochs", "--iterations"),
    ("--steps", "--tau"),
    ("--dimension", "--dim"),
    ("--batch-size", "--batch"),
    ("--output", "--out"),
    ("--source", "--start"),
    ("--dtype", "--precision"),
    ("--jobs", "--threads"),
];

/// The error of an unknown option, with the option that was likely meant.
pub(super) fn with_hint(mut error: clap::Error) -> clap::Error {
    if error.kind() != ErrorKind::UnknownArgument {
        return error;
    }
    let Some(ContextValue::String(given)) = error.get(ContextKind::InvalidArg) else {
        return error;
    };
    let synonym = SYNONYMS.iter().find(|(name, _)| name == given);
    if let Some((_, option)) = synonym {
        let option = ContextValue::String((*option).to_owned());
        error.insert(ContextKind::SuggestedArg, option);
    }
    error
}
