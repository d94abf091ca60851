//! Reading and writing of files.

pub mod npz;
pub mod particles;

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, BufWriter, Error, ErrorKind, Write};
use std::path::Path;

/// Writes a file beside `path` and renames it into place once it is whole, so that no reader and
/// no crash ever sees half of it.
///
/// # Errors
/// What the operating system reports; then `path` is as it was.
pub fn replace(
    path: &Path,
    write: impl FnOnce(&mut BufWriter<File>) -> io::Result<()>,
) -> io::Result<()> {
    let name = path
        .file_name()
        .ok_or_else(|| Error::new(ErrorKind::InvalidInput, "not the name of a file"))?;
    let mut temporary = OsString::from(".");
    temporary.push(name);
    temporary.push(format!(".{}.tmp", std::process::id()));
    let temporary = path.with_file_name(temporary);
    let written = File::create(&temporary)
        .map(BufWriter::new)
        .and_then(|mut file| write(&mut file).and_then(|()| file.flush()))
        .and_then(|()| fs::rename(&temporary, path));
    if written.is_err() {
        // The first error is the one to report; a leftover that cannot be removed changes nothing.
        let _ = fs::remove_file(&temporary);
    }
    written
}
