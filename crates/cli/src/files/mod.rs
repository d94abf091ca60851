//! Reading and writing of files.

pub mod append_log;
pub mod checkpoint;
pub mod idx;
pub mod input;
pub mod kernels;
pub mod matrix;
pub mod npy;
pub mod npz;
pub mod particles;

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, BufWriter, Error, ErrorKind, Write};
use std::path::Path;

pub use input::{FileError, MOST_NUMBERS};

/// Writes a file beside `path` and renames it into place once it is whole and on the disk, so that
/// no reader, no crash and no power failure ever sees half of it.
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
    temporary.push(format!(".{}{TEMPORARY}", std::process::id()));
    let temporary = path.with_file_name(temporary);
    let written = File::create(&temporary)
        .map(BufWriter::new)
        .and_then(|mut file| {
            write(&mut file)?;
            file.flush()?;
            file.get_ref().sync_all()
        })
        .and_then(|()| fs::rename(&temporary, path));
    if written.is_err() {
        // The first error is the one to report; a leftover that cannot be removed changes nothing.
        let _ = fs::remove_file(&temporary);
    }
    written.and_then(|()| sync_folder(path.parent().unwrap_or(Path::new(""))))
}

/// How the names of unfinished files end.
const TEMPORARY: &str = ".tmp";

/// Makes sure that the names of the files in a folder are on the disk, where the system lets one.
///
/// # Errors
/// What the operating system reports.
pub fn sync_folder(folder: &Path) -> io::Result<()> {
    let here = folder.as_os_str().is_empty();
    match File::open(if here { Path::new(".") } else { folder }) {
        Ok(folder) => folder.sync_all(),
        // Some systems do not open folders, and need not be told.
        Err(_) => Ok(()),
    }
}

/// Removes the temporary files of [`replace`] that a killed process has left in a folder.
///
/// # Errors
/// What the operating system reports.
pub(crate) fn remove_temporary_files(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name.starts_with('.') && name.ends_with(TEMPORARY) && entry.file_type()?.is_file() {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}
