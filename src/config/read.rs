//! Reading a configuration from a TOML file.

use std::fs;
use std::path::Path;

use super::Config;
use crate::RunError;

impl Config {
    /// Reads a configuration file, such as a run's `config.toml`.
    ///
    /// # Errors
    /// If it cannot be read or is not a valid configuration; the message tells line and column.
    pub fn read(path: &Path) -> Result<Self, RunError> {
        let fail = |reason: String| RunError::ConfigFile {
            path: path.to_owned(),
            reason,
        };
        let text = fs::read_to_string(path).map_err(|error| fail(error.to_string()))?;
        toml::from_str(&text).map_err(|error| fail(error.to_string()))
    }
}
