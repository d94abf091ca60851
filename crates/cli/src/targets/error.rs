//! Why a target or a start cannot be had.

use std::path::PathBuf;

use super::ExactLaw;
use crate::files::FileError;
use crate::files::input::name;
use crate::setting::SettingError;

/// A target or a start that cannot be loaded.
#[derive(Debug, thiserror::Error)]
pub enum TargetError {
    /// A setting is unusable.
    #[error(transparent)]
    Setting(#[from] SettingError),
    /// A file of numbers cannot be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// A picture cannot be decoded.
    #[error("cannot read {} as a PNG, JPEG or WebP image: {reason}", name(path))]
    Image {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// A picture is white or transparent all over.
    #[error("{}: expected a picture with something darker than white", name(path))]
    Blank {
        /// The file.
        path: PathBuf,
    },
    /// An exact law is asked for particles.
    #[error("{0} is an exact law, of which no particles are drawn")]
    NoParticles(ExactLaw),
    /// A start lives in another dimension than the flow.
    #[error("expected a start in dimension {expected}, but {start} has dimension {found}")]
    Dimension {
        /// The start as written.
        start: String,
        /// The flow's dimension.
        expected: usize,
        /// The start's.
        found: usize,
    },
}
